"""A checkpoint is made once: opened if it is there, else made, and committed unless another attempt was quicker."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, replace
from functools import partial
from typing import Any

import apache_beam as beam

import assay
from assay import storage
from assay.checkpoints import digests, left_jobs, pins
from assay.checkpoints.commit import commit, fault_of, find, new_attempt
from assay.checkpoints.heartbeat import alive
from assay.checkpoints.layout import COUNTS_FILE, manifest_uri, name_in_run
from assay.checkpoints.manifest import Manifest, Step
from assay.checkpoints.runs import lease
from assay.checkpoints.transforms import Folder, listed
from assay.engine.runner import job_server_of, run_pipeline
from assay.errors import AssayError, MissingFileError
from assay.plan.tasks import kind_of
from assay.run import dataflow
from assay.run.outcome import StageResult
from assay.run.works import PipelineWork, SmallWork, TaskCall, TaskOutput, Work
from assay.text.multiples import to_multiple
from assay.writers.counts import WriteCounts, read_counts


def make_once(call: TaskCall, work: PipelineWork | SmallWork) -> StageResult:
    """Does the work of a task, unless its checkpoint is there.

    A checkpoint has a digest of what was made, and where it also pins what later tasks rely on, a second one of both.
    """
    before = {name: manifest.content for name, manifest in call.before.items()}
    content = digests.content_digest(call.plan, call.task, before, work.extra)
    digest = digests.digest_of({"content": content, **work.pinned}) if work.pinned else content
    _lease(call, digest, content)

    whole = find(call.root, call.task.name, digest)
    kept = whole or (find(call.root, call.task.name, content) if digest != content else None)
    manifest = kept or _made(call, work, content)
    if whole is None and digest != content:
        manifest = commit(call.root, _pinning(manifest, digest, work.pinned))
    return _result(call, manifest, reused=kept is not None)


def _lease(call: TaskCall, *digests_of_task: str) -> None:
    """Keeps from being cleared away what is found from now on, before a record does."""
    checkpoints = call.checkpoints
    if checkpoints.run:
        manifests = [manifest_uri(call.root, call.task.name, digest) for digest in digests_of_task]
        used = (*checkpoints.inputs.values(), *manifests)
        lease(call.root, checkpoints.run, name_in_run(call.task.name, call.asked), used, checkpoints.stored_plan)


def _made(call: TaskCall, work: PipelineWork | SmallWork, content: str) -> Manifest:
    """The checkpoint: made and committed, or that of another attempt that was quicker."""
    if isinstance(work, PipelineWork) and dataflow.is_chosen(call.options):
        return _made_by_job(call, work, content)
    started, attempt = time.time(), new_attempt()
    folder = _folder(call, content, attempt)
    with alive(folder.uri), _discarding(folder):
        output = work.run(folder) if isinstance(work, SmallWork) else _piped(call, work, folder)
        _check_unchanged(call, work.extra)
        manifest = commit(call.root, _manifest(call, work, content, attempt, started, output))
    if manifest.attempt != attempt:
        _discard(folder)
    return manifest


def _piped(call: TaskCall, work: PipelineWork, folder: Folder) -> TaskOutput:
    """What a pipeline leaves; if an engine runs it, jobs of earlier attempts end first."""
    server, run = job_server_of(call.options), call.checkpoints.run
    if server:
        left_jobs.end_left(folder.uri.rpartition("/")[0], server, run)
    note = partial(left_jobs.note, folder.uri, run=run)
    run_pipeline(*work.pipeline(folder), call.options, WriteCounts(_counts_uri(folder)), on_job=note)
    return _left(folder)


def _left(folder: Folder) -> TaskOutput:
    """What a pipeline has left; MissingFileError if it has not come to its end."""
    return TaskOutput(listed(folder), read_counts(_counts_uri(folder)))


def _counts_uri(folder: Folder) -> str:
    return storage.join(folder.uri, COUNTS_FILE)


def _made_by_job(call: TaskCall, work: PipelineWork, content: str) -> Manifest:
    """The same by a job on Dataflow, which goes on if this process dies: what it writes is left alone."""
    dataflow.check_remote("--root", call.root)

    def pipeline(attempt: str) -> tuple[beam.PTransform, beam.PTransform, beam.PTransform]:
        folder = _folder(call, content, attempt)
        return *work.pipeline(folder), WriteCounts(_counts_uri(folder))

    def manifest_of(attempt: str, started: float) -> Manifest:
        return _manifest(call, work, content, attempt, started, _left(_folder(call, content, attempt)))

    def is_whole(attempt: str) -> bool:
        try:
            return fault_of(call.root, manifest_of(attempt, 0.0)) is None
        except MissingFileError:
            return False

    digest = dataflow.digest_with_root(call.root, call.task.name, content)
    job = dataflow.Work(task=call.task.name, digest=digest, pipeline=pipeline, is_whole=is_whole)
    outcome = dataflow.run(job, call.options, call.remote)
    _check_unchanged(call, work.extra)
    manifest = commit(call.root, manifest_of(outcome.attempt, outcome.started))
    if manifest.attempt != outcome.attempt:
        _discard(_folder(call, content, outcome.attempt))
    return manifest


def _check_unchanged(call: TaskCall, extra: Mapping[str, Any]) -> None:
    """What was pinned must have stayed as it was until all of it was read."""
    pins.check_unchanged(extra.get("files", {}))
    if "models" in extra:
        pins.check_models(call.plan, extra["models"])


def _folder(call: TaskCall, content: str, attempt: str) -> Folder:
    return Folder(call.root, call.task.name, f"{content}/{attempt}")


def _manifest(call: TaskCall, work: Work, content: str, attempt: str, started: float, output: TaskOutput) -> Manifest:
    now = time.time()
    return Manifest(
        task=call.task.name,
        kind=kind_of(call.plan, call.task),
        digest=content,
        content=content if "run" not in work.extra else digests.of_shards(output.shards),  # equal rows are equal
        attempt=attempt,
        created=now,
        seconds=now - started,
        version=assay.__version__,
        lineage={**call.lineage, call.task.name: Step(digest=content, counts=output.counts)},
        shards=output.shards,
        inputs=work.extra.get("files", {}),
        outputs=work.outputs,
        verdict=output.verdict,
    )


def _pinning(manifest: Manifest, digest: str, pinned: Mapping[str, Any]) -> Manifest:
    """The same shards under another digest, which stands for the models too."""
    step = replace(manifest.lineage[manifest.task], digest=digest)
    lineage = {**manifest.lineage, manifest.task: step}
    return replace(manifest, digest=digest, lineage=lineage, attempt=new_attempt(), **pinned)


def _result(call: TaskCall, manifest: Manifest, *, reused: bool) -> StageResult:
    return StageResult(
        task=call.task.name,
        kind=manifest.kind,
        manifest=manifest_uri(call.root, call.task.name, manifest.digest),
        digest=manifest.digest,
        counts=asdict(manifest.counts.shown(call.plan.min_slice_size, call.plan.round_counts_to)),
        rows=to_multiple(manifest.rows, call.plan.round_counts_to),
        reused=reused,
        verdict=manifest.verdict["status"] if manifest.verdict else "",
    )


def _discard(folder: Folder) -> None:
    with suppress(AssayError):
        storage.delete_folder(folder.uri)


@contextmanager
def _discarding(folder: Folder) -> Iterator[None]:
    """Clears away what an attempt that failed has written."""
    try:
        yield
    except BaseException:
        _discard(folder)
        raise
