"""What a task leaves beside its shards: `manifest.json`, by which those after it find and trust what it made."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from assay.errors import CheckpointError
from assay.text import json_text
from assay.verdict import Counts, total

_FORMAT = 1
_MOST_BYTES = 1 << 30
"""Some millions of shards."""
_PART = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")
_DIGEST = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, kw_only=True)
class Shard:
    """One file of a checkpoint.

    Attributes:
        name: path below the task's folder: `<content digest>/<attempt>/<file>`.
        size: bytes.
        generation: of the stored object, as `storage.stat` tells it.
        crc32c: checksum of the content.
        rows: rows of Extracts, or elements of an output.
        output: key of the output; "" for Extracts.
        split: the split of the input that its rows come from; -1 if they do not say.
        file: where its first row comes from.
        row: number of that row in that file; without a file, the number of the shard among those of its worker.
    """

    name: str
    size: int
    generation: str
    crc32c: int
    rows: int
    output: str = ""
    split: int = -1
    file: str = ""
    row: int = 0

    @property
    def position(self) -> tuple[str, int, str, int, str]:
        """What shards are sorted by: the position of their rows in the input."""
        return self.output, self.split, self.file, self.row, self.name


@dataclass(frozen=True, kw_only=True)
class Step:
    """What one task contributed to a checkpoint: its manifest's digest, and what it counted."""

    digest: str
    counts: Counts


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """A finished checkpoint.

    Attributes:
        task: name of the task.
        kind: kind of its stages.
        digest: what it was made from, and the name of its folder.
        content: what its shards were made from. Another digest than `digest` only if it pins models as well.
        attempt: who made it.
        created: when, in seconds since 1970.
        seconds: how long it took.
        version: assay's version.
        lineage: task -> step, for this task and all before it.
        shards: sorted by their position in the input.
        inputs: of ReadInputs: file -> what its content was when it was read, see `assay.checkpoints.pins`.
        models: of ReadInputs: model -> file -> what it was when the run began.
        baseline: of ReadInputs: the model that was blessed when the run began, where the plan asks for that one.
        compiled: of ReadInputs: model -> the metrics that it was compiled with, where the plan may need them.
        outputs: of an evaluator or the gate: the keys of its outputs, those without an element too.
        verdict: of the gate: what `verdict.json` holds.
    """

    task: str
    kind: str
    digest: str
    content: str
    attempt: str
    created: float
    seconds: float
    version: str
    lineage: Mapping[str, Step]
    shards: tuple[Shard, ...] = ()
    inputs: Mapping[str, str] = field(default_factory=dict)
    models: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    baseline: Mapping[str, Any] | None = None
    compiled: Mapping[str, Any] = field(default_factory=dict)
    outputs: tuple[str, ...] = ()
    verdict: Mapping[str, Any] | None = None

    @property
    def rows(self) -> int:
        """Rows of its Extracts, or elements of its outputs."""
        return sum(shard.rows for shard in self.shards)

    @property
    def size(self) -> int:
        """Bytes of its shards."""
        return sum(shard.size for shard in self.shards)

    @property
    def counts(self) -> Counts:
        """What this task and all before it counted."""
        return total(step.counts for step in self.lineage.values())


def to_json(manifest: Manifest) -> bytes:
    """The content of the file; keys are sorted."""
    data = {"format": _FORMAT, **dataclasses.asdict(manifest)}
    return json.dumps({**data, "checksum": _checksum(data)}, indent=1, sort_keys=True, allow_nan=False).encode()


def _checksum(data: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(data, sort_keys=True).encode()).hexdigest()


def from_json(content: bytes, uri: str) -> Manifest:
    """Reads a manifest and checks that it stays within its own folder.

    Args:
        content: of the file.
        uri: where it lies: `<root>/<task>/<digest>/manifest.json`.

    Raises:
        CheckpointError: it is none, is damaged, belongs elsewhere, or names a shard elsewhere.
    """
    try:
        data = json_text.loads(content, most=_MOST_BYTES)
        checksum = data.pop("checksum", None)
        found = _checksum(data)
        if data.pop("format", None) != _FORMAT:
            raise ValueError(f"expected format {_FORMAT}")
        if checksum != found:
            raise ValueError("its checksum is wrong")
        lineage = {
            task: Step(digest=step["digest"], counts=Counts(**step["counts"])) for task, step in data["lineage"].items()
        }
        shards = tuple(Shard(**shard) for shard in data["shards"])
        manifest = Manifest(**{**data, "lineage": lineage, "shards": shards, "outputs": tuple(data["outputs"])})
        _check_uri(manifest, uri)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise CheckpointError(f"{uri}: not a manifest that this version of assay can read: {error}") from error
    return manifest


def _check_uri(manifest: Manifest, uri: str) -> None:
    task, digest = uri.split("/")[-3:-1]
    if (manifest.task, manifest.digest) != (task, digest):
        raise CheckpointError(f"{uri}: is the manifest of {manifest.task} {manifest.digest}; it was moved here")
    for name, step in manifest.lineage.items():
        if not _PART.fullmatch(name) or not _DIGEST.fullmatch(step.digest):
            raise CheckpointError(f"{uri}: names a task outside of its root: {name!r} {step.digest!r}")
    for shard in manifest.shards:
        parts = shard.name.split("/")
        if len(parts) != 3 or not all(map(_PART.fullmatch, parts)) or not _DIGEST.fullmatch(parts[0]):
            raise CheckpointError(f"{uri}: names a shard outside of its folder: {shard.name!r}")


def root_of(uri: str) -> str:
    """The root under which the manifest at `uri` lies."""
    return uri.rsplit("/", 3)[0]
