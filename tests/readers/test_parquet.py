import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from assay.errors import CorruptFileError, MissingColumnError


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
