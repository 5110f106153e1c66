"""Committing a checkpoint: one attempt's manifest becomes the checkpoint, whoever else tries at the same time.

Shards lie under names that no other attempt has, and nothing is a checkpoint before its manifest is there. The manifest
is created only if there is none; who comes second takes what the first one made. A manifest whose shards are damaged is
replaced, if it is still the one that was found to be so.
"""

from __future__ import annotations

import json
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from assay import storage
from assay.checkpoints.manifest import MANIFEST_FILE, Manifest, Shard, from_json, to_json
from assay.errors import AssayError, CheckpointError, MissingFileError, PublishLostError, TransientError

HEARTBEAT_FILE = "alive"
HEARTBEAT_SECONDS = 30.0

_DAMAGED = "damaged-{attempt}.json"
_TRIES = 5


def folder_of(root: str, task: str, digest: str) -> str:
    """Where a checkpoint lies."""
    return storage.join(root, task, digest)


def place_of(root: str, task: str, digest: str) -> str:
    """Where its manifest lies."""
    return storage.join(folder_of(root, task, digest), MANIFEST_FILE)


def shard_place(root: str, task: str, shard: Shard) -> str:
    """Where a shard lies."""
    return storage.join(root, task, *shard.name.split("/"))


def load(place: str) -> Manifest:
    """The manifest at `place`.

    Raises:
        MissingFileError: there is none.
        CheckpointError: it cannot be read.
    """
    return from_json(storage.read(place), place)


def find(root: str, task: str, digest: str) -> Manifest | None:
    """The checkpoint, if it is there and its shards look as they did when they were committed."""
    place = place_of(root, task, digest)
    try:
        manifest = load(place)
    except (MissingFileError, CheckpointError):
        return None
    return manifest if fault_of(root, manifest) is None else None


def fault_of(root: str, manifest: Manifest) -> str | None:
    """Why a checkpoint cannot be used: a shard that is missing, of another size or generation, or marked as damaged."""
    there: dict[str, storage.Stat] = {}
    for attempt_folder in sorted({shard.name.rsplit("/", 1)[0] for shard in manifest.shards}):
        digest, attempt = attempt_folder.split("/")
        mark = storage.join(root, manifest.task, digest, _DAMAGED.format(attempt=attempt))
        if storage.stat(mark) is not None:
            return f"attempt {attempt} is marked as damaged"
        there |= dict(storage.list(storage.join(root, manifest.task, digest, attempt)))
    for shard in manifest.shards:
        stat = there.get(shard_place(root, manifest.task, shard))
        if stat is None:
            return f"shard {shard.name} is missing"
        if (stat.size, stat.generation) != (shard.size, shard.generation):
            return f"shard {shard.name} has {stat.size} bytes; expected {shard.size} as they were committed"
    return None


def mark_damaged(root: str, task: str, shard: Shard, why: str) -> TransientError:
    """Marks what made `shard` as damaged, so that it will be made again; returns the error to raise."""
    digest, attempt, _ = shard.name.split("/")
    mark = storage.join(root, task, digest, _DAMAGED.format(attempt=attempt))
    with suppress(AssayError):  # the error below says it too
        storage.write(mark, json.dumps({"shard": shard.name, "why": why}).encode())
    return TransientError(
        f"checkpoint of {task}: {shard_place(root, task, shard)} {why}; it is marked: run {task} again, then this stage"
    )


def commit(root: str, manifest: Manifest) -> Manifest:
    """Publishes a manifest; returns the one that is there in the end, which may be another attempt's.

    Raises:
        TransientError: others kept replacing it.
    """
    place = place_of(root, manifest.task, manifest.digest)
    replacing: str | None = None
    for _ in range(_TRIES):
        try:
            storage.publish(place, to_json(manifest), replacing=replacing)
            return manifest
        except PublishLostError:
            stat = storage.stat(place)
            if stat is None:
                replacing = None
                continue
            found = _readable(place)
            if found is not None and found.attempt == manifest.attempt:
                return manifest  # a retry that met its own success
            if found is not None and fault_of(root, found) is None:
                return found
            replacing = stat.generation
    raise TransientError(f"{place}: replaced by others {_TRIES} times; try again")


def _readable(place: str) -> Manifest | None:
    try:
        return load(place)
    except (MissingFileError, CheckpointError):
        return None


def new_attempt() -> str:
    """A name that no other attempt has."""
    return f"attempt-{uuid.uuid4().hex[:16]}"


@contextmanager
def alive(folder: str) -> Iterator[None]:
    """Keeps a heartbeat in an attempt's folder while the block runs, so that nobody clears it away."""
    stop = threading.Event()
    place = storage.join(folder, HEARTBEAT_FILE)
    thread = threading.Thread(target=_beat, args=(place, stop), name="assay-heartbeat", daemon=True)
    storage.write(place, _now())
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
        with suppress(AssayError):
            storage.delete(place)


def _beat(place: str, stop: threading.Event) -> None:
    while not stop.wait(HEARTBEAT_SECONDS):
        with suppress(AssayError):  # the next beat may come through
            storage.write(place, _now())


def _now() -> bytes:
    return f"{time.time():.0f}\n".encode()
