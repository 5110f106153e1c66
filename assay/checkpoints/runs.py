"""Runs as a root knows them: what each has used, what it is about to use, whether it goes on."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from assay import json_text, storage
from assay.checkpoints.heartbeat import GRACE_SECONDS
from assay.checkpoints.layout import HEARTBEAT_FILE, LEASE_SUFFIX, RECORD_SUFFIX, RUNS, contents_of
from assay.errors import CheckpointError
from assay.storage import Stat


@dataclass(frozen=True)
class Run:
    """A run, as it is recorded.

    Attributes:
        name: its name.
        updated: when its newest file was written, in seconds since 1970.
        manifests: URIs of the manifests that it used.
        leased: URIs of manifests that it is about to use or to make.
        plans: digests of the plans that it ran.
        files: all of its files, half-written ones too.
        beat: when it said last that it goes on; 0 for never.
    """

    name: str
    updated: float
    manifests: tuple[str, ...]
    leased: tuple[str, ...] = ()
    plans: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    beat: float = 0.0

    def is_alive(self, now: float) -> bool:
        """Whether it goes on."""
        return now - self.beat < GRACE_SECONDS


def folder_of(root: str, run: str) -> str:
    """Where the files of a run lie."""
    return storage.join(root, RUNS, run)


def lease(root: str, run: str, name: str, manifests: Iterable[str]) -> None:
    """Says which checkpoints a task is going to use or to make, before it looks whether they are there.

    Args:
        root: of all checkpoints.
        run: name of the run.
        name: of the task's files, as `assay.checkpoints.layout.name_in_run` makes it.
        manifests: URIs.
    """
    content = json.dumps({"manifests": sorted(set(manifests))}).encode()
    storage.write(storage.join(folder_of(root, run), f"{name}{LEASE_SUFFIX}"), content)


def runs_of(root: str) -> list[Run]:
    """The runs recorded under a root, the newest last.

    Raises:
        CheckpointError: a record that is none; what it refers to cannot be known.
    """
    contents = contents_of(root, RUNS)
    runs = []
    for name, files in contents.runs.items():
        written = {place: stat for place, stat in files.items() if place not in contents.temporaries}
        runs.append(_run(root, name, files, written))
    return sorted(runs, key=lambda run: run.updated)


def _run(root: str, name: str, files: Mapping[str, Stat], written: Mapping[str, Stat]) -> Run:
    """Reads the files of a run, but those that a writer has not finished."""
    records = {place: _content(place) for place in written if place.endswith(RECORD_SUFFIX)}
    leases = {place: _content(place) for place in written if _is_open(place, written)}
    manifests = [_manifest(root, record["manifest"]) for record in records.values()]
    leased = [_manifest(root, named) for content in leases.values() for named in content["manifests"]]
    return Run(
        name=name,
        updated=max(stat.updated for stat in files.values()),
        manifests=tuple(filter(None, manifests)),
        leased=tuple(leased),
        plans=tuple(str(record["plan"]) for record in records.values() if "plan" in record),
        files=tuple(files),
        beat=max((stat.updated for place, stat in files.items() if place.endswith(f"/{HEARTBEAT_FILE}")), default=0.0),
    )


def _is_open(place: str, written: Mapping[str, Stat]) -> bool:
    """Whether a lease still holds: once the task is done its record says what it used."""
    if not place.endswith(LEASE_SUFFIX):
        return False
    record = written.get(place.removesuffix(LEASE_SUFFIX) + RECORD_SUFFIX)
    return record is None or record.updated <= written[place].updated


def _content(place: str) -> dict[str, Any]:
    try:
        content = json_text.loads(storage.read(place))
        known = content["manifest"] if place.endswith(RECORD_SUFFIX) else content["manifests"]
        named = [known] if isinstance(known, str) else known
        if isinstance(known, str) != place.endswith(RECORD_SUFFIX) or not all(isinstance(name, str) for name in named):
            raise TypeError(f"found {known!r}")
    except (ValueError, KeyError, TypeError) as error:
        raise CheckpointError(f"{place}: not a record of a run; delete it") from error
    return dict(content)


def _manifest(root: str, named: str) -> str:
    """The manifest that a run names, under this root, by whatever path the run has seen it; "" for none."""
    return storage.join(root, *named.split("/")[-3:]) if named else ""
