"""Boxes from every kind of file, with checkpoints and from models: the values of the same boxes in memory."""

import json
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import assay
from assay import cli
from tests.blocks import blocks_of
from tests.end_to_end.test_labels import write_tfrecord
from tests.metrics.hard_data import hard_boxes

OBJECT = ["xmin", "ymin", "xmax", "ymax", "class"]
DETECTION = ["found_xmin", "found_ymin", "found_xmax", "found_ymax", "found_class", "score"]
METRICS: dict[str, Any] = {
    "COCOMeanAveragePrecision": {"class_ids": [0, 1, 2]},
    "COCOAverageRecall": {"class_id": 1, "max_num_detections": 2},
    "ObjectDetectionPrecision": {"class_id": 1, "thresholds": [0.25]},
    "ObjectDetectionConfusionMatrixPlot": {"class_id": 1},
}
BATCH = hard_boxes(120)
ROWS = [
    {"objects": objects, "detections": found, "group": group}
    for objects, found, group in zip(
        *(column.to_pylist() for column in (BATCH["labels"], BATCH["predictions"], BATCH["features"]["group"])),
        strict=True,
    )
]


def config(model=None, **settings):
    metrics = [{"class_name": name, "config": {**own, **settings}} for name, own in METRICS.items()]
    return {
        "model_specs": [{"label_key": "objects", "prediction_key": "detections"} if model is None else model],
        "slicing_specs": [{}, {"feature_keys": ["group"]}],
        "metrics_specs": [{"metrics": metrics}],
    }


def values_in(folder):
    frame = assay.metrics_frame(str(folder)).sort_values(["slice", "metric"])
    return [(row.slice, row.metric, row.value) for row in frame.itertuples()]


def columns_of(key, names):
    return {name: [np.array([box[at] for box in row[key]]) for row in ROWS] for at, name in enumerate(names)}


def run(folder, form, eval_config, *options, **more):
    analysis = {"inputs": {"format": form, "files": [f"rows.{form}"]}, "eval_config": eval_config, "output": "out"}
    (folder / "analysis.json").write_text(json.dumps(analysis | more))
    assert cli.main(["check", str(folder / "analysis.json")]) == 0
    return cli.main(["run", str(folder / "analysis.json"), "--quiet", *options])


@pytest.fixture(scope="module")
def expected(tmp_path_factory):
    folder = tmp_path_factory.mktemp("plain")
    assay.analyze_raw_data(pa.Table.from_pylist(ROWS), config(), str(folder))
    found = values_in(folder)
    assert len(found) == 5 * 3
    assert all(np.isfinite(value) for *_, value in found)
    return found


@pytest.mark.parametrize("form", ["parquet", "jsonl"])
@pytest.mark.parametrize("options", [[], ["--checkpoints", "checkpoints"]])
def test_lists_of_boxes_are_read_from_every_file(form, options, expected, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    if form == "parquet":
        pq.write_table(pa.Table.from_pylist(ROWS), "rows.parquet")
    else:
        (tmp_path / "rows.jsonl").write_text("\n".join(map(json.dumps, ROWS)))
    assert run(tmp_path, form, config(), *options) == 0
    assert values_in(tmp_path / "out") == expected


def test_columns_of_numbers_side_by_side_are_read_from_tf_examples(expected, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    groups = {"group": [row["group"] for row in ROWS]}
    write_tfrecord("rows.tfrecord", columns_of("objects", OBJECT) | columns_of("detections", DETECTION) | groups)
    stacked = config({}, labels_to_stack=OBJECT, predictions_to_stack=DETECTION)
    assert run(tmp_path, "tfrecord", stacked) == 0
    assert values_in(tmp_path / "out") == expected  # scores of two digits, which tie alike as 32-bit numbers


def test_outputs_of_a_model_are_boxes(expected, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    longest = max(len(row["detections"]) for row in ROWS)
    filled = [[*row["detections"], *[[-1.0] * 6] * (longest - len(row["detections"]))] for row in ROWS]
    columns = {"flat": np.reshape(filled, (len(ROWS), -1)).tolist()}
    table = pa.table({key: [row[key] for row in ROWS] for key in ("objects", "group")} | columns)
    pq.write_table(table, "rows.parquet")
    (tmp_path / "detector.py").write_text(
        "def detect(columns):\n"
        "    boxes = columns['flat'].reshape(len(columns['flat']), -1, 6)\n"
        "    return {'corners': boxes[:, :, :4], 'classes': boxes[:, :, 4], 'scores': boxes[:, :, 5]}\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    model = {"name": "candidate", "type": "callable", "uri": "detector:detect", "features": ["flat"]}
    named = {"name": "candidate", "label_key": "objects"}
    stacked = config(named, predictions_to_stack=["corners", "classes", "scores"])
    assert run(tmp_path, "parquet", stacked, models=[model]) == 0
    assert values_in(tmp_path / "out") == expected


def test_a_bad_box_ends_a_run_in_one_line_or_is_left_out(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    bad = {**ROWS[7], "objects": [[5, 5, 1, 9, 1]]}
    (tmp_path / "rows.jsonl").write_text("\n".join(map(json.dumps, [*ROWS[:7], bad, *ROWS[8:]])))
    (tmp_path / "analysis.json").write_text(
        json.dumps({"inputs": {"format": "jsonl", "files": ["rows.jsonl"]}, "eval_config": config(), "output": "out"})
    )
    assert cli.main(["run", "analysis.json", "--quiet"]) == 64
    line = capsys.readouterr().err.strip().splitlines()[-1]
    assert "rows.jsonl, row 7" in line
    assert "column 'objects' (label_key) has a box [5, 5, 1, 9, 1]" in line


def test_the_analysis_file_of_the_documentation_runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "data").mkdir()
    rows = [{**row, "camera": row["group"]} for row in ROWS]
    (tmp_path / "data" / "boxes.jsonl").write_text("\n".join(map(json.dumps, rows)))
    block = next(block for block in blocks_of("docs/detection.md") if block.language == "yaml")
    (tmp_path / "boxes.yaml").write_text(block.text)
    assert cli.main(["run", "boxes.yaml", "--quiet"]) == 0
    names = {name for _, name, _ in values_in(tmp_path / "out" / "boxes")}
    assert names == {"mean_average_precision", "mean_average_recall", "object_detection_precision"}
