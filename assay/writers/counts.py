"""The rows that a pipeline has counted, in a file, by which workers anywhere tell the launching process."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

import apache_beam as beam

from assay import storage
from assay.engine.counting import counted_in
from assay.engine.of_all import OfAll
from assay.text import json_text
from assay.verdict import Counts, total
from assay.writers.files import write_file

_MOST_BYTES = 64 << 20


class WriteCounts(beam.PTransform):
    """A whole pipeline -> a file with the sum of all that it counts.

    Args:
        file: is written over.
    """

    def __init__(self, file: str) -> None:
        super().__init__()
        self._file = file

    def expand(self, pbegin: Any) -> beam.PCollection[str]:
        counts = tuple(counted_in(pbegin.pipeline)) | beam.Flatten(pipeline=pbegin.pipeline)
        return counts | "Sum" >> OfAll(_write, file=self._file)


def _write(counts: Iterable[Counts], file: str) -> str:
    return write_file(file, json.dumps(asdict(total(counts)), sort_keys=True).encode())


def read_counts(file: str) -> Counts:
    """The counts in a file.

    Raises:
        MissingFileError: the pipeline has not come to its end.
    """
    return Counts(**json_text.loads(storage.read(file), most=_MOST_BYTES))
