"""Every field of the EvalConfig, by reflection: it changes what comes out."""

import importlib.util
import json
from typing import Any

import numpy as np
import pandas as pd
import pytest

import assay
from assay.config.fields import FIELDS
from assay.config.resolved import check_eval_config, parse_eval_config, resolve_eval_config
from assay.errors import AssayError, EvalConfigError, ResultsError
from assay.models.configured import as_configured
from assay.models.model import ModelRef
from assay.proto.config_pb2 import EvalConfig


def reachable(descriptor=EvalConfig.DESCRIPTOR, path=()):
    """Yields (entry, steps from the EvalConfig) of every field."""
    for field in descriptor.fields:
        entry = f"{descriptor.name}.{field.name}"
        steps = (*path, field)
        yield entry, steps
        kind = value_kind(field)
        if kind is not None and not kind.full_name.startswith("google.protobuf."):
            yield from reachable(kind, steps)


def value_kind(field):
    """The message that a field, or an entry of a map, holds; None if it is a plain value."""
    kind = field.message_type
    return kind.fields_by_name["value"].message_type if kind is not None and kind.GetOptions().map_entry else kind


REACHABLE = dict(reachable())


def test_every_field_has_an_entry_and_every_entry_is_a_field():
    assert set(FIELDS) == set(REACHABLE)


@pytest.mark.parametrize("entry", FIELDS)
def test_what_uses_a_field_is_there(entry):
    assert importlib.util.find_spec(f"assay.{FIELDS[entry]}") is not None


def test_a_method_of_intervals_without_intervals_is_refused():
    config = parse_eval_config({"model_specs": [{}], "options": {"confidence_intervals": {"method": "JACKKNIFE"}}})
    with pytest.raises(
        EvalConfigError, match=r"^options.confidence_intervals: compute_confidence_intervals is not set"
    ):
        check_eval_config(config)


# ---- the outcome with the field differs from that without ----

AUC: dict[str, Any] = {"class_name": "AUC"}
MEAN: dict[str, Any] = {"class_name": "MeanPrediction"}
MEAN_LABEL: dict[str, Any] = {"class_name": "MeanLabel"}
BOUND = {"value_threshold": {"lower_bound": 0.99}}
OTHER = {"value_threshold": {"upper_bound": 0.1}}
BY_GROUP = {"feature_keys": ["group"]}
BY_LEVEL = {"feature_keys": ["level"]}
BY_ALL_OTHERS: dict[str, Any] = {"slicing_specs": [BY_GROUP]}
TWO_MODELS: list[dict[str, Any]] = [
    {"name": "new", "label_key": "label", "prediction_key": "score"},
    {"name": "old", "label_key": "label", "prediction_key": "older", "is_baseline": True},
]


def spec(**fields):
    return {"label_key": "label", "prediction_key": "score", **fields}


def config(*, models=None, metric=AUC, slices=(), options=None, **metrics_spec):
    return {
        "model_specs": models or [spec()],
        "slicing_specs": [{}, *slices],
        "metrics_specs": [{"metrics": [metric], **metrics_spec}],
        "options": options or {},
    }


def cross(baseline=None, others=(), threshold=BOUND):
    """Thresholds for pairs of slices."""
    spec = {"baseline_spec": baseline or {}, "slicing_specs": list(others)}
    return [{"cross_slicing_specs": [spec], "threshold": threshold}]


def apart(metric=AUC, **fields):
    """Groups that are compared by a metric."""
    name = "auc" if metric == AUC else "mean_prediction"
    own = {"slicing_spec": BY_GROUP, "metrics": [name], **fields}
    whole = config(metric=metric)
    whole["metrics_specs"][0]["metrics"].append(MEAN_LABEL)
    return {**whole, "disparities": [own]}


def change(**threshold):
    return config(models=TWO_MODELS, metric={**AUC, "threshold": {"change_threshold": threshold}})


def by_class(**fields: Any) -> dict[str, Any]:
    """Of a model with a number for each of two classes."""
    whole: dict[str, Any] = config(models=[spec(prediction_key="both")], **fields)
    return whole


def ks(**lists: list[int]) -> dict[str, Any]:
    return {name: {"values": values} for name, values in lists.items()}


OUTPUTS: dict[str, Any] = {"label_keys": {"a": "label", "b": "coin"}, "prediction_keys": {"a": "score", "b": "older"}}


def of_outputs(output=None, **fields):
    """A config of the output `a`, of which a model spec says something."""
    return config(**{"models": [{**OUTPUTS, "outputs": {"a": output}}], "output_names": ["a"], **fields})


def output_of_tags(output):
    return {"label_keys": {"a": "tags"}, "prediction_keys": {"a": "both"}, "outputs": {"a": output}}


def padded(label_key="short", prediction_key="three", **padding):
    return spec(label_key=label_key, prediction_key=prediction_key, padding_options=padding)


SHORT = spec(label_key="short", prediction_key="three")
SHORT_SCORES = {"label_key": "one_of_three", "prediction_key": "both"}
INTERVALS: dict[str, Any] = {"compute_confidence_intervals": True}


def resampled(**settings):
    return config(options={**INTERVALS, "confidence_intervals": {"method": "POISSON_BOOTSTRAP", **settings}})


EFFECTS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "EvalConfig.model_specs": (config(), config(models=[spec(prediction_key="older")])),
    "EvalConfig.slicing_specs": (config(), config(slices=[BY_GROUP])),
    "EvalConfig.bins": (config(slices=[BY_LEVEL]), {**config(slices=[BY_LEVEL]), "bins": {"level": {"edges": [1]}}}),
    "EvalConfig.disparities": (config(slices=[BY_GROUP]), apart()),
    "Disparity.slicing_spec": (apart(), apart(slicing_spec={"feature_keys": ["level"]})),
    "Disparity.reference": (apart(), apart(reference={"feature_values": {"group": "a"}})),
    "Disparity.metrics": (apart(metric=MEAN), apart(metric=MEAN, metrics=["mean_label"])),
    "FeatureBins.edges": (
        {**config(slices=[BY_LEVEL]), "bins": {"level": {"edges": [1]}}},
        {**config(slices=[BY_LEVEL]), "bins": {"level": {"edges": [1, 2]}}},
    ),
    "FeatureBins.by": (
        {**config(slices=[{"feature_keys": ["day"]}]), "bins": {"day": {"by": "year"}}},
        {**config(slices=[{"feature_keys": ["day"]}]), "bins": {"day": {"by": "month"}}},
    ),
    "EvalConfig.cross_slicing_specs": (config(), {**config(), "cross_slicing_specs": [BY_ALL_OTHERS]}),
    "EvalConfig.metrics_specs": (config(), config(metric={"class_name": "Recall"})),
    "EvalConfig.options": (config(), config(options=INTERVALS)),
    "ModelSpec.name": (change(absolute=0.5), config(models=[{**TWO_MODELS[0], "name": "x"}, TWO_MODELS[1]])),
    "ModelSpec.label_key": (config(), config(models=[spec(label_key="coin")])),
    "ModelSpec.label_keys": (
        config(models=[OUTPUTS], output_names=["a"]),
        config(models=[{**OUTPUTS, "label_keys": {"a": "coin", "b": "coin"}}], output_names=["a"]),
    ),
    "ModelSpec.prediction_key": (config(), config(models=[spec(prediction_key="older")])),
    "ModelSpec.prediction_keys": (
        config(models=[OUTPUTS], output_names=["a"]),
        config(models=[{**OUTPUTS, "prediction_keys": {"a": "older", "b": "older"}}], output_names=["a"]),
    ),
    "ModelSpec.example_weight_key": (config(), config(models=[spec(example_weight_key="weight")])),
    "ModelSpec.example_weight_keys": (
        config(models=[OUTPUTS], output_names=["a"]),
        config(models=[{**OUTPUTS, "example_weight_keys": {"a": "weight"}}], output_names=["a"]),
    ),
    "ModelSpec.is_baseline": (
        config(models=TWO_MODELS),
        config(models=[TWO_MODELS[0], {**TWO_MODELS[1], "is_baseline": False}]),
    ),
    "ModelSpec.positive_label": (config(), config(models=[spec(positive_label="0")])),
    "ModelSpec.classes": (
        by_class(metric={"class_name": "MeanPrediction"}),
        config(models=[spec(prediction_key="both", classes=["a", "b", "c"])]),
    ),
    "ModelSpec.sparse_labels": (
        config(models=[spec(prediction_key="both", label_key="tags")], binarize=ks(class_ids=[0])),
        config(models=[spec(prediction_key="both", label_key="tags", sparse_labels=True)], binarize=ks(class_ids=[0])),
    ),
    "ModelSpec.link": (config(metric=MEAN), config(metric=MEAN, models=[spec(link="logit")])),
    "ModelSpec.scale": (config(metric=MEAN), config(metric=MEAN, models=[spec(scale="percent")])),
    "ModelSpec.outputs": (
        of_outputs(metric=MEAN, models=[{**OUTPUTS, "link": "logit"}]),
        of_outputs(metric=MEAN, models=[{**OUTPUTS, "link": "logit", "outputs": {"a": {}}}]),
    ),
    "OutputSpec.positive_label": (of_outputs({}), of_outputs({"positive_label": "0"})),
    "OutputSpec.classes": (
        of_outputs({}, metric=MEAN),
        of_outputs({"classes": ["a", "b", "c"]}, metric=MEAN),
    ),
    "OutputSpec.sparse_labels": (
        config(models=[output_of_tags({})], output_names=["a"], binarize=ks(class_ids=[0])),
        config(models=[output_of_tags({"sparse_labels": True})], output_names=["a"], binarize=ks(class_ids=[0])),
    ),
    "OutputSpec.link": (of_outputs({}, metric=MEAN), of_outputs({"link": "logit"}, metric=MEAN)),
    "OutputSpec.scale": (of_outputs({}, metric=MEAN), of_outputs({"scale": "percent"}, metric=MEAN)),
    "ModelSpec.padding_options": (config(models=[SHORT]), config(models=[padded()])),
    "PaddingOptions.label_int_padding": (
        config(metric=MEAN_LABEL, models=[padded()]),
        config(metric=MEAN_LABEL, models=[padded(label_int_padding=1)]),
    ),
    "PaddingOptions.label_float_padding": (
        config(metric=MEAN_LABEL, models=[padded()]),
        config(metric=MEAN_LABEL, models=[padded(label_float_padding=0.5)]),
    ),
    "PaddingOptions.prediction_int_padding": (
        config(metric=MEAN, models=[padded(**SHORT_SCORES)]),
        config(metric=MEAN, models=[padded(**SHORT_SCORES, prediction_int_padding=-1)]),
    ),
    "PaddingOptions.prediction_float_padding": (
        config(metric=MEAN, models=[padded(**SHORT_SCORES)]),
        config(metric=MEAN, models=[padded(**SHORT_SCORES, prediction_float_padding=-0.5)]),
    ),
    "SlicingSpec.feature_keys": (config(slices=[BY_GROUP]), config(slices=[{"feature_keys": ["level"]}])),
    "SlicingSpec.feature_values": (config(), config(slices=[{"feature_values": {"group": "a"}}])),
    "SlicingSpec.slice_keys_sql": (
        config(slices=[{"slice_keys_sql": "SELECT STRUCT(g) FROM example.group AS g"}]),
        config(slices=[{"slice_keys_sql": "SELECT STRUCT(g) FROM example.group AS g WHERE g = 'a'"}]),
    ),
    "SlicingSpec.missing": (
        config(slices=[{"feature_keys": ["gaps"]}]),
        config(slices=[{"feature_keys": ["gaps"], "missing": "slice"}]),
    ),
    "MetricsSpec.metrics": (config(), config(metric={"class_name": "Recall"})),
    "MetricsSpec.model_names": (config(models=TWO_MODELS), config(models=TWO_MODELS, model_names=["new"])),
    "MetricsSpec.output_names": (
        config(models=[OUTPUTS], output_names=["a"]),
        config(models=[OUTPUTS], output_names=["b"]),
    ),
    "MetricsSpec.example_weights": (
        config(models=[spec(example_weight_key="weight")]),
        config(models=[spec(example_weight_key="weight")], example_weights={"unweighted": True}),
    ),
    "MetricsSpec.thresholds": (config(), config(thresholds={"auc": BOUND})),
    "MetricsSpec.per_slice_thresholds": (
        config(),
        config(per_slice_thresholds={"auc": {"thresholds": [{"slicing_specs": [{}], "threshold": BOUND}]}}),
    ),
    "MetricConfig.class_name": (config(), config(metric={"class_name": "Recall"})),
    "MetricConfig.module": (config(), config(metric={**AUC, "module": "mine.own"})),
    "MetricConfig.config": (config(), config(metric={**AUC, "config": {"curve": "PR"}})),
    "MetricConfig.threshold": (config(), config(metric={**AUC, "threshold": BOUND})),
    "MetricConfig.per_slice_thresholds": (
        config(),
        config(metric={**AUC, "per_slice_thresholds": [{"slicing_specs": [{}], "threshold": BOUND}]}),
    ),
    "MetricsSpec.binarize": (config(), config(binarize={"class_ids": {"values": [1]}})),
    "BinarizationOptions.class_ids": (
        config(models=[spec(prediction_key="both")], binarize={"class_ids": {"values": [0]}}),
        config(models=[spec(prediction_key="both")], binarize={"class_ids": {"values": [1]}}),
    ),
    "BinarizationOptions.k_list": (by_class(binarize=ks(k_list=[1])), by_class(binarize=ks(k_list=[2]))),
    "BinarizationOptions.top_k_list": (by_class(binarize=ks(top_k_list=[1])), by_class(binarize=ks(top_k_list=[2]))),
    "MetricsSpec.aggregate": (by_class(binarize=ks(class_ids=[0])), by_class(aggregate={"micro_average": True})),
    "AggregationOptions.micro_average": (
        by_class(aggregate={"macro_average": True, "class_weights": {0: 1}}),
        by_class(aggregate={"micro_average": True, "class_weights": {0: 1}}),
    ),
    "AggregationOptions.macro_average": (
        by_class(aggregate={"micro_average": True, "class_weights": {0: 1, 1: 2}}),
        by_class(aggregate={"macro_average": True, "class_weights": {0: 1, 1: 2}}),
    ),
    "AggregationOptions.weighted_macro_average": (
        by_class(aggregate={"macro_average": True, "class_weights": {0: 1, 1: 2}}),
        by_class(aggregate={"weighted_macro_average": True, "class_weights": {0: 1, 1: 2}}),
    ),
    "AggregationOptions.class_weights": (
        by_class(aggregate={"micro_average": True, "class_weights": {0: 1, 1: 2}}),
        by_class(aggregate={"micro_average": True, "class_weights": {0: 1, 1: 3}}),
    ),
    "AggregationOptions.top_k_list": (
        by_class(aggregate={"micro_average": True}),
        by_class(aggregate={"micro_average": True, "top_k_list": {"values": [1]}}),
    ),
    "MetricsSpec.output_weights": (
        config(models=[OUTPUTS], output_names=["a", "b"]),
        config(models=[OUTPUTS], output_names=["a", "b"], output_weights={"a": 1.0, "b": 3.0}),
    ),
    "MetricsSpec.query_key": (config(slices=[BY_GROUP]), config(slices=[BY_GROUP], query_key="label")),
    "ExampleWeightOptions.weighted": (config(), config(example_weights={"weighted": True})),
    "ExampleWeightOptions.unweighted": (
        config(models=[spec(example_weight_key="weight")]),
        config(models=[spec(example_weight_key="weight")], example_weights={"unweighted": True}),
    ),
    "MetricThreshold.value_threshold": (config(), config(metric={**AUC, "threshold": BOUND})),
    "MetricThreshold.change_threshold": (config(models=TWO_MODELS), change(absolute=0.9, direction="HIGHER_IS_BETTER")),
    "GenericValueThreshold.lower_bound": (config(), config(thresholds={"auc": BOUND})),
    "GenericValueThreshold.upper_bound": (
        config(thresholds={"auc": {"value_threshold": {"upper_bound": 1.0}}}),
        config(thresholds={"auc": {"value_threshold": {"upper_bound": 0.1}}}),
    ),
    "GenericChangeThreshold.absolute": (
        change(absolute=-0.9, direction="HIGHER_IS_BETTER"),
        change(absolute=0.9, direction="HIGHER_IS_BETTER"),
    ),
    "GenericChangeThreshold.relative": (
        change(relative=0.1, direction="HIGHER_IS_BETTER"),
        change(relative=9, direction="HIGHER_IS_BETTER"),
    ),
    "GenericChangeThreshold.direction": (
        change(absolute=0.0, direction="HIGHER_IS_BETTER"),
        change(absolute=0.0, direction="LOWER_IS_BETTER"),
    ),
    "PerSliceMetricThresholds.thresholds": (
        config(),
        config(per_slice_thresholds={"auc": {"thresholds": [{"slicing_specs": [{}], "threshold": BOUND}]}}),
    ),
    "PerSliceMetricThreshold.slicing_specs": (
        config(metric={**AUC, "per_slice_thresholds": [{"slicing_specs": [{}], "threshold": BOUND}]}),
        config(metric={**AUC, "per_slice_thresholds": [{"slicing_specs": [BY_GROUP], "threshold": BOUND}]}),
    ),
    "PerSliceMetricThreshold.threshold": (
        config(
            metric={
                **AUC,
                "per_slice_thresholds": [
                    {"slicing_specs": [{}], "threshold": {"value_threshold": {"upper_bound": 0.1}}}
                ],
            }
        ),
        config(metric={**AUC, "per_slice_thresholds": [{"slicing_specs": [{}], "threshold": BOUND}]}),
    ),
    "MetricsSpec.cross_slice_thresholds": (config(), config(cross_slice_thresholds={"auc": {"thresholds": cross()}})),
    "MetricConfig.cross_slice_thresholds": (config(), config(metric={**AUC, "cross_slice_thresholds": cross()})),
    "CrossSliceMetricThresholds.thresholds": (
        config(),
        config(cross_slice_thresholds={"auc": {"thresholds": cross()}}),
    ),
    "CrossSliceMetricThreshold.cross_slicing_specs": (
        config(metric={**AUC, "cross_slice_thresholds": cross()}),
        config(metric={**AUC, "cross_slice_thresholds": cross(BY_GROUP)}),
    ),
    "CrossSliceMetricThreshold.threshold": (
        config(metric={**AUC, "cross_slice_thresholds": cross(threshold={})}),
        config(metric={**AUC, "cross_slice_thresholds": cross()}),
    ),
    "CrossSlicingSpec.baseline_spec": (
        {**config(), "cross_slicing_specs": [BY_ALL_OTHERS]},
        {**config(), "cross_slicing_specs": [{**BY_ALL_OTHERS, "baseline_spec": {"feature_values": {"group": "a"}}}]},
    ),
    "CrossSlicingSpec.slicing_specs": (
        {**config(), "cross_slicing_specs": [BY_ALL_OTHERS]},
        {**config(), "cross_slicing_specs": [{"slicing_specs": [{"feature_values": {"group": "a"}}]}]},
    ),
    "Options.compute_confidence_intervals": (config(), config(options=INTERVALS)),
    "Options.confidence_intervals": (
        config(options=INTERVALS),
        config(options={**INTERVALS, "confidence_intervals": {"method": "POISSON_BOOTSTRAP"}}),
    ),
    "Options.min_slice_size": (
        config(slices=[BY_GROUP]),
        config(slices=[BY_GROUP], options={"min_slice_size": 25}),
    ),
    "Options.round_counts_to": (
        config(slices=[BY_GROUP], options={"min_slice_size": 9}),
        config(slices=[BY_GROUP], options={"min_slice_size": 9, "round_counts_to": 9}),
    ),
    "Options.disabled_outputs": (
        config(metric={"class_name": "ConfusionMatrixPlot"}),
        config(metric={"class_name": "ConfusionMatrixPlot"}, options={"disabled_outputs": {"values": ["plots"]}}),
    ),
}
EFFECTS["ConfidenceIntervalOptions.method"] = EFFECTS["Options.confidence_intervals"]
EFFECTS["ConfidenceIntervalOptions.replicates"] = (resampled(), resampled(replicates=200))
EFFECTS["ConfidenceIntervalOptions.interval"] = (
    resampled(replicates=200),
    resampled(replicates=200, interval="PERCENTILE"),
)
EFFECTS["ConfidenceIntervalOptions.resample_by"] = (resampled(), resampled(resample_by="group"))
EFFECTS["RepeatedInt32Value.values"] = EFFECTS["BinarizationOptions.class_ids"]
EFFECTS["RepeatedStringValue.values"] = EFFECTS["Options.disabled_outputs"]

WITH_A_MODEL = {
    "ModelSpec.model_type",
    "ModelSpec.signature_name",
    "ModelSpec.inference_batch_size",
    "Options.include_default_metrics",  # tests/run/test_default_metrics.py
    "ModelSpec.preprocessing_function_names",  # tests/end_to_end/test_transformed_features.py
}


@pytest.fixture(scope="module")
def frame():
    rng = np.random.default_rng(4)
    label = rng.integers(0, 2, 60)
    first = rng.random(60)
    return pd.DataFrame(
        {
            "label": label,
            "both": [np.array([p, 1 - p]) for p in first + 0.2 * label],
            "tags": [[], [0], [1], [0, 1]] * 15,
            "three": [[0.1, 0.7, 0.2]] * 60,
            "short": [[0, 1], [1, 0], [0, 0, 1], [0, 1, 0]] * 15,
            "one_of_three": [[0, 1, 0]] * 60,
            "coin": rng.integers(0, 2, 60),
            "score": np.clip(0.3 * label + 0.7 * rng.random(60), 0, 1),
            "older": rng.random(60),
            "weight": rng.random(60),
            "group": rng.choice(["a", "b"], 60, p=[0.2, 0.8]),
            "level": rng.integers(0, 3, 60),
            "gaps": ["a", None, "b"] * 20,
            "day": ["2024-01-31", "2024-02-01", "2025-02-01"] * 20,
        }
    )


@pytest.fixture(scope="module")
def outcome(frame, tmp_path_factory):
    """A function from a config to what a user sees: values with intervals, plots, the verdict; or the error."""
    seen: dict[str, Any] = {}

    def of_config(wanted):
        key = json.dumps(wanted, sort_keys=True)
        if key not in seen:
            seen[key] = published(frame, wanted, tmp_path_factory.mktemp("outcome"))
        return seen[key]

    return of_config


def published(frame, wanted, folder):
    try:
        assay.analyze_raw_data(frame, wanted, str(folder))
    except AssayError as error:
        return str(error)
    return tuple(records_of(load, folder) for load in (assay.load_metrics, assay.load_plots, validations))


def validations(folder):
    return [assay.load_validation_result(folder)]


def records_of(load, folder):
    try:
        return sorted(record.SerializeToString() for record in load(str(folder)))
    except ResultsError as error:
        return str(error).replace(str(folder), "")


def test_every_field_is_tried():
    assert set(FIELDS) == {*EFFECTS, *WITH_A_MODEL}


@pytest.mark.parametrize("entry", EFFECTS)
def test_a_field_changes_the_outcome(entry, outcome):
    without, with_field = EFFECTS[entry]
    assert outcome(without) != outcome(with_field)


# ---- what a config says of a model ----


def resolved(**fields):
    return resolve_eval_config(parse_eval_config({"model_specs": [{"label_key": "label", **fields}]}))


def configured(**fields):
    """A SavedModel as a spec with these fields has it; `signature` and `batch_rows` are what the model itself says."""
    own = {name: fields.pop(name) for name in ("signature", "batch_rows") if name in fields}
    (ref,) = as_configured([ModelRef(name="m", uri="u", type="saved_model", **own)], resolved(**fields))
    return ref


def test_the_signature_and_the_batch_size_of_a_spec_are_those_of_its_model():
    ref = configured(signature_name="by_b", inference_batch_size=7)
    assert (ref.signature, ref.batch_rows) == ("by_b", 7)


def test_saying_the_same_twice_is_no_contradiction():
    ref = configured(signature_name="by_b", signature="by_b", inference_batch_size=7, batch_rows=7)
    assert (ref.signature, ref.batch_rows) == ("by_b", 7)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"signature_name": "a", "signature": "b"}, r"^model_specs\[0\].signature_name: found 'a', but .* says 'b'"),
        ({"inference_batch_size": 8, "batch_rows": 7}, r"^model_specs\[0\].inference_batch_size: found 8, but .* 7"),
        ({"inference_batch_size": -1}, r"^model_specs\[0\].inference_batch_size: expected a number of rows"),
        ({"model_type": "keras"}, r"^model_specs\[0\].model_type: 'keras' is a model of type keras, .* saved_model"),
        ({"model_type": "tf_lite"}, r"^model_specs\[0\].model_type: .*'tf_lite' cannot be run"),
        ({"model_type": "materialized_prediction"}, r"'materialized_prediction' cannot be run"),
    ],
)
def test_a_spec_that_contradicts_its_model_is_refused(fields, message):
    with pytest.raises(EvalConfigError, match=message):
        configured(**fields)


@pytest.mark.parametrize("model_type", ["tf_keras", "tf_generic", "saved_model"])
def test_a_type_that_fits_the_model_is_taken(model_type):
    refs = [ModelRef(name="m", uri="u", type="saved_model")]
    assert as_configured(refs, resolved(model_type=model_type)) == tuple(refs)


@pytest.mark.parametrize(
    "field",
    [
        {"signature_name": "serving_default"},
        {"inference_batch_size": 32},
        {"preprocessing_function_names": ["transform_features"]},
        {"model_type": "tf_keras"},
    ],
)
def test_what_means_nothing_without_a_model_is_refused(frame, field):
    with pytest.raises(EvalConfigError, match=rf"^model_specs\[0\].{next(iter(field))}: found .* no model is run"):
        assay.analyze_raw_data(frame, config(models=[spec(**field)]))


def test_predictions_in_the_data_may_be_called_so(frame):
    assay.analyze_raw_data(frame, config(models=[spec(model_type="materialized_prediction")]))
