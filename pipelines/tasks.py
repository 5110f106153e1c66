"""The tasks of a plan in a Kubeflow pipeline."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias, TypedDict, Unpack

from kfp import dsl
from kfp.dsl.base_component import BaseComponent

from assay.components import stage_components as stages
from assay.components.plan_input import PLAN_VARIABLE, environment_text
from assay.errors import ConfigError
from assay.plan.plan import (
    CORE_IMAGE,
    EVALUATE,
    EXTRACT,
    GATE,
    READ_INPUTS,
    TENSORFLOW_IMAGE,
    WRITE_RESULTS,
    Plan,
    Task,
)
from assay.plan.secret_params import refuse_values
from assay.plan.stored import path_of_plan
from assay.plan.tasks import extracts_from, image_named, image_of, is_checkpointed, kind_of
from assay.text.near_miss import one_of
from assay.text.words import separated

ForTask: TypeAlias = "Callable[[dsl.PipelineTask, str], Any]"
"""Is given a task of the pipeline and its name, to set resources, secrets or an image."""

BLESS, FINISH, COMPARE = "bless", "finish", "compare"
"""Names of the tasks around those of a plan."""

RETRIES = 2
_LONGEST_PLAN = 100_000
"""Linux takes 131,072 bytes in one environment variable, its name included."""


class Settings(TypedDict, total=False):
    """Settings of the containers of a pipeline.

    Attributes:
        images: "core" or "tensorflow" -> image, where it is not `assay-core:VERSION` or `assay-tensorflow:VERSION`; or
            an image that the plan names -> the one to take for it.
        retries: of each task, 2 if it is not said; one that was refused (exit code 64) is refused again at once.
        options: of Beam pipelines, for all stages.
        for_task: called with every task and the name that it has in the plan, or "bless", "finish" or "compare".
    """

    images: Mapping[str, str]
    retries: int
    options: Sequence[str]
    for_task: ForTask


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
        parameters = {name: self.verdict.outputs[name] for name in ("blessed", "blessing")}
        return pipeline(**parameters).set_caching_options(False)


def analysis(
    plan: Plan,
    *,
    root: Any,
    params: Mapping[str, Any],
    **settings: Unpack[Settings],
) -> Analysis:
    """Makes the tasks of a plan in a pipeline that is being made.

    Extractors run in series, and each evaluator directly after the extractor of its `run_after`, beside later ones.
    The first task has the plan in its environment and stores it; the inputs of all tasks have its path under the root.

    Args:
        plan: a plan.
        root: folder or gs:// URI of all checkpoints, or a parameter of the pipeline.
        params: parameter of the plan -> value, or a parameter of the pipeline.
        settings: see `Settings`.

    Raises:
        ConfigError: a value of a secret parameter, an image that no task needs, or a plan that is too long for an
            environment variable.
    """
    refuse_values(params, plan.secrets, "params", "by secret_env of the pods")
    _check_images(plan, settings.get("images", {}))
    text = _environment_text(plan)
    common = {"plan": path_of_plan(plan), "root": root, "params": dict(params)}
    tasks: dict[str, dsl.PipelineTask] = {}
    for task in plan.tasks:
        kfp_task = _task(plan, task, common, tasks, settings.get("options", ())).set_display_name(task.name)
        tasks[task.name] = configured(kfp_task, task.name, image_of(plan, task), settings)
    tasks[plan.tasks[0].name].set_env_variable(PLAN_VARIABLE, text)
    judges = [task.name for task in plan.tasks if not is_checkpointed(plan) or kind_of(plan, task) == GATE]
    return Analysis(tasks, tasks[judges[0]])


def _environment_text(plan: Plan) -> str:
    text = environment_text(plan)
    if len(text) > _LONGEST_PLAN:
        raise ConfigError(
            f"plan: {len(text):,} characters are too long for an environment variable of a container; expected at most"
            f" {_LONGEST_PLAN:,}: name columns of slices rather than their values, and fewer metrics"
        )
    return text


def _check_images(plan: Plan, images: Mapping[str, str]) -> None:
    known = dict.fromkeys([CORE_IMAGE, TENSORFLOW_IMAGE, *(image_of(plan, task) for task in plan.tasks)])
    for name in images:
        if name not in known:
            raise ConfigError(f"images: no task needs {name!r}{one_of(name, known)}")


def _task(
    plan: Plan, task: Task, common: Mapping[str, Any], tasks: Mapping[str, dsl.PipelineTask], options: Sequence[str]
) -> dsl.PipelineTask:
    arguments = {**common, "stage": task.name, **({"options": list(options)} if options else {})}
    if not is_checkpointed(plan):
        return _named(stages.analyse, task.name)(**arguments)
    kind = kind_of(plan, task)
    if kind == READ_INPUTS:
        return _named(stages.read_inputs, task.name)(**arguments)
    arguments["inputs"] = {name: tasks[name].outputs["manifest"] for name in task.after}
    if kind == GATE:
        arguments.pop("options", None)  # it runs no Beam
    if kind in (EXTRACT, EVALUATE):
        arguments["extracts"] = tasks[extracts_from(plan, task)].outputs["checkpoint"]
    make = {EXTRACT: stages.extract, EVALUATE: stages.evaluate, GATE: stages.gate, WRITE_RESULTS: stages.write_results}
    return _named(make[kind], task.name)(**arguments)


def _named(component: BaseComponent, name: str) -> BaseComponent:
    """The component under a task's name in words, `extract-slice-keys`, after which Kubeflow calls task and pod."""
    named = copy.copy(component)
    named.component_spec = replace(component.component_spec, name=separated(name, "-"))
    return named


def configured(task: dsl.PipelineTask, name: str, needed: str, settings: Settings) -> dsl.PipelineTask:
    """Gives a task its settings, and switches Kubeflow's cache off, as stages find finished work themselves."""
    task.set_container_image(image_named(needed, settings.get("images", {})))
    task.set_caching_options(False).set_retry(settings.get("retries", RETRIES), backoff_duration="10s")
    if "for_task" in settings:
        settings["for_task"](task, name)
    return task
