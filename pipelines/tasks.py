"""The tasks of a plan in a Kubeflow pipeline."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from kfp import dsl
from kfp.dsl.base_component import BaseComponent

import assay
from assay.components import stage_components as stages
from assay.plan import (
    CORE_IMAGE,
    EVALUATE,
    EXTRACT,
    GATE,
    READ_INPUTS,
    TENSORFLOW_IMAGE,
    WRITE_RESULTS,
    Plan,
    Task,
    to_json,
)
from assay.shapes import extracts_from, image_of, is_checkpointed, kind_of

ForTask: TypeAlias = "Callable[[dsl.PipelineTask, str], Any]"
"""Is given a task of the pipeline and the name that it has in the plan, to set resources, secrets or an image."""

RETRIES = 2


@dataclass(frozen=True)
class Analysis:
    """The tasks of a plan in a pipeline.

    Attributes:
        tasks: name in the plan -> task.
        verdict: the task with the outputs `verdict`, `blessed` and `blessing`.
    """

    tasks: Mapping[str, dsl.PipelineTask]
    verdict: dsl.PipelineTask

    def then(self, pipeline: BaseComponent) -> dsl.PipelineTask:
        """Adds what `assay.pipelines.if_blessed` made."""
        given = {name: self.verdict.outputs[name] for name in ("blessed", "blessing")}
        return pipeline(**given).set_caching_options(False)


def analysis(
    plan: Plan,
    *,
    root: Any,
    params: Mapping[str, Any],
    images: Mapping[str, str] | None = None,
    retries: int = RETRIES,
    for_task: ForTask | None = None,
) -> Analysis:
    """Makes the tasks of a plan in a pipeline that is being made.

    Extractors run in series, and each evaluator directly after the extractor of its `run_after`, beside later ones.

    Args:
        plan: a plan.
        root: folder or gs:// URI of all checkpoints, or a parameter of the pipeline.
        params: parameter of the plan -> value, or a parameter of the pipeline.
        images: as for `build`.
        retries: as for `build`.
        for_task: called with every task.
    """
    common = {"plan": to_json(plan), "root": root, "params": dict(params)}
    done: dict[str, dsl.PipelineTask] = {}
    for task in plan.tasks:
        made = _task(plan, task, common, done)
        configured(made, images, image_of(plan, task), retries).set_display_name(task.name)
        done[task.name] = made
        if for_task is not None:
            for_task(made, task.name)
    judges = [task.name for task in plan.tasks if not is_checkpointed(plan) or kind_of(plan, task) == GATE]
    return Analysis(done, done[judges[0]])


def _task(plan: Plan, task: Task, common: Mapping[str, Any], done: Mapping[str, dsl.PipelineTask]) -> dsl.PipelineTask:
    if not is_checkpointed(plan):
        return stages.analyse(stage=task.name, **common)
    kind = kind_of(plan, task)
    if kind == READ_INPUTS:
        return stages.read_inputs(stage=task.name, **common)
    inputs = {name: done[name].outputs["manifest"] for name in task.after}
    given = {**common, "stage": task.name, "inputs": inputs}
    if kind in (EXTRACT, EVALUATE):
        given["extracts"] = done[extracts_from(plan, task)].outputs["checkpoint"]
    make = {EXTRACT: stages.extract, EVALUATE: stages.evaluate, GATE: stages.gate, WRITE_RESULTS: stages.write_results}
    return make[kind](**given)


def configured(task: dsl.PipelineTask, images: Mapping[str, str] | None, needed: str, retries: int) -> dsl.PipelineTask:
    """Gives a task its image and retries, and keeps Kubeflow's cache from it: stages find themselves what is done."""
    own = {name: f"assay-{name}:{assay.__version__}" for name in (CORE_IMAGE, TENSORFLOW_IMAGE)}
    task.set_container_image({**own, **(images or {})}.get(needed, needed))
    return task.set_caching_options(False).set_retry(retries, backoff_duration="10s")
