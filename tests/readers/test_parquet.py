import subprocess
import sys

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from assay.errors import BadRowError, CorruptFileError, MissingColumnError
from assay.readers.parquet import _intact


def table(rows):
    return pa.table(
        {
            "n": np.arange(rows),
            "s": [None if i % 7 == 0 else f"v{i % 5}" for i in range(rows)],
            "v": [[1.0] * (i % 3) for i in range(rows)],
            "a.b": np.linspace(0, 1, rows),
        }
    )


def test_all_columns_come_as_they_were_written(read, tmp_path):
    written = table(100)
    pq.write_table(written, tmp_path / "a.parquet")
    got = read("parquet", tmp_path / "a.parquet")
    assert {name: got.column(name) for name in written.column_names} == written.to_pydict()


def test_only_the_wanted_columns_come_in_their_order(read, tmp_path):
    pq.write_table(table(10), tmp_path / "a.parquet")
    got = read("parquet", tmp_path / "a.parquet", columns=("a.b", "n"))
    assert list(got.batches[0].columns) == ["a.b", "n"]


@pytest.mark.parametrize("group", [300, 1000, 1700, 5000])
def test_batches_are_whole_whatever_the_row_groups(read, tmp_path, group):
    written = table(4_500)
    pq.write_table(written, tmp_path / "a.parquet", row_group_size=group)
    got = read("parquet", tmp_path / "a.parquet", batch_rows=1000, dictionary=("s",))
    assert [len(batch.rows) for batch in got.batches] == [1000, 1000, 1000, 1000, 500]
    assert got.rows == list(range(4_500))
    assert got.column("s") == written["s"].to_pylist()
    assert set(got.types("s")) == {"dictionary<values=string, indices=int32, ordered=0>"}


def test_a_dictionary_is_not_asked_of_numbers(read, tmp_path):
    pq.write_table(table(10), tmp_path / "a.parquet")
    assert read("parquet", tmp_path / "a.parquet", dictionary=("n", "v")).types("n") == ["int64"]


def test_no_column_at_all_still_gives_rows(read, tmp_path):
    pq.write_table(table(10), tmp_path / "a.parquet")
    assert read("parquet", tmp_path / "a.parquet", columns=()).rows == list(range(10))


def test_a_file_without_rows_gives_none(read, tmp_path):
    pq.write_table(table(10).slice(0, 0), tmp_path / "a.parquet")
    assert read("parquet", tmp_path / "a.parquet").batches == []


def test_a_later_file_that_lacks_a_column_is_named(read, tmp_path):
    pq.write_table(table(10), tmp_path / "a.parquet")
    pq.write_table(table(10).drop_columns(["n"]), tmp_path / "b.parquet")
    with pytest.raises(MissingColumnError, match=r"b\.parquet has no column 'n'"):
        read("parquet", tmp_path / "*.parquet", columns=("n",))


@pytest.mark.parametrize("damage", ["cut off", "flipped", "empty", "another format"])
def test_a_damaged_file_is_named(read, write, tmp_path, damage):
    pq.write_table(table(10_000), tmp_path / "ok.parquet", write_page_checksum=True)
    data = bytearray((tmp_path / "ok.parquet").read_bytes())
    flipped = bytearray(data)
    flipped[200] ^= 1
    content = {"cut off": data[:-50], "flipped": flipped, "empty": b"", "another format": b"a,b\n1,2\n"}[damage]
    with pytest.raises(CorruptFileError, match=r"bad\.parquet: not readable as Parquet"):
        read("parquet", write("bad.parquet", bytes(content)))


def test_columns_that_nobody_needs_break_nothing(read, tmp_path):
    file = tmp_path / "a.parquet"
    odd = [pa.array([b"\xff", b"\xfe"]).view(pa.string()), pa.array([{"k": 1}, None]), pa.array([[], [[1]]])]
    columns = [pa.array([1, 2]), pa.array([3, 4]), pa.array([5, 6]), *odd]
    pq.write_table(pa.Table.from_arrays(columns, ["x", "note", "note", "text", "object", "lists"]), file)
    assert read("parquet", file, columns=("x",)).column("x") == [1, 2]
    with pytest.raises(CorruptFileError, match="there are two columns 'note'"):
        read("parquet", file, columns=("x", "note"))


@pytest.mark.parametrize("dictionary", [(), ("text",)], ids=["plain", "dictionary"])
def test_text_that_is_not_utf8_is_a_bad_row(read, tmp_path, dictionary):
    file = tmp_path / "a.parquet"
    text = pa.array([b"a", b"\xff", b"c", None, b"a"]).view(pa.string())
    pq.write_table(pa.table({"x": range(5), "text": text}), file)
    with pytest.raises(BadRowError, match=r"a\.parquet, row 1: column 'text': .*UTF8"):
        read("parquet", file, dictionary=dictionary)
    got = read("parquet", file, dictionary=dictionary, on_bad_rows="skip")
    assert (got.column("x"), got.column("text"), got.rows) == ([0, 2, 3, 4], ["a", "c", None, "a"], [0, 2, 3, 4])


def test_a_dictionary_without_the_text_of_a_row_is_named(tmp_path, monkeypatch):
    damaged = pa.DictionaryArray.from_arrays(pa.array([0, 3]), pa.array(["a", "b"]), safe=False)
    batch = pa.RecordBatch.from_arrays([damaged], ["text"])
    with pytest.raises(pa.ArrowInvalid, match="a dictionary has fewer texts than a row says"):
        _intact(batch, 0, lambda row, why: None)


EXTENSIONS = {
    "day": (pd.Series(pd.PeriodIndex(["2020-01", None], freq="M")), ["2020-01", None]),
    "range": (pd.Series(pd.arrays.IntervalArray.from_tuples([(0, 1), (1, 2)])), ["(0, 1]", "(1, 2]"]),
    "kind": (pd.Series(["a", None], dtype="category"), ["a", None]),
    "flag": (pd.Series([True, None], dtype="boolean"), [True, None]),
    "whole": (pd.Series([1, None], dtype="Int16"), [1, None]),
}


def test_types_of_pandas_read_as_pandas_prints_them(read, tmp_path):
    pd.DataFrame({name: series for name, (series, _) in EXTENSIONS.items()}).to_parquet(tmp_path / "a.parquet")
    got = read("parquet", tmp_path / "a.parquet")
    assert {name: got.column(name) for name in EXTENSIONS} == {name: values for name, (_, values) in EXTENSIONS.items()}


def test_types_of_pandas_are_known_in_a_process_that_has_not_loaded_pandas(tmp_path):
    """Else a period reads as the number of months since 1970."""
    pd.DataFrame({"day": EXTENSIONS["day"][0]}).to_parquet(tmp_path / "a.parquet")
    code = (
        "import sys; from assay.readers import parquet; from assay.readers.source import Source\n"
        "assert 'pandas.core.arrays.arrow.extension_types' not in sys.modules\n"
        "source = Source('parquet', (sys.argv[1],)); kinds = parquet.schema(sys.argv[1], source)\n"
        "[rows] = parquet.read(sys.argv[1], source, kinds, print); print(rows.columns['day'].to_pylist())"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, tmp_path / "a.parquet"], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "['2020-01', None]"
