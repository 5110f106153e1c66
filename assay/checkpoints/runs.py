"""Runs as a root knows them: what each has used, what it is about to use, whether it goes on.

A file is a record or a lease by what it says, whatever its name: others have a `runs/` with JSON in it too. What cannot
be read may be a damaged one of ours if it is called after a task. It is not deleted, and what it may refer to stays.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from assay import storage
from assay.checkpoints.heartbeat import GRACE_SECONDS
from assay.checkpoints.layout import (
    HEARTBEAT_FILE,
    LEASE_SUFFIX,
    RECORD_SUFFIX,
    RUNS,
    contents_of,
    manifest_named,
    tasks_of,
)
from assay.errors import ConfigError, CorruptFileError, MissingFileError
from assay.storage import Stat
from assay.text import json_text

_MOST_BYTES = 16 << 20


@dataclass(frozen=True)
class Run:
    """A run, as it is recorded.

    Attributes:
        name: its name.
        updated: when its newest file was written, in seconds since 1970.
        manifests: URIs of the manifests that it used.
        leased: URIs of manifests that it is about to use or to make.
        plans: digests of the plans that it ran, as they are stored and with their parameters.
        files: all of its files, half-written ones too: URI -> what it is.
        unclear: tasks of which a record or lease may be damaged.
        beat: when it said last that it goes on; 0 for never.
    """

    name: str
    updated: float
    manifests: tuple[str, ...]
    leased: tuple[str, ...] = ()
    plans: tuple[str, ...] = ()
    files: Mapping[str, Stat] = field(default_factory=dict)
    unclear: tuple[str, ...] = ()
    beat: float = 0.0

    def is_alive(self, now: float) -> bool:
        """Whether it goes on."""
        return now - self.beat < GRACE_SECONDS


def folder_of(root: str, run: str) -> str:
    """Where the files of a run lie."""
    return storage.join(root, RUNS, run)


def lease(root: str, run: str, name: str, manifests: Iterable[str], plan: str = "") -> None:
    """Says what a task is going to use or to make, before it looks whether that is there.

    Args:
        root: of all checkpoints.
        run: name of the run.
        name: of the task's files, as `assay.checkpoints.layout.name_in_run` makes it.
        manifests: URIs; what is none is left out.
        plan: digest of the plan, as it is stored; "" for one that is not.
    """
    named = {manifest for manifest in manifests if manifest_named(root, manifest)}
    content = json.dumps({"manifests": sorted(named), "plan": plan}).encode()
    storage.write(storage.join(folder_of(root, run), f"{name}{LEASE_SUFFIX}"), content)


def runs_of(root: str) -> list[Run]:
    """The runs recorded under a root, the newest last."""
    contents = contents_of(root, RUNS)
    runs = []
    for name, files in contents.runs.items():
        run = _run(root, name, files, contents.temporaries)
        if run.files or run.unclear:
            runs.append(run)
    return sorted(runs, key=lambda run: run.updated)


def _run(root: str, name: str, files: Mapping[str, Stat], temporaries: set[str]) -> Run:
    """Reads the files of a run, but those that a writer has not finished."""
    written = [uri for uri in files if uri not in temporaries]
    records = _read(root, (uri for uri in written if uri.endswith(RECORD_SUFFIX)), _is_record)
    leases = _read(root, (uri for uri in written if uri.endswith(LEASE_SUFFIX)), _is_lease)
    known = {**records, **leases}

    others = {uri for uri in written if uri.endswith((RECORD_SUFFIX, LEASE_SUFFIX)) and uri not in known}
    unclear = {uri: tasks for uri in others if (tasks := _tasks_there(root, uri))}
    seen = {uri: stat for uri, stat in files.items() if uri not in others or uri in unclear}

    is_open = {uri for uri in leases if _is_open(uri, files, records)}
    manifests = [manifest_named(root, record["manifest"]) for record in records.values()]
    leased = [manifest_named(root, named) for uri in is_open for named in leases[uri]["manifests"]]
    plans = [content.get(key) for content in known.values() for key in ("plan", "stored_plan")]
    return Run(
        name=name,
        updated=max((stat.updated for stat in seen.values()), default=0.0),
        manifests=tuple(filter(None, manifests)),
        leased=tuple(leased),
        plans=tuple(plan for plan in plans if isinstance(plan, str) and plan),
        files={uri: stat for uri, stat in files.items() if uri not in others},
        unclear=tuple(sorted({task for tasks in unclear.values() for task in tasks})),
        beat=max((stat.updated for uri, stat in files.items() if uri.endswith(f"/{HEARTBEAT_FILE}")), default=0.0),
    )


def _read(
    root: str, uris: Iterable[str], is_ours: Callable[[str, Mapping[str, Any]], bool]
) -> dict[str, dict[str, Any]]:
    """The contents of those files that are ours."""
    contents = {}
    for uri in uris:
        try:
            content = json_text.loads(storage.read(uri, most=_MOST_BYTES), most=_MOST_BYTES)
        except (ValueError, ConfigError, CorruptFileError, MissingFileError):
            continue
        if isinstance(content, dict) and is_ours(root, content):
            contents[uri] = content
    return contents


def _is_record(root: str, content: Mapping[str, Any]) -> bool:
    """Whether somebody notes what a task has done, or that its call was refused."""
    manifest = content.get("manifest")
    is_told = isinstance(content.get("task"), str) or isinstance(content.get("refused"), str)
    return isinstance(manifest, str) and is_told and (not manifest or bool(manifest_named(root, manifest)))


def _is_lease(root: str, content: Mapping[str, Any]) -> bool:
    named = content.get("manifests")
    return isinstance(named, list) and all(isinstance(name, str) and manifest_named(root, name) for name in named)


def _tasks_there(root: str, uri: str) -> set[str]:
    """The tasks with checkpoints under a root that a file in the folder of a run may be of."""
    name = uri.rsplit("/", 1)[-1].rsplit(".", 1)[0]
    return {task for task in tasks_of(name) if contents_of(root, task).checkpoints}


def _is_open(uri: str, files: Mapping[str, Stat], records: Mapping[str, Mapping[str, Any]]) -> bool:
    """Whether a lease still holds: once the task is done, and no job of it goes on, its record says what it used."""
    of_task = uri.removesuffix(LEASE_SUFFIX) + RECORD_SUFFIX
    record = records.get(of_task)
    if record is None or files[of_task].updated <= files[uri].updated:
        return True
    return bool(record.get("job")) and not record["manifest"] and not record.get("output")
