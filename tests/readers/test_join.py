import functools
import gc

import apache_beam as beam
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from assay.errors import (
    BadRowError,
    ColumnTypeError,
    ConfigError,
    CorruptFileError,
    MissingColumnError,
    MissingFileError,
)
from assay.readers import join_table
from assay.readers import source as source_module
from assay.readers.join import Join, check_join
from assay.readers.read_joined import ReadJoined
from assay.readers.source import Source
from assay.run.counted import run_counted
from assay.verdict import Counts

SEEN: list[dict] = []
"""Batches; the runner is in this process."""


def remember(batch):
    SEEN.append(batch)


def joined(join, folder):
    """Runs the transform; returns its rows as a frame (None if there are none), and its counts."""
    SEEN.clear()
    counts = run_counted(ReadJoined(join), beam.Map(remember), (), str(folder))
    return pd.concat(map(frame_of, SEEN)) if SEEN else None, counts


@pytest.fixture
def run(tmp_path):
    """Runs the transform on a join; see `joined`."""
    return functools.partial(joined, folder=tmp_path / "out")


def frame_of(batch):
    where = {"_file": batch["_source"]["file"], "_row": batch["_source"]["row"]}
    return pa.table({**batch["features"], **where}).to_pandas()


@pytest.fixture
def parquet(tmp_path):
    """Writes columns to a Parquet file, and returns its path."""

    def write_file(name, columns):
        pq.write_table(columns if isinstance(columns, pa.Table) else pa.table(columns), tmp_path / name)
        return str(tmp_path / name)

    return write_file


def joining(main, second, on, wanted=None, **settings):
    read = {name: settings.pop(name) for name in ("columns", "batch_rows") if name in settings}
    return Join(
        Source("parquet", (main,), **read), Source("parquet", (second,), key_path="inputs.join", **settings), on, wanted
    )


KEYS = {
    "text": lambda rng, n: [None if v % 11 == 0 else f"user-{v}-{'x' * (v % 13)}" for v in rng.integers(0, 4000, n)],
    "number": lambda rng, n: [None if v % 7 == 0 else int(v) - 900 for v in rng.integers(0, 4000, n)],
    "level": lambda rng, n: [None if v % 5 == 0 else int(v) for v in rng.integers(0, 40, n)],
}


@pytest.mark.parametrize("on", [("text",), ("number",), ("text", "number"), ("number", "level", "text")])
def test_a_join_is_what_pandas_merges(run, on, tmp_path, monkeypatch):
    monkeypatch.setattr(source_module, "SPLIT_BYTES", 10)
    rng = np.random.default_rng(len(on))
    main = pd.DataFrame({"score": rng.random(3000), **{key: KEYS[key](rng, 3000) for key in on}}).convert_dtypes()
    second = pd.DataFrame({key: KEYS[key](rng, 1500) for key in on}).convert_dtypes()
    second = pd.concat([second, main[list(on)].sample(900, random_state=1)], ignore_index=True)
    second = second[~second.duplicated(list(on)) | second[list(on)].isna().any(axis=1)]
    second = second.assign(label=rng.integers(0, 2, len(second)), note=[f"n{i}" for i in range(len(second))])
    for part in range(3):
        pq.write_table(pa.Table.from_pandas(main[part::3], preserve_index=False), tmp_path / f"main-{part}.parquet")
        pq.write_table(pa.Table.from_pandas(second[part::3], preserve_index=False), tmp_path / f"second-{part}.parquet")
    joined, counts = run(joining(f"{tmp_path}/main-*.parquet", f"{tmp_path}/second-*.parquet", on, batch_rows=256))
    expected = main.dropna(subset=list(on)).merge(second.dropna(subset=list(on)), on=list(on))
    columns = [*on, "score", "label", "note"]
    assert len(expected) > 300
    pd.testing.assert_frame_equal(
        joined[columns].sort_values("score", ignore_index=True),
        expected[columns].sort_values("score", ignore_index=True),
        check_dtype=False,
    )
    assert counts.rows == len(expected)
    assert counts.unmatched == {
        "rows": len(main) - len(expected),
        "labels": len(second) - len(expected["note"].unique()),
    }


def test_each_row_keeps_the_place_it_has_in_the_main_source(run, parquet):
    main = parquet("main.parquet", {"id": [*"abcd"], "score": [0.1, 0.2, 0.3, 0.4]})
    joined, _ = run(joining(main, parquet("second.parquet", {"id": [*"db"], "label": [1, 0]}), ("id",)))
    assert joined[["_file", "_row", "score", "label"]].to_numpy().tolist() == [[main, 1, 0.2, 0], [main, 3, 0.4, 1]]


def test_several_rows_may_have_one_partner(run, parquet):
    main = parquet("main.parquet", {"id": [1, 2, 1, 1]})
    joined, counts = run(joining(main, parquet("second.parquet", {"id": [1, 3], "label": [5, 6]}), ("id",)))
    assert joined["label"].tolist() == [5, 5, 5]
    assert counts == Counts(3, {}, {"rows": 1, "labels": 1})


def test_only_wanted_columns_are_read_from_the_source_that_has_them(run, parquet):
    main = parquet("main.parquet", {"id": [1], "score": [0.5], "time": [3], "more": [1]})
    second = parquet("second.parquet", {"id": [1], "label": [1], "time": [4], "group": ["g"]})
    joined, _ = run(joining(main, second, ("id",), wanted=("score", "label", "group")))
    assert set(joined) == {"id", "score", "label", "group", "_file", "_row"}


def test_columns_named_for_a_source_decide_where_a_column_comes_from(run, parquet):
    main = parquet("main.parquet", {"id": [1], "score": [0.5], "time": [3]})
    second = parquet("second.parquet", {"id": [1], "label": [1], "time": [4]})
    join = joining(main, second, ("id",))
    joined, _ = run(Join(join.main, Source("parquet", (second,), columns=("label",)), ("id",)))
    assert joined["time"].tolist() == [3]
    joined, _ = run(joining(main, second, ("id",), columns=("score",)))
    assert joined["time"].tolist() == [4]


def test_slicing_columns_of_the_second_source_come_as_one_dictionary(run, parquet, tmp_path):
    main = parquet("main.parquet", {"id": [1, 2, 3]})
    parquet("second-0.parquet", {"id": [1, 2], "group": ["x", "y"]})
    parquet("second-1.parquet", {"id": [3], "group": ["x"]})
    run(joining(main, f"{tmp_path}/second-*.parquet", ("id",), dictionary=("group",)))
    (batch,) = SEEN
    assert batch["features"]["group"].to_pylist() == ["x", "y", "x"]
    assert batch["features"]["group"].dictionary.to_pylist() == ["x", "y"]


def test_without_any_match_no_row_comes_out(run, parquet):
    main, second = parquet("main.parquet", {"id": [1, 2]}), parquet("second.parquet", {"id": [3], "label": [1]})
    assert run(joining(main, second, ("id",))) == (None, Counts(0, {}, {"rows": 2, "labels": 1}))


@pytest.mark.parametrize("text", ["", "id,label\n"])
def test_an_empty_second_source_matches_nothing(run, text, parquet, write):
    main = parquet("main.parquet", {"id": [1, 2]})
    join = Join(Source("parquet", (main,)), Source("csv", (str(write("second.csv", text)),)), ("id",))
    check_join(join, {"label": "label_key"})
    assert run(join) == (None, Counts(0, {}, {"rows": 2, "labels": 0}))


def test_an_empty_main_source_leaves_every_label_alone(run, parquet, write):
    second = parquet("second.parquet", {"id": [1, 2], "label": [0, 1]})
    join = Join(Source("csv", (str(write("main.csv", "id,score\n")),)), Source("parquet", (second,)), ("id",))
    assert run(join) == (None, Counts(0, {}, {"rows": 0, "labels": 2}))


def test_unreadable_rows_of_the_second_source_are_counted_once(run, parquet, tmp_path, write, monkeypatch):
    monkeypatch.setattr(source_module, "SPLIT_BYTES", 10)
    for part in range(3):
        parquet(f"main-{part}.parquet", {"id": [part, part + 10]})
    second = Source("csv", (str(write("second.csv", "id,label\n0,1\n1\n2,0\n")),), on_bad_rows="skip")
    _, counts = run(Join(Source("parquet", (f"{tmp_path}/main-*.parquet",)), second, ("id",)))
    assert counts == Counts(2, {"unreadable": 1}, {"rows": 4, "labels": 0})


def test_the_second_source_is_read_once_in_a_process_and_again_for_the_next_run(run, parquet, tmp_path, monkeypatch):
    monkeypatch.setattr(source_module, "SPLIT_BYTES", 10)
    read = []

    def reading(*args):
        read.append(args)
        return join_table.read_table(*args)

    monkeypatch.setattr("assay.readers.read_joined.read_table", reading)
    for part in range(5):
        parquet(f"main-{part}.parquet", {"id": [part]})
    second = parquet("second.parquet", {"id": [3], "label": [1]})
    for label in (1, 0):
        parquet("second.parquet", {"id": [3], "label": [label]})
        joined, _ = run(joining(f"{tmp_path}/main-*.parquet", second, ("id",)))
        assert joined["label"].tolist() == [label]
    assert len(read) == 2
    gc.collect()
    assert not join_table._tables


def test_a_table_is_gone_when_nobody_holds_it():
    table = join_table.shared("t", lambda: join_table.Table((), {}, None, 7, 0))
    assert join_table.shared("t", lambda: pytest.fail("read twice")) is table
    del table
    gc.collect()
    assert join_table.shared("t", lambda: join_table.Table((), {}, None, 8, 0)).rows == 8


GOOD = {"id": [1, 2], "score": [0.5, 0.6]}
LABELS = {"id": [1, 2], "label": [0, 1]}


@pytest.mark.parametrize(
    ("main", "second", "error", "message"),
    [
        (GOOD, {"key": [1], "label": [1]}, MissingColumnError, "second.parquet has no column 'id', which"),
        ({"ID": [1]}, LABELS, MissingColumnError, "main.parquet has no column 'id', which inputs.join.on needs"),
        (GOOD, {**LABELS, "score": [1, 2]}, ConfigError, "column 'score' is in .*main.parquet and in .*second.parquet"),
        (
            GOOD, {"id": ["1", "2"], "label": [0, 1]}, ColumnTypeError,
            r"main.parquet: column 'id' holds whole numbers \(int64\), .*second.parquet: column 'id' holds text",
        ),
        ({"id": [[1], [2]]}, LABELS, ColumnTypeError, "main.parquet: column 'id' has type list"),
        (
            GOOD, {"id": [1, 2], "other": [0, 1]}, MissingColumnError,
            "main.parquet joined with .*second.parquet has no column 'label', which label_key needs. It has: id, o",
        ),
    ],
)  # fmt: skip
def test_sources_that_do_not_go_together_are_refused_before_any_work(main, second, error, message, parquet):
    join = joining(parquet("main.parquet", main), parquet("second.parquet", second), ("id",))
    with pytest.raises(error, match=message):
        check_join(join, {"label": "label_key"})


def test_columns_asked_for_by_name_have_to_be_there(parquet):
    main, second = parquet("main.parquet", GOOD), parquet("second.parquet", LABELS)
    with pytest.raises(MissingColumnError, match=r"main.parquet has no column 'label', which inputs.columns needs"):
        check_join(joining(main, second, ("id",), columns=("label",)), {})


def test_a_missing_second_source_is_named_with_its_key(parquet):
    with pytest.raises(MissingFileError, match=r"no file matches '/nowhere/\*' of inputs.join.files"):
        check_join(joining(parquet("main.parquet", GOOD), "/nowhere/*", ("id",)), {})


def test_repeated_keys_are_refused_with_file_and_key(run, parquet, tmp_path):
    main = parquet("main.parquet", {"id": [1], "day": ["mon"]})
    parquet("second-0.parquet", {"id": [1, 2, 3], "day": ["mon", "mon", "mon"], "label": [0, 1, 1]})
    parquet("second-1.parquet", {"id": [1, 3, 2], "day": ["tue", "mon", "mon"], "label": [0, 1, 1]})
    with pytest.raises(BadRowError) as error:
        run(joining(main, f"{tmp_path}/second-*.parquet", ("id", "day")))
    assert f"{tmp_path}/second-1.parquet: the key id=3, day='mon' is already in {tmp_path}/second-0.parquet" in str(
        error.value
    )
    assert "(and 1 more repeated)" in str(error.value)


def test_a_key_repeated_in_one_file_is_refused(run, parquet):
    second = parquet("second.parquet", {"id": ["a", "b", "b"], "label": [0, 1, 1]})
    with pytest.raises(BadRowError) as error:
        run(joining(parquet("main.parquet", {"id": ["a"]}), second, ("id",)))
    assert "second.parquet: the key id='b' is already in this file; expected every key once" in str(error.value)


def test_a_later_file_with_keys_of_another_kind_is_refused(run, parquet, tmp_path):
    parquet("main-0.parquet", {"id": [1]})
    parquet("main-1.parquet", {"id": ["1"]})
    with pytest.raises(ColumnTypeError) as error:
        run(joining(f"{tmp_path}/main-*.parquet", parquet("second.parquet", LABELS), ("id",)))
    told = str(error.value)
    assert "main-1.parquet: column 'id' holds text (string), " in told
    assert "second.parquet: column 'id' holds whole numbers (int64)" in told


def test_a_corrupt_second_source_is_named(run, parquet, write):
    second = write("second.parquet", "no parquet")
    with pytest.raises(CorruptFileError) as error:
        run(joining(parquet("main.parquet", GOOD), str(second), ("id",)))
    assert "second.parquet" in str(error.value)
