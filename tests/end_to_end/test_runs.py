"""Whole runs on small data: formats agree, bad rows, several outputs, no baseline yet, results withdrawn."""

import gzip
import json
import subprocess
import sys

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest

from assay import load_metrics, load_verdict
from assay.errors import BadRowError, CorruptFileError
from assay.plan.analysis_file import compile_analysis
from assay.plan.filled import with_params
from assay.run import local
from tests.latest_results import latest

ROWS = 600
RNG = np.random.default_rng(9)
LABELS = (RNG.random(ROWS) < 0.4).astype(np.float32)
TABLE = pa.table(
    {
        "label": LABELS,
        "score": np.clip(RNG.normal(0.4 + 0.2 * LABELS, 0.2), 0, 1).astype(np.float32),
        "weight": RNG.integers(1, 5, ROWS).astype(np.float32),
        "group": RNG.choice(["a", "b", "c"], ROWS),
        "level": RNG.integers(0, 3, ROWS),
    }
)
CONFIG = {
    "model_specs": [{"label_key": "label", "prediction_key": "score", "example_weight_key": "weight"}],
    "slicing_specs": [{}, {"feature_keys": ["group"]}, {"feature_keys": ["group", "level"]}],
    "metrics_specs": [
        {
            "metrics": [
                {"class_name": "ExampleCount"},
                {"class_name": "AUC", "threshold": {"value_threshold": {"lower_bound": 0.3}}},
                {"class_name": "CalibrationPlot"},
            ]
        }
    ],
}


def run(folder, file_format, files, config=CONFIG, **changes):
    analysis = {
        "inputs": {"format": file_format, "files": [str(file) for file in files]},
        "eval_config": config,
        "output": str(folder / "results"),
        **changes,
    }
    return local.run(with_params(compile_analysis(analysis, folder), {}))


def records(folder):
    return sorted(record.SerializeToString() for record in load_metrics(str(folder / "results")))


def write_parquet(folder):
    for i in range(3):
        pq.write_table(TABLE.slice(i * 200, 200), folder / f"part-{i}.parquet")
    return [folder / "part-*.parquet"]


def write_csv(folder):
    for i in range(3):
        sink = pa.BufferOutputStream()
        pyarrow.csv.write_csv(TABLE.slice(i * 200, 200), sink)
        (folder / f"part-{i}.csv.gz").write_bytes(gzip.compress(sink.getvalue()))
    return [folder / "part-*.csv.gz"]


def write_jsonl(folder):
    for i in range(3):
        lines = [json.dumps(row) for row in TABLE.slice(i * 200, 200).to_pylist()]
        (folder / f"part-{i}.jsonl").write_text("\n".join(lines) + "\n")
    return [folder / "part-*.jsonl"]


def write_tfrecord(folder):
    import tensorflow as tf

    for i in range(3):
        options = tf.io.TFRecordOptions(compression_type="GZIP")
        with tf.io.TFRecordWriter(str(folder / f"part-{i}.tfrecord.gz"), options) as writer:
            for row in TABLE.slice(i * 200, 200).to_pylist():
                example = tf.train.Example()
                for name, value in row.items():
                    feature = example.features.feature[name]
                    if isinstance(value, str):
                        feature.bytes_list.value.append(value.encode())
                    elif isinstance(value, int):
                        feature.int64_list.value.append(value)
                    else:
                        feature.float_list.value.append(value)
                writer.write(example.SerializeToString())
    return [folder / "part-*.tfrecord.gz"]


WRITE = {"parquet": write_parquet, "csv": write_csv, "jsonl": write_jsonl, "tfrecord": write_tfrecord}


@pytest.fixture(scope="module")
def expected(tmp_path_factory):
    folder = tmp_path_factory.mktemp("expected")
    run(folder, "parquet", write_parquet(folder))
    return records(folder)


@pytest.mark.parametrize("file_format", ["csv", "jsonl", "tfrecord"])
def test_every_format_gives_the_same_bits(file_format, tmp_path, expected):
    result = run(tmp_path, file_format, WRITE[file_format](tmp_path))
    assert result.counts.rows == ROWS
    assert result.verdict.status == "BLESSED"
    assert records(tmp_path) == expected


def test_what_the_run_found_stands_in_results_json(tmp_path):
    run(tmp_path, "parquet", write_parquet(tmp_path))
    folder = latest(tmp_path / "results")
    found = json.loads((folder / "results.json").read_text())
    assert found["rows"] == ROWS
    assert found["run"] == folder.name
    assert found["verdict"] == "BLESSED" == json.loads((folder / "verdict.json").read_text())["status"]
    assert sorted(found["files"]) == sorted(file.name for file in folder.iterdir() if file.name != "results.json")


def test_files_of_others_in_the_output_folder_stay_as_they_are(tmp_path):
    files = write_parquet(tmp_path)
    (tmp_path / "results").mkdir()
    (tmp_path / "results" / "notes.txt").write_text("mine")
    for _ in range(2):
        run(tmp_path, "parquet", files)
        assert (tmp_path / "results" / "notes.txt").read_text() == "mine"
        assert "notes.txt" not in json.loads((latest(tmp_path / "results") / "results.json").read_text())["files"]


def spoilt(folder):
    scores = TABLE["score"].to_pylist()
    scores[7] = scores[300] = float("nan")
    table = TABLE.set_column(1, "score", pa.array(scores, pa.float32()))
    pq.write_table(table, folder / "bad.parquet")
    return [folder / "bad.parquet"]


def test_a_bad_row_fails_the_run_and_leaves_nothing_that_looks_finished(tmp_path):
    with pytest.raises(BadRowError, match=r"bad\.parquet, row 7: prediction not finite"):
        run(tmp_path, "parquet", spoilt(tmp_path))
    assert list((tmp_path / "results").rglob("*")) == []


def test_a_failed_run_leaves_the_results_of_the_run_before_as_they_are(tmp_path):
    before = run(tmp_path, "parquet", write_parquet(tmp_path))
    files = {file: file.read_bytes() for file in (tmp_path / "results").rglob("*.*")}
    with pytest.raises(BadRowError):
        run(tmp_path, "parquet", spoilt(tmp_path))
    assert {file: file.read_bytes() for file in (tmp_path / "results").rglob("*.*")} == files
    assert str(latest(tmp_path / "results")) == before.output


def test_each_run_has_a_folder_of_its_own_and_the_last_is_the_latest(tmp_path):
    files = write_parquet(tmp_path)
    first, second = (run(tmp_path, "parquet", files, min_rows=rows) for rows in (1, 601))
    assert first.output != second.output
    assert str(latest(tmp_path / "results")) == second.output
    assert load_verdict(str(tmp_path / "results")).status == "NOT_EVALUATED"
    assert load_verdict(first.output).status == "BLESSED"


def test_bad_rows_within_their_bound_are_left_out_and_counted(tmp_path):
    result = run(tmp_path, "parquet", spoilt(tmp_path), on_bad_rows="skip", max_bad_rows="1%")
    assert result.verdict.status == "BLESSED"
    assert result.counts.bad_rows == {"prediction not finite": 2}
    assert {
        record.rows for record in load_metrics(str(tmp_path / "results")) if not record.slice_key.single_slice_keys
    } == {598}


def test_too_many_bad_rows_are_not_evaluated(tmp_path):
    result = run(tmp_path, "parquet", spoilt(tmp_path), on_bad_rows="skip", max_bad_rows="0.1%")
    assert result.verdict.status == "NOT_EVALUATED"
    assert "prediction not finite" in result.verdict.to_json()


def test_too_few_rows_are_not_evaluated(tmp_path):
    assert run(tmp_path, "parquet", write_parquet(tmp_path), min_rows=601).verdict.status == "NOT_EVALUATED"


def test_no_rows_are_not_evaluated(tmp_path):
    pq.write_table(TABLE.slice(0, 0), tmp_path / "empty.parquet")
    assert run(tmp_path, "parquet", [tmp_path / "empty.parquet"]).verdict.status == "NOT_EVALUATED"


def test_an_empty_shard_changes_nothing(tmp_path, expected):
    files = write_parquet(tmp_path)
    pq.write_table(TABLE.slice(0, 0), tmp_path / "part-9.parquet")
    run(tmp_path, "parquet", files)
    assert records(tmp_path) == expected


def test_a_broken_file_is_named(tmp_path):
    (file,) = write_tfrecord(tmp_path)
    broken = tmp_path / "part-1.tfrecord.gz"
    content = gzip.decompress(broken.read_bytes())
    broken.write_bytes(gzip.compress(content[:5000] + bytes([content[5000] ^ 1]) + content[5001:]))
    with pytest.raises(CorruptFileError, match=r"part-1\.tfrecord\.gz"):
        run(tmp_path, "tfrecord", [file])


def test_a_threshold_that_is_not_met_tells_metric_slice_bound_and_value(tmp_path):
    metric = {"class_name": "AUC", "threshold": {"value_threshold": {"lower_bound": 0.99}}}
    config = {**CONFIG, "slicing_specs": [{"feature_keys": ["group"]}], "metrics_specs": [{"metrics": [metric]}]}
    verdict = run(tmp_path, "parquet", write_parquet(tmp_path), config).verdict
    assert verdict.status == "NOT_BLESSED"
    assert {(reason.metric, reason.slice) for reason in verdict.reasons} == {("auc", f"group={g}") for g in "abc"}
    assert all(0.5 < reason.value < 0.99 and "0.99" in reason.bound and reason.rows > 100 for reason in verdict.reasons)


def test_the_first_model_has_no_baseline_and_is_rubber_stamped(tmp_path):
    threshold = {"change_threshold": {"direction": "HIGHER_IS_BETTER", "absolute": 0.0}}
    metric = {"class_name": "AUC", "threshold": threshold}
    config = {**CONFIG, "metrics_specs": [{"metrics": [metric]}]}
    assert run(tmp_path, "parquet", write_parquet(tmp_path), config, rubber_stamp=True).verdict.status == "BLESSED"


def test_each_output_of_a_model_is_evaluated_with_its_own_labels(tmp_path):
    table = TABLE.append_column("other", pa.array(1 - LABELS))
    pq.write_table(table, tmp_path / "two.parquet")
    config = {
        "model_specs": [{"label_keys": {"yes": "label", "no": "other"}}],
        "metrics_specs": [
            {"output_names": ["yes", "no"], "metrics": [{"class_name": "AUC"}, {"class_name": "MeanPrediction"}]}
        ],
    }
    model = {"name": "m", "uri": "tests.end_to_end.two_outputs:both", "type": "callable"}
    run(tmp_path, "parquet", [tmp_path / "two.parquet"], config, models=[model])
    (record,) = load_metrics(str(tmp_path / "results"))
    found = {(m.key.output_name, m.key.name): m.value.double_value.value for m in record.metric_keys_and_values}
    assert found["yes", "auc"] == pytest.approx(found["no", "auc"], abs=1e-3)
    assert found["yes", "mean_prediction"] + found["no", "mean_prediction"] == pytest.approx(1, abs=1e-6)


def test_tensorflow_is_loaded_only_where_it_is_needed(tmp_path):
    write_parquet(tmp_path)
    code = f"""
import sys
from pathlib import Path
from tests.end_to_end.test_runs import run
run(Path({str(tmp_path)!r}), "parquet", [{str(tmp_path / "part-*.parquet")!r}])
assert "tensorflow" not in sys.modules and "apache_beam" in sys.modules
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_only_the_columns_that_somebody_needs_are_read(tmp_path):
    from assay.run.context import context_of
    from assay.run.inputs import source_of

    files = write_parquet(tmp_path)
    analysis = {
        "inputs": {"format": "parquet", "files": [str(f) for f in files]},
        "eval_config": CONFIG,
        "output": "out",
    }
    source = source_of(context_of(with_params(compile_analysis(analysis, tmp_path), {})))
    assert set(source.columns or ()) == {"label", "score", "weight", "group", "level"}
    assert set(source.dictionary) == set(source.shown or ()) == {"group", "level"}
    with_table = source_of(
        context_of(with_params(compile_analysis({**analysis, "analysis_table": True}, tmp_path), {}))
    )
    assert with_table.columns is None
    assert with_table.shown is None  # a table shows any of them


@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_without_slices_nobody_slices_unless_a_stage_of_the_user_s_own_may(tmp_path, form):
    from assay.run.context import context_of
    from assay.run.inputs import join_of, source_of

    inputs = {"format": form, "files": "a", "join": {"files": "b", "format": form, "on": ["id"]}}
    config = {**CONFIG, "slicing_specs": [{}]}
    analysis = {"inputs": inputs, "eval_config": config, "output": "out"}
    own = [{"name": "Mine", "factory": "tests.end_to_end.steps:anything", "adds": ["mine"]}]
    for extra, shown, of_join in (
        ({}, (), ("id",)),
        ({"analysis_table": True}, None, None),
        ({"extractors": own}, None, None),
    ):
        context = context_of(with_params(compile_analysis({**analysis, **extra}, tmp_path), {}))
        join = join_of(context)
        assert join is not None
        assert source_of(context).shown == shown
        assert join.main.shown == join.second.shown == of_join  # whose keys are compared
        assert source_of(context, everything=True).shown is None  # a checkpoint may serve other slices


def test_the_analysis_table_holds_every_row(tmp_path):
    run(tmp_path, "parquet", write_parquet(tmp_path), analysis_table=True)
    table = pq.read_table([*latest(tmp_path / "results").glob("analysis-*.parquet")])
    assert table.num_rows == ROWS
    assert {"labels", "predictions", "example_weights", "features.group"} <= set(table.column_names)
    assert sorted(table["labels"].to_pylist()) == sorted(LABELS.tolist())
