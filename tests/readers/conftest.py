from collections import Counter

import pytest

from assay.readers.bad_rows import refusal
from assay.readers.batches import Rows
from assay.readers.source import Source, format_of, splits, wanted


class Reading:
    """What one source gave: its batches, and the (row, reason) of each row that was left out."""

    def __init__(self, source: Source) -> None:
        self.batches: list[Rows] = []
        self.refused: list[tuple[int, str]] = []
        found = splits(source)
        columns = wanted(source, found)
        for split in found:
            for file in split.files:
                self.batches.extend(format_of(source).read(file, source, columns, self._policy(file, source)))

    def _policy(self, file, source):
        return (
            refusal(file, "fail", Counter())
            if source.on_bad_rows == "fail"
            else lambda row, why: self.refused.append((row, why))
        )

    def column(self, name):
        return [value for batch in self.batches for value in batch.columns[name].to_pylist()]

    @property
    def rows(self):
        return [int(row) for batch in self.batches for row in batch.rows]

    def types(self, name):
        return [str(batch.columns[name].type) for batch in self.batches]


@pytest.fixture
def read():
    """Reads Source(format, files, ...) through, without Beam."""

    def read_all(form, *files, **settings):
        return Reading(Source(form, tuple(str(file) for file in files), **settings))

    return read_all


@pytest.fixture
def write(tmp_path):
    """Writes bytes or text to a file of the given name; returns its path."""

    def write_file(name, content):
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return write_file
