"""Airflow: an operator for each kind of stage, the gate, the blessing, and task groups and DAGs made from a plan.

Names are imported when they are first used, so that Airflow can ask for the provider's description without all of them.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from assay.operators.bless import BlessOperator
    from assay.operators.gate import ModelGateOperator
    from assay.operators.launchers.dataflow import DataflowLauncher
    from assay.operators.launchers.docker import DockerLauncher
    from assay.operators.launchers.kubernetes import KubernetesLauncher
    from assay.operators.launchers.process import SubprocessLauncher
    from assay.operators.model_analysis import model_analysis_dag, model_analysis_task_group
    from assay.operators.partition import WaitForDataOperator
    from assay.operators.scratch import DeleteScratchOperator, MakeScratchOperator
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
    "DataflowLauncher",
    "DeleteScratchOperator",
    "DockerLauncher",
    "EvaluateOperator",
    "ExtractOperator",
    "KubernetesLauncher",
    "MakeScratchOperator",
    "ModelGateOperator",
    "ReadInputsOperator",
    "StageOperator",
    "SubprocessLauncher",
    "WaitForDataOperator",
    "WriteResultsOperator",
    "model_analysis_dag",
    "model_analysis_task_group",
]

_ROOMS = {
    "BlessOperator": "bless",
    "DataflowLauncher": "launchers.dataflow",
    "DeleteScratchOperator": "scratch",
    "DockerLauncher": "launchers.docker",
    "KubernetesLauncher": "launchers.kubernetes",
    "MakeScratchOperator": "scratch",
    "ModelGateOperator": "gate",
    "SubprocessLauncher": "launchers.process",
    "WaitForDataOperator": "partition",
    "model_analysis_dag": "model_analysis",
    "model_analysis_task_group": "model_analysis",
}


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_ROOMS.get(name, 'stage')}"), name)
