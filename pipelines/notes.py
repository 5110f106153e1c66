"""What a pipeline takes for granted of its containers and nobody can check before it runs, as lines for people."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from google.protobuf import json_format
from kfp.dsl.base_component import BaseComponent

from assay.config.own_modules import is_keras, modules_in
from assay.models.known import is_code
from assay.pipelines.mounts import folders_mounted, tasks_in, uris_by_task
from assay.plan.local_paths import CURE, unreached
from assay.plan.plan import CORE_IMAGE, GATE, READ_INPUTS, TENSORFLOW_IMAGE, WRITE_RESULTS, Plan, Task
from assay.plan.tasks import image_named, runs_models
from assay.storage import is_remote
from assay.types import METRICS_KEY

_OURS = {image_named(image, {}) for image in (CORE_IMAGE, TENSORFLOW_IMAGE)}


class _Code(NamedTuple):
    """Code of the user's own: the task that imports it, what names it, its import path and arguments."""

    task: str
    where: str
    path: str
    args: Any


def notes(pipeline: BaseComponent, plan: Plan, root: str) -> list[str]:
    """What whoever compiles a pipeline should see to.

    Args:
        pipeline: the pipeline of the plan.
        plan: the plan.
        root: folder or URI of the checkpoints; "" if it is given when the pipeline starts, so that it is not known yet
            whether that is on this machine.

    Returns:
        A line for each path that only this machine may have, what to do about them, and a line for each module that
        must be in an image.
    """
    mounted, own, only_ours = folders_mounted(pipeline), list(_own_code(plan)), _has_only_ours(pipeline)
    needed = [] if root else [(task, uris) for task, uris in uris_by_task(plan, root).items() if task in mounted]
    if not root or is_remote(root):
        needed += [(code.task, list(_files_in(code.args, f"{code.where}: args"))) for code in own]

    paths = dict(path for task, uris in needed for path in unreached(uris, mounted[task]))
    lines = [f"{field}: {uri} is a path of this machine" for field, uri in paths.items()]
    cure = [f"if the pipeline runs elsewhere, {CURE}"] if paths else []
    return [*lines, *cure, *(_code_line(code) for code in own if code.task in only_ours)]


def _own_code(plan: Plan) -> Iterator[_Code]:
    """Stages, readers, writers and models that are code of the user's own."""
    for task in plan.tasks:
        for stage in map(plan.stage, task.stages):
            named = {f"stage {stage.name!r}": stage.settings}
            named |= {f"writer {writer['name']!r}": writer for writer in stage.settings.get("writers", ())}
            named |= {"inputs": plan.inputs} if stage.kind == READ_INPUTS else {}
            for where, settings in named.items():
                if "factory" in settings:
                    yield _Code(task.name, where, settings["factory"], settings.get("args"))
        yield from _own_metrics(plan, task)
        for i, model in enumerate(plan.models if runs_models(plan, task) else ()):
            if is_code(model["type"]):
                yield _Code(task.name, f"models[{i}].uri", model["uri"], model.get("args"))


def _own_metrics(plan: Plan, task: Task) -> Iterator[_Code]:
    """The modules of the user's own metrics, in tasks that import them."""
    kinds = {plan.stage(name).kind for name in task.stages}
    ours = [stage for stage in map(plan.stage, task.stages) if "factory" not in stage.settings]
    if any(METRICS_KEY in stage.outputs for stage in ours) or kinds & {GATE, WRITE_RESULTS}:
        modules = {module: path for path, module in reversed([*modules_in(plan.eval_config)])}
        for module, path in modules.items():
            if is_keras(module):
                continue
            yield _Code(task.name, f"eval_config.{path}.module", module, None)


def _code_line(code: _Code) -> str:
    return (
        f"{code.where}: the container of {code.task} imports {code.path}, which assay's images do not have; use an "
        "image made from one of them, or mount a folder and set PYTHONPATH"
    )


def _has_only_ours(pipeline: BaseComponent) -> set[str]:
    """Tasks, by their names in the plan, that run in our images as they come, without a module path of their own."""
    spec = json_format.MessageToDict(pipeline.pipeline_spec)
    only_ours = set()
    for task in tasks_in(spec):
        label = spec["components"][task["componentRef"]["name"]].get("executorLabel", "")
        container = spec["deploymentSpec"]["executors"].get(label, {}).get("container", {})
        variables = {variable["name"] for variable in container.get("env", ())}
        if container.get("image") in _OURS and "PYTHONPATH" not in variables:
            only_ours.add(task["taskInfo"]["name"])
    return only_ours


def _files_in(value: Any, field: str) -> Iterator[tuple[str, str]]:
    """Field and path of each text in a JSON value that is the absolute path of something on this machine."""
    if isinstance(value, str) and value.startswith("/") and value.strip("/") and os.path.exists(value):
        yield field, value
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _files_in(inner, f"{field}.{key}")
    elif isinstance(value, list | tuple):
        for i, inner in enumerate(value):
            yield from _files_in(inner, f"{field}[{i}]")
