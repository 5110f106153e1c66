"""Shapes of a plan: all stages in one task, or tasks with checkpoints between them. Standard library only."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

import assay
from assay.plan.blessed import blessed_uri
from assay.plan.default_metrics import may_ask_models
from assay.plan.plan import (
    ANALYSE_TASK,
    CORE_IMAGE,
    EVALUATE,
    EXTRACT,
    TENSORFLOW_IMAGE,
    Plan,
    Stage,
    Task,
    edges,
)
from assay.types import PREDICT_EXTRACTOR_STAGE_NAME, PREDICTIONS_EXTRACTOR_STAGE_NAME, PREDICTIONS_KEY

NO_CHECKPOINTS, CUTS, EVERY = "none", "cuts", "every"
CHECKPOINTS = (NO_CHECKPOINTS, CUTS, EVERY)
"""One task for everything; checkpoints where they pay; a checkpoint after every stage."""

_INFERENCE = (PREDICT_EXTRACTOR_STAGE_NAME, PREDICTIONS_EXTRACTOR_STAGE_NAME)
_OWN_IMAGES = (CORE_IMAGE, TENSORFLOW_IMAGE)


def reshaped(plan: Plan, checkpoints: str) -> Plan:
    """The same stages in other tasks.

    Checkpoints pay after reading, after the last extractor that runs a model (what it made is dear), and wherever an
    evaluator waits. A task is named after its last stage, whose checkpoint it leaves.

    Args:
        plan: any plan.
        checkpoints: one of `CHECKPOINTS`.
    """
    if checkpoints == NO_CHECKPOINTS:
        return replace(plan, tasks=(Task(name=ANALYSE_TASK, stages=tuple(stage.name for stage in plan.stages)),))
    groups = list(_groups(plan, every=checkpoints == EVERY))
    home = {name: group[-1] for group in groups for name in group}
    before: dict[str, list[str]] = {group[-1]: [] for group in groups}
    for edge in edges(plan):
        source, target = home[edge.before], home[edge.after]
        if source != target and source not in before[target]:
            before[target].append(source)
    tasks = tuple(Task(name=group[-1], stages=tuple(group), after=tuple(before[group[-1]])) for group in groups)
    return replace(plan, tasks=tuple(_with_pins(plan, task, groups[0][-1]) for task in tasks))


def _with_pins(plan: Plan, task: Task, reading: str) -> Task:
    """Reading says what the models were when the run began, what is blessed, and what they were compiled with.

    Tasks that need one of these wait for it.
    """
    needs_pins = runs_models(plan, task) or blessed_uri(plan) or may_ask_models(plan)
    if not needs_pins or reading in (task.name, *task.after):
        return task
    return replace(task, after=(*task.after, reading))


def runs_models(plan: Plan, task: Task) -> bool:
    """Whether a task runs models of the plan, which ReadInputs has pinned."""
    return bool(plan.models) and any(name in _INFERENCE for name in task.stages)


def extracts_from(plan: Plan, task: Task) -> str:
    """The task whose Extracts an extractor's or an evaluator's task reads."""
    first = plan.stage(task.stages[0])
    names = [stage.name for stage in plan.stages]
    before = plan.extractor_before(first) if first.kind == EVALUATE else names[names.index(first.name) - 1]
    return next(other.name for other in plan.tasks if before in other.stages)


def is_checkpointed(plan: Plan) -> bool:
    """Whether the plan has more than one task, so that what they hand on has to lie somewhere."""
    return len(plan.tasks) > 1


def task_named(plan: Plan, name: str) -> Task:
    """The task of that name; LookupError if there is none."""
    tasks = [task for task in plan.tasks if task.name == name]
    if not tasks:
        raise LookupError(name)
    return tasks[0]


def kind_of(plan: Plan, task: Task) -> str:
    """The kind of the stages of a task of a checkpointed plan, which are all of one."""
    return plan.stage(task.name).kind


def image_of(plan: Plan, task: Task) -> str:
    """The image that a task needs: one of the user's own, else the one with TensorFlow if any stage needs it."""
    images = [plan.stage(name).image for name in task.stages]
    own = [image for image in images if image not in _OWN_IMAGES]
    return own[0] if own else TENSORFLOW_IMAGE if TENSORFLOW_IMAGE in images else CORE_IMAGE


def image_named(needed: str, images: Mapping[str, str]) -> str:
    """The image to run for one that a plan names.

    Args:
        needed: "core", "tensorflow", or an image of the user's own.
        images: what to run instead, by what is needed; ours of this version, and the user's own, where it says nothing.
    """
    own = f"assay-{needed}:{assay.__version__}" if needed in _OWN_IMAGES else needed
    return images.get(needed, own)


def _groups(plan: Plan, *, every: bool) -> Iterator[list[str]]:
    """Names of the stages that run together."""
    waited_for = {plan.extractor_before(stage) for stage in plan.of_kind(EVALUATE)}
    extractors = plan.of_kind(EXTRACT)
    inference = [stage.name for stage in extractors if _runs_a_model(stage)][-1:]
    held: list[str] = []
    for stage, following in zip(plan.stages, [*plan.stages[1:], None], strict=True):
        held.append(stage.name)
        ends = stage.kind != EXTRACT or following is None or following.kind != EXTRACT
        if ends or every or stage.name in (*waited_for, *inference) or _images_clash(stage, following):
            yield held
            held = []


def _runs_a_model(stage: Stage) -> bool:
    return stage.name in _INFERENCE or ("factory" in stage.settings and PREDICTIONS_KEY in stage.adds)


def _images_clash(stage: Stage, following: Stage | None) -> bool:
    """An image of the user's own has what its stages need, and nobody else's."""
    images = {stage.image, following.image} if following else set()
    return len(images) == 2 and not images <= set(_OWN_IMAGES)
