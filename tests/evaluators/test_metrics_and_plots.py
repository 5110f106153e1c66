"""The evaluator of metrics and plots, through Beam."""

import itertools

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

import assay
from assay.engine.recovery import recover
from assay.errors import BadRowError, MissingColumnError, PipelineError
from assay.evaluators.metrics_and_plots import MetricsAndPlotsEvaluator
from assay.extractors.slice_keys import extract_slice_keys
from assay.extracts.columns import row_count, take
from assay.privacy.suppression import withheld
from assay.proto.metrics_for_slice_pb2 import MetricsForSlice, PlotsForSlice
from assay.results.keys import metric_key_from_proto, slice_key_from_proto
from assay.slicing.specs import slicings_of
from tests.beam_runs import run
from tests.metrics.engine import EVERY_SLICE, config_of, whole
from tests.metrics.hard_data import hard_batch

METRICS = " ".join(
    f'metrics {{ class_name: "{name}" }}'
    for name in ["ExampleCount", "AUC", "Precision", "MeanPrediction", "CalibrationPlot", "ConfusionMatrixPlot"]
)
CONFIG = config_of(METRICS, EVERY_SLICE)
BATCH = hard_batch(2000)


def placed(batch, split=0, first=0, config=CONFIG):
    """The batch with its slice keys, and the file and row it was read from."""
    rows = row_count(batch)
    source = {
        "split": np.full(rows, split, np.int32),
        "file": pa.DictionaryArray.from_arrays(pa.array(np.zeros(rows, np.int8)), pa.array([f"file-{split}"])),
        "row": np.arange(first, first + rows),
    }
    return extract_slice_keys({**batch, "_source": source}, slicings=slicings_of(config)).extracts


def pieces(batch, size=300):
    return [take(batch, np.arange(a, min(a + size, row_count(batch)))) for a in range(0, row_count(batch), size)]


def evaluate(batches, config=CONFIG, **settings):
    """Slice key -> {(metric, is_diff): value}, and the number of plots records."""
    output = run(batches, MetricsAndPlotsEvaluator(config, **settings).ptransform)
    found = {}
    for record in map(MetricsForSlice.FromString, output["metrics"]):
        key = slice_key_from_proto(record.slice_key)
        assert key not in found, f"{key} came out twice"
        found[key] = {metric_key_from_proto(m.key): m.value.double_value.value for m in record.metric_keys_and_values}
    assert {slice_key_from_proto(PlotsForSlice.FromString(r).slice_key) for r in output["plots"]} == set(found)
    return found


def test_gives_each_slice_once_with_the_values_of_the_engine():
    found = evaluate([placed(piece, split) for split, piece in enumerate(pieces(BATCH))])
    expected = whole(BATCH, CONFIG)
    assert set(found) == set(expected)
    for key, values in expected.items():
        for metric, value in values.items():
            if metric.class_name.endswith("Plot"):
                continue
            assert found[key][metric.key] == pytest.approx(value, rel=1e-9, nan_ok=True)


def test_the_same_batches_give_the_same_bits_whatever_order_they_come_in():
    batches = [placed(piece, split) for split, piece in enumerate(pieces(BATCH))]
    in_order = evaluate(batches)
    for order in itertools.islice(itertools.permutations(batches), 1, 720, 240):
        np.testing.assert_equal(evaluate(order), in_order)


def test_batches_of_unknown_origin_are_evaluated_too():
    batches = [{k: v for k, v in placed(piece).items() if k != "_source"} for piece in pieces(BATCH)]
    found, expected = evaluate(batches)[()], evaluate([placed(BATCH)])[()]
    assert found == pytest.approx(expected, rel=1e-9)


def test_an_empty_batch_changes_nothing_and_no_rows_give_no_records():
    empty = take(BATCH, np.zeros(0, np.int64))
    np.testing.assert_equal(evaluate([placed(empty), placed(BATCH)]), evaluate([placed(BATCH)]))
    assert evaluate([placed(empty)]) == {}


def test_a_slice_with_too_few_rows_shows_no_metrics():
    config = config_of(METRICS, EVERY_SLICE)
    config.options.min_slice_size.value = 150
    in_full = run([placed(BATCH)], MetricsAndPlotsEvaluator(config_of(METRICS, EVERY_SLICE)).ptransform)
    rows = {slice_key(one): one.rows for one in map(MetricsForSlice.FromString, in_full["metrics"])}
    hidden = {key for key, count in rows.items() if key and count < 150}
    assert hidden
    hidden |= withheld(rows, 150)

    output = run([placed(BATCH)], MetricsAndPlotsEvaluator(config).ptransform)
    assert {slice_key(one) for one in map(PlotsForSlice.FromString, output["plots"])} == rows.keys() - hidden
    for record in map(MetricsForSlice.FromString, output["metrics"]):
        is_hidden = slice_key(record) in hidden
        assert ("__ERROR__" in record.metrics) == is_hidden
        assert bool(record.metric_keys_and_values) != is_hidden
        assert bool(record.rows) != is_hidden


def slice_key(record):
    return slice_key_from_proto(record.slice_key)


def test_a_slice_is_withheld_with_all_that_it_has_where_it_would_tell_of_a_smaller_one():
    """Group c is too small, and all rows without a and b are those of c; so nothing is told of b, of no metric."""
    rows = 300
    group = np.array(["a"] * 180 + ["b"] * 100 + ["c"] * 20)
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"label": rng.integers(0, 2, rows), "prediction": rng.random(rows), "group": group})
    config = {
        "model_specs": [{"label_key": "label", "prediction_key": "prediction"}],
        "slicing_specs": [{}, {"feature_keys": ["group"]}],
        "metrics_specs": [
            {"metrics": [{"class_name": name} for name in ("ExampleCount", "AUC", "ConfusionMatrixPlot")]}
        ],
        "options": {"min_slice_size": 50},
    }
    shown = assay.analyze_raw_data(frame, config)
    told = shown.to_frame()
    assert set(told[told["value"].notna()]["slice"]) == {"Overall", "group=a"}
    assert {name for name, _ in shown.plots} == {(), (("group", "a"),)}
    assert set(told[told["rows"] > 0]["rows"]) == {300, 180}


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("predictions", np.nan, "prediction not finite"),
        ("predictions", np.inf, "prediction not finite"),
        ("labels", 2.0, r"label outside \[0, 1\]"),
        ("labels", np.nan, "missing label"),
        ("example_weights", -1.0, "weight negative or not finite"),
        ("example_weights", np.nan, "weight negative or not finite"),
    ],
)
def test_a_bad_row_is_an_error_that_names_file_and_row(key, value, message):
    spoilt = {**BATCH, key: BATCH[key].copy()}
    spoilt[key][7] = value
    with pytest.raises(Exception) as caught:  # noqa: PT011 - Beam wraps it; the test looks inside
        evaluate([placed(BATCH), placed(spoilt, split=3, first=100)])
    error = recover(caught.value)
    assert isinstance(error, BadRowError)
    assert "file-3, row 107" in str(error)
    assert error.args[0].count(message.replace("\\", "")) == 1


def test_bad_rows_can_be_left_out_of_every_metric():
    spoilt = {**BATCH, "predictions": BATCH["predictions"].copy(), "labels": BATCH["labels"].copy()}
    spoilt["predictions"][[3, 900]], spoilt["labels"][50] = np.nan, -1
    good = np.ones(row_count(BATCH), bool)
    good[[3, 50, 900]] = False
    found = evaluate([placed(spoilt)], skip_bad_rows=True)
    np.testing.assert_equal(found, evaluate([placed(take(BATCH, good))]))


def test_slice_keys_are_needed():
    with pytest.raises(Exception) as caught:  # noqa: PT011 - as above
        evaluate([BATCH])
    assert isinstance(recover(caught.value), PipelineError)
    assert "run_after" in str(recover(caught.value))


def test_labels_are_needed_for_more_than_counts():
    without = {k: v for k, v in placed(BATCH).items() if k not in ("labels", "predictions")}
    (overall,) = evaluate([without], config_of('metrics { class_name: "ExampleCount" }'))[()].values()
    assert overall == pytest.approx(BATCH["example_weights"].sum())
    with pytest.raises(Exception) as caught:  # noqa: PT011 - as above
        evaluate([without])
    assert isinstance(recover(caught.value), MissingColumnError)


def test_two_models_are_compared_slice_by_slice():
    config = config_of(METRICS, EVERY_SLICE)
    del config.model_specs[:]
    for name in ("candidate", "baseline"):
        config.model_specs.add(name=name, example_weight_key="w", is_baseline=name == "baseline")
    config.metrics_specs[0].model_names[:] = ["candidate", "baseline"]
    labels = {name: BATCH["labels"] for name in ("candidate", "baseline")}
    weights = {name: BATCH["example_weights"] for name in ("candidate", "baseline")}
    both = {"candidate": BATCH["predictions"], "baseline": BATCH["baseline"]}
    batch = {**BATCH, "labels": labels, "predictions": both, "example_weights": weights}
    for values in evaluate([placed(batch)], config).values():
        for key, value in values.items():
            if key.is_diff:
                bare = key._replace(is_diff=False)
                expected = values[bare] - values[bare._replace(model_name="baseline")]
                assert value == pytest.approx(expected, nan_ok=True)
        assert sum(key.is_diff for key in values) == 4
