"""Values that a sampler shows are those of the data, whichever type or file stores them, by every door."""

import datetime
import uuid
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import assay
from assay.cli import main
from tests.doors import DOORS, OF_FILES, frame_by, frame_of_files

LABELS = {"label": [0, 0, 1, 0], "score": [0.9, 0.2, 0.8, 0.7]}
"""The first and the last row are false positives."""
TIMES = datetime.datetime(2024, 3, 1), datetime.datetime(2024, 3, 1, 8, 30, 0, 1)
DAYS = datetime.date(2024, 3, 1), datetime.date(1999, 12, 31)
PEOPLE = uuid.UUID(int=5), uuid.UUID(int=6)
SHOWN: dict[str, tuple[pa.DataType, tuple[Any, Any], list[Any]]] = {
    "ident": (pa.int64(), (2**53 + 1, 2**53 + 3), ["9007199254740993", "9007199254740995"]),
    "huge": (pa.uint64(), (2**64 - 1, 2**63), ["18446744073709551615", "9223372036854775808"]),
    "even": (pa.int64(), (2**53 + 2, -(2**62)), [2.0**53 + 2, -(2.0**62)]),
    "small": (pa.int8(), (7, -3), [7, -3]),
    "share": (pa.float64(), (0.1 + 1e-12, 1e300), [0.1 + 1e-12, 1e300]),
    "short": (pa.float32(), (11.29, 0.1), [11.29, 0.1]),
    "price": (pa.decimal128(9, 2), (Decimal("1.50"), Decimal(2)), ["1.50", "2.00"]),
    "flag": (pa.bool_(), (True, False), ["true", "false"]),
    "at": (pa.timestamp("ns"), TIMES, ["2024-03-01 00:00:00", "2024-03-01 08:30:00.000001"]),
    "seen": (pa.timestamp("us", "UTC"), TIMES, ["2024-03-01 00:00:00+00:00", "2024-03-01 08:30:00.000001+00:00"]),
    "born": (pa.date32(), DAYS, ["2024-03-01", "1999-12-31"]),
    "who": (pa.uuid(), PEOPLE, [str(who) for who in PEOPLE]),
    "tags": (pa.list_(pa.string()), (["a", "b"], []), ['["a", "b"]', "[]"]),
    "codes": (pa.list_(pa.int64()), ([2**53 + 1], [7, None]), ["[9007199254740993]", "[7, null]"]),
    "line": (pa.struct([("n", pa.int64())]), ({"n": 1}, {"n": 2}), ['{"n": 1}', '{"n": 2}']),
    "gap": (pa.string(), ("é", None), ["é"]),
}
"""Column -> its type, the values of those rows, and what is shown of them: text where a float cannot hold a number."""
TABLE = pa.table(
    {**LABELS, **{name: pa.array([first, None, None, last], kind) for name, (kind, (first, last), _) in SHOWN.items()}}
)


def sampler(column, size=2):
    settings = {"feature_key": column, "sample_size": size, "name": column}
    return {"class_name": "FalsePositiveFeatureSampler", "config": settings}


def config(*columns, size=2):
    return {
        "model_specs": [{"label_key": "label", "prediction_key": "score"}],
        "metrics_specs": [{"metrics": [sampler(column, size) for column in columns]}],
    }


def shown(frame):
    """Metric -> what is shown, in order."""
    found: dict[str, list[Any]] = {}
    for metric, value, text in zip(frame["metric"], frame["value"], frame["text"], strict=True):
        found.setdefault(metric, []).append(text if isinstance(text, str) else value)
    return found


@pytest.mark.parametrize("door", DOORS)
def test_values_of_any_type_are_shown_as_they_are_by_every_door(door, tmp_path):
    frame = frame_by(door, TABLE, config(*SHOWN), tmp_path)
    assert shown(frame) == {name: values for name, (_, _, values) in SHOWN.items()}


def test_the_table_shows_all_digits_of_a_whole_number(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    frame_by("command", TABLE, config("ident"), tmp_path)
    assert main(["show", str(tmp_path / "out"), "--metrics", "ident"]) == 0
    assert "9007199254740993, 9007199254740995" in capsys.readouterr().out


@pytest.mark.parametrize("door", OF_FILES)
def test_texts_of_a_csv_file_are_shown_as_they_stand_there_in_every_shard(door, tmp_path):
    shards = {"a": ["10001", "7001"], "b": ["07001", "1E4", "7001"], "c": ["0.50"]}
    for name, codes in shards.items():
        lines = [f"0,0.9,{code}" for code in codes]
        (tmp_path / f"{name}.csv").write_text("\n".join(["label,score,code", *lines]) + "\n")
    frame = frame_of_files(door, "*.csv", config("code", size=9), tmp_path)
    assert shown(frame) == {"code": ["10001", "7001", "07001", "1E4", "7001", "0.50"]}


@pytest.mark.parametrize("door", OF_FILES)
def test_a_file_without_any_label_among_others_has_nothing_to_show(door, tmp_path):
    for name, labels in {"a": pa.nulls(2), "b": pa.array([0, 1]), "c": pa.array([None, None], pa.int64())}.items():
        table = pa.table({"label": labels, "score": [0.9, 0.8], "code": [name, "no"]})
        pq.write_table(table, tmp_path / f"{name}.parquet")
    frame = frame_of_files(door, "*.parquet", config("code"), tmp_path, on_bad_rows="skip", max_bad_rows="90%")
    assert shown(frame) == {"code": ["b"]}
    assert assay.load_verdict(tmp_path / "out").bad_rows == {"missing label": 4}


@pytest.mark.parametrize("rows", [0, 3])
def test_data_without_a_row_to_show_anything_of_has_no_samples(rows, tmp_path):
    table = pa.table({"label": pa.nulls(rows, pa.int64()), "score": [0.9] * rows, "code": ["a"] * rows})
    frame = frame_by("memory", table, config("code"), tmp_path, on_bad_rows="skip", max_bad_rows="100%")
    assert shown(frame) == {}
    assert assay.load_verdict(tmp_path / "out").status == "NOT_EVALUATED"


@pytest.mark.parametrize("door", ["command", "checkpointed"])
def test_whole_numbers_of_json_lines_that_no_float_can_hold_keep_all_digits(door, tmp_path):
    shards: dict[str, list[float]] = {"a": [7], "b": [2**64 - 1, 0.5, 2**53 + 1]}
    for name, codes in shards.items():
        lines = [f'{{"label": 0, "score": 0.9, "code": {code}}}\n' for code in codes]
        (tmp_path / f"{name}.jsonl").write_text("".join(lines))
    frame = frame_of_files(door, "*.jsonl", config("code", size=9), tmp_path)
    assert shown(frame) == {"code": ["7", "18446744073709551615", "0.5", "9007199254740993"]}
