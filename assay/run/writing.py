"""The pipeline that writes the results of a plan: here, or as a job on Dataflow that may outlive who submitted it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import apache_beam as beam
from apache_beam.options.pipeline_options import PipelineOptions

from assay import storage
from assay.engine.remote import Remote
from assay.engine.runner import runs_here
from assay.results.published import files_in
from assay.run import dataflow, publishing
from assay.run.counted import run_counted
from assay.verdict import Counts
from assay.writers.counts import WriteCounts, read_counts
from assay.writers.files import path_in, remove_temporaries, write_file

_SUBMITTED = re.compile(r"submitted-attempt-[0-9a-f]+(-counts)?\.json")
"""Stand in the folder of results while an attempt writes to it."""


@contextmanager
def results_written(
    folder: str,
    task: str,
    digest: str,
    reader: beam.PTransform,
    analysis: beam.PTransform,
    options: PipelineOptions | Sequence[str],
    remote: Remote,
    *,
    is_named: bool,
) -> Iterator[Counts]:
    """Has the results of a run written into its folder; they are to be published inside.

    Args:
        folder: of the run.
        task: who writes.
        digest: of all that decides what is written, and where; only a job has need of it.
        reader: PBegin -> what is read.
        analysis: what is done with it; writes the files.
        options: flags of Beam pipeline options.
        remote: how to treat a job.
        is_named: whether the caller named the run, so that it may be tried again.

    Yields:
        Rows of the run.
    """
    if dataflow.is_chosen(options):
        dataflow.check_remote("output", folder)
        with _by_job(folder, task, digest, (reader, analysis), options, remote) as counts:
            yield counts
        return
    with publishing.removed_on_failure(folder, is_named=is_named):
        publishing.withdraw(folder)
        counts = run_counted(reader, analysis, options, folder)
        if not runs_here(options):
            remove_temporaries(folder)  # of bundles that the engine has run a second time, as Spark does
        yield counts


@contextmanager
def _by_job(
    folder: str,
    task: str,
    digest: str,
    pipeline: tuple[beam.PTransform, beam.PTransform],
    options: PipelineOptions | Sequence[str],
    remote: Remote,
) -> Iterator[Counts]:
    def submitted_file(attempt: str) -> str:
        return path_in(folder, f"submitted-{attempt}.json")

    def prepared(attempt: str) -> tuple[beam.PTransform, beam.PTransform, beam.PTransform]:
        publishing.withdraw(folder)
        write_file(submitted_file(attempt), b"{}")
        return *pipeline, WriteCounts(counts_file(attempt))

    def counts_file(attempt: str) -> str:
        return path_in(folder, f"submitted-{attempt}-counts.json")

    def is_whole(attempt: str) -> bool:  # else published or taken away: who comes then writes anew
        return all(storage.stat(file) is not None for file in (submitted_file(attempt), counts_file(attempt)))

    outcome = dataflow.run(
        dataflow.Work(task=task, digest=digest, pipeline=prepared, is_whole=is_whole), options, remote
    )
    remove_temporaries(folder)  # of workers that died
    submitted = {name for name in files_in(folder) if _SUBMITTED.fullmatch(name)}
    yield read_counts(counts_file(outcome.attempt))
    for name in submitted:
        storage.delete(path_in(folder, name))
