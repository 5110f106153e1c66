"""Blocks of a CSV file: whoever leaves them early, or meets an error in them, has no thread reading on behind."""

import subprocess
import sys
import threading
import time
from collections import Counter

import pyarrow.csv as arrow_csv
import pytest

from assay.readers import csv, files
from assay.readers.bad_rows import refusal
from assay.readers.csv_blocks import Blocks
from assay.readers.source import Source

ROW = b"1,0.5,some text\n"
ROWS_OF_FILE = 8 << 16  # 8 MB: eight blocks


@pytest.fixture
def opened(monkeypatch):
    """The files that readers open from here on, each of which takes a moment to read."""
    found = []
    open_text = files.open_text

    def opening(*arguments):
        found.append(Slow(open_text(*arguments)))
        return found[-1]

    monkeypatch.setattr(files, "open_text", opening)
    return found


class Slow:
    """A file that takes a moment to read, and tells by whom it is being read, and how often it was."""

    def __init__(self, stream):
        self.stream, self.reads, self.readers, self.is_closed = stream, 0, set(), False

    def read(self, size=-1):
        self.reads += 1
        reader = threading.current_thread()
        self.readers.add(reader)
        try:
            time.sleep(0.02)
            return self.stream.read(size)
        finally:
            self.readers.discard(reader)

    def close(self):
        self.is_closed = True
        self.stream.close()

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.close()


def are_left_alone(opened):
    """Whether files are closed, and nobody reads them now or after a while in which a read ahead would come."""
    reads = [file.reads for file in opened]
    are_idle = all(file.is_closed and not file.readers for file in opened)
    time.sleep(0.1)
    return are_idle and reads == [file.reads for file in opened]


@pytest.fixture
def long_file(write):
    return str(write("long.csv", b"n,x,t\n" + ROW * ROWS_OF_FILE))


LEFT_OPEN = """
import sys, time
from assay.readers import csv
from assay.readers.bad_rows import refusal
from assay.readers.source import Source
from assay.readers.unpacking import Unpacked

read = Unpacked.read
Unpacked.read = lambda self, size=-1: time.sleep(0.05) or read(self, size)
source = Source("csv", (sys.argv[1],), batch_rows=1000)
rows = csv.read(sys.argv[1], source, csv.schema(sys.argv[1], source), refusal(sys.argv[1], "fail", {}))
print(len(next(rows).rows), flush=True)
"""


def rows_of(file):
    source = Source("csv", (file,), batch_rows=1000)
    return csv.read(file, source, csv.schema(file, source), refusal(file, "fail", Counter()))


def test_a_file_whose_names_and_types_were_asked_for_is_left_alone(opened, long_file):
    source = Source("csv", (long_file,))
    assert csv.names(long_file, source) == ["n", "x", "t"]
    assert list(csv.schema(long_file, source)) == ["n", "x", "t"]
    assert len(opened) >= 3
    assert are_left_alone(opened)
    assert sum(file.reads for file in opened) < 16  # of the 8 MB of each, what its reader was behind with


def test_a_file_that_is_left_early_is_left_alone(opened, long_file):
    rows = rows_of(long_file)
    first = next(rows)
    assert opened[-1].reads
    rows.close()
    assert len(first.rows) == 1000
    assert are_left_alone(opened)


def test_a_file_of_which_somebody_forgets_the_rows_is_left_alone(opened, long_file):
    next(rows_of(long_file))
    assert are_left_alone(opened)


def test_a_file_that_is_read_to_its_end_is_left_alone(opened, write):
    assert sum(len(batch.rows) for batch in rows_of(str(write("short.csv", b"n,x,t\n" + ROW * 9)))) == 9
    assert are_left_alone(opened)


def test_a_file_in_which_reading_fails_is_left_alone_while_the_error_is_on_its_way(opened, write):
    def read(size=-1):
        raise OSError("the disk is gone")

    text = files.open_text(str(write("a.csv", b"n\n1\n")), "CSV")
    opened[-1].stream.read = read
    with pytest.raises(OSError, match="the disk is gone") as error:
        Blocks(text, b"\n", lambda row: "skip", {}, read_options=arrow_csv.ReadOptions(use_threads=False))
    assert error.tb
    assert are_left_alone(opened)


def test_a_file_that_somebody_leaves_by_an_error_is_left_alone(opened, long_file):
    error = None
    try:
        for _ in rows_of(long_file):
            raise ValueError("enough")
    except ValueError as met:
        error = met
    assert str(error) == "enough"
    assert are_left_alone(opened)


def test_a_file_that_is_open_when_the_interpreter_ends_does_not_abort_it(long_file):
    done = subprocess.run([sys.executable, "-c", LEFT_OPEN, long_file], capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stdout, done.stderr) == (0, "1000\n", "")
