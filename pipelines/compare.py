"""A pipeline that evaluates several candidates at once, and puts their results side by side."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, List  # noqa: UP035 # Kubeflow reads the annotation

from kfp import dsl
from kfp.dsl.base_component import BaseComponent

from assay.components import stage_components as stages
from assay.pipelines.from_plan import pipeline_of
from assay.pipelines.retrain import check_param
from assay.pipelines.tasks import RETRIES, ForTask, analysis, configured
from assay.plan import CORE_IMAGE, Plan
from assay.shapes import is_checkpointed

VERSIONS = "versions"
"""The pipeline's parameter: a value of `version_param` for each candidate."""


def compare_models(
    plan: Plan,
    *,
    version_param: str = "version",
    parallelism: int = 2,
    root: str = "",
    name: str = "compare-models",
    description: str = "Evaluates several candidates and puts their results side by side.",
    images: Mapping[str, str] | None = None,
    retries: int = RETRIES,
    for_task: ForTask | None = None,
) -> BaseComponent:
    """Makes the pipeline, whose parameter `versions` is a list.

    Args:
        plan: of an analysis in which `${version_param}` stands in the candidate's `uri` and in `output`.
        version_param: parameter of the plan that tells candidates apart.
        parallelism: how many are evaluated at once.
        root: default of the parameter `root`, the folder or gs:// URI of all checkpoints.
        name: of the pipeline.
        description: of the pipeline.
        images: as for `assay.pipelines.build`.
        retries: as for `assay.pipelines.build`.
        for_task: as for `assay.pipelines.build`.

    Raises:
        ConfigError: the plan has no such parameter.
    """
    check_param(plan, version_param, "version_param")

    def pipeline(root: Any, versions: Any, **params: Any) -> None:
        with dsl.ParallelFor(versions, name="candidates", parallelism=parallelism) as version:
            given = {**params, version_param: version}
            done = analysis(plan, root=root, params=given, images=images, retries=retries, for_task=for_task)
            last = done.tasks[plan.tasks[-1].name] if is_checkpointed(plan) else done.verdict
        outputs = dsl.Collected(last.outputs["output"])
        configured(stages.compare(names=versions, outputs=outputs, root=root), images, CORE_IMAGE, retries)

    more = {VERSIONS: (List[str], ...)}  # noqa: UP006
    return pipeline_of(
        pipeline, plan, name=name, description=description, root=root, without=(version_param,), more=more
    )
