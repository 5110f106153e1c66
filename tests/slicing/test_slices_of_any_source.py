"""A slice key is the same whichever reader, shard, unit and back end brings it: checked with random columns."""

import csv
import datetime
import json
import re
import tempfile
import uuid
from collections import Counter
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

import assay
from assay.errors import BadRowError, ColumnTypeError
from assay.plan.analysis_file import compile_analysis
from assay.run import local
from tests.doors import DOORS, OF_FILES, frame_by, frame_of_files, refusal_by, refusal_of_files

CONFIG = {
    "model_specs": [{"label_key": "label", "prediction_key": "score"}],
    "slicing_specs": [{}, {"feature_keys": ["by"]}],
    "metrics_specs": [{"metrics": [{"class_name": "ExampleCount"}]}],
}
NEW_YEAR, NOON = datetime.datetime(2024, 1, 1), datetime.datetime(2024, 1, 1, 12, 0, 0, 500000)
MOMENTS = st.datetimes(datetime.datetime(1970, 1, 1), datetime.datetime(2200, 1, 1)).map(
    lambda at: at.replace(microsecond=at.microsecond // 1000 * 1000)
)
KINDS = {
    "text": (st.sampled_from(["a", "b c", "é", "a,b", "x=y", "(0, 18]", "NA"]), [pa.string(), pa.large_string()]),
    "whole": (st.integers(-(2**31), 2**31 - 1), [pa.int32(), pa.int64()]),
    "large": (st.integers(2**53, 2**63 - 1), [pa.int64(), pa.uint64()]),
    "share": (st.floats(allow_nan=False, allow_infinity=False).map(lambda x: x + 0.5), [pa.float64()]),
    "short": (st.sampled_from([0.1, 11.29, 2.5, 1e-05, 0.3]), [pa.float32(), pa.float64()]),
    "flag": (st.booleans(), [pa.bool_()]),
    "day": (st.dates(datetime.date(1970, 1, 1), datetime.date(2200, 1, 1)), [pa.date32(), pa.date64()]),
    "moment": (MOMENTS, [pa.timestamp("ms"), pa.timestamp("us"), pa.timestamp("ns")]),
    "zoned": (MOMENTS, [pa.timestamp("ms", "UTC"), pa.timestamp("us", "Asia/Kolkata")]),
}
"""Kind of column -> its values, and the types that may store them."""

IN_TEXT_FILES = {"text", "whole", "large", "share", "short"}
"""Kinds of which a text file has the value itself."""


def parquet(folder, shards, kinds, dictionary):
    for i, rows in enumerate(shards):
        column = pa.array(rows, kinds[i % len(kinds)])
        column = column.dictionary_encode() if dictionary and i % 2 else column
        table = pa.table({"label": [1.0] * len(rows), "score": [0.5] * len(rows), "by": column})
        pq.write_table(table, folder / f"{i}.parquet")


def text_file(folder, shards, form):
    for i, rows in enumerate(shards):
        with open(folder / f"{i}.{form}", "w", newline="") as file:
            if form == "csv":
                csv.writer(file).writerows([["label", "score", "by"], *([1.0, 0.5, value] for value in rows)])
            else:
                file.writelines(json.dumps({"label": 1.0, "score": 0.5, "by": value}) + "\n" for value in rows)


def counts(results):
    frame = assay.metrics_frame(str(results))
    frame = frame[frame["slice"] != "Overall"]
    assert frame["slice"].is_unique
    return {
        (text, key[0][1]): value
        for text, key, value in zip(frame["slice"], frame["slice_key"], frame["value"], strict=True)
    }


def of_files(folder, form, door="files"):
    frame_of_files(door, f"*.{form}", CONFIG, folder)
    return counts(folder / "out")


def in_memory(values, kind, folder):
    table = pa.table({"label": [1.0] * len(values), "score": [0.5] * len(values), "by": pa.array(values, kind)})
    assay.analyze_raw_data(table, CONFIG, str(folder))
    return counts(folder)


@st.composite
def columns(draw):
    """(kind, values, where the shards begin)."""
    kind = draw(st.sampled_from(sorted(KINDS)))
    values = draw(st.lists(KINDS[kind][0], min_size=2, max_size=8))
    return kind, values, draw(st.integers(1, len(values) - 1))


CALM: dict[str, Any] = {"deadline": None, "suppress_health_check": list(HealthCheck)}


@settings(max_examples=2, derandomize=True, **CALM)
@given(columns(), st.booleans())
@example(("moment", [NEW_YEAR, NOON, NEW_YEAR, NOON], 2), True)
@example(("flag", [True, False, True], 1), False)
def test_a_slice_key_survives_every_reader_shard_unit_and_back_end(column, dictionary):
    kind, values, cut = column
    check(kind, values, cut, dictionary)


@pytest.mark.slow
@settings(max_examples=60, **CALM)
@given(columns(), st.booleans())
def test_many_slice_keys_survive_every_reader_shard_unit_and_back_end(column, dictionary):
    kind, values, cut = column
    check(kind, values, cut, dictionary)


def check(kind, values, cut, dictionary) -> None:
    kinds = KINDS[kind][1]
    with tempfile.TemporaryDirectory() as name:
        expected = in_memory(values, kinds[0], Path(name) / "memory")
        assert sorted(expected.values()) == sorted(map(float, Counter(values).values()))
        layouts = {"two": [values[:cut], values[cut:]], "back": [values[cut:], values[:cut]]}
        for layout, shards in layouts.items():
            folder = Path(name) / layout
            folder.mkdir()
            parquet(folder, shards, kinds, dictionary)
            assert of_files(folder, "parquet") == expected, layout
        assert of_files(Path(name) / "two", "parquet", "checkpointed") == expected
        if kind in IN_TEXT_FILES:
            for form in ("csv", "jsonl"):
                text_file(Path(name) / "two", layouts["two"], form)
                assert of_files(Path(name) / "two", form) == expected, form


def write(folder, **files):
    for name, text in files.items():
        (folder / f"{name}.csv").write_text("label,score,by,city\n" + "".join(f"1,0.5,{row}\n" for row in text))


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (["10001", "7001"], ["07001", "10001"]),
        (["7", "1"], ["007", "07"]),
        (["100000", "1"], ["1E5", "1e5"]),
        (["9007199254740993", "2"], ["0.5", "9007199254740993"]),
        (["1.5", "1.1"], ["1.50", "1.10"]),
        (["12345678901234567890", "2"], ["12345678901234567891", "2"]),
        (["2.5", "1.0"], ["+1", "2"]),
    ],
)
@pytest.mark.parametrize("turned", [False, True])
def test_texts_of_a_csv_file_keep_their_form_as_slice_values_in_every_shard(tmp_path, first, second, turned):
    shards = {"a": second, "b": first} if turned else {"a": first, "b": second}
    write(tmp_path, **{name: [f"{value},x" for value in values] for name, values in shards.items()})
    found = of_files(tmp_path, "csv")
    assert {text: count for (text, _), count in found.items()} == {
        f"by={value}": float(count) for value, count in Counter([*first, *second]).items()
    }
    if not turned:
        assert of_files(tmp_path, "csv", "checkpointed") == found


@pytest.mark.parametrize("text", ["1_000", "A7", "12 km"])
def test_what_is_no_number_in_a_column_of_numbers_is_named_rather_than_changed(tmp_path, text):
    write(tmp_path, a=["1,x", "2,x"], b=[f"{text},x"])
    with pytest.raises(BadRowError, match=r"b\.csv, row 0: column 'by'"):
        of_files(tmp_path, "csv")


@pytest.mark.parametrize(("text", "rows"), [("07001", 2), ("7001", 1), ("10001", 3)])
def test_a_text_of_a_config_finds_the_text_of_a_csv_file(tmp_path, text, rows):
    write(tmp_path, a=["10001,x", "7001,x", "10001,x"], b=["07001,x", "07001,y", "10001,y"])
    config = {**CONFIG, "slicing_specs": [{"feature_values": {"by": text}}]}
    assay.run_model_analysis(
        config, data_location=str(tmp_path / "*.csv"), file_format="csv", output_path=str(tmp_path / "out")
    )
    assert {text: count for (text, _), count in counts(tmp_path / "out").items()} == {f"by={text}": rows}


@pytest.mark.parametrize("wrapped", [False, True])
@pytest.mark.parametrize("early", [0, 1100])
def test_dates_of_json_lines_are_the_texts_that_stand_there(tmp_path, early, wrapped):
    days: list[str | None] = [*[None] * early, "2024-01-31", "2024-02-01", "2024-01-31"]
    shards: dict[str, list[str | None]] = {"a": days, "b": ["2024-01-31", "soon"], "c": [None, "2024-02-01"]}
    for name, values in shards.items():
        rows = [{"label": 1.0, "score": 0.5, "by": [day] if wrapped and day else day} for day in values]
        (tmp_path / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    found = of_files(tmp_path, "jsonl")
    assert {text: count for (text, _), count in found.items()} == {"by=2024-01-31": 3, "by=2024-02-01": 2, "by=soon": 1}
    assert of_files(tmp_path, "jsonl", "checkpointed") == found


def test_a_joined_csv_file_keeps_its_texts_too(tmp_path):
    (tmp_path / "main.csv").write_text("id,label,score\n1,1,0.5\n2,1,0.5\n3,1,0.5\n")
    (tmp_path / "a.csv").write_text("id,by\n1,7\n2,8\n")
    (tmp_path / "b.csv").write_text("id,by\n3,007\n")
    assay.run_model_analysis(
        CONFIG,
        data_location=str(tmp_path / "main.csv"),
        file_format="csv",
        join={"files": [str(tmp_path / "a.csv"), str(tmp_path / "b.csv")], "format": "csv", "on": ["id"]},
        output_path=str(tmp_path / "out"),
    )
    assert {text for text, _ in counts(tmp_path / "out")} == {"by=7", "by=8", "by=007"}


@pytest.mark.parametrize(
    ("first", "second", "door"),
    [
        (pa.array([1, 2]), pa.array(["1", "2"]), "command"),
        (pa.array([0.5, 2.0]), pa.array(["0.5", "2.0"]), "checkpointed"),
        (pa.array([True, False]), pa.array(["1", "0"]), "files"),
    ],
)
def test_shards_that_hold_a_column_as_numbers_and_as_texts_are_refused(tmp_path, first, second, door):
    for name, column in (("a", first), ("b", second)):
        pq.write_table(pa.table({"label": [1.0, 1.0], "score": [0.5, 0.5], "by": column}), tmp_path / f"{name}.parquet")
    said = refusal_of_files(door, "*.parquet", CONFIG, tmp_path)
    assert re.search("column 'by' holds .* as text in some rows and as a number in others", said)


@pytest.mark.parametrize("door", OF_FILES)
def test_whole_numbers_and_floats_of_two_shards_are_one_slice(tmp_path, door):
    parquet(tmp_path, [[20240103, 20240104], [20240103, 20240105]], [pa.int64(), pa.float64()], False)
    found = of_files(tmp_path, "parquet", door)
    assert {value: count for (_, value), count in found.items()} == {20240103: 2, 20240104: 1, 20240105: 1}


@pytest.mark.parametrize(("form", "door"), [("csv", "files"), ("jsonl", "files"), ("jsonl", "checkpointed")])
def test_whole_numbers_that_no_float_can_hold_stay_apart_in_text_files(tmp_path, form, door):
    shards: list[list[float]] = [
        [2**64 - 1, 2**64 - 2, 3],
        [0.5, 2**53 + 1, 2**53, 2**64 - 1, -(10**30) - 1, 10**30, 1e300],
    ]
    text_file(tmp_path, shards, form)
    found = of_files(tmp_path, form, door)
    expected = Counter(Decimal(str(value)) for rows in shards for value in rows)
    assert {Decimal(text.removeprefix("by=")): count for (text, _), count in found.items()} == expected


@pytest.mark.parametrize("text", ["2.5", "2.50", "2"])
@pytest.mark.parametrize("form", ["parquet", "jsonl", "csv"])
@pytest.mark.parametrize("turned", [False, True])
def test_a_text_of_a_config_may_be_a_fraction_where_some_shards_have_whole_numbers_alone(tmp_path, text, form, turned):
    shards: list[list[float]] = [[1, 2, 2], [2.5, 2.0, 0.5], [2, 3]]
    shards = shards[::-1] if turned else shards
    if form == "parquet":
        for i, rows in enumerate(shards):
            table = {"label": [1.0] * len(rows), "score": [0.5] * len(rows), "by": pa.array(rows)}
            pq.write_table(pa.table(table), tmp_path / f"{i}.parquet")
    else:
        text_file(tmp_path, shards, form)
    config = {**CONFIG, "slicing_specs": [{"feature_values": {"by": text}}]}
    assay.run_model_analysis(
        config, data_location=str(tmp_path / f"*.{form}"), file_format=form, output_path=str(tmp_path / "out")
    )
    expected = 0 if form == "csv" and text == "2.50" else sum(row == float(text) for rows in shards for row in rows)
    assert sum(counts(tmp_path / "out").values()) == expected


@pytest.mark.parametrize(
    ("column", "text", "rows"),
    [
        (pd.array([True, False, None], "boolean"), "True", 1),
        (pd.array([True, False, None], "boolean"), "false", 1),
        (pd.array([1, 2, None], "Int64"), "2", 1),
        (pd.DatetimeIndex(["2024-01-01", "2024-01-02", "NaT"]), "2024-01-01", 1),
        (pd.DatetimeIndex(["2024-01-01", "2024-01-02", "NaT"], tz="UTC"), "2024-01-02", 1),
        ([datetime.date(2024, 1, 1), datetime.date(2024, 1, 2), None], "2024-01-02", 1),
        ([Decimal("1.50"), Decimal("2.25"), None], "1.5", 1),
        (pd.Categorical(["a", "b", None]), "b", 1),
        (pd.cut(np.array([1, 20, np.nan]), [0, 18, 65]), "(18, 65]", 1),
        (pd.PeriodIndex(["2024-01", "2024-02", None], freq="M"), "2024-02", 1),
        (np.array([0.1, 0.2, np.nan], np.float32), "0.1", 1),
    ],
)
def test_a_frame_s_rows_are_found_by_text_told_apart_by_value_and_counted_where_they_have_none(
    tmp_path, column, text, rows
):
    frame = pd.DataFrame({"label": [1.0, 1.0, 0.0], "score": [0.5, 0.5, 0.5], "by": column})
    config = {
        **CONFIG,
        "slicing_specs": [{"feature_values": {"by": text}}, {"feature_keys": ["by"]}],
        "metrics_specs": [
            {
                "metrics": [
                    {
                        "class_name": "ExampleCount",
                        "per_slice_thresholds": [
                            {
                                "slicing_specs": [{"feature_values": {"by": text}}],
                                "threshold": {"value_threshold": {"lower_bound": 2.0}},
                            }
                        ],
                    }
                ]
            }
        ],
    }
    assay.analyze_raw_data(frame, config, str(tmp_path / "out"))
    assert sorted(counts(tmp_path / "out").values()) == [1.0, 1.0]
    verdict = assay.load_verdict(str(tmp_path / "out"))
    assert [reason.rows for reason in verdict.reasons] == [rows]  # the threshold finds the slice that is meant
    assert verdict.unsliced == {f'by="{text}"' if "," in text else f"by={text}": 1, "by": 1}
    assert "1 row is in no slice by by: no value" in verdict.lines()


NO_VALUES: list[tuple[list[Any], str]] = [
    ([True, False], "yes"),
    ([1, 2], "01"),
    ([datetime.date(2024, 1, 1)] * 2, "January"),
    ([datetime.datetime(2024, 1, 1)] * 2, "2024-01-01T00:00Z"),
    ([0.5, 1.0], "half"),
]
"""Columns, and texts that mean no value of them."""


@pytest.mark.parametrize(("column", "text"), NO_VALUES)
def test_a_frame_s_column_cannot_be_asked_for_a_text_that_is_no_value_of_it(column, text):
    frame = pd.DataFrame({"label": [1.0, 0.0], "score": [0.5, 0.5], "by": column})
    with pytest.raises(ColumnTypeError, match=rf"column 'by' has type .* and '{text}' is not a value of that type"):
        assay.analyze_raw_data(frame, {**CONFIG, "slicing_specs": [{"feature_values": {"by": text}}]})


@pytest.mark.parametrize(("column", "text"), NO_VALUES)
def test_nor_can_a_file_s_column(tmp_path, column, text):
    table = pa.table({"label": [1.0, 0.0], "score": [0.5, 0.5], "by": column})
    said = refusal_by("command", table, {**CONFIG, "slicing_specs": [{"feature_values": {"by": text}}]}, tmp_path)
    assert re.search(rf"column 'by' has type .* and '{text}' is not a value of that type", said)


MORNING = datetime.time(8, 30)
ASKED = {
    "member": (pa.array([True, False, True, None]), "True", "1"),
    "guest": (pa.array([True, False, False, None]), "false", "0"),
    "day": (pa.array([NEW_YEAR, NOON, NEW_YEAR, None], pa.timestamp("ns")), "2024-01-01", "2024-01-01 00:00:00"),
    "half": (pa.array([NEW_YEAR, NOON, NOON, None], pa.timestamp("us")), f"{NOON}", f"{NOON}"),
    "utc": (pa.array([NEW_YEAR, NOON, NEW_YEAR, None], pa.timestamp("us", "UTC")), "2024-01-01", f"{NEW_YEAR}+00:00"),
    "delhi": (
        pa.array([NEW_YEAR, NOON, NEW_YEAR, None], pa.timestamp("ms", "Asia/Kolkata")),
        "2024-01-01T05:30+05:30", f"{NEW_YEAR}+00:00",
    ),
    "born": (pa.array([NEW_YEAR.date(), None, NEW_YEAR.date(), None]), "2024-01-01", "2024-01-01"),
    "at": (pa.array([MORNING, datetime.time(9), MORNING, None], pa.time64("us")), "08:30", "08:30:00"),
    "month": (pa.array(pd.Series(pd.PeriodIndex(["2024-01", "2024-02", "2024-01", None], freq="M"))), *["2024-01"] * 2),
    "price": (pa.array([Decimal("1.50"), Decimal("2.25"), Decimal("1.50"), None]), "1.500", "1.5"),
}  # fmt: skip
"""Column -> its rows, the text of a config that means two of them, and that of their slice; the last has no value."""


@pytest.mark.parametrize("door", DOORS)
def test_a_text_of_a_config_finds_truth_values_days_and_times_by_every_door(tmp_path, door):
    specs = [{"feature_values": {name: text}} for name, (_, text, _) in ASKED.items()]
    threshold = {"value_threshold": {"lower_bound": 3.0}}
    count = {"class_name": "ExampleCount", "per_slice_thresholds": [{"slicing_specs": specs, "threshold": threshold}]}
    config = {**CONFIG, "slicing_specs": specs, "metrics_specs": [{"metrics": [count]}]}
    table = pa.table({"label": [1.0] * 4, "score": [0.5] * 4, **{name: column for name, (column, *_) in ASKED.items()}})

    frame = frame_by(door, table, config, tmp_path)
    expected = {f"{name}={shown}": 2 for name, (_, _, shown) in ASKED.items()}
    assert dict(zip(frame["slice"], frame["value"], strict=True)) == expected

    verdict = assay.load_verdict(tmp_path / "out")
    assert {reason.slice: reason.rows for reason in verdict.reasons} == expected
    assert verdict.unsliced == {f"{name}={text}": column.null_count for name, (column, text, _) in ASKED.items()}


@pytest.mark.parametrize(("form", "door"), [("csv", "command"), ("csv", "checkpointed"), ("jsonl", "files")])
def test_a_text_of_a_config_finds_the_truth_values_of_a_text_file(tmp_path, form, door):
    text_file(tmp_path, [[True, False], [None, True]], form)
    specs = [{"feature_values": {"by": text}} for text in ("true", "FALSE")]
    frame = frame_of_files(door, f"*.{form}", {**CONFIG, "slicing_specs": specs}, tmp_path)
    assert dict(zip(frame["slice"], frame["value"], strict=True)) == {"by=1": 2, "by=0": 1}


def intervals(ends, closed="right"):
    return pd.arrays.IntervalArray.from_tuples(ends, closed)


OF_PANDAS: dict[str, tuple[Any, Any, dict[str, int]]] = {
    "age": (
        intervals([(0, 18), (18, 65), (0, 18)]), intervals([(65, 120), (18, 65)]),
        {"(0, 18]": 2, "(18, 65]": 2, "(65, 120]": 1},
    ),
    "share": (
        intervals([(0, 0.5), (0.5, 1), (0, 0.5)], "left"), intervals([(0, 0.5), (1, 1.5)], "left"),
        {"[0.0, 0.5)": 3, "[0.5, 1.0)": 1, "[1.0, 1.5)": 1},
    ),
    "month": (
        pd.PeriodIndex(["2024-01", None, "2024-02"], freq="M"), pd.PeriodIndex(["2024-02", "2024-02"], freq="M"),
        {"2024-01": 1, "2024-02": 3},
    ),
    "quarter": (
        pd.PeriodIndex(["2024Q1", "2024Q4", "2024Q1"], freq="Q"), pd.PeriodIndex(["2024Q4", None], freq="Q"),
        {"2024Q1": 2, "2024Q4": 2},
    ),
    "wait": (
        pd.to_timedelta([90, 5, 90], unit="s"), pd.to_timedelta([5, None], unit="s").as_unit("ms"),
        {"0 days 00:01:30": 2, "0 days 00:00:05": 2},
    ),
    "who": (
        pa.array([uuid.UUID(int=5), None, uuid.UUID(int=6)], pa.uuid()), pa.array([uuid.UUID(int=5)] * 2, pa.uuid()),
        {str(uuid.UUID(int=5)): 3, str(uuid.UUID(int=6)): 1},
    ),
}  # fmt: skip
"""Column -> its rows in the first file and in the second, and how often each text occurs that pandas prints."""


@pytest.mark.parametrize("door", OF_FILES)
def test_types_of_pandas_in_files_slice_as_pandas_prints_them_by_every_door(tmp_path, door):
    for number, rows in enumerate((3, 2)):
        columns = {name: pa.array(pd.Series(shards[number])) for name, shards in OF_PANDAS.items() if name != "who"}
        table = {"label": [1.0] * rows, "score": [0.5] * rows, **columns, "who": OF_PANDAS["who"][number]}
        pq.write_table(pa.table(table), tmp_path / f"{number}.parquet")
    config = {**CONFIG, "slicing_specs": [{"feature_keys": [name]} for name in OF_PANDAS]}
    frame = frame_of_files(door, "*.parquet", config, tmp_path)
    assert dict(zip(frame["slice"], frame["value"], strict=True)) == {
        f"{name}={text}": count for name, (*_, texts) in OF_PANDAS.items() for text, count in texts.items()
    }


def test_rows_in_no_slice_are_in_the_results_of_every_back_end(tmp_path):
    table = pa.table({"label": [1.0] * 4, "score": [0.5] * 4, "by": ["a", None, None, "b"], "b": [1, None, 2, 3]})
    pq.write_table(table, tmp_path / "a.parquet")
    config = {**CONFIG, "slicing_specs": [{}, {"feature_keys": ["by"]}, {"feature_keys": ["by", "b"]}]}
    inputs = {"format": "parquet", "files": str(tmp_path / "a.parquet")}
    for number, checkpoints in enumerate([None, str(tmp_path / "checkpoints")]):
        analysis = {"inputs": inputs, "eval_config": config, "output": str(tmp_path / f"out{number}")}
        result = local.run(compile_analysis(analysis, tmp_path), checkpoints=checkpoints)
        assert result.counts.unsliced == {"by": 2, "b,by": 2}
        for file in ("results.json", "verdict.json"):
            assert json.loads((Path(result.output) / file).read_text())["unsliced"] == {"by": 2, "b,by": 2}


@pytest.mark.parametrize("checkpoints", [False, True])
def test_slicings_whose_features_read_alike_stay_apart_in_the_results(tmp_path, checkpoints):
    table = {"label": [1.0] * 3, "score": [0.5] * 3, "a": ["x", "x", None], "b": [1, 2, 3], "a,b": ["p", "p", "p"]}
    pq.write_table(pa.table({**table, "overall": ["o", None, None]}), tmp_path / "a.parquet")
    specs = [{"feature_keys": ["a", "b"]}, {"feature_keys": ["a,b"]}, {}, {"feature_keys": ["overall"]}]
    analysis = {
        "inputs": {"format": "parquet", "files": str(tmp_path / "a.parquet")},
        "eval_config": {**CONFIG, "slicing_specs": specs},
        "output": str(tmp_path / "out"),
    }
    root = str(tmp_path / "checkpoints") if checkpoints else None
    result = local.run(compile_analysis(analysis, tmp_path), checkpoints=root)
    frame = assay.metrics_frame(str(tmp_path / "out"))
    assert dict(zip(frame["slice"], frame["value"], strict=True)) == {
        "Overall": 3, "a=x, b=1": 1, "a=x, b=2": 1, '"a,b"=p': 3, "overall=o": 1,
    }  # fmt: skip
    assert result.counts.unsliced == {"a,b": 1, '"overall"': 2}


def test_tfma_opens_results_whose_numbers_no_float32_can_hold(tmp_path):
    tfma = pytest.importorskip("tensorflow_model_analysis")
    days = [20240103.5, 20240104.5, 0.1, 0.5]
    frame = pd.DataFrame({"label": [1.0] * 4, "score": [0.5] * 4, "by": days})
    assay.analyze_raw_data(frame, CONFIG, str(tmp_path / "out"))
    (folder,) = (path for path in (tmp_path / "out").iterdir() if path.is_dir())
    theirs = {dict(key)["by"] for key, _ in tfma.load_eval_result(str(folder)).slicing_metrics if key}
    assert theirs == {"20240103.5", "20240104.5", float(np.float32(0.1)), 0.5}
    assert {value for _, value in counts(tmp_path / "out")} == set(days)
