import json
from pathlib import Path

import apache_beam as beam
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from apache_beam.runners.portability.fn_api_runner import FnApiRunner

from assay.engine.recovery import recover
from assay.errors import ColumnTypeError, PipelineError, ResultsError
from assay.metrics.keys import MetricKey, PlotKey
from assay.metrics.values import Matrices
from assay.proto.config_pb2 import EvalConfig
from assay.proto.metrics_for_slice_pb2 import MetricsForSlice, PlotsForSlice
from assay.proto.validation_result_pb2 import ValidationResult
from assay.results.files import load_attributions, load_eval_run, load_metrics, load_plots, load_validation_result
from assay.results.long_tables import METRICS_SCHEMA
from assay.results.records import metric_records, plot_records
from assay.types import Writer
from assay.writers import (
    AnalysisTableWriter,
    EvalConfigWriter,
    MetricsPlotsAndValidationsWriter,
    MetricsTableWriter,
    Write,
)
from assay.writers.files import remove_temporaries, write_file

SLICES = [(), (("sex", "F"),), (("age", 7), ("sex", "F"))]
METRICS = list(
    metric_records(
        SLICES, np.array([9, 5, 0]), {MetricKey("auc"): np.array([0.5, 0.25, np.nan]), MetricKey("tp"): np.ones((3, 2))}
    )
)
PLOTS = list(plot_records(SLICES, {PlotKey(): [Matrices(np.array([0.5]), *np.ones((4, 3, 1)))]}))
VALIDATION = ValidationResult(validation_ok=True).SerializeToString()


def write(writer, **outputs):
    """Runs a writer over outputs, each given as bundles of elements."""
    with beam.Pipeline(runner=FnApiRunner()) as pipeline:
        evaluation = {
            key: tuple(
                pipeline | f"{key}{i}" >> beam.Create(bundle, reshuffle=False) for i, bundle in enumerate(bundles)
            )
            | key >> beam.Flatten()
            for key, bundles in outputs.items()
        }
        _ = evaluation | writer.stage_name >> writer.ptransform


def names(folder):
    return sorted(path.name for path in Path(folder).iterdir())


def by_slice(messages):
    return sorted(messages, key=lambda message: len(message.slice_key.single_slice_keys))


@pytest.mark.parametrize("form", ["tfrecord", "parquet"])
def test_what_is_written_is_what_was_evaluated(form, tmp_path):
    out = str(tmp_path / "new" / "folder")
    write(MetricsPlotsAndValidationsWriter(out, form), metrics=[METRICS], plots=[PLOTS], validations=[[VALIDATION]])
    assert list(map(repr, by_slice(load_metrics(out)))) == [repr(MetricsForSlice.FromString(r)) for r in METRICS]
    assert by_slice(load_plots(out)) == [PlotsForSlice.FromString(record) for record in PLOTS]
    assert list(load_attributions(out)) == []
    assert load_validation_result(out).validation_ok
    assert f"validations.{form}" in names(out)


@pytest.mark.parametrize("form", ["tfrecord", "parquet"])
def test_an_output_that_nobody_has_is_a_file_without_records(form, tmp_path):
    write(MetricsPlotsAndValidationsWriter(str(tmp_path), form), metrics=[[]])
    shard = f"00000-of-00001.{form}"
    assert names(tmp_path) == [f"attributions-{shard}", f"metrics-{shard}", f"plots-{shard}", f"validations.{form}"]
    assert [list(load(str(tmp_path))) for load in (load_metrics, load_plots, load_attributions)] == [[], [], []]


@pytest.mark.parametrize("form", ["tfrecord", "parquet"])
def test_messages_are_written_like_their_bytes(form, tmp_path):
    write(MetricsPlotsAndValidationsWriter(str(tmp_path), form), metrics=[[MetricsForSlice(rows=3)]])
    assert [message.rows for message in load_metrics(str(tmp_path))] == [3]
    messages = [MetricsForSlice.FromString(record) for record in METRICS]
    write(MetricsTableWriter(str(tmp_path)), metrics=[messages])
    (file,) = tmp_path.glob("flat_metrics-*.parquet")
    assert pq.read_table(file).num_rows == 9


def test_shards_of_an_earlier_run_do_not_stay(tmp_path):
    for shard in range(3):
        (tmp_path / f"metrics-{shard:05}-of-00003.tfrecord").write_bytes(b"old")
        (tmp_path / f"flat_metrics-{shard:05}-of-00003.parquet").write_bytes(b"old")
    write(MetricsPlotsAndValidationsWriter(str(tmp_path)), metrics=[METRICS])
    write(MetricsTableWriter(str(tmp_path)), metrics=[METRICS])
    assert [name for name in names(tmp_path) if "of-00003" in name] == []
    assert len(list(load_metrics(str(tmp_path)))) == 3


def test_nothing_but_results_is_left_in_the_folder(tmp_path):
    write(MetricsPlotsAndValidationsWriter(str(tmp_path)), metrics=[METRICS], validations=[[VALIDATION]])
    assert [name for name in names(tmp_path) if not name.endswith(".tfrecord")] == []


class Unwritable:
    """An element that no file takes."""

    def SerializeToString(self):
        raise OSError("No space left on device")


@pytest.mark.parametrize(
    ("form", "element", "why"),
    [("tfrecord", Unwritable(), "No space left"), ("parquet", b"\xff", "parsing message")],
)
def test_a_write_that_fails_leaves_no_file_behind_and_says_why(form, element, why, tmp_path):
    with pytest.raises(Exception, match=why):
        write(MetricsPlotsAndValidationsWriter(str(tmp_path), form), metrics=[[*METRICS, element]])
    assert [name for name in names(tmp_path) if name.endswith(".tmp")] == []


def fail(_):
    raise ValueError("another step")


def test_a_step_that_fails_beside_a_write_leaves_no_file_behind(tmp_path):
    pipeline = beam.Pipeline(runner=FnApiRunner())
    records = pipeline | beam.Create([METRICS, [b""]], reshuffle=False) | beam.FlatMap(lambda records: records)
    _ = {"metrics": records} | MetricsTableWriter(str(tmp_path)).ptransform
    _ = records | beam.Filter(lambda record: not record) | beam.Map(fail)
    with pytest.raises(Exception, match="another step"):
        pipeline.run()
    assert names(tmp_path) == []


@pytest.mark.parametrize("stands_in_the_way", ["metrics-00000-of-00001.tfrecord", "validations.tfrecord"])
def test_a_file_that_cannot_get_its_name_leaves_nothing_behind(stands_in_the_way, tmp_path):
    (tmp_path / stands_in_the_way / "inside").mkdir(parents=True)
    with pytest.raises(ResultsError, match=stands_in_the_way):
        write_file(str(tmp_path / stands_in_the_way), b"new")
    assert names(tmp_path) == [stands_in_the_way]


def test_only_temporary_files_of_writers_are_removed(tmp_path):
    kept = ["mine.tmp", "metrics-00000-of-00001.tfrecord", f"{'a' * 32}.tmp.txt"]
    for name in (*kept, f"metrics.{'0a' * 16}.tmp", f"verdict.json.{'b' * 32}.tmp"):
        (tmp_path / name).write_bytes(b"x")
    remove_temporaries(str(tmp_path))
    assert names(tmp_path) == sorted(kept)


def test_temporary_files_of_a_folder_that_is_not_there_are_no_matter(tmp_path):
    remove_temporaries(str(tmp_path / "nowhere"))
    remove_temporaries("unknown://folder")


def test_another_format_is_refused():
    with pytest.raises(PipelineError, match=r"tfrecord.*'csv'"):
        MetricsPlotsAndValidationsWriter("out", "csv")


def test_parquet_records_stand_beside_their_slice(tmp_path):
    write(MetricsPlotsAndValidationsWriter(str(tmp_path), "parquet"), metrics=[METRICS])
    (file,) = tmp_path.glob("metrics-*.parquet")
    keys = [row["single_slice_keys"] for row in pq.read_table(file).column("slice_key").to_pylist()]
    sex = {"column": "sex", "bytes_value": b"F", "float_value": None, "int64_value": None}
    age = {"column": "age", "bytes_value": None, "float_value": None, "int64_value": 7}
    assert keys == [[], [sex], [age, sex]]


def test_parquet_is_compressed_as_plots_are_much_alike(tmp_path):
    write(MetricsPlotsAndValidationsWriter(str(tmp_path), "parquet"), plots=[[PLOTS[0]] * 100])
    (file,) = tmp_path.glob("plots-*.parquet")
    column = pq.ParquetFile(file).metadata.row_group(0).column(4)
    assert (column.path_in_schema, column.compression) == ("serialized_value", "ZSTD")


def test_the_eval_config_is_written_with_its_places(tmp_path):
    config = EvalConfig()
    config.metrics_specs.add().metrics.add(class_name="AUC")
    write(EvalConfigWriter(str(tmp_path), config, "data/*", "parquet", {"candidate": "models/7"}), metrics=[[]])
    written = json.loads((tmp_path / "eval_config.json").read_text())
    assert written["evalConfig"] == {"metricsSpecs": [{"metrics": [{"className": "AUC"}]}]}
    run = load_eval_run(str(tmp_path))
    assert run is not None
    assert (run.eval_config, run.data_location, run.file_format) == (config, "data/*", "parquet")
    assert dict(run.model_locations) == {"candidate": "models/7"}
    assert run.version


def test_a_disabled_eval_config_is_not_written(tmp_path):
    config = EvalConfig()
    config.options.disabled_outputs.values.append("eval_config")
    write(EvalConfigWriter(str(tmp_path), config), metrics=[[]])
    assert names(tmp_path) == []


def test_the_flat_table_has_a_row_for_each_number(tmp_path):
    write(MetricsTableWriter(str(tmp_path)), metrics=[METRICS])
    (file,) = tmp_path.glob("flat_metrics-*.parquet")
    rows = pq.read_table(file, columns=["slice", "slice_key", "rows", "metric", "position", "value"]).to_pylist()
    assert len(rows) == 3 * (1 + 2)
    assert rows[0] == {"slice": "Overall", "slice_key": [], "rows": 9, "metric": "auc", "position": None, "value": 0.5}
    assert rows[-1]["slice_key"] == [("age", "7"), ("sex", "F")]
    assert np.isnan([row["value"] for row in rows if row["metric"] == "auc"][-1])
    assert [row["position"] for row in rows if row["metric"] == "tp"] == [0, 1] * 3


def test_a_flat_table_without_metrics_still_has_its_columns(tmp_path):
    write(MetricsTableWriter(str(tmp_path)), metrics=[[]])
    (file,) = tmp_path.glob("flat_metrics-*.parquet")
    assert pq.read_table(file).column_names == METRICS_SCHEMA.names


ROWS = {
    "features": {
        "age": np.array([1.5, np.nan, 3]),
        "city": pa.array(["a", None, "b"]).dictionary_encode(),
        "tags": pa.array([[1, 2], [], None]),
        "pixels": np.arange(12).reshape(3, 2, 2),
    },
    "predictions": {"candidate": np.array([0.1, 0.2, 0.3])},
    "_source": {"row": np.arange(3)},
}


def test_the_analysis_table_has_the_rows_with_nested_keys_as_columns(tmp_path):
    write(AnalysisTableWriter(str(tmp_path)), analysis=[[ROWS]])
    (file,) = tmp_path.glob("analysis-*.parquet")
    table = pq.read_table(file)
    assert table.column("features.city").to_pylist() == ["a", None, "b"]
    assert table.column("features.tags").to_pylist() == [[1, 2], [], None]
    assert table.column("features.pixels").to_pylist() == ROWS["features"]["pixels"].tolist()
    assert table.column("predictions.candidate").to_pylist() == [0.1, 0.2, 0.3]
    assert table.column_names == [
        "features.age",
        "features.city",
        "features.tags",
        "features.pixels",
        "predictions.candidate",
    ]


def test_batches_of_other_width_or_integer_size_fit_into_one_analysis_table(tmp_path):
    wider = {"x": np.zeros((2, 3)), "n": np.array([1, 2], np.int32)}
    batches = [{"x": np.ones((1, 2)), "n": np.array([5])}, {"x": np.zeros((0, 2)), "n": np.zeros(0, int)}, wider]
    write(AnalysisTableWriter(str(tmp_path)), analysis=[batches])
    table = pa.concat_tables(pq.read_table(file) for file in tmp_path.glob("analysis-*.parquet"))
    assert sorted(map(len, table.column("x").to_pylist())) == [2, 3, 3]
    assert sorted(table.column("n").to_pylist()) == [1, 2, 5]


def test_batches_of_different_columns_are_refused_with_both(tmp_path):
    with pytest.raises(Exception, match="expected a: int64, found b: int64") as caught:
        write(AnalysisTableWriter(str(tmp_path)), analysis=[[{"a": np.array([1])}, {"b": np.array([1])}]])
    assert isinstance(recover(caught.value), ColumnTypeError)


def test_an_analysis_without_rows_is_a_file_that_opens(tmp_path):
    write(AnalysisTableWriter(str(tmp_path)), analysis=[[{"x": np.zeros(0)}]])
    (file,) = tmp_path.glob("analysis-*.parquet")
    assert pq.read_table(file).num_rows == 0


def test_a_writer_of_ones_own_writes_one_output(tmp_path):
    writer = Writer("WriteDrift", Write("drift", beam.io.WriteToText(str(tmp_path / "drift"))))
    write(writer, drift=[["0.5"]], metrics=[METRICS])
    (file,) = tmp_path.iterdir()
    assert file.read_text() == "0.5\n"


def test_a_writer_of_an_output_that_nobody_has_is_refused_when_the_pipeline_is_built():
    with pytest.raises(PipelineError, match="'drft'; did you mean 'drift'"):
        write(Writer("WriteDrift", Write("drft", beam.Map(print))), drift=[["0.5"]])
