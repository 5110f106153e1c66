import math

import numpy as np
import pandas as pd
import pytest
from google.protobuf import json_format

from assay.errors import CorruptFileError, ResultsError
from assay.metrics.keys import AggregationType, MetricKey, PlotKey, SubKey
from assay.metrics.values import Buckets, Matrices
from assay.notebook.eval_result import load_eval_result
from assay.notebook.frames import metrics_frame, plots_frame
from assay.notebook.tfma_names import names_of
from assay.proto import metrics_for_slice_pb2 as pb
from assay.proto.config_pb2 import EvalConfig, EvalRun, ModelSpec
from assay.proto.validation_result_pb2 import ValidationResult
from assay.results.files import load_attributions, load_metrics, load_plots, load_validation_result, load_verdict
from assay.results.keys import metric_key_to_proto
from assay.results.records import metric_records, plot_records, too_small_records
from assay.storage.framing import framed
from assay.verdict import Status, Verdict

SEX_F, CROSS = (("sex", "F"),), (("age", 7), ("sex", "F"))
SLICES = [CROSS, (), SEX_F]
ROWS = np.array([2, 9, 5])
MATRICES = Matrices(np.array([0.25, 0.5]), *np.arange(24.0).reshape(4, 3, 2))
BUCKETS = Buckets(np.array([0.0, 0.5]), np.array([0.5, 1.0]), *np.arange(18.0).reshape(3, 3, 2))


def numbers(*values):
    return np.array(values, float)


def save(folder, values, plots=None, config=None, slices=SLICES, rows=ROWS):
    """Writes results as a run does, without the run."""
    (folder / "metrics-00000-of-00001.tfrecord").write_bytes(
        b"".join(map(framed, metric_records(slices, rows, values)))
    )
    (folder / "plots-00000-of-00001.tfrecord").write_bytes(b"".join(map(framed, plot_records(slices, plots or {}))))
    if config is not None:
        run = EvalRun(
            eval_config=config, version="1", data_location="d", file_format="csv", model_locations={"a": "m/a"}
        )
        (folder / "eval_config.json").write_text(json_format.MessageToJson(run))
    return str(folder)


def test_metrics_are_found_by_slice_output_sub_key_and_name(tmp_path):
    values = {
        MetricKey("auc", "a"): numbers(1, 2, math.nan),
        MetricKey("auc", "a", "head", SubKey(class_id=0)): numbers(4, 5, 6),
        MetricKey("recall", "a", "", SubKey(top_k=3)): numbers(7, 8, 9),
    }
    result = load_eval_result(save(tmp_path, values))
    assert result.get_slice_names() == [(), SEX_F, CROSS]
    assert result.get_metric_names() == ["auc", "recall"]
    assert result.get_metrics_for_slice() == {"auc": {"doubleValue": 2.0}}
    assert result.get_metrics_for_slice(SEX_F) == {"auc": {"doubleValue": "NaN"}}
    assert result.get_metrics_for_slice(SEX_F, "head", class_id=0) == {"auc": {"doubleValue": 6.0}}
    assert result.get_metrics_for_slice(CROSS, top_k=3) == {"recall": {"doubleValue": 7.0}}
    assert result.get_metrics_for_slice((("sex", "M"),)) is None
    assert result.get_metrics_for_all_slices(top_k=3)[()] == {"recall": {"doubleValue": 8.0}}
    assert dict(result.slicing_metrics)[CROSS]["head"] == {"classId:0": {"auc": {"doubleValue": 4.0}}}


def test_an_output_or_sub_key_that_is_not_there_is_named(tmp_path):
    result = load_eval_result(save(tmp_path, {MetricKey("auc"): numbers(1, 2, 3)}))
    with pytest.raises(ResultsError, match="no output 'head'"):
        result.get_metrics_for_slice(output_name="head")
    with pytest.raises(ResultsError, match="no sub key 'k:2'"):
        result.get_metrics_for_slice(k=2)


WEIGHTED = MetricKey("auc", example_weighted=True)
UNWEIGHTED = MetricKey("auc", example_weighted=False)
MICRO = AggregationType(micro_average=True)
MACRO = AggregationType(macro_average=True)


@pytest.mark.parametrize(
    ("keys", "names"),
    [
        ([WEIGHTED], ["auc"]),
        ([UNWEIGHTED], ["auc"]),
        ([WEIGHTED, UNWEIGHTED], ["auc", "auc_unweighted"]),
        ([UNWEIGHTED, MetricKey("auc")], ["auc_unweighted", "auc"]),
        ([WEIGHTED, MetricKey("auc")], ["auc_weighted", "auc"]),
        ([WEIGHTED, UNWEIGHTED._replace(sub_key=SubKey(k=1))], ["auc", "auc"]),
        ([WEIGHTED, UNWEIGHTED._replace(output_name="head")], ["auc", "auc"]),
        ([WEIGHTED._replace(is_diff=True), UNWEIGHTED._replace(is_diff=True)], ["auc_diff", "auc_diff_unweighted"]),
        ([WEIGHTED, WEIGHTED._replace(aggregation_type=MICRO)], ["auc", "micro_average: true\n_auc"]),
        (
            [WEIGHTED._replace(aggregation_type=kind, is_diff=True) for kind in (MICRO, MACRO, None)],
            ["micro_average: true\n_auc_diff", "macro_average: true\n_auc_diff", "auc_diff"],
        ),
    ],
    ids=str,
)
def test_metrics_that_would_overwrite_each_other_have_names_of_their_own(keys, names):
    assert [names_of(keys)[key] for key in keys] == names


def test_weighted_and_unweighted_values_are_both_there(tmp_path):
    result = load_eval_result(save(tmp_path, {WEIGHTED: numbers(1, 2, 3), UNWEIGHTED: numbers(4, 5, 6)}))
    assert result.get_metrics_for_slice() == {"auc": {"doubleValue": 2.0}, "auc_unweighted": {"doubleValue": 5.0}}


CANDIDATE, BASELINE = MetricKey("auc", "a"), MetricKey("auc", "b")
TWO_MODELS = {
    CANDIDATE: numbers(1, 2, 3),
    BASELINE: numbers(4, 5, 6),
    CANDIDATE._replace(is_diff=True): numbers(-3, -3, -3),
    MetricKey("example_count"): numbers(7, 8, 9),
}


def test_the_model_that_is_no_baseline_is_shown_unless_another_is_named(tmp_path):
    config = EvalConfig(model_specs=[ModelSpec(name="a"), ModelSpec(name="b", is_baseline=True)])
    folder = save(tmp_path, TWO_MODELS, config=config)
    shown = {
        name: list((load_eval_result(folder, name).get_metrics_for_slice() or {}).values()) for name in (None, "a", "b")
    }
    candidate = [{"doubleValue": 2.0}, {"doubleValue": -3.0}, {"doubleValue": 8.0}]
    assert shown == {None: candidate, "a": candidate, "b": [{"doubleValue": 5.0}, {"doubleValue": 8.0}]}
    result = load_eval_result(folder)
    assert (result.config, result.data_location, result.file_format, result.model_location) == (
        config,
        "d",
        "csv",
        "m/a",
    )


def test_a_choice_between_models_that_only_the_user_can_make_is_asked_for(tmp_path):
    folder = save(tmp_path, TWO_MODELS)
    with pytest.raises(ResultsError, match="several models: a, b; give model_name"):
        load_eval_result(folder)
    with pytest.raises(ResultsError, match="no model 'c'"):
        load_eval_result(folder, "c")


def test_plots_are_found_like_metrics_and_none_overwrites_another(tmp_path):
    plots = {PlotKey(example_weighted=False): [MATRICES], PlotKey(example_weighted=True): [MATRICES, BUCKETS]}
    result = load_eval_result(save(tmp_path, {}, plots))
    assert len(result.plots) == 3
    key, by_output = result.plots[1]
    assert key == ()
    assert sorted(by_output[""][""]) == [
        "calibrationHistogramBuckets",
        "confusionMatrixAtThresholds",
        "confusionMatrixAtThresholds_unweighted",
    ]
    matrix = by_output[""][""]["confusionMatrixAtThresholds"]["matrices"][1]
    assert (matrix["threshold"], matrix["truePositives"]) == (0.5, MATRICES.tp[1, 1])
    assert [key for key, _ in result.plots] == SLICES
    assert [key for key, _ in result.plots[1:]] == SLICES[1:]


def test_a_slice_that_is_too_small_shows_why(tmp_path):
    records = too_small_records([SEX_F], 5)
    (tmp_path / "metrics-00000-of-00001.tfrecord").write_bytes(b"".join(map(framed, records)))
    shown = load_eval_result(str(tmp_path)).get_metrics_for_slice(SEX_F)
    assert shown is not None
    assert "min_slice_size" in shown["__ERROR__"]["debugMessage"]
    (row,) = metrics_frame(str(tmp_path)).to_dict("records")
    assert (row["slice"], row["metric"], "min_slice_size" in row["text"]) == ("sex=F", "__ERROR__", True)
    assert pd.isna(row["rows"])


def test_a_confidence_interval_is_a_bounded_value_and_two_columns(tmp_path):
    record = pb.MetricsForSlice()
    pair = record.metric_keys_and_values.add(key=metric_key_to_proto(MetricKey("auc")))
    pair.value.double_value.value = 0.5
    pair.confidence_interval.lower_bound.double_value.value = 0.25
    pair.confidence_interval.upper_bound.double_value.value = 0.75
    (tmp_path / "metrics").write_bytes(framed(record.SerializeToString()))
    bounds = {"lowerBound": 0.25, "upperBound": 0.75, "value": 0.5}
    assert load_eval_result(str(tmp_path)).get_metrics_for_slice() == {"auc": {"boundedValue": bounds}}
    (row,) = metrics_frame(str(tmp_path)).to_dict("records")
    assert (row["value"], row["lower_bound"], row["upper_bound"]) == (0.5, 0.25, 0.75)


def test_attributions_are_found_by_feature(tmp_path):
    record = pb.AttributionsForSlice()
    pair = record.attributions_keys_and_values.add(key=pb.AttributionsKey(name="mean", model_name="a"))
    pair.values["age"].double_value.value = 2.5
    (tmp_path / "attributions-00000-of-00001.tfrecord").write_bytes(framed(record.SerializeToString()))
    result = load_eval_result(str(tmp_path), "a")
    assert result.get_attributions_for_slice() == {"age": {"doubleValue": 2.5}}
    assert result.get_attributions_for_all_slices("mean") == {(): {"age": {"doubleValue": 2.5}}}
    assert result.get_attributions_for_slice(SEX_F) is None
    with pytest.raises(ResultsError, match=r"\['mean'\], found 'total'"):
        result.get_attributions_for_slice(metric_name="total")
    assert len(list(load_attributions(str(tmp_path)))) == 1


def test_the_metrics_frame_has_a_row_for_each_number_of_each_slice(tmp_path):
    key = MetricKey("recall", "a", "head", SubKey(class_id=4), MICRO, True, True)
    values = {
        key: numbers(1, 2, math.nan),
        MetricKey("tp"): np.arange(6.0).reshape(3, 2),
        MetricKey("cm", example_weighted=False): MATRICES,
    }
    frame = metrics_frame(save(tmp_path, values))
    assert frame["slice"].unique().tolist() == ["Overall", "sex=F", "age=7, sex=F"]
    assert frame["slice_key"].drop_duplicates().tolist() == [(), SEX_F, CROSS]
    assert frame.groupby("slice")["rows"].first().to_dict() == {"Overall": 9, "sex=F": 5, "age=7, sex=F": 2}
    recall = frame[frame["metric"] == "recall"]
    np.testing.assert_array_equal(recall["value"], [2, math.nan, 1])
    fields = ["model", "output", "class_id", "aggregation", "weighted", "is_diff"]
    assert recall[fields].drop_duplicates().to_numpy().tolist() == [["a", "head", 4, "micro_average", True, True]]
    assert recall[["k", "top_k", "position", "threshold", "element"]].isna().all(axis=None)
    tp = frame[frame["metric"] == "tp"]
    assert tp[["position", "value"]].to_numpy().tolist() == [[0, 2], [1, 3], [0, 4], [1, 5], [0, 0], [1, 1]]
    assert tp["weighted"].isna().all()
    cm = frame[(frame["metric"] == "cm") & (frame["element"] == "false_negatives") & (frame["slice_key"] == SEX_F)]
    assert cm[["threshold", "value"]].to_numpy().tolist() == [[0.25, MATRICES.fn[2, 0]], [0.5, MATRICES.fn[2, 1]]]


def test_the_plots_frame_has_a_row_for_each_threshold_and_bucket_of_each_slice(tmp_path):
    frame = plots_frame(save(tmp_path, {}, {PlotKey(model_name="a", example_weighted=True): [MATRICES, BUCKETS]}))
    assert frame.groupby(["slice", "plot"]).size().to_dict() == {
        (text, plot): 2
        for text in ("Overall", "sex=F", "age=7, sex=F")
        for plot in ("confusion_matrix_at_thresholds", "calibration_histogram_buckets")
    }
    overall = frame[frame["slice"] == "Overall"].set_index("plot")
    matrices = overall.loc["confusion_matrix_at_thresholds"]
    np.testing.assert_array_equal(matrices["true_positives"], MATRICES.tp[1])
    np.testing.assert_array_equal(matrices["threshold"], MATRICES.thresholds)
    buckets = overall.loc["calibration_histogram_buckets"]
    np.testing.assert_array_equal(buckets["total_weighted_label"], BUCKETS.label[1])
    np.testing.assert_array_equal(buckets["upper_threshold_exclusive"], BUCKETS.upper)
    assert buckets["true_positives"].isna().all()
    assert frame["slice_key"].iloc[-1] == CROSS
    assert (frame["model"] == "a").all()
    assert frame["weighted"].all()


def test_frames_of_results_without_values_have_their_columns(tmp_path):
    folder = save(tmp_path, {})
    assert "value" in metrics_frame(folder)
    assert "threshold" in plots_frame(folder)
    assert len(metrics_frame(folder)) == len(plots_frame(folder)) == 0


def test_a_folder_without_results_is_named(tmp_path):
    missing = str(tmp_path / "nowhere")
    for load in (load_metrics, load_plots, load_validation_result, load_verdict, load_eval_result, metrics_frame):
        with pytest.raises(ResultsError, match="nowhere"):
            load(missing)
        with pytest.raises(ResultsError, match=tmp_path.name):
            load(str(tmp_path))


def test_shards_are_read_together_only_if_all_of_one_run_are_there(tmp_path):
    records = list(metric_records(SLICES, ROWS, {}))
    for i, record in enumerate(records):
        (tmp_path / f"metrics-{i:05}-of-00003.tfrecord").write_bytes(framed(record))
    assert [record.rows for record in load_metrics(str(tmp_path))] == ROWS.tolist()
    (tmp_path / "metrics-00001-of-00003.tfrecord").unlink()
    with pytest.raises(ResultsError, match=r"1 files are missing .* number 1"):
        load_metrics(str(tmp_path))
    (tmp_path / "metrics-00000-of-00001.tfrecord").write_bytes(b"")
    with pytest.raises(ResultsError, match="several runs"):
        load_metrics(str(tmp_path))


@pytest.mark.parametrize("damage", ["cut", "flipped", "not a TFRecord", "another message", "length"])
def test_a_damaged_file_is_named(damage, tmp_path):
    whole = b"".join(map(framed, metric_records(SLICES, ROWS, {MetricKey("auc"): numbers(1, 2, 3)})))
    damaged = {
        "cut": whole[:-1],
        "flipped": whole[:40] + bytes([whole[40] ^ 1]) + whole[41:],
        "not a TFRecord": b"slice,auc\nall,0.5\n",
        "another message": framed(b"\xff\xff\xff"),
        "length": whole + b"\1\0\0",
    }[damage]
    (tmp_path / "metrics-00000-of-00001.tfrecord").write_bytes(damaged)
    with pytest.raises(CorruptFileError, match=r"metrics-00000-of-00001\.tfrecord"):
        list(load_metrics(str(tmp_path)))


def test_a_damaged_parquet_file_is_named(tmp_path):
    (tmp_path / "metrics-00000-of-00001.parquet").write_bytes(b"PAR1 no")
    with pytest.raises(CorruptFileError, match=r"metrics-00000-of-00001\.parquet"):
        list(load_metrics(str(tmp_path)))


def test_a_damaged_eval_config_is_named(tmp_path):
    (tmp_path / "eval_config.json").write_text('{"evalConfig": [')
    with pytest.raises(CorruptFileError, match=r"eval_config\.json"):
        load_eval_result(str(tmp_path))


def test_there_is_one_validation_result(tmp_path):
    record = framed(ValidationResult(validation_ok=True, rubber_stamp=True).SerializeToString())
    (tmp_path / "validations.tfrecord").write_bytes(record)
    assert load_validation_result(str(tmp_path)).rubber_stamp
    (tmp_path / "validations.tfrecord").write_bytes(record * 2)
    with pytest.raises(ResultsError, match="one validation result, found 2"):
        load_validation_result(str(tmp_path))


def test_the_verdict_comes_back_as_it_was_written(tmp_path):
    verdict = Verdict(Status.NOT_BLESSED, rows=7, bad_rows={"nan label": 1})
    (tmp_path / "verdict.json").write_text(verdict.to_json())
    assert load_verdict(str(tmp_path)) == verdict
