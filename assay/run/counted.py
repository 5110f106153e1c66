"""Runs a pipeline to its end, and tells the rows that it counts."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import apache_beam as beam
from apache_beam.options.pipeline_options import PipelineOptions

from assay.engine.runner import run_pipeline, runs_here
from assay.verdict import Counts
from assay.writers.counts import WriteCounts, read_counts
from assay.writers.files import path_in, remove, temporary_name


def run_counted(
    reader: beam.PTransform, analysis: beam.PTransform, options: PipelineOptions | Sequence[str], folder: str
) -> Counts:
    """Runs a pipeline and returns the rows that it counts.

    Args:
        reader: PBegin -> what is read.
        analysis: what is done with it.
        options: of Beam pipelines, or their flags.
        folder: where workers of an engine, which may be on other machines, leave the counts for a moment.
    """
    with _file_for_counts(options, folder) as file:
        run_pipeline(reader, analysis, options, WriteCounts(file))
        return read_counts(file)


@contextmanager
def _file_for_counts(options: PipelineOptions | Sequence[str], folder: str) -> Iterator[str]:
    """A pipeline of this process needs no request to a bucket, and no folder where writers write elsewhere."""
    if runs_here(options):
        with tempfile.TemporaryDirectory(prefix="assay-") as here:
            yield path_in(here, "counts.json")
        return
    file = temporary_name(path_in(folder, "counts.json"))
    try:
        yield file
    finally:
        remove(file)
