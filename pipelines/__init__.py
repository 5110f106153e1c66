"""Kubeflow pipelines made from a plan. They are imported when they are first used."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from assay.pipelines.compare import compare_models
    from assay.pipelines.from_plan import build
    from assay.pipelines.on_verdict import if_blessed
    from assay.pipelines.pods import Pods, compiled
    from assay.pipelines.retrain import retraining
    from assay.pipelines.tasks import Settings, analysis
    from assay.pipelines.validate import model_validation

__all__ = [
    "Pods",
    "Settings",
    "analysis",
    "build",
    "compare_models",
    "compiled",
    "if_blessed",
    "model_validation",
    "retraining",
]

_ROOMS = {
    "Pods": "pods",
    "Settings": "tasks",
    "analysis": "tasks",
    "build": "from_plan",
    "compare_models": "compare",
    "compiled": "pods",
    "if_blessed": "on_verdict",
    "model_validation": "validate",
    "retraining": "retrain",
}


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_ROOMS[name]}"), name)
