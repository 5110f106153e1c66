"""What lies under a root of checkpoints: each, with whose it is, how large, how old, in what state."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass

from assay.checkpoints.commit import fault_of, load
from assay.checkpoints.heartbeat import GRACE_SECONDS
from assay.checkpoints.layout import HEARTBEAT_FILE, contents_of, manifest_uri
from assay.checkpoints.runs import runs_of
from assay.errors import CheckpointError, MissingFileError
from assay.storage import Stat


@dataclass(frozen=True)
class ListedCheckpoint:
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


def checkpoints_of(root: str, now: float | None = None) -> list[ListedCheckpoint]:
    """Every checkpoint and attempt under a root, by task and age.

    Args:
        root: of all checkpoints.
        now: seconds since 1970; None asks the clock.
    """
    now, runs = time.time() if now is None else now, runs_of(root)
    checkpoints = []
    for (task, digest), files in contents_of(root).checkpoints.items():
        uri = manifest_uri(root, task, digest)
        users = tuple(run.name for run in runs if uri in run.manifests)
        updated = max(stat.updated for stat in files.values())
        checkpoints.append(ListedCheckpoint(task, digest, *_state(root, uri, files, now), updated, users))
    return sorted(checkpoints, key=lambda item: (item.task, item.updated))


def _state(root: str, uri: str, files: Mapping[str, Stat], now: float) -> tuple[str, int, int]:
    """State, rows and bytes."""
    written = sum(stat.size for stat in files.values())
    try:
        manifest = load(uri)
    except MissingFileError:
        return ("running" if is_worked_on(files, now) else "abandoned"), 0, written
    except CheckpointError:
        return "damaged", 0, written
    return ("done" if fault_of(root, manifest) is None else "damaged"), manifest.rows, manifest.size


def is_worked_on(files: Mapping[str, Stat], now: float) -> bool:
    """Whether an attempt among the files of a checkpoint has shown lately that it is alive."""
    beats = (stat.updated for uri, stat in files.items() if uri.endswith(f"/{HEARTBEAT_FILE}"))
    return now - max(beats, default=0.0) < GRACE_SECONDS
