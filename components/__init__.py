"""Containers for stages: the images `assay-core` and `assay-tensorflow`, and Kubeflow components for kinds of stages.

The command of an image is `assay`; `assay stage` runs one task of a plan in it, `assay.components.run` for Kubeflow.
Components are imported when they are first used, as an image has no Kubeflow in it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from assay.components.stage_components import (
        analyse,
        bless,
        compare,
        evaluate,
        extract,
        finish,
        gate,
        read_inputs,
        write_results,
    )

__all__ = [
    "analyse",
    "bless",
    "compare",
    "evaluate",
    "extract",
    "finish",
    "gate",
    "read_inputs",
    "write_results",
]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from assay.components import stage_components

    return getattr(stage_components, name)
