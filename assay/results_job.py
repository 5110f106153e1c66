"""The pipeline that writes the results of a plan: here, or as a job on Dataflow that may outlive who submitted it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import apache_beam as beam

from assay import dataflow, publishing, storage
from assay.dataflow_job import Remote
from assay.published import files_in
from assay.runner import run_pipeline
from assay.verdict import Counts
from assay.writers.files import path_in, remove_temporaries, write_file

_SUBMITTED = re.compile(r"submitted-attempt-[0-9a-f]+\.json")
"""Stands in the folder of results while an attempt writes to it, and tells which files were there before."""


@contextmanager
def results_written(
    output: str,
    task: str,
    digest: str,
    reader: beam.PTransform,
    analysis: beam.PTransform,
    options: Sequence[str],
    remote: Remote,
) -> Iterator[tuple[Counts, set[str]]]:
    """Withdraws what lies in a folder of results and has the new ones written; they are to be published inside.

    Args:
        output: the folder.
        task: who writes.
        digest: of all that decides what is written, and where; only a job has need of it.
        reader: PBegin -> what is read.
        analysis: what is done with it; writes the files.
        options: flags of Beam pipeline options.
        remote: how to treat a job.

    Yields:
        Rows of the run, and names of files of others in the folder.
    """
    if dataflow.is_chosen(options):
        dataflow.check_place("output", output)
        with _by_job(output, task, digest, (reader, analysis), options, remote) as counts_and_foreign:
            yield counts_and_foreign
        return
    foreign = publishing.withdraw(output)
    with publishing.cleaning_up(output):
        counts = run_pipeline(reader, analysis, options)
    yield counts, foreign


@contextmanager
def _by_job(
    output: str,
    task: str,
    digest: str,
    pipeline: tuple[beam.PTransform, beam.PTransform],
    options: Sequence[str],
    remote: Remote,
) -> Iterator[tuple[Counts, set[str]]]:
    def place_of(attempt: str) -> str:
        return path_in(output, f"submitted-{attempt}.json")

    def prepared(attempt: str) -> tuple[beam.PTransform, beam.PTransform]:
        foreign = sorted(name for name in publishing.withdraw(output) if not _SUBMITTED.fullmatch(name))
        write_file(place_of(attempt), json.dumps(foreign).encode())
        return pipeline

    def is_whole(attempt: str) -> bool:  # else published or taken away: who comes then writes anew
        return storage.stat(place_of(attempt)) is not None

    done = dataflow.run(dataflow.Work(task=task, digest=digest, pipeline=prepared, is_whole=is_whole), options, remote)
    remove_temporaries(output)  # of workers that died
    submitted = {name for name in files_in(output) if _SUBMITTED.fullmatch(name)}
    yield done.counts, {*json.loads(storage.read(place_of(done.attempt))), *submitted}
    for name in submitted:
        storage.delete(path_in(output, name))
