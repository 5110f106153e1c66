import apache_beam as beam
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from assay.engine import progress
from assay.errors import BadRowError, MissingColumnError, MissingFileError
from assay.readers import source as source_module
from assay.readers.read_inputs import ReadInputs
from assay.readers.source import Source
from assay.run.counted import run_counted
from assay.types import Extracts
from assay.verdict import Counts

SEEN: dict[tuple[int, str, int], Extracts] = {}
"""Batches by (split, file, first row); the runner is in this process."""


def remember(batch):
    where = batch["_source"]
    SEEN[int(where["split"][0]), where["file"][0].as_py(), int(where["row"][0])] = batch


@pytest.fixture
def run(tmp_path):
    """Runs the transform; returns its batches in the order of the data, and its counts."""

    def ran(source):
        SEEN.clear()
        counts = run_counted(ReadInputs(source), beam.Map(remember), (), str(tmp_path / "out"))
        return [SEEN[key] for key in sorted(SEEN)], counts

    return ran


@pytest.fixture
def shards(tmp_path):
    for shard in range(3):
        numbers = np.arange(250) + 1000 * shard
        pq.write_table(pa.table({"n": numbers, "s": ["x"] * 250}), tmp_path / f"{shard}.parquet")
    return f"{tmp_path}/*.parquet"


def test_each_batch_tells_split_file_and_rows(shards, run, monkeypatch):
    monkeypatch.setattr(source_module, "SPLIT_BYTES", 10)
    batches, counts = run(Source("parquet", (shards,), columns=("n",), batch_rows=100))
    assert [len(batch["features"]["n"]) for batch in batches] == [100, 100, 50] * 3
    for batch in batches:
        where = batch["_source"]
        shard = int(where["split"][0])
        assert where["split"].dtype == np.int32
        assert set(where["file"].to_pylist()) == {shards.replace("*", str(shard))}
        assert batch["features"]["n"].to_pylist() == (where["row"] + 1000 * shard).tolist()
    assert counts == Counts(750)


def test_rows_show_in_the_progress(shards, run):
    before = progress.snapshot()
    run(Source("parquet", (shards,)))
    assert progress.since(before, progress.snapshot()) == {"ReadInputs": 750}


def test_rows_left_out_are_counted(write, run):
    _, counts = run(Source("csv", (str(write("a.csv", "a,b\n1,2\n3\n4,5\n6\n")),), on_bad_rows="skip"))
    assert counts == Counts(2, {"unreadable": 2})


def test_a_bad_row_comes_out_of_the_pipeline_as_our_error(write, run):
    with pytest.raises(BadRowError, match=r"a\.csv, row 1: 1 values; expected 2"):
        run(Source("csv", (str(write("a.csv", "a,b\n1,2\n3\n")),)))


@pytest.mark.parametrize(
    ("settings", "error"),
    [({"files": ("/nowhere/*.parquet",)}, MissingFileError), ({"columns": ("nope",)}, MissingColumnError)],
    ids=["file", "column"],
)
def test_what_is_missing_is_refused_when_the_pipeline_is_built(shards, settings, error):
    with pytest.raises(error):
        _ = beam.Pipeline(runner="FnApiRunner") | ReadInputs(
            Source(**{"format": "parquet", "files": (shards,), **settings})
        )
