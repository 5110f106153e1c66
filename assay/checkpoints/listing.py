"""What lies under a root of checkpoints, and clearing away what nobody needs.

Kept are checkpoints that a run refers to, whatever is younger than a given age, and attempts that are alive. A run is
forgotten once its newest record is as old as that age, so its checkpoints go with it.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from assay import storage
from assay.checkpoints.commit import HEARTBEAT_FILE, HEARTBEAT_SECONDS, fault_of, load
from assay.checkpoints.manifest import MANIFEST_FILE, Manifest
from assay.errors import CheckpointError, MissingFileError
from assay.storage import Stat

_RUNS, _PLANS = "runs", "plans"
_MISSED_BEATS = 10


@dataclass(frozen=True)
class Found:
    """A checkpoint, or the remains of an attempt at one.

    Attributes:
        task: whose it is.
        digest: name of its folder.
        state: "done", "damaged", "running", "abandoned".
        rows: in it.
        size: bytes of its shards.
        updated: when it was committed, or last written to, in seconds since 1970.
        runs: names of the runs that refer to it.
    """

    task: str
    digest: str
    state: str
    rows: int
    size: int
    updated: float
    runs: tuple[str, ...] = ()


@dataclass(frozen=True)
class Run:
    """A run, as it is recorded.

    Attributes:
        name: its name.
        updated: when its newest record was written.
        manifests: URIs of the manifests that it used.
    """

    name: str
    updated: float
    manifests: tuple[str, ...]


def runs_of(root: str) -> list[Run]:
    """The runs recorded under a root, the newest last."""
    records: dict[str, list[tuple[str, float]]] = {}
    for place, stat in storage.list(storage.join(root, _RUNS)):
        manifest = _manifest_in(root, place)
        records.setdefault(place.split("/")[-2], []).append((manifest, stat.updated))
    runs = [
        Run(name, max(when for _, when in found), tuple(manifest for manifest, _ in found if manifest))
        for name, found in records.items()
    ]
    return sorted(runs, key=lambda run: run.updated)


def _manifest_in(root: str, place: str) -> str:
    """The manifest that a record names, under this root, by whatever path the run has seen it; "" for none."""
    try:
        manifest = json.loads(storage.read(place))["manifest"]
        return storage.join(root, *manifest.split("/")[-3:]) if manifest else ""
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise CheckpointError(f"{place}: not a record of a run; delete it") from error


def checkpoints_of(root: str) -> list[Found]:
    """Every checkpoint and attempt under a root, by task and age."""
    runs = runs_of(root)
    found = []
    for folder, files in _folders(root).items():
        task, digest = folder
        place = storage.join(root, task, digest, MANIFEST_FILE)
        users = tuple(run.name for run in runs if place in run.manifests)
        updated = max(stat.updated for stat in files.values())
        found.append(Found(task, digest, *_state(root, place, files), updated, users))
    return sorted(found, key=lambda f: (f.task, f.updated))


def _state(root: str, place: str, files: Mapping[str, Stat]) -> tuple[str, int, int]:
    try:
        manifest = load(place)
    except MissingFileError:
        return ("running" if _is_alive(files) else "abandoned"), 0, sum(stat.size for stat in files.values())
    except CheckpointError:
        return "damaged", 0, sum(stat.size for stat in files.values())
    return ("done" if fault_of(root, manifest) is None else "damaged"), manifest.rows, manifest.size


def _is_alive(files: Mapping[str, Stat]) -> bool:
    latest = max((stat.updated for name, stat in files.items() if name.endswith(f"/{HEARTBEAT_FILE}")), default=0.0)
    return time.time() - latest < _MISSED_BEATS * HEARTBEAT_SECONDS


def _folders(root: str) -> dict[tuple[str, str], dict[str, Stat]]:
    """(task, digest) -> the files below."""
    found: dict[tuple[str, str], dict[str, Stat]] = {}
    start = len(root.rstrip("/")) + 1
    for place, stat in storage.list(root):
        parts = place[start:].split("/")
        if len(parts) >= 3 and parts[0] not in (_RUNS, _PLANS):
            found.setdefault((parts[0], parts[1]), {})[place] = stat
    return found


def clear(root: str, min_age: float) -> list[str]:
    """Deletes what nobody needs; returns the places that are gone.

    Args:
        root: of all checkpoints.
        min_age: seconds; what is younger stays, and so does what runs younger than that refer to.
    """
    before = time.time() - min_age
    forgotten = [run for run in runs_of(root) if run.updated < before]
    gone = [place for run in forgotten for place in _delete(storage.join(root, _RUNS, run.name))]
    needed = {place for run in runs_of(root) for manifest in run.manifests for place in _ancestry(root, manifest)}
    kept = set(_shards_of(root, needed))
    for files in _folders(root).values():
        old = max(stat.updated for stat in files.values()) < before and not _is_alive(files)
        for place in files:
            if old and place not in needed and place not in kept:
                storage.delete(place)
                gone.append(place)
    return gone


def _delete(folder: str) -> Iterator[str]:
    for place, _ in list(storage.list(folder)):
        storage.delete(place)
        yield place


def _ancestry(root: str, place: str) -> Iterator[str]:
    """The manifest and those of all tasks before it."""
    yield place
    manifest = _loaded(place)
    if manifest is not None:
        for task, step in manifest.lineage.items():
            yield storage.join(root, task, step.digest, MANIFEST_FILE)


def _shards_of(root: str, places: set[str]) -> Iterator[str]:
    """The shards of manifests, and the manifests under which they were made."""
    for place in places:
        manifest = _loaded(place)
        if manifest is not None:
            yield storage.join(root, manifest.task, manifest.content, MANIFEST_FILE)
            for shard in manifest.shards:
                yield storage.join(root, manifest.task, *shard.name.split("/"))


def _loaded(place: str) -> Manifest | None:
    try:
        return load(place)
    except (MissingFileError, CheckpointError):
        return None
