"""The volumes that tasks of a pipeline mount; each task must find its files on them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from google.protobuf import json_format
from kfp.dsl.base_component import BaseComponent

from assay.pipelines.tasks import BLESS, COMPARE, FINISH
from assay.plan.blessed import blessed_uri
from assay.plan.checks import uris
from assay.plan.local_paths import check_reached, is_in, is_local, uris_of
from assay.plan.plan import Plan
from assay.storage import is_remote


def check_mounts(pipeline: BaseComponent, plan: Plan, root: str) -> None:
    """Refuses a pipeline for a cluster if a task needs files that its container does not see.

    A pipeline is for a cluster if its root is a bucket, or on a volume that some task mounts.

    Args:
        pipeline: the pipeline of the plan.
        plan: the plan, whose paths are checked.
        root: folder or URI of the checkpoints; "" if it is not known yet.

    Raises:
        ConfigError: a path of a task is on no volume that this task mounts.
    """
    mounted = folders_mounted(pipeline)
    is_on_volume = is_local(root) and any(is_in(root, folders) for folders in mounted.values())
    if not (is_remote(root) or is_on_volume):
        return

    for name, needed in uris_by_task(plan, root).items():
        if name in mounted:
            check_reached(needed, mounted[name], f"the container of {name} on a cluster whose root is {root}")


def folders_mounted(pipeline: BaseComponent) -> dict[str, set[str]]:
    """Task, by its name in the plan -> folders of volumes that its container sees wherever the task is used."""
    spec = json_format.MessageToDict(pipeline.pipeline_spec)
    platforms = json_format.MessageToDict(pipeline.platform_spec).get("platforms", {})
    executors = platforms.get("kubernetes", {}).get("deploymentSpec", {}).get("executors", {})
    mounted: dict[str, set[str]] = {}
    for task in tasks_in(spec):
        executor = spec["components"][task["componentRef"]["name"]].get("executorLabel")
        name, folders = task["taskInfo"]["name"], set(_mount_paths(executors.get(executor, {})))
        mounted[name] = folders & mounted.get(name, folders)
    return mounted


def uris_by_task(plan: Plan, root: str) -> dict[str, list[tuple[str, str]]]:
    """Task -> (field, path or URI) of everything that its container reads and writes."""
    by_root = [("root", root)]
    blessed = [(field, uri) for field, uri in uris(plan) if uri == blessed_uri(plan)]
    of_plan = {task.name: [*by_root, *uris_of(plan, task)] for task in plan.tasks}
    around = {BLESS: blessed, COMPARE: [("output", plan.output)], FINISH: by_root}
    return of_plan | {name: needed for name, needed in around.items() if name not in of_plan}


def tasks_in(spec: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """All tasks of a compiled pipeline, those inside conditions and loops included."""
    for component in (spec["root"], *spec["components"].values()):
        yield from component.get("dag", {}).get("tasks", {}).values()


def _mount_paths(value: Any) -> Iterator[str]:
    inner = value.values() if isinstance(value, Mapping) else value if isinstance(value, list) else ()
    if isinstance(value, Mapping) and isinstance(value.get("mountPath"), str):
        yield value["mountPath"]
    for part in inner:
        yield from _mount_paths(part)
