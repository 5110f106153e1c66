"""Rows that a pipeline counts."""

import apache_beam as beam

from assay.readers.read_inputs import ReadInputs
from assay.readers.source import Source
from assay.run.counted import run_counted
from assay.verdict import Counts


def test_counts_of_this_machine_need_no_bucket(tmp_path, monkeypatch):
    (tmp_path / "rows.csv").write_text("a,b\n1,2\n3,4\n")
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
    reader = ReadInputs(Source("csv", (str(tmp_path / "rows.csv"),)))
    assert run_counted(reader, beam.Map(lambda batch: batch), (), "gs://nobody/has/this") == Counts(2)
    assert list((tmp_path / "temporary").iterdir()) == []
