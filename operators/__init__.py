"""Airflow: an operator for each kind of stage, the gate, the blessing, and task groups and DAGs made from a plan.

Names are imported when they are first used, so that Airflow can ask for the provider's description without all of them.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from assay.operators.bless import BlessOperator
    from assay.operators.gate import ModelGateOperator
    from assay.operators.launchers.docker import DockerLauncher
    from assay.operators.launchers.process import SubprocessLauncher
    from assay.operators.model_analysis import model_analysis_dag, model_analysis_task_group
    from assay.operators.stage import (
        AnalyseOperator,
        EvaluateOperator,
        ExtractOperator,
        ReadInputsOperator,
        StageOperator,
        WriteResultsOperator,
    )

__all__ = [
    "AnalyseOperator",
    "BlessOperator",
    "DockerLauncher",
    "EvaluateOperator",
    "ExtractOperator",
    "ModelGateOperator",
    "ReadInputsOperator",
    "StageOperator",
    "SubprocessLauncher",
    "WriteResultsOperator",
    "model_analysis_dag",
    "model_analysis_task_group",
]

_ROOMS = {
    "BlessOperator": "bless",
    "DockerLauncher": "launchers.docker",
    "ModelGateOperator": "gate",
    "SubprocessLauncher": "launchers.process",
    "model_analysis_dag": "model_analysis",
    "model_analysis_task_group": "model_analysis",
}


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_ROOMS.get(name, 'stage')}"), name)
