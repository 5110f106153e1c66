"""Large Parquet files are cut into several splits at row groups, whatever the number of workers."""

from collections import Counter
from itertools import chain

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from assay.readers import pieces
from assay.readers.pieces import cut
from assay.readers.read_inputs import read_split
from assay.readers.source import Source, splits, wanted
from assay.types import FEATURES_KEY, SOURCE_KEY

ROWS, GROUP = 10_000, 700


@pytest.fixture
def source(tmp_path):
    for number in range(2):
        table = pa.table({"x": np.arange(ROWS) + number * ROWS, "y": ["text"] * ROWS})
        pq.write_table(table, tmp_path / f"{number}.parquet", row_group_size=GROUP)
    return Source("parquet", (str(tmp_path / "*.parquet"),), batch_rows=300)


@pytest.fixture
def small_pieces(monkeypatch):
    monkeypatch.setattr("assay.readers.source.SPLIT_BYTES", 0)
    monkeypatch.setattr(pieces, "PIECE_BYTES", 10_000)


def batches(source):
    found = cut(source, splits(source))
    return [batch for split in found for batch in read_split(split, source, wanted(source, found), Counter())]


def test_small_files_stay_whole(source):
    found = splits(source)
    assert cut(source, found) == found
    assert [split.groups for split in found] == [None]


def test_pieces_have_all_row_groups_once_in_order(source, small_pieces):
    found = cut(source, splits(source))
    assert [split.index for split in found] == list(range(len(found)))
    assert len(found) >= 6
    for number in range(2):
        own = [split for split in found if split.files[0].endswith(f"{number}.parquet")]
        groups = [group for split in own for group in range(*split.groups)]
        assert groups == list(range(-(-ROWS // GROUP)))
        assert [split.row for split in own] == [split.groups[0] * GROUP for split in own]
        assert len({split.names for split in own}) == len(own)
        assert {split.ids for split in own} == {own[0].ids}


def test_pieces_are_of_about_the_same_size(source, small_pieces):
    found = cut(source, splits(source))
    sizes = [split.groups[1] - split.groups[0] for split in found]
    assert max(sizes) <= 2 * min(sizes)
    whole = sum(size for split in splits(source) for size in split.sizes)
    assert sum(size for split in found for size in split.sizes) == pytest.approx(whole, abs=len(found))


def test_rows_and_their_numbers_are_those_of_the_whole_file(source, small_pieces, monkeypatch):
    found = batches(source)
    monkeypatch.setattr(pieces, "PIECE_BYTES", 1 << 40)
    expected = batches(source)
    for read in (lambda batch: batch[FEATURES_KEY]["x"].to_pylist(), lambda batch: batch[SOURCE_KEY]["row"].tolist()):
        assert [*chain.from_iterable(map(read, found))] == [*chain.from_iterable(map(read, expected))]
    assert {len(batch[SOURCE_KEY]["row"]) for batch in found} > {300}


def test_a_file_of_one_row_group_stays_whole(tmp_path, small_pieces):
    pq.write_table(pa.table({"x": np.arange(100_000)}), tmp_path / "a.parquet", row_group_size=100_000)
    source = Source("parquet", (str(tmp_path / "a.parquet"),))
    (split,) = cut(source, splits(source))
    assert split.groups == (0, 1)


def test_a_damaged_row_of_a_piece_is_refused_by_its_number_in_the_file(tmp_path, small_pieces):
    values = pa.array([b"text"] * 4_999 + [b"\xff"] + [b"text"] * 5_000)
    table = pa.table({"x": np.arange(ROWS), "y": pa.Array.from_buffers(pa.string(), ROWS, values.buffers())})
    pq.write_table(table, tmp_path / "a.parquet", row_group_size=GROUP, use_dictionary=False)
    source = Source("parquet", (str(tmp_path / "a.parquet"),), on_bad_rows="skip")
    assert len(cut(source, splits(source))) > 1
    kept = [row for batch in batches(source) for row in batch[SOURCE_KEY]["row"].tolist()]
    assert kept == [row for row in range(ROWS) if row != 4_999]
