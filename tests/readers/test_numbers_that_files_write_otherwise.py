"""What a file has and a column of numbers cannot hold is kept or refused, wherever values are shown or compared."""

import itertools
import json
import math
from collections import Counter
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import assay
from assay.errors import ColumnTypeError
from assay.evaluators.analysis_table import select
from assay.readers.lost_texts import says_more
from assay.writers import AnalysisTableWriter
from tests.doors import OF_FILES, frame_of_files, refusal_of_files

MODEL = {"model_specs": [{"label_key": "label", "prediction_key": "score"}]}
COUNTED = {**MODEL, "metrics_specs": [{"metrics": [{"class_name": "ExampleCount"}]}]}
SAMPLER = {"class_name": "FalsePositiveFeatureSampler", "config": {"feature_key": "code", "sample_size": 9}}
SAMPLED = {**MODEL, "metrics_specs": [{"metrics": [SAMPLER]}], "slicing_specs": [{}, {"feature_keys": ["code"]}]}
LARGE = 2**53 + 1
"""No float holds it."""


def csv_files(folder, **shards):
    for name, codes in shards.items():
        lines = [f"0,0.9,{code}\n" for code in codes]
        (folder / f"{name}.csv").write_text("".join(["label,score,code\n", *lines]))


def json_files(folder, **shards):
    """Values are JSON."""
    for name, codes in shards.items():
        lines = [f'{{"label": 0, "score": 0.9, "code": {code}}}\n' for code in codes]
        (folder / f"{name}.jsonl").write_text("".join(lines))


def codes_written(folder):
    """The column of the analysis table."""
    tables = [pq.read_table(file) for file in sorted((folder / "out").rglob("analysis-*.parquet"))]
    return [code for table in tables for code in table.column("features.code").to_pylist()]


# CSV: the type of a column is told from the first file ----------------------------------------------------------------

CODES = [
    (["7002"], "07001", "7001"),
    (["0.5"], "-00.50", "-0.5"),
    (["7002"], "12E4", "120000.0"),
    (["7002", "0.5"], "9007199254740993", "9007199254740992.0"),
]
"""What the first file has, what a later one has, and the number that it would be."""


@pytest.mark.parametrize(
    ("text", "number"),
    [("07", 7), ("+007", 7), ("-00.50", -0.5), ("12E4", 12e4), ("1e5", 1e5), ("1E20", 1e20), ("1e400", math.inf),
     (str(LARGE), float(LARGE)), (f"-{LARGE}", -float(LARGE)), (str(2**64 - 1), 2.0**64),
     (str(10**23), 1e23), ("12345678901234567.89", 12345678901234567.89)],
)  # fmt: skip
def test_these_texts_are_more_than_their_numbers(text, number):
    assert says_more(text, number)


@pytest.mark.parametrize(
    ("text", "number"),
    [("7", 7), ("+7", 7), ("-0", 0), ("0", 0.0), ("0.50", 0.5), ("1.10", 1.1), ("1e-05", 1e-5), ("1.5E5", 1.5e5),
     ("1E+05", 1e5), ("1e16", 1e16), ("1e300", 1e300), (str(LARGE), LARGE), (str(2**60), 2.0**60), ("inf", math.inf),
     ("0.1234567890123456789", 0.12345678901234568)],
)  # fmt: skip
def test_these_are_not(text, number):
    assert not says_more(text, number)


@pytest.mark.parametrize(("first", "later", "number"), CODES)
def test_the_analysis_table_refuses_a_text_of_a_later_file_that_is_more_than_its_number(first, later, number, tmp_path):
    csv_files(tmp_path, a=first, b=["8", later])
    told = refusal_of_files("command", "*.csv", SAMPLED, tmp_path, analysis_table=True)
    assert told.startswith(f"{tmp_path / 'b.csv'}, row 1: column 'code' has {later!r}, which the analysis table would")
    assert f"for the number {number}; give the column a type in inputs.options.types" in told
    assert codes_written(tmp_path) == []


@pytest.mark.parametrize("door", ["command", "checkpointed"])
def test_a_bad_text_is_found_in_the_first_file_too_and_behind_the_stages(door, tmp_path):
    csv_files(tmp_path, a=["0.5", "18446744073709551614"])
    told = refusal_of_files(door, "a.csv", COUNTED, tmp_path, analysis_table=True, on_bad_rows="skip")
    assert "a.csv, row 1: column 'code' has '18446744073709551614'" in told


@pytest.mark.parametrize(("first", "later", "number"), CODES)
def test_the_same_texts_are_shown_and_sliced_by_as_they_stand_in_the_file(first, later, number, tmp_path):
    csv_files(tmp_path, a=first, b=["8", later])
    frame = frame_of_files("command", "*.csv", SAMPLED, tmp_path)
    assert f"code={later}" in set(frame["slice"])
    sampled = frame[frame["slice"] == "Overall"]["text"].tolist()
    assert sampled[-1] == later


@pytest.mark.parametrize(
    ("door", "kind", "written"),
    [("command", "text", ["7002", "07001", "7001"]), ("checkpointed", "int64", [7002, 7001, 7001])],
)
def test_a_declared_type_is_the_cure(door, kind, written, tmp_path):
    csv_files(tmp_path, a=["7002"], b=["07001", "7001"])
    frame_of_files(door, "*.csv", SAMPLED, tmp_path, analysis_table=True, options={"types": {"code": kind}})
    assert sorted(codes_written(tmp_path), key=str) == sorted(written, key=str)


@pytest.mark.parametrize("codes", [["0.50", "1.10", "+3.25"], ["1e-3", "2.5E+5", "1e300"], [str(2**53), "0.1", "-0.5"]])
def test_a_number_in_another_form_is_that_number_in_the_analysis_table(codes, tmp_path):
    csv_files(tmp_path, a=["0.5"], b=codes)
    frame_of_files("command", "*.csv", COUNTED, tmp_path, analysis_table=True)
    assert codes_written(tmp_path) == [0.5, *map(float, codes)]


def test_an_extractor_may_put_the_texts_there_itself():
    read = {"features": {"code": pa.array([7001])}, "_texts": {"code": pa.array(["07001"])}}
    told = {**read, "features": {"code": read["_texts"]["code"]}}
    with pytest.raises(ColumnTypeError, match="has '07001'"):
        select(read, include=None, exclude=())
    assert select(told, include=None, exclude=()) == {"features": {"code": pa.array(["07001"])}}
    assert select({**read, "labels": np.array([1.0])}, include=("labels",), exclude=()).keys() == {"labels"}


def test_the_analysis_table_of_ones_own_evaluators_refuses_it_too(tmp_path):
    csv_files(tmp_path, a=["7002"], b=["07001"])
    with pytest.raises(ColumnTypeError, match=r"b\.csv, row 0: column 'code' has '07001'"):
        assay.run_model_analysis(
            COUNTED,
            data_location=tmp_path / "*.csv",
            file_format="csv",
            output_path=tmp_path / "out",
            evaluators=[assay.AnalysisTableEvaluator()],
            writers=[AnalysisTableWriter(tmp_path / "out")],
        )


KEYS = [
    ("files", "7002", "07001", "7001"),
    ("command", "7002", "007001", "7001"),
    ("checkpointed", "7002", "1E3", "1000"),
]


@pytest.mark.parametrize(("door", "first", "later", "other"), KEYS)
@pytest.mark.parametrize("side", ["main", "second"])
def test_a_key_of_a_join_is_refused_where_it_would_match_another(side, first, later, other, door, tmp_path):
    keys = {"main": [[first], [later]], "second": [[first], [other]]}
    if side == "second":
        keys = {"main": keys["second"], "second": keys["main"]}
    for i in range(2):
        (tmp_path / f"main-{i}.csv").write_text("id,score\n" + "".join(f"{key},0.9\n" for key in keys["main"][i]))
        (tmp_path / f"second-{i}.csv").write_text("id,label\n" + "".join(f"{key},1\n" for key in keys["second"][i]))
    join = {"files": "second-*.csv", "on": ["id"]}
    told = refusal_of_files(door, "main-*.csv", COUNTED, tmp_path, join=join)
    assert told.startswith(
        f"{tmp_path / side}-1.csv, row 0: column 'id' has {later!r}, which inputs.join.on would take"
    )


# JSON lines: whole numbers beside fractions ---------------------------------------------------------------------------

ROUNDED = [
    ("[7]", "[9007199254740993, 0.5]", "9007199254740993"),
    ("[0.5]", "[1, 9007199254740993]", "9007199254740993"),
    ("[[0.5]]", "[[1], [2, -9007199254740993]]", "-9007199254740993"),
    ("[7]", "[18446744073709551615]", "18446744073709551615"),
    ("[0.5]", "[12345678901234567.89]", "12345678901234567.89"),
    ('{"x": 0.5}', '{"x": 9007199254740995}', "9007199254740995"),
    ('[{"x": [0.5]}]', '[{"x": [9007199254740997]}]', "9007199254740997"),
]
"""What the first file has, what a later one has, and the number in it that no float says."""


@pytest.mark.parametrize(("first", "later", "number"), ROUNDED)
def test_a_row_whose_list_or_object_would_be_rounded_is_a_bad_one(first, later, number, tmp_path):
    sampled = {**SAMPLED, "slicing_specs": [{}]}
    json_files(tmp_path, a=[first], b=[first, later])
    told = refusal_of_files("command", "*.jsonl", sampled, tmp_path)
    assert told.startswith(f"{tmp_path / 'b.jsonl'}, row 1: column 'code': {number} beside fractions")
    assert "in quotes; correct the row, or set on_bad_rows: skip" in told

    frame = frame_of_files("command", "*.jsonl", sampled, tmp_path, on_bad_rows="skip", max_bad_rows="90%")
    assert [json.loads(text) for text in frame["text"]] == [json.loads(first)] * 2
    assert assay.load_verdict(tmp_path / "out").bad_rows == {"unreadable": 1}


USES = [*itertools.product(["slices", "labels"], OF_FILES), ("samples", "files"), ("predictions", "command")]


@pytest.mark.parametrize(("use", "door"), USES)
def test_it_is_a_bad_one_by_every_door_whatever_the_list_is_for(use, door, tmp_path):
    config: dict[str, Any] = {
        "slices": {**COUNTED, "slicing_specs": [{"feature_keys": ["code"]}]},
        "samples": SAMPLED,
        "labels": {**COUNTED, "model_specs": [{"label_key": "code", "prediction_key": "score"}]},
        "predictions": {**COUNTED, "model_specs": [{"label_key": "label", "prediction_key": "code"}]},
    }[use]
    json_files(tmp_path, a=["[7, 1]"], b=["[0.5, 1]", f"[{LARGE}, 0]"])
    told = refusal_of_files(door, "*.jsonl", config, tmp_path)
    assert f"b.jsonl, row 1: column 'code': {LARGE} beside fractions" in told


def test_the_analysis_table_has_no_rounded_list(tmp_path):
    json_files(tmp_path, a=["[0.5]", f"[{LARGE}]", "[2.5]"])
    told = refusal_of_files("command", "a.jsonl", COUNTED, tmp_path, analysis_table=True)
    assert f"a.jsonl, row 1: column 'code': {LARGE} beside fractions" in told


@pytest.mark.parametrize("number", [LARGE, 2**64 - 1, -LARGE])
def test_the_analysis_table_refuses_a_number_beside_fractions_that_no_float_says(number, tmp_path):
    json_files(tmp_path, a=["0.5", number, "2.5"])
    told = refusal_of_files("command", "a.jsonl", COUNTED, tmp_path, analysis_table=True)
    assert f"a.jsonl, row 1: column 'code' has '{number}', which the analysis table would take for the number" in told


@pytest.mark.parametrize("numbers", [[0.1, 1e300], [2**53, 0.5], [2.0**60, -1.5], [2**60, 0.25]])
def test_large_numbers_that_a_float_says_are_no_fault(numbers, tmp_path):
    json_files(tmp_path, a=[json.dumps(numbers)], b=[json.dumps(numbers[:1])])
    frame_of_files("command", "a.jsonl", COUNTED, tmp_path, analysis_table=True)
    assert codes_written(tmp_path) == [numbers]


@pytest.mark.parametrize(
    ("door", "wrapped"), [("files", False), ("files", True), ("command", False), ("checkpointed", True)]
)
def test_whole_numbers_keep_all_digits_where_another_column_has_a_fraction_late(wrapped, door, tmp_path):
    codes = [*[7] * 1024, LARGE, LARGE - 1, LARGE + 2, LARGE]
    scores = [*[1] * 1024, 0.5, 1.0, 0.25, 1]
    values = [[code] if wrapped else code for code in codes]
    rows = [{"label": 0, "score": score, "code": value} for score, value in zip(scores, values, strict=True)]
    (tmp_path / "a.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    config = {**COUNTED, "slicing_specs": [{"feature_keys": ["code"]}]}

    frame = frame_of_files(door, "a.jsonl", config, tmp_path, **({} if door == "files" else {"analysis_table": True}))
    found = {row.slice: row.value for row in frame.itertuples()}
    assert found == {f"code={code}": count for code, count in Counter(codes).items()}
    assert door == "files" or codes_written(tmp_path) == values


@pytest.mark.parametrize("values", [[LARGE, 0.5], [[LARGE, 0.5]], [{"x": LARGE}, {"x": 0.5}], [[LARGE], [0.5]]])
@pytest.mark.parametrize("frames", [False, True])
def test_rows_in_memory_refuse_such_a_column_by_name(values, frames):
    rows = [{"label": 0, "score": 0.9, "code": value} for value in values]
    data = pd.DataFrame({"label": 0, "score": 0.9, "code": pd.Series(values, dtype=object)}) if frames else rows
    with pytest.raises(ColumnTypeError, match=f"column 'code': the values do not go together.*{LARGE}"):
        assay.analyze_raw_data(data, {**COUNTED, "slicing_specs": [{"feature_keys": ["code"]}]})
