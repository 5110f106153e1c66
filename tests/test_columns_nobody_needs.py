"""Columns that no config names may be anything, in memory and in files; those that one names must be columns."""

import json
from decimal import Decimal
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import assay
from assay.cli import main
from assay.errors import ColumnTypeError, MissingColumnError
from assay.storage.framing import framed
from tests.doors import OF_FILES, values_of_files
from tests.wrong_calls import analysis

CONFIG = {
    "model_specs": [{"label_key": "label", "prediction_key": "prediction"}],
    "metrics_specs": [{"metrics": [{"class_name": "MeanLabel"}]}],
}
FRAME = pd.DataFrame({"label": [0, 1, 1, 0], "prediction": [0.2, 0.8, 0.6, 0.4]})
NOTES: dict[str, Any] = {
    "numbers and text": [1, "x", 2.5, None],
    "objects": [object(), {1}, print, 1j],
    "more than 64 bits": [2**70, -(2**70), 1, 2],
    "lists and numbers": [[1], 2, "a", None],
    "decimals and text": [Decimal(1), "1", None, b"1"],
}


def mean_label(data):
    (value,) = assay.analyze_raw_data(data, CONFIG).slicing_metrics[0][1][""][""].values()
    return value["doubleValue"]


@pytest.mark.parametrize("note", NOTES)
def test_values_that_make_no_column_break_nothing_where_nobody_needs_them(note):
    frame = FRAME.assign(note=NOTES[note])
    assert mean_label(frame) == mean_label(frame.to_dict("records")) == 0.5


def test_columns_of_one_name_break_nothing_where_nobody_needs_them():
    twice = pd.concat([FRAME, FRAME[["label"]].rename(columns={"label": "note"})] * 2, axis=1)
    twice = twice.loc[:, ~twice.columns.duplicated() | (twice.columns == "note")]
    assert mean_label(twice) == 0.5
    assert mean_label(pa.Table.from_arrays([twice.iloc[:, i] for i in range(4)], list(twice.columns))) == 0.5


@pytest.mark.parametrize("name", ["label", "prediction"])
def test_two_columns_of_a_name_that_is_needed_are_refused(name):
    with pytest.raises(ColumnTypeError, match=f"column '{name}': there are 2 of that name"):
        mean_label(pd.concat([FRAME, FRAME[[name]]], axis=1))


@pytest.mark.parametrize("note", NOTES)
def test_values_that_make_no_column_are_refused_by_name_where_it_is_needed(note):
    with pytest.raises(ColumnTypeError, match="column 'label': the values do not go together"):
        mean_label(FRAME.assign(label=NOTES[note]))


def test_a_column_that_became_the_index_is_told_so():
    with pytest.raises(MissingColumnError, match=r"no column 'label'.*call reset_index"):
        mean_label(FRAME.set_index("label"))


# Files ----------------------------------------------------------------------------------------------------------------


def csv_file(file):
    file.write_bytes(b"label,prediction,note,note\n0,0.2,a,\xff\n1,0.8,1,\xfe\xfe\n1,0.6,,b\n0,0.4,x,y\n")


def jsonl_file(file):
    notes = ['"a"', "3", '{"k": []}', '[1, "b"]']
    rows = zip(FRAME["label"], FRAME["prediction"], notes, strict=True)
    file.write_text("".join(f'{{"label": {label}, "prediction": {p}, "note": {note}}}\n' for label, p, note in rows))


def parquet_file(file):
    odd = {"text": pa.array([b"\xff"] * 4).view(pa.string()), "object": pa.array([{"k": 1}, None] * 2)}
    columns = {"label": FRAME["label"], "prediction": FRAME["prediction"], "note": range(4), **odd}
    arrays = [*map(pa.array, columns.values()), pa.array([[[1]], [], None, [[]]])]
    pq.write_table(pa.Table.from_arrays(arrays, [*columns, "note"]), file)


def tfrecord_file(file):
    train = pytest.importorskip("tensorflow").train

    def number(value):
        return train.Feature(float_list=train.FloatList(value=[value]))

    texts = train.Feature(bytes_list=train.BytesList(value=[b"\xff", b"a"]))
    notes = [number(1.0), texts, train.Feature(), train.Feature(int64_list=train.Int64List(value=[1]))]
    records = []
    for row, note in zip(FRAME.to_dict("records"), notes, strict=True):
        features = {**{name: number(value) for name, value in row.items()}, "note": note}
        records.append(framed(train.Example(features=train.Features(feature=features)).SerializeToString()))
    file.write_bytes(b"".join(records))


FILES = {"csv": csv_file, "jsonl": jsonl_file, "parquet": parquet_file, "tfrecord": tfrecord_file}


def call_of(form, folder):
    FILES[form](folder / f"rows.{form}")
    return {"files": f"rows.{form}", "format": form, "eval_config": CONFIG}


@pytest.mark.parametrize("door", OF_FILES[:2])
@pytest.mark.parametrize("form", FILES)
def test_files_may_hold_what_nobody_needs(form, door, tmp_path):
    assert values_of_files(door, call_of(form, tmp_path), tmp_path)["Overall"]["mean_label"] == 0.5


REFUSED = {"csv": "column 'note' twice", "jsonl": "Column(/note)", "parquet": "two columns 'note'"}


@pytest.mark.parametrize("form", ["csv", "tfrecord"])
def test_checkpoints_hold_all_columns_but_where_some_are_named(form, tmp_path):
    call = {**call_of(form, tmp_path), "columns": ["label", "prediction"]}
    assert values_of_files("checkpointed", call, tmp_path)["Overall"]["mean_label"] == 0.5


@pytest.mark.parametrize("form", REFUSED)
def test_a_column_that_no_checkpoint_can_hold_is_named_with_the_cure(form, tmp_path, capsys):
    (tmp_path / "a.json").write_text(json.dumps(analysis(call_of(form, tmp_path))))
    assert main(["run", str(tmp_path / "a.json"), "--quiet", "--checkpoints", str(tmp_path / "root")]) == 64
    (line,) = capsys.readouterr().err.splitlines()
    assert f"rows.{form}: " in line
    assert REFUSED[form] in line
    assert line.endswith(", or name the columns to read in inputs.columns")


@pytest.mark.parametrize("door", ["command", "checkpointed"])
def test_a_joined_file_may_hold_it_too(door, tmp_path):
    (tmp_path / "rows.csv").write_bytes(b"id,prediction,note,note\n1,0.2,a,\xff\n2,0.8,b,c\n3,0.6,,\n")
    (tmp_path / "labels.csv").write_bytes(b"note,id,label,note\n\xff,1,0,x\n,2,1,y\n,3,1,z\n")
    join: dict[str, Any] = {"files": "labels.csv", "on": ["id"]}
    call: dict[str, Any] = {"files": "rows.csv", "join": join, "eval_config": CONFIG}
    if door == "checkpointed":
        call |= {"columns": ["prediction"], "join": {**join, "columns": ["label"]}}
    assert values_of_files(door, call, tmp_path)["Overall"]["mean_label"] == pytest.approx(2 / 3)
