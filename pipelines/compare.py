"""A pipeline that evaluates several candidates at once, and puts their results side by side."""

from __future__ import annotations

from typing import Any, List, Unpack  # noqa: UP035 # Kubeflow reads the annotation

from kfp import dsl
from kfp.dsl.base_component import BaseComponent

from assay.components import stage_components as stages
from assay.pipelines.from_plan import finish, pipeline_of
from assay.pipelines.retrain import check_param
from assay.pipelines.tasks import COMPARE, Settings, analysis, configured
from assay.plan.plan import CORE_IMAGE, Plan
from assay.plan.tasks import is_checkpointed
from assay.storage.file_paths import FilePath

VERSIONS = "versions"
"""The pipeline's parameter: a value of `version_param` for each candidate."""


def compare_models(
    plan: Plan,
    *,
    version_param: str = "version",
    parallelism: int = 2,
    root: FilePath = "",
    name: str = "compare-models",
    description: str = "Evaluates several candidates and puts their results side by side.",
    **settings: Unpack[Settings],
) -> BaseComponent:
    """Makes the pipeline, whose parameter `versions` is a list.

    Args:
        plan: the plan, with the parameter `version_param` in the candidate's `uri` and in `output`.
        version_param: parameter of the plan that tells candidates apart.
        parallelism: how many candidates are evaluated at once.
        root: default of the parameter `root`, the folder or gs:// URI of all checkpoints.
        name: name of the pipeline.
        description: description of the pipeline.
        settings: see `assay.pipelines.Settings`.

    Raises:
        ConfigError: the plan has no such parameter.
    """
    check_param(plan, version_param, "version_param")

    def pipeline(root: Any, versions: Any, **params: Any) -> None:
        with dsl.ExitHandler(finish(root, settings), name="comparison"):
            with dsl.ParallelFor(versions, name="candidates", parallelism=parallelism) as version:
                outcome = analysis(plan, root=root, params={**params, version_param: version}, **settings)
                last = outcome.tasks[plan.tasks[-1].name] if is_checkpointed(plan) else outcome.verdict
            task = stages.compare(names=versions, outputs=dsl.Collected(last.outputs["output"]), root=root)
            configured(task, COMPARE, CORE_IMAGE, settings)

    more = {VERSIONS: (List[str], ..., f"a value of ${{{version_param}}} for each candidate.")}  # noqa: UP006
    return pipeline_of(
        pipeline, plan, name=name, description=description, root=root, without=(version_param,), more=more
    )
