"""A value that an input of a model cannot take makes a bad row: named, or left out and counted, by every door."""

import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import assay
from assay.cli import main
from assay.errors import BadRowError

keras = pytest.importorskip("keras")

ROWS = {
    "label": [1, 0, 1, 0, 1, 0],
    "count": pa.array([1, 2, None, 4, 5, 6], pa.int32()),
    "flag": [True, False, True, None, True, False],
    "pair": [[0.1, 0.2], [0.3, 0.4], [0.5, 0.6], [0.7, 0.8], [0.9], [1.0, 1.1]],
}
CONFIG = {
    "model_specs": [{"label_key": "label"}],
    "metrics_specs": [{"metrics": [{"class_name": "ExampleCount"}, {"class_name": "MeanPrediction"}]}],
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("rows")
    pq.write_table(pa.table(ROWS), folder / "rows.parquet")
    count = keras.Input((1,), dtype="int32", name="count")
    flag = keras.Input((1,), dtype="int32", name="flag")
    pair = keras.Input((2,), name="pair")
    parts = [count, flag, pair]
    total = sum(keras.ops.sum(keras.ops.cast(part, "float32"), axis=1, keepdims=True) for part in parts)
    keras.Model(parts, total / 100).save(folder / "m.keras")
    return folder


def evaluated(folder, output, **settings):
    return assay.run_model_analysis(
        CONFIG,
        data_location=str(folder / "rows.parquet"),
        file_format="parquet",
        models=[assay.ModelRef(name="m", uri=str(folder / "m.keras"), type="keras")],
        output_path=str(output),
        **settings,
    )


def test_such_a_row_is_named(folder, tmp_path):
    with pytest.raises(BadRowError, match=r"model 'm': column 'count' lacks 1 values.*rows\.parquet, row 2\); .*skip"):
        evaluated(folder, tmp_path)


def test_such_rows_are_left_out_and_counted_from_python(folder, tmp_path):
    verdict = evaluated(folder, tmp_path, on_bad_rows="skip", max_bad_rows="60%").verdict
    assert dict(verdict.bad_rows) == {"value that a model cannot take": 3}
    values = {row.metric: row.value for row in assay.metrics_frame(tmp_path).itertuples()}
    rows = [1 + 1 + 0.1 + 0.2, 2 + 0 + 0.3 + 0.4, 6 + 0 + 1.0 + 1.1]
    assert values["example_count"] == 3
    assert values["mean_prediction"] == pytest.approx(np.mean(rows) / 100, rel=1e-6)  # the model computes in float32


@pytest.mark.parametrize("shape", ["fused", "checkpointed"])
def test_such_rows_are_left_out_and_counted_by_the_command(folder, tmp_path, shape, capsys):
    (tmp_path / "a.yaml").write_text(
        f"inputs: {{format: parquet, files: [{folder}/rows.parquet]}}\n"
        f"models: [{{name: m, uri: {folder}/m.keras, type: keras}}]\n"
        f"eval_config: {json.dumps(CONFIG)}\n"
        "on_bad_rows: skip\nmax_bad_rows: 60%\noutput: out\n"
    )
    more = ["--checkpoints", str(tmp_path / "root")] if shape == "checkpointed" else []
    assert main(["run", str(tmp_path / "a.yaml"), "--quiet", *more]) == 0
    (verdict,) = (tmp_path / "out").glob("*/verdict.json")
    assert json.loads(verdict.read_text())["bad_rows"] == {"value that a model cannot take": 3}
