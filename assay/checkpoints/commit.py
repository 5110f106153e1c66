"""Committing a checkpoint: one attempt's manifest becomes the checkpoint, whoever else tries at the same time.

Shards lie under names that no other attempt has, and nothing is a checkpoint before its manifest is there. The manifest
is created only if there is none; who comes second takes what the first one made. A manifest whose shards are damaged is
replaced, if it is still the one that was found to be so.
"""

from __future__ import annotations

import json
import uuid
from contextlib import suppress

from assay import storage
from assay.checkpoints.layout import clearing_uri, manifest_uri
from assay.checkpoints.manifest import Manifest, Shard, from_json, to_json
from assay.errors import AssayError, CheckpointError, MissingFileError, PublishLostError, TransientError

_DAMAGED = "damaged-{attempt}.json"
_TRIES = 5


def shard_uri(root: str, task: str, shard: Shard) -> str:
    """Where a shard lies."""
    return storage.join(root, task, *shard.name.split("/"))


def load(uri: str) -> Manifest:
    """The manifest at `uri`.

    Raises:
        MissingFileError: there is none.
        CheckpointError: it cannot be read.
    """
    return from_json(storage.read(uri), uri)


def load_or_none(uri: str) -> Manifest | None:
    """The manifest at `uri`; None if there is none that can be read."""
    try:
        return load(uri)
    except (MissingFileError, CheckpointError):
        return None


def find(root: str, task: str, digest: str) -> Manifest | None:
    """The checkpoint, if it is there and its shards look as they did when they were committed."""
    manifest = load_or_none(manifest_uri(root, task, digest))
    return manifest if manifest is not None and fault_of(root, manifest) is None else None


def is_being_cleared(root: str, manifest: Manifest) -> bool:
    """Whether somebody has marked a checkpoint, or that whose shards it shares, as one that is to go."""
    digests = {manifest.digest, *(shard.name.split("/")[0] for shard in manifest.shards)}
    return any(storage.stat(clearing_uri(root, manifest.task, digest)) is not None for digest in digests)


def fault_of(root: str, manifest: Manifest) -> str | None:
    """Why a checkpoint cannot be used: it is being cleared away, or a shard is missing, another one, or damaged."""
    if is_being_cleared(root, manifest):
        return "it is being cleared away"
    stats: dict[str, storage.Stat] = {}
    for attempt_folder in sorted({shard.name.rsplit("/", 1)[0] for shard in manifest.shards}):
        digest, attempt = attempt_folder.split("/")
        mark = storage.join(root, manifest.task, digest, _DAMAGED.format(attempt=attempt))
        if storage.stat(mark) is not None:
            return f"attempt {attempt} is marked as damaged"
        stats |= dict(storage.list(storage.join(root, manifest.task, digest, attempt)))

    for shard in manifest.shards:
        stat = stats.get(shard_uri(root, manifest.task, shard))
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
        f"checkpoint of {task}: {shard_uri(root, task, shard)} {why}; it is marked: run {task} again, then this stage"
    )


def commit(root: str, manifest: Manifest) -> Manifest:
    """Publishes a manifest; returns the one that is there in the end, which may be another attempt's.

    Raises:
        TransientError: others kept replacing it.
    """
    uri = manifest_uri(root, manifest.task, manifest.digest)
    replacing: str | None = None
    for _ in range(_TRIES):
        try:
            storage.publish(uri, to_json(manifest), replacing=replacing)
        except PublishLostError:
            stat = storage.stat(uri)
            if stat is None:
                replacing = None
                continue
            current = load_or_none(uri)
            is_own = current is not None and current.attempt == manifest.attempt  # a retry that met its own success
            if current is not None and not is_own and fault_of(root, current) is None:
                return current
            if not is_own:
                replacing = stat.generation
                continue

        # A mark there is of somebody who clears an older one away, and may have died: that one goes by its generation.
        storage.delete(clearing_uri(root, manifest.task, manifest.digest))
        return manifest
    raise TransientError(f"{uri}: replaced by others {_TRIES} times; try again")


def new_attempt() -> str:
    """A name that no other attempt has."""
    return f"attempt-{uuid.uuid4().hex[:16]}"
