"""Bad data, models, configs and output folders: one clear line that names file and row, or counted and left out.

What a single reader, model or config refuses is tested beside it; here whole runs meet it, and leave no finished look.
"""

import datetime
import gzip
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from assay import cli, load_metrics
from assay.errors import (
    AssayError,
    BadRowError,
    ColumnTypeError,
    ConfigError,
    CorruptFileError,
    EvalConfigError,
    MissingColumnError,
    ModelError,
    ResultsError,
    UsageError,
)
from assay.plan.analysis_file import compile_analysis
from assay.plan.filled import with_params
from assay.run import local
from tests.latest_results import latest
from tests.lying_records import lying

ROWS = 40
COLUMNS = {
    "label": [0.0, 1.0] * (ROWS // 2),
    "score": np.linspace(0, 1, ROWS).tolist(),
    "weight": [1.0, 2.0, 3.0, 4.0] * (ROWS // 4),
    "group": ["a", "b"] * (ROWS // 2),
}
MODEL = {"label_key": "label", "prediction_key": "score", "example_weight_key": "weight"}
SLICES = [{}, {"feature_keys": ["group"]}]
CSV = b"label,score,weight,group\n0,0.25,1,a\n1,0.5,1,b\n%s\n0,0.75,2,a\n1,1,2,b\n"
JSON = b'{"label": 1, "score": 0.2, "weight": 1, "group": "a"}'
JSONL = JSON + b"\n%s\n" + JSON


def config(*metrics, model=MODEL, slices=SLICES, **fields):
    """An eval config of `metrics`, each a class name or a MetricConfig."""
    asked = [{"class_name": m} if isinstance(m, str) else m for m in metrics or ("ExampleCount", "AUC")]
    return {"model_specs": [model], "slicing_specs": slices, "metrics_specs": [{"metrics": asked}], **fields}


def run(folder, files=None, eval_config=None, **settings):
    """Writes `files` (name -> bytes, or columns that differ from COLUMNS) and runs the analysis of all of them."""
    return local.run(with_params(compile_analysis(analysis(folder, files, eval_config, **settings), folder), {}))


def analysis(folder, files=None, eval_config=None, **settings):
    files = {"eval.parquet": {}} if files is None else files
    for name, content in files.items():
        if isinstance(content, bytes):
            (folder / name).write_bytes(content)
        else:
            pq.write_table(pa.table({**COLUMNS, **content}), folder / name)
    form = next(iter(files)).split(".")[1]
    return {
        "inputs": {"format": form, "files": [str(folder / name) for name in files]},
        "eval_config": config() if eval_config is None else eval_config,
        "output": str(folder / "out"),
        **settings,
    }


def refused(kind, message, folder, *args, **settings):
    """Checks that the run fails with exactly this kind of error, in one line, and that nothing looks finished."""
    with pytest.raises(AssayError, match=message) as caught:
        run(folder, *args, **settings)
    assert type(caught.value) is kind
    assert "\n" not in str(caught.value)
    nothing_looks_finished(folder / "out")


def nothing_looks_finished(output):
    left = {path.name for path in output.rglob("*")} if output.is_dir() else set()
    assert not left & {"results.json", "verdict.json"}
    assert not [name for name in left if name.startswith("metrics-") or name.endswith(".tmp")]


def changed(column, row, value):
    return {column: [*COLUMNS[column][:row], value, *COLUMNS[column][row + 1 :]]}


def gap_among_booleans(column):
    """A file in which row 7 has none of the booleans of a column."""
    return {"eval.parquet": {column: [*[True, False] * 3, True, None, *[True, False] * 16]}}


def among_lists(cell):
    """A file whose scores are lists of one, but for row 7."""
    lists = [[score] for score in COLUMNS["score"]]
    return {"eval.parquet": {"score": [*lists[:7], cell, *lists[8:]]}}


def tfrecord(*values):
    """A TFRecord file of tf.Examples with the features of COLUMNS; each value is the score of a row."""
    import tensorflow as tf
    from google.protobuf import text_format

    text = 'features {{ feature {{ key: "{}" value {{ {} }} }} }}'
    framed = b""
    for value in values:
        example = tf.train.Example()
        for name, kind in (("label", 1.0), ("score", value), ("weight", 2.0)):
            text_format.Merge(text.format(name, f"float_list {{ value: {kind} }}"), example)
        text_format.Merge(text.format("group", 'bytes_list { value: "a" }'), example)
        framed += record(example.SerializeToString())
    return framed


def record(content):
    import google_crc32c

    def masked(data):
        crc = google_crc32c.value(data)
        return (((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF).to_bytes(4, "little")

    length = len(content).to_bytes(8, "little")
    return length + masked(length) + content + masked(content)


# Columns of a type that cannot serve ---------------------------------------------------------------------------------

WRONG_TYPES = {
    "labels that are text": ({"label": ["no", "yes"] * 20}, r"'label' \(label_key\) has type string; expected numbers"),
    "labels that are dates": ({"label": [datetime.date(2026, 1, 1)] * ROWS}, "'label' has type date32"),
    "predictions that are text": ({"score": ["0.5"] * ROWS}, r"'score' \(prediction_key\) has type string"),
    "predictions that are lists of text": ({"score": [["a", "b"]] * ROWS}, r"'score' \(prediction_key\) has type list"),
    "predictions that are objects": ({"score": [{"yes": 0.5}] * ROWS}, "'score' has type struct<yes: double>"),
    "weights that are text": ({"weight": ["1"] * ROWS}, r"'weight' \(example_weight_key\) has type string"),
    "two weights a row": (
        {"weight": [[1.0, 2.0]] * ROWS},
        r"'weight' \(example_weight_key\) has shape \(40, 2\); expected one weight a row",
    ),
    "predictions of lists of lists": (
        {"score": [[[0.5, 0.5]]] * ROWS}, r"'score' \(prediction_key\) has shape \(40, 1, 2\); expected one number"
    ),
    "labels of lists of lists": (
        {"label": [[[0.0], [1.0]]] * ROWS}, r"'label' \(label_key\) has shape \(40, 2, 1\); expected one number a row"
    ),
    "labels wider than predictions": (
        {"label": [[0.0, 1.0]] * ROWS, "score": [[0.1, 0.2, 0.7]] * ROWS},
        r"'label' \(label_key\) has 2 values a row and 'score' \(prediction_key\) has 3",
    ),
    "slices of lists of lists": ({"group": [[["a"]]] * ROWS}, "'group' has type list.*cannot be sliced on"),
    "slices of objects": ({"group": [{"a": 1}] * ROWS}, "'group' has type struct<a: int64>.*cannot be sliced on"),
    "slices of bytes that are no text": ({"group": [b"\xff"] * ROWS}, "'group' has type binary.*Invalid UTF8"),
}  # fmt: skip


@pytest.mark.parametrize("case", WRONG_TYPES)
def test_a_column_of_a_type_that_cannot_serve_is_named(case, tmp_path):
    columns, message = WRONG_TYPES[case]
    refused(ColumnTypeError, message, tmp_path, {"eval.parquet": columns})


@pytest.mark.parametrize("case", ["labels that are text", "two weights a row", "slices of objects"])
def test_a_column_of_a_wrong_type_is_no_row_that_could_be_skipped(case, tmp_path):
    columns, message = WRONG_TYPES[case]
    refused(ColumnTypeError, message, tmp_path, {"eval.parquet": columns}, on_bad_rows="skip", max_bad_rows="100%")


@pytest.mark.parametrize("column", ["label", "score", "weight"])
def test_a_column_that_holds_text_is_called_by_its_own_name(column, tmp_path):
    refused(ColumnTypeError, f"'{column}'", tmp_path, {"eval.parquet": {column: ["x"] * ROWS}})


def test_a_column_that_one_of_several_models_names_is_called_by_its_name_and_its_model(tmp_path):
    specs = [{**MODEL, "name": "new"}, {**MODEL, "name": "old", "prediction_key": "group", "is_baseline": True}]
    message = r"'group' \(prediction_key of model 'old'\) has type string"
    refused(ColumnTypeError, message, tmp_path, None, config(model_specs=specs))


def test_a_column_of_one_of_several_outputs_is_called_by_its_name_and_its_output(tmp_path):
    model = {"label_key": "label", "prediction_keys": {"left": "score", "right": "group"}}
    asked = [{"output_names": ["left", "right"], "metrics": [{"class_name": "AUC"}]}]
    message = r"'group' \(prediction_keys\['right'\]\) has type string"
    refused(ColumnTypeError, message, tmp_path, None, config(model=model, metrics_specs=asked))


def test_texts_of_parquet_that_are_no_utf_8_are_bad_rows(tmp_path):
    broken = pa.Array.from_buffers(pa.string(), ROWS, pa.array([b"\xff"] * ROWS).buffers())
    refused(BadRowError, "row 0: column 'group': .*UTF8", tmp_path, {"eval.parquet": {"group": broken}})


# Rows that cannot be read, or that no metric can take ----------------------------------------------------------------

OUT_OF_RANGE = "label outside [0, 1]"
BAD_WEIGHT = "weight negative or not finite"
UNREADABLE = "unreadable"
BAD_ROWS = {
    "a label above 1": ({"eval.parquet": changed("label", 7, 2.0)}, 7, OUT_OF_RANGE),
    "a label below 0": ({"eval.parquet": changed("label", 7, -1.0)}, 7, OUT_OF_RANGE),
    "a label that is not finite": ({"eval.parquet": changed("label", 7, float("nan"))}, 7, "missing label"),
    "an infinite prediction": ({"eval.parquet": changed("score", 7, -float("inf"))}, 7, "prediction not finite"),
    "a missing prediction": ({"eval.parquet": changed("score", 7, None)}, 7, "prediction not finite"),
    "one NaN among several predictions": (
        {
            "eval.parquet": {
                "label": [[1.0, 0.0], [0.0, 1.0]] * 20,
                "score": [*[[0.2, 0.8]] * 7, [float("nan"), 0.8], *[[0.2, 0.8]] * 32],
            }
        },
        7, "prediction not finite",
    ),
    "a negative weight": ({"eval.parquet": changed("weight", 7, -0.5)}, 7, BAD_WEIGHT),
    "a NaN weight": ({"eval.parquet": changed("weight", 7, float("nan"))}, 7, BAD_WEIGHT),
    "a missing weight": ({"eval.parquet": changed("weight", 7, None)}, 7, BAD_WEIGHT),
    "an infinite weight": ({"eval.parquet": changed("weight", 7, float("inf"))}, 7, BAD_WEIGHT),
    "a boolean label that is missing": (gap_among_booleans("label"), 7, "missing label"),
    "a boolean weight that is missing": (gap_among_booleans("weight"), 7, BAD_WEIGHT),
    "a boolean prediction that is missing": (gap_among_booleans("score"), 7, "prediction not finite"),
    "a missing list": (among_lists(None), 7, "prediction not finite"),
    "an empty list": (among_lists([]), 7, "prediction not finite"),
    "a longer list": (among_lists([0.5, 0.5]), 7, "prediction not finite"),
    "a CSV row that is too short": ({"eval.csv": CSV % b"1,0.5,1"}, 2, UNREADABLE),
    "a CSV row that is too long": ({"eval.csv": CSV % b"1,0.5,1,b,c"}, 2, UNREADABLE),
    "a CSV text that is not UTF-8": ({"eval.csv": CSV % b"1,0.5,1,\xff"}, 2, UNREADABLE),
    "a JSON line cut off": ({"eval.jsonl": JSONL % b'{"label": 0, "sco'}, 1, UNREADABLE),
    "a JSON line that is no object": ({"eval.jsonl": JSONL % b"[0, 0.5]"}, 1, UNREADABLE),
    "a JSON text that is not UTF-8": (
        {"eval.jsonl": JSONL % b'{"label": 0, "score": 0.5, "weight": 1, "group": "\xff"}'}, 1, UNREADABLE
    ),
    "a JSON line of lists within lists": (
        {"eval.jsonl": JSONL % JSON.replace(b'"a"', b"[" * 20_000 + b"]" * 20_000)}, 1, UNREADABLE
    ),
    "a JSON line of objects within objects": (
        {"eval.jsonl": JSONL % JSON.replace(b"0.2", b'{"k":' * 20_000 + b"1" + b"}" * 20_000)}, 1, UNREADABLE
    ),
    "a JSON NaN": (
        {"eval.jsonl": JSONL % b'{"label": 0, "score": NaN, "weight": 1, "group": "a"}'}, 1, "prediction not finite"
    ),
    "a JSON object without a label": (
        {"eval.jsonl": JSONL % b'{"score": 0.5, "weight": 1, "group": "a"}'}, 1, "missing label"
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD_ROWS)
def test_a_bad_row_is_named_by_file_and_row(case, tmp_path):
    files, row, reason = BAD_ROWS[case]
    (name,) = files
    why = "" if reason == UNREADABLE else reason.replace("[", r"\[")
    refused(BadRowError, rf"/{name}, row {row}: .*{why}.*on_bad_rows: skip", tmp_path, files)


@pytest.mark.parametrize("case", BAD_ROWS)
def test_a_bad_row_is_counted_and_left_out_where_that_is_asked_for(case, tmp_path):
    files, _, reason = BAD_ROWS[case]
    good = {"eval.parquet": ROWS - 1, "eval.csv": 4, "eval.jsonl": 2}[next(iter(files))]
    found = run(tmp_path, files, on_bad_rows="skip", max_bad_rows="50%")
    assert found.counts.bad_rows == {reason: 1}
    by_slice = {str(record.slice_key.single_slice_keys): record.rows for record in load_metrics(found.output)}
    assert by_slice.pop("[]") == good == sum(by_slice.values())
    assert json.loads((latest(tmp_path / "out") / "results.json").read_text())["bad_rows"] == {reason: 1}


def test_a_class_id_that_no_prediction_stands_for_is_a_bad_row(tmp_path):
    columns = changed("label", 7, 3.0) | {"score": [[0.2, 0.3, 0.5]] * ROWS}
    loss = config("CategoricalCrossEntropy")
    refused(BadRowError, r"eval\.parquet, row 7: .*label", tmp_path, {"eval.parquet": columns}, loss)


def test_a_class_id_that_is_no_whole_number_is_a_bad_row(tmp_path):
    columns = changed("label", 7, 0.5) | {"score": [[0.2, 0.3, 0.5]] * ROWS}
    loss = config("CategoricalCrossEntropy")
    refused(BadRowError, r"eval\.parquet, row 7: .*label", tmp_path, {"eval.parquet": columns}, loss)


def test_a_row_that_is_bad_for_several_reasons_is_counted_once(tmp_path):
    columns = changed("label", 7, 3.0) | changed("score", 7, None) | changed("weight", 7, -1.0)
    found = run(tmp_path, {"eval.parquet": columns}, on_bad_rows="skip", max_bad_rows="50%")
    assert sum(found.counts.bad_rows.values()) == 1


def test_labels_of_a_regression_may_be_any_number(tmp_path):
    metrics = config("MeanLabel", "MeanSquaredError")
    found = run(tmp_path, {"eval.parquet": changed("label", 7, -40.0)}, metrics)
    assert found.counts.bad_rows == {}


def test_data_without_one_good_row_is_not_evaluated(tmp_path):
    found = run(tmp_path, {"eval.parquet": {"label": pa.nulls(ROWS)}}, on_bad_rows="skip", max_bad_rows="100%")
    assert found.verdict.status == "NOT_EVALUATED"
    assert found.counts.bad_rows == {"missing label": ROWS}


# Files ---------------------------------------------------------------------------------------------------------------

GOOD_CSV = CSV % b"1,0.5,1,b"
BAD_FILES: dict[str, tuple[dict[str, Any], type[AssayError], str]] = {
    "Parquet that is not Parquet": ({"a.parquet": CSV}, CorruptFileError, r"/a\.parquet: not readable as Parquet"),
    "Parquet of no bytes": ({"a.parquet": b""}, CorruptFileError, r"/a\.parquet: .*0 bytes"),
    "a later file that is not Parquet": (
        {"a.parquet": {}, "b.parquet": b"PAR1" * 9}, CorruptFileError, r"/b\.parquet: not readable as Parquet"
    ),
    "a later file that lacks a column": (
        {"a.csv": GOOD_CSV, "b.csv": b"label,score,weight\n1,1,1\n"},
        MissingColumnError, r"/b\.csv has no column 'group'",
    ),
    "a gzip file cut off": (
        {"a.csv.gz": gzip.compress(GOOD_CSV * 99)[:80]}, CorruptFileError, r"/a\.csv\.gz: .*Truncated"
    ),
    "bytes behind the first ones of gzip": (
        {"a.csv.gz": b"\x1f\x8b\x08 no gzip at all"}, CorruptFileError, r"/a\.csv\.gz: .*decompressed \(gzip\)"
    ),
    "gzip of JSON lines with a wrong checksum": (
        {"a.jsonl.gz": gzip.compress(JSONL % b"")[:-8] + bytes(8)}, CorruptFileError, r"/a\.jsonl\.gz: .*data check"
    ),
    "a CSV quote that is never closed": (
        {"a.csv": CSV % b'1,0.5,1,"b'}, CorruptFileError, r"/a\.csv: a quote is opened and never closed"
    ),
    "a CSV number that is text in a later file": (
        {"a.csv": GOOD_CSV, "b.csv": CSV % b"1,oops,1,b"}, BadRowError, r"/b\.csv, row 2: column 'score'.*'oops'"
    ),
    "TFRecord that is not TFRecord": ({"a.tfrecord": GOOD_CSV}, CorruptFileError, r"/a\.tfrecord: .*corrupted record"),
    "a later TFRecord cut off": (
        {"a.tfrecord": (0.1, 0.2), "b.tfrecord": (0.3, 0.4, -5)}, CorruptFileError, r"/b\.tfrecord, row 1: truncated"
    ),
    "a TFRecord of more bytes than there are": (
        {"a.tfrecord": (0.1, 0.2), "b.tfrecord": lying(2**40)},
        CorruptFileError, r"/b\.tfrecord, row 0: a record of 1,099"
    ),
    "a TFRecord in gzip of more bytes than can be": (
        {"a.tfrecord": gzip.compress(lying(2**63, b""))}, CorruptFileError, r"/a\.tfrecord, row 1: a record of 9,22"
    ),
    "a TFRecord of what is no tf.Example": (
        {"a.tfrecord": (0.1, 0.2), "b.tfrecord": record(b"\xff" * 9)}, BadRowError, r"/b\.tfrecord, row 0: not a serial"
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD_FILES)
def test_a_file_that_cannot_be_read_is_named(case, tmp_path):
    files, kind, message = BAD_FILES[case]
    refused(kind, message, tmp_path, {name: as_bytes(content) for name, content in files.items()})


def as_bytes(content):
    """Scores become the TFRecord of such rows; a negative last one takes as many bytes off its end."""
    if not isinstance(content, tuple):
        return content
    whole = tfrecord(*(score for score in content if score >= 0))
    return whole[: content[-1]] if content[-1] < 0 else whole


@pytest.mark.parametrize(
    "case", ["a gzip file cut off", "a later TFRecord cut off", "a later file that is not Parquet"]
)
def test_a_broken_file_is_no_row_that_could_be_skipped(case, tmp_path):
    files, kind, message = BAD_FILES[case]
    files = {name: as_bytes(content) for name, content in files.items()}
    refused(kind, message, tmp_path, files, on_bad_rows="skip", max_bad_rows="100%")


def test_a_file_without_any_bytes_among_others_is_an_empty_shard(tmp_path):
    files = {"a.csv": b"", "b.csv": GOOD_CSV, "c.csv": b"label,score,weight,group\n"}
    assert run(tmp_path, files).counts.rows == 5


# Models --------------------------------------------------------------------------------------------------------------

MODELS = {
    "one_too_few": (ModelError, "model 'm' returned 39 predictions for 40 rows"),
    "one_number": (ModelError, "model 'm' returned one float"),
    "failing": (ModelError, "model 'm' .*failed on 40 rows: KeyError: 'no such thing'"),
    "text": (ColumnTypeError, "predictions.* has type string; expected numbers"),
    "three_axes": (ColumnTypeError, r"'predictions' has shape \(40, 2, 3\); expected one number a row"),
    "no_values": (ColumnTypeError, r"'predictions' has shape \(40, 0\); expected one number a row"),
    "two_outputs": (MissingColumnError, "no predictions for .*'left', 'right'.*model spec, or output_names"),
    "not_finite_in_row_3": (BadRowError, r"eval\.parquet, row 3: prediction not finite"),
}


@pytest.mark.parametrize("name", MODELS)
def test_a_model_whose_output_does_not_fit_is_refused(name, tmp_path):
    kind, message = MODELS[name]
    refused(kind, message, tmp_path, None, config(model=OF_A_MODEL), models=[model(name)])


OF_A_MODEL = {"label_key": "label", "example_weight_key": "weight"}


def model(name):
    return {"name": "m", "uri": f"tests.end_to_end.misfits:{name}", "type": "callable"}


def test_a_model_whose_output_is_wider_than_its_labels_is_refused(tmp_path):
    columns = {"label": [[0.0, 1.0]] * ROWS}
    message = r"'label' \(label_key\) has 2 values a row and 'predictions' has 3"
    refused(
        ColumnTypeError, message, tmp_path, {"eval.parquet": columns}, config(model=OF_A_MODEL),
        models=[model("three_wide")],
    )  # fmt: skip


def test_predictions_of_a_model_that_are_not_finite_are_rows_to_skip(tmp_path):
    found = run(tmp_path, None, config(model=OF_A_MODEL), models=[model("not_finite_in_row_3")], on_bad_rows="skip")
    assert found.counts.bad_rows == {"prediction not finite": 1}


# Eval configs --------------------------------------------------------------------------------------------------------


def setting(class_name, **settings):
    return {"class_name": class_name, "config": settings}


METRICS = [
    (setting("TPR", thresholds="half"), "config: .*thresholds"),
    (setting("TPR", thresholds=["half"]), "config: .*thresholds"),
    (setting("TPR", thresholds=[[0.5]]), "config: .*thresholds"),
    (setting("TPR", thresholds={"at": 0.5}), "config: .*thresholds"),
    (setting("TPR", thresholds=[None]), "config: .*thresholds"),
    (setting("AUC", num_thresholds="many"), "config: .*num_thresholds"),
    (setting("AUC", num_thresholds=[3]), "config: .*num_thresholds"),
    (setting("AUC", buckets={"a": {"b": 1}}), "config: AUC has no setting 'buckets'"),
    ({"class_name": "AUC", "config": "[1, 2]"}, r"config: not JSON: .*'\[1, 2\]'"),
    ({"class_name": "AUC", "config": '"name": '}, "config: not JSON"),
    ({"class_name": "Mine", "module": "my.metrics"}, r"module 'my\.metrics' cannot be imported: there is none"),
    ({"class_name": ["AUC"]}, "class_name: expected text"),
    ({"class_name": "AUC", "threshold": [0.5]}, "threshold: expected an object"),
    ({"class_name": "AUC", "threshold": {"value_threshold": {"lower_bound": "high"}}}, "lower_bound: expected"),
    ({"class_name": "AUC", "threshold": {"value_threshold": {"lower_bound": float("nan")}}}, "lower_bound: expected"),
    ({"class_name": "AUC", "threshold": {"value_threshold": {"lower": 0.5}}}, r"value_threshold\.lower: .*lower_bound"),
    (setting("TPR", thresholds=[float("nan")]), r"config\.thresholds\[0\]: .*nan"),
    ({"class_name": "AUC", "module": "my.metrics"}, r"module 'my\.metrics' cannot be imported: there is none"),
    ({"class_name": "TPR", "config": '"thresholds": [NaN]'}, "config: .*thresholds"),
    (setting("TPR", thresholds=["0.5"]), "config: .*thresholds"),
    (setting("TPR", thresholds=[True]), "config: .*thresholds"),
    (setting("AUC", num_thresholds=0), "config: .*num_thresholds"),
    (setting("AUC", num_thresholds=-3), "config: .*num_thresholds"),
    (setting("AUC", num_thresholds=2.5), "config: .*num_thresholds"),
    (setting("CalibrationPlot", num_buckets=0), "config: .*num_buckets"),
    (setting("AUC", name=3), "config: .*name"),
    (setting("AUC", name=["area"]), "config: .*name"),
    ({"class_name": "AUC", "config": '"num_thresholds": Infinity'}, "config: num_thresholds of AUC: .*found inf"),
    ({"class_name": "auc"}, "class_name: there is no metric 'auc'; did you mean 'AUC'"),
    ({"class_name": "Zzzzz"}, r"class_name: there is no metric 'Zzzzz'; choose one that `assay metrics` lists"),
    ({}, "class_name: expected the name of a metric"),
    ({"": 1}, "MetricConfig has no field ''; there are class_name"),
    ({"class_name": "TPR", "config": '"name": "a", "name": "b"'}, "config: the key 'name' is given twice"),
    ({"class_name": "TPR", "config": '{"thresholds": 0.1, "thresholds": 0.2}'}, "config: the key 'thresholds' is"),
]  # fmt: skip


@pytest.mark.parametrize(("metric", "message"), METRICS)
def test_a_wrong_setting_of_a_metric_is_named_by_its_field_before_any_work(metric, message, tmp_path):
    with pytest.raises(ConfigError, match=rf"metrics_specs\[0\]\.metrics\[1\].*{message}") as caught:
        run(tmp_path, None, config("ExampleCount", metric))
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "out").exists()


CONFIGS = [
    (config(slices=[{"feature_values": {"group": 3}}]), r"slicing_specs\[0\]\.feature_values\['group'\]: exp"),
    (config(slices=[{"feature_keys": "group"}]), r"slicing_specs\[0\]\.feature_keys: expected a list"),
    (config(slices=[{"feature_keys": [""]}]), r"slicing_specs\[0\]\.feature_keys\[0\]: expected the name"),
    (config(model={"label_key": "label"}), r"model_specs\[0\]\.prediction_key: expected the column"),
    (config(model=[MODEL]), r"model_specs\[0\]: expected an object"),
    (config(model_specs="m"), "model_specs: expected a list"),
    (config(model={**MODEL, "is_baseline": True}), r"model_specs\[0\]\.is_baseline: the only model is the baseline"),
    (config(options={"min_slice_size": "many"}), r"options\.min_slice_size: expected a whole number"),
    (config(slices=[{"feature_values": {"": "a"}}]), r"slicing_specs\[0\]\.feature_values: expected names"),
    (
        config(
            model={"label_key": "label", "prediction_key": "score"},
            metrics_specs=[{"example_weights": {"weighted": True}, "metrics": [{"class_name": "AUC"}]}],
        ),
        r"metrics_specs\[0\]\.example_weights\.weighted: expected the model spec to have an example_weight_key",
    ),
    (config(options={"min_slice_size": -1}), r"options\.min_slice_size: expected a number of rows, .*found -1"),
    (config(options={"min_slice_size": 10**30}), r"options\.min_slice_size: .* from -2147483648 to 2147483647"),
    (config(metrics_specs=[]), "metrics_specs: no metric is asked for"),
    (config(options={"disabled_outputs": {"values": ["metrix"]}}), r"options\.disabled_outputs.*'metrix'"),
    (config(options={"disabled_outputs": {"values": ["metrics"]}}), r"options\.disabled_outputs"),
    (config(model={"prediction_key": "score"}), r"model_specs\[0\]\.label_key"),
    (config(metrics_specs=[{"output_names": ["gone"], "metrics": [{"class_name": "AUC"}]}]), "output_names.*'gone"),
]  # fmt: skip


@pytest.mark.parametrize(("eval_config", "message"), CONFIGS)
def test_a_wrong_field_of_the_eval_config_is_named_before_any_work(eval_config, message, tmp_path):
    with pytest.raises(EvalConfigError, match=message):
        run(tmp_path, None, eval_config)
    assert not (tmp_path / "out").exists()


# Where results go ----------------------------------------------------------------------------------------------------

UNGUARDED = "failures of writing come as they are"


def a_file(folder):
    (folder / "out").write_text("mine")
    return folder / "out"


def below_a_file(folder):
    (folder / "file").write_text("mine")
    return folder / "file" / "out"


def of_an_unknown_scheme(folder):
    return "s4://bucket/out"


def test_a_run_that_fails_while_it_writes_the_rows_leaves_none_of_them(tmp_path):
    refused(BadRowError, "row 7", tmp_path, {"eval.parquet": changed("label", 7, 2.0)}, analysis_table=True)
    writers = [{"name": "Mine", "factory": "tests.end_to_end.misfits:failing_writer"}]
    with pytest.raises(Exception, match="no such thing"):
        run(tmp_path, analysis_table=True, writers=writers)
    assert list((tmp_path / "out").rglob("*")) == []


def test_what_lies_beside_the_folders_of_runs_stays(tmp_path):
    (tmp_path / "out" / "killed-run").mkdir(parents=True)
    (tmp_path / "out" / "killed-run" / f"metrics.{'0a' * 16}.tmp").write_bytes(b"half")
    (tmp_path / "out" / "mine.tmp").write_bytes(b"whole")
    run(tmp_path)
    assert sorted(path.name for path in (tmp_path / "out").rglob("*.tmp")) == [f"metrics.{'0a' * 16}.tmp", "mine.tmp"]


@pytest.mark.parametrize("uri", [a_file, below_a_file, of_an_unknown_scheme])
def test_an_output_folder_that_cannot_be_is_named(uri, tmp_path):
    output = str(uri(tmp_path))
    with pytest.raises(UsageError, match=output):
        run(tmp_path, output=output)


@pytest.mark.parametrize("uri", [a_file, below_a_file])
def test_a_file_that_stands_where_results_should_go_is_left_alone(uri, tmp_path):
    output = uri(tmp_path)
    with pytest.raises(Exception, match=str(output)):
        run(tmp_path, output=str(output))
    assert "mine" in {path.read_text() for path in tmp_path.iterdir() if path.name in ("out", "file")}


@pytest.mark.parametrize(
    "content", ["", "{", "[1]", '{"run": "../elsewhere", "started": 0}', '{"run": "a", "started": "yesterday"}', "{}"]
)
def test_a_pointer_to_the_latest_run_that_is_damaged_is_named(content, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "verdict.json").write_text(content)
    with pytest.raises(ResultsError, match=r"verdict\.json"):
        run(tmp_path)
    with pytest.raises(ResultsError, match=r"verdict\.json"):
        load_metrics(str(tmp_path / "out"))


def test_a_folder_that_stands_where_the_pointer_should_go_is_named(tmp_path):
    (tmp_path / "out" / "verdict.json").mkdir(parents=True)
    with pytest.raises(ResultsError, match=r"verdict\.json"):
        run(tmp_path)


@pytest.fixture(scope="module")
def full_disk(tmp_path_factory):
    """The folder and the outcome of a run in a process that may write but a few bytes to each file."""
    folder = tmp_path_factory.mktemp("full")
    (folder / "analysis.json").write_text(json.dumps(analysis(folder, None, config("AUC", "CalibrationPlot"))))
    code = """
import resource, sys
import assay.run.local
from assay import cli
resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000))
sys.exit(cli.main(["run", sys.argv[1]]))
"""
    done = subprocess.run(
        [sys.executable, "-c", code, str(folder / "analysis.json")], capture_output=True, text=True, check=False
    )
    return folder, done


def test_a_run_that_cannot_write_its_results_fails_and_leaves_none_that_look_finished(full_disk):
    folder, done = full_disk
    assert done.returncode not in (0, 64)  # another try may find room
    assert "File too large" in done.stderr
    nothing_looks_finished(folder / "out")


def test_a_run_that_cannot_write_its_results_complains_of_nothing_else(full_disk):
    _, done = full_disk
    assert "Exception ignored" not in done.stderr


def test_a_run_that_cannot_write_its_results_says_where_in_one_line(full_disk):
    folder, done = full_disk
    line = done.stderr.strip().splitlines()[-1]
    assert line.startswith("error: ")
    assert str(folder / "out") in line
    assert "while running" not in line


# The command line says the same, with its exit code ------------------------------------------------------------------

COMMANDS = {
    "a bad row": ({"eval.parquet": changed("label", 7, 2.0)}, config(), "row 7: label outside"),
    "a wrong type": ({"eval.parquet": {"weight": ["x"] * ROWS}}, config(), "expected numbers"),
    "a broken file": ({"eval.parquet": b"no Parquet"}, config(), "eval.parquet: not readable"),
    "a missing column": ({"eval.csv": b"label,score,weight\n1,1,1\n"}, config(), "no column 'group'"),
    "a wrong setting": (None, config(setting("TPR", thresholds=[[0.5]])), "metrics[0].config: "),
}


@pytest.mark.parametrize("case", COMMANDS)
def test_the_command_line_says_it_in_one_line_with_exit_code_64(case, tmp_path, capsys):
    files, eval_config, message = COMMANDS[case]
    file = tmp_path / "analysis.json"
    file.write_text(json.dumps(analysis(tmp_path, files, eval_config)))
    assert cli.main(["run", str(file), "--quiet"]) == 64
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert line.startswith("error: ")
    assert message in line
    nothing_looks_finished(tmp_path / "out")


def test_results_of_a_failed_run_are_not_shown(tmp_path, capsys):
    file = tmp_path / "analysis.json"
    file.write_text(json.dumps(analysis(tmp_path, {"eval.parquet": changed("label", 7, 2.0)})))
    assert cli.main(["run", str(file), "--quiet"]) == 64
    assert cli.main(["show", str(tmp_path / "out")]) == 64
    assert "error: " in capsys.readouterr().err


def test_after_a_failed_run_the_last_that_came_to_its_end_is_shown_by_its_name(tmp_path, capsys):
    whole = run(tmp_path)
    file = tmp_path / "analysis.json"
    file.write_text(json.dumps(analysis(tmp_path, {"eval.parquet": changed("label", 7, 2.0)})))
    assert cli.main(["run", str(file), "--quiet"]) == 64
    capsys.readouterr()
    assert cli.main(["show", str(tmp_path / "out")]) == 0
    assert Path(whole.output).name in "".join(capsys.readouterr().out.split())
