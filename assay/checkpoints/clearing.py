"""Clearing away what nobody needs under a root of checkpoints, and nothing else.

Kept are checkpoints that a run refers to, whatever is younger than a given age, and whatever somebody works on. A run
is forgotten once its newest file is as old as that age, so its checkpoints go with it.

A run may come to use a checkpoint while it is chosen to go. So the run first leases what it will use and then looks
whether it is there; who clears first marks what is to go and then looks again who has leased it. One of the two sees
the other: the run makes the checkpoint anew, or the mark is taken back. A plan has no mark: it stays for as long as who
publishes it may find it fresh, and not write it again.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import suppress

from assay import storage
from assay.checkpoints.commit import load_or_none, shard_uri
from assay.checkpoints.heartbeat import GRACE_SECONDS
from assay.checkpoints.layout import (
    MANIFEST_FILE,
    RUNS,
    Contents,
    check_is_root,
    clearing_uri,
    contents_of,
    manifest_uri,
)
from assay.checkpoints.listing import is_worked_on
from assay.checkpoints.runs import Run, runs_of
from assay.errors import AssayError
from assay.plan.stored import FRESH_SECONDS
from assay.storage import Stat


def clear(root: str, min_age: float, *, dry_run: bool = False, now: float | None = None) -> list[str]:
    """Deletes what nobody needs of assay's own files; those of others are never touched, wherever they lie.

    Args:
        root: of all checkpoints.
        min_age: seconds; what is younger stays, and so does what runs younger than that refer to.
        dry_run: delete nothing.
        now: seconds since 1970; None asks the clock.

    Returns:
        The URIs of what is gone, or would be.

    Raises:
        CheckpointError: this is no root; nothing is deleted then.
    """
    now = time.time() if now is None else now
    contents, runs = contents_of(root), runs_of(root)
    contents.runs = {run.name: dict(run.files) for run in runs if run.files}
    check_is_root(root, contents)
    contents.checkpoints = {folder: files for folder, files in contents.checkpoints.items() if _is_ours(files)}
    leaving = _leaving(root, contents, runs, now - min_age, now)
    if dry_run:
        return sorted(leaving)

    folders = [folder for folder in contents.checkpoints if manifest_uri(root, *folder) in leaving]
    for folder in folders:
        storage.write(clearing_uri(root, *folder), b"")
    try:
        still = _leaving(root, contents, runs_of(root), now - min_age, now)
        leaving = {uri: stat for uri, stat in leaving.items() if uri in still}
        gone = sorted(leaving, key=_order)
        for uri in gone:
            storage.delete(uri, generation=leaving[uri].generation)
    finally:
        for folder in folders:
            with suppress(AssayError):
                storage.delete(clearing_uri(root, *folder))
    _delete_empty_folders(root, contents)
    return gone


def _order(uri: str) -> tuple[bool, str]:
    """Manifests go first: without them shards are no checkpoint."""
    return not uri.endswith(f"/{MANIFEST_FILE}"), uri


def _leaving(root: str, contents: Contents, runs: Sequence[Run], before: float, now: float) -> dict[str, Stat]:
    """The files that nobody needs, by the runs that there are by now."""
    kept = [run for run in runs if run.updated >= before or run.is_alive(now)]
    leaving: dict[str, Stat] = {}
    for run in runs:
        if run not in kept:
            leaving |= run.files
    leaving |= _leaving_plans(contents, kept, min(before, now - FRESH_SECONDS))
    leaving |= _leaving_checkpoints(root, contents, kept, before, now)

    # A writer that is alive needs its temporary file for a moment only; one that was killed has left it for good.
    unfinished = {uri: stat for uri, stat in contents.files() if uri in contents.temporaries}
    killed = {uri: stat for uri, stat in unfinished.items() if stat.updated < min(before, now - GRACE_SECONDS)}
    leaving = {uri: stat for uri, stat in leaving.items() if uri not in unfinished} | killed
    return _but_the_newest_plan(contents, leaving)


def _but_the_newest_plan(contents: Contents, leaving: dict[str, Stat]) -> dict[str, Stat]:
    """Keeps one plan while anything else stays: it shows that this is a root, which can be cleared again."""
    stays = [uri for uri, _ in contents.files() if uri not in leaving]
    if not stays or not contents.plans:
        return leaving
    plans = [uri for uri in contents.plans if uri not in contents.temporaries] or [*contents.plans]
    newest = max(plans, key=lambda uri: contents.plans[uri].updated)
    return {uri: stat for uri, stat in leaving.items() if uri != newest}


def _leaving_plans(contents: Contents, runs: Sequence[Run], before: float) -> dict[str, Stat]:
    """Plans that none of these runs has; none where one cannot say."""
    if any(run.unclear for run in runs):
        return {}
    used = {f"{digest}.json" for run in runs for digest in run.plans}
    return {
        uri: stat
        for uri, stat in contents.plans.items()
        if stat.updated < before and uri.rsplit("/", 1)[-1] not in used
    }


def _leaving_checkpoints(
    root: str, contents: Contents, runs: Sequence[Run], before: float, now: float
) -> dict[str, Stat]:
    unclear = {task for run in runs for task in run.unclear}
    used = {manifest_uri(root, *folder) for folder in contents.checkpoints if folder[0] in unclear}
    used |= {uri for run in runs for uri in (*run.manifests, *run.leased)}
    needed = {uri for manifest in used for uri in _ancestry(root, manifest)}
    needed |= set(_shards_of(root, needed))
    leased = {tuple(uri.split("/")[-3:-1]) for run in runs for uri in run.leased}
    leaving: dict[str, Stat] = {}
    for folder, files in contents.checkpoints.items():
        updated = (stat.updated for uri, stat in files.items() if uri != clearing_uri(root, *folder))
        is_old = max(updated, default=0.0) < before
        if is_old and folder not in leased and not is_worked_on(files, now):
            leaving |= {uri: stat for uri, stat in files.items() if uri not in needed}
    return leaving


def _is_ours(files: dict[str, Stat]) -> bool:
    """Whether assay made a folder, which others may call alike: more than `manifest.json` is in it, or that is ours."""
    others = [uri for uri in files if not uri.endswith(f"/{MANIFEST_FILE}")]
    return bool(others) or any(load_or_none(uri) is not None for uri in files)


def _ancestry(root: str, uri: str) -> Iterator[str]:
    """The manifest and those of all tasks before it."""
    yield uri
    manifest = load_or_none(uri)
    if manifest is not None:
        for task, step in manifest.lineage.items():
            yield manifest_uri(root, task, step.digest)


def _shards_of(root: str, uris: set[str]) -> Iterator[str]:
    """The shards of manifests, and the manifests under which they were made."""
    for uri in uris:
        manifest = load_or_none(uri)
        if manifest is not None:
            yield manifest_uri(root, manifest.task, manifest.content)
            for shard in manifest.shards:
                yield shard_uri(root, manifest.task, shard)


def _delete_empty_folders(root: str, contents: Contents) -> None:
    """On a disk: the folders of what is gone, the innermost first."""
    attempts = {uri.rsplit("/", 1)[0] for files in contents.checkpoints.values() for uri in files}
    digests = {storage.join(root, *folder) for folder in contents.checkpoints}
    tasks = {storage.join(root, task) for task, _ in contents.checkpoints} - {storage.join(root, RUNS)}
    runs = {storage.join(root, RUNS, run) for run in contents.runs}
    for folders in (attempts - digests, digests, tasks, runs):
        for folder in sorted(folders):
            storage.delete_empty_folder(folder)
