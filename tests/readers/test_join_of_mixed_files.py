"""A second source whose files store a column in different types: values are those that a main source of them has."""

import datetime
from decimal import Decimal

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from assay.errors import ColumnTypeError
from assay.readers.join import Join, check_join
from assay.readers.source import Source
from tests.doors import OF_FILES, frame_of_files, refusal_of_files
from tests.readers.test_join import joined

CONFIG = {
    "model_specs": [{"label_key": "label", "prediction_key": "prediction"}],
    "metrics_specs": [{"metrics": [{"class_name": "ExampleCount"}, {"class_name": "MeanLabel"}]}],
    "slicing_specs": [{}, {"feature_keys": ["g"]}],
}
DAY, MOMENT = datetime.date(2024, 1, 2), datetime.datetime(2024, 1, 2, 3, 30)
FLOAT32, FLOAT64 = pa.float32(), pa.float64()


def one(value, kind=None):
    return pa.array([value], kind)


SLICES = {
    "float32 and float64": (one(0.1, FLOAT32), one(0.1), {"0.1": 2}),
    "float64 and float32": (one(11.29), one(11.29, FLOAT32), {"11.29": 2}),
    "float32 and whole numbers": (one(0.1, FLOAT32), one(3), {"0.1": 1, "3": 1}),
    "whole numbers and float32": (one(16777217), one(0.3, FLOAT32), {"16777217": 1, "0.3": 1}),
    "float16 and float64": (one(np.float16(0.1)), one(0.1), {"0.1": 2}),
    "decimals and float64": (one(Decimal("0.009"), pa.decimal128(6, 3)), one(0.009), {"0.009": 2}),
    "long decimals and float64": (one(Decimal("0.1"), pa.decimal128(38, 20)), one(0.1), {"0.1": 2}),
    "decimals of two scales": (
        one(Decimal("1.50"), pa.decimal128(38, 2)), one(Decimal("1.5"), pa.decimal128(38, 30)), {"1.5": 2},
    ),
    "truth values and whole numbers": (one(True), one(1), {"1": 2}),
    "whole numbers beyond floats and fractions": (one(2**53 + 1), one(0.5), {"9007199254740993": 1, "0.5": 1}),
    "unsigned and negative": (one(2**64 - 1, pa.uint64()), one(-1), {"18446744073709551615": 1, "-1": 1}),
    "days and moments": (one(DAY), one(MOMENT), {"2024-01-02": 1, "2024-01-02 03:30:00": 1}),
    "moments of two units": (
        one(MOMENT, pa.timestamp("ms")), one(MOMENT, pa.timestamp("ns")), {"2024-01-02 03:30:00": 2},
    ),
    "moments of two zones": (
        one(MOMENT, pa.timestamp("us", "UTC")), one(MOMENT, pa.timestamp("us", "Asia/Tokyo")),
        {"2024-01-02 03:30:00+00:00": 2},
    ),
    "text and a category": (one("a"), one("a").dictionary_encode(), {"a": 2}),
    "text and views of text": (one("a"), one("a", pa.string_view()), {"a": 2}),
    "bytes and large text": (one(b"a"), one("a", pa.large_string()), {"a": 2}),
    "nothing and float32": (pa.nulls(1), one(0.1, FLOAT32), {"0.1": 1}),
    "a category and nothing": (one("a").dictionary_encode(), pa.nulls(1), {"a": 1}),
    "a list and a number": (one([1, 2]), one(2), {"1": 1, "2": 2}),
}  # fmt: skip
"""What is mixed -> the slicing column of two files, and how many rows each slice has."""


def write_shards(folder, **columns):
    """Two files of one row each, as main source (`main-*`) and as second source (`second-*`) of `rows.parquet`."""
    columns = {"id": (one(1), one(2)), "label": (one(1), one(0)), "g": (one("x"), one("x")), **columns}
    for shard in (0, 1):
        table = pa.table({name: arrays[shard] for name, arrays in columns.items()})
        pq.write_table(table, folder / f"second-{shard}.parquet")
        pq.write_table(table.append_column("prediction", one(0.5)), folder / f"main-{shard}.parquet")
    pq.write_table(pa.table({"id": [1, 2], "prediction": [0.5, 0.5]}), folder / "rows.parquet")


JOINED = {"join": {"files": "second-*.parquet", "on": ["id"]}}


def values(frame, metric):
    frame = frame[frame["metric"] == metric]
    return dict(zip(frame["slice"], frame["value"], strict=True))


@pytest.mark.parametrize("door", OF_FILES)
def test_slices_are_those_of_the_main_source_by_every_door(door, tmp_path):
    write_shards(tmp_path, **{name: (first, second) for name, (first, second, _) in SLICES.items()})
    config = {**CONFIG, "slicing_specs": [{}, *({"feature_keys": [name]} for name in SLICES)]}
    expected = {"Overall": 2}
    for name, (*_, counts) in SLICES.items():
        expected |= {f"{name}={value}": count for value, count in counts.items()}

    joined = frame_of_files(door, "rows.parquet", config, tmp_path, **JOINED)
    assert values(joined, "example_count") == expected
    alone = frame_of_files(door, "main-*.parquet", config, tmp_path)
    assert values(alone, "example_count") == expected


@pytest.mark.parametrize(
    ("first", "second", "mean"),
    [
        (one(1), one(False), 0.5),
        (one(True), one(0.25), 0.625),
        (one(0.1, FLOAT32), one(3), (float(np.float32(0.1)) + 3) / 2),
        (one(Decimal("0.1"), pa.decimal128(38, 20)), one(0.3), 0.2),
        (one(2**53), one(0.5), (2**53 + 0.5) / 2),
        (one([1.0]), one(0), 0.5),
    ],
)
def test_labels_are_those_of_the_main_source(first, second, mean, tmp_path):
    write_shards(tmp_path, label=(first, second))
    frame = frame_of_files("files", "rows.parquet", CONFIG, tmp_path, **JOINED)
    assert values(frame, "mean_label")["Overall"] == pytest.approx(mean, rel=1e-15)


@pytest.mark.parametrize(
    ("first", "second", "asked"),
    [
        (one("a"), one("b").dictionary_encode(), ["b", "a", "c"]),
        (one("a").dictionary_encode(), one("b", pa.string_view()), ["b", "a", "c"]),
        (one(b"a"), one("b", pa.large_string()), ["b", "a", "c"]),
        (one(7), one(8.0), [8, 7, 9]),
        (one(7, pa.uint8()), one(-7), [-7, 7, 9]),
        (one(2**64 - 1, pa.uint64()), one(-1), [-1, pa.scalar(2**64 - 1, pa.uint64()), 5]),
        (one(DAY, pa.date64()), one(DAY.replace(2025)), [DAY.replace(2025), DAY, DAY.replace(2026)]),
        (one(MOMENT, pa.timestamp("s")), one(MOMENT.replace(2025), pa.timestamp("ns")), [MOMENT.replace(2025), MOMENT]),
    ],
)  # fmt: skip
def test_keys_of_several_types_find_their_partners(first, second, asked, tmp_path):
    for shard, key in enumerate((first, second)):
        pq.write_table(pa.table({"id": key, "label": [shard]}), tmp_path / f"second-{shard}.parquet")
    for row, key in enumerate(asked):  # a file each, as no type holds all of them
        key = key if isinstance(key, pa.Scalar) else pa.scalar(key)
        pq.write_table(pa.table({"id": pa.array([key], key.type)}), tmp_path / f"main-{row}.parquet")
    frame, counts = joined(_join(tmp_path), tmp_path / "out")
    assert frame["label"].tolist() == [1, 0]
    assert counts.unmatched == {"rows": len(asked) - 2, "labels": 0}


def _join(folder):
    main = Source("parquet", (f"{folder}/main-*.parquet",))
    return Join(main, Source("parquet", (f"{folder}/second-*.parquet",), key_path="inputs.join"), ("id",))


@pytest.mark.parametrize(
    ("first", "second", "words"),
    [
        (one(1), one("1"), "text (string), {0}: column 'id' holds whole numbers (int64)"),
        (one("a"), one(True), "truth values (bool), {0}: column 'id' holds text (string)"),
        (one(DAY), one(MOMENT), "times (timestamp[us]), {0}: column 'id' holds dates (date32[day])"),
    ],
)
def test_files_of_the_second_source_whose_keys_never_match_are_both_named(first, second, words, tmp_path):
    for shard, key in enumerate((first, second)):
        pq.write_table(pa.table({"id": key, "label": [shard]}), tmp_path / f"second-{shard}.parquet")
    pq.write_table(pa.table({"id": first}), tmp_path / "main-0.parquet")
    with pytest.raises(ColumnTypeError) as error:
        joined(_join(tmp_path), tmp_path / "out")
    told = words.format(f"{tmp_path}/second-0.parquet")
    assert f"{tmp_path}/second-1.parquet: column 'id' holds {told}; expected the same in both: store" in str(
        error.value
    )


def test_a_slice_that_is_text_in_one_file_and_a_number_in_another_is_refused_as_of_the_main_source(tmp_path):
    write_shards(tmp_path, g=(one("1"), one(1)))
    for door in ("files", "checkpointed"):
        told = refusal_of_files(door, "rows.parquet", CONFIG, tmp_path, **JOINED)
        assert "column 'g' holds '1' as text in some rows and as a number in others" in told
        assert told == refusal_of_files(door, "main-*.parquet", CONFIG, tmp_path)


@pytest.mark.parametrize("form", ["csv", "jsonl"])
@pytest.mark.parametrize(
    ("cells", "counts"),
    [
        ([2**53 + 1, 0.5], {"g=9007199254740993": 1, "g=0.5": 1}),
        ([0.5, 2**53 + 1], {"g=0.5": 1, "g=9007199254740993": 1}),
        ([0.5, 0.25, 2**60 + 1, 0.125], {"g=0.5": 1, "g=0.25": 1, "g=1152921504606846977": 1, "g=0.125": 1}),
    ],
)
def test_whole_numbers_and_fractions_in_text_files_keep_their_digits(form, cells, counts, tmp_path):
    for shard, cell in enumerate(cells):
        csv, row = f"id,label,g\n{shard},0,{cell}\n", f'{{"id": {shard}, "label": 0, "g": {cell}}}\n'
        (tmp_path / f"second-{shard}.{form}").write_text(csv if form == "csv" else row)
    ids = list(range(len(cells)))
    pq.write_table(pa.table({"id": ids, "prediction": [0.5] * len(ids)}), tmp_path / "rows.parquet")
    join = {"files": f"second-*.{form}", "format": form, "on": ["id"]}
    frame = frame_of_files("files", "rows.parquet", CONFIG, tmp_path, join=join)
    assert values(frame, "example_count") == {"Overall": len(ids), **counts}


def test_texts_that_say_more_than_numbers_stay_beside_the_rows_of_files_that_have_none(tmp_path):
    for shard, code in enumerate(["7", "007", "0.5", "8"]):
        (tmp_path / f"second-{shard}.csv").write_text(f"id,label,g\n{shard},1,{code}\n")
    pq.write_table(pa.table({"id": range(4), "prediction": [0.5] * 4}), tmp_path / "rows.parquet")
    join = {"files": "second-*.csv", "format": "csv", "on": ["id"]}
    frame = frame_of_files("command", "rows.parquet", CONFIG, tmp_path, join=join)
    assert values(frame, "example_count") == {"Overall": 4, "g=7": 1, "g=007": 1, "g=0.5": 1, "g=8": 1}


def test_rows_of_one_type_stay_in_one_batch_and_keep_their_order(tmp_path):
    kinds = [FLOAT32, FLOAT64, pa.null(), FLOAT32]
    for shard, kind in enumerate(kinds):
        value = None if pa.types.is_null(kind) else 0.1
        pq.write_table(pa.table({"id": one(shard), "g": one(value, kind)}), tmp_path / f"second-{shard}.parquet")
    pq.write_table(pa.table({"id": [3, 1, 2, 0, 9]}), tmp_path / "main-0.parquet")
    frame, counts = joined(_join(tmp_path), tmp_path / "out")
    assert frame["_row"].tolist() == [0, 2, 3, 1]
    assert counts.unmatched == {"rows": 1, "labels": 0}


def test_repeated_keys_are_told_with_both_files_whatever_their_types(tmp_path):
    write_shards(tmp_path, id=(one(7), one(7.0)), g=(one(0.1, FLOAT32), one(0.1)))
    told = refusal_of_files("files", "rows.parquet", CONFIG, tmp_path, **JOINED)
    assert f"{tmp_path}/second-1.parquet: the key id=7.0 is already in {tmp_path}/second-0.parquet" in told


def test_views_of_text_can_be_keys(tmp_path):
    write_shards(tmp_path, id=(one("a", pa.string_view()), one("b", pa.string_view())))
    pq.write_table(pa.table({"id": pa.array(["b", "a"], pa.string_view())}), tmp_path / "main-0.parquet")
    (tmp_path / "main-1.parquet").unlink()
    check_join(_join(tmp_path), {"label": "label_key"})
    assert joined(_join(tmp_path), tmp_path / "out")[0]["label"].tolist() == [0, 1]
