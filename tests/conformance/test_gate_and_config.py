"""The gate and the config's defaults against TFMA's own, on generated cases and the same messages."""

import itertools
import math
import random

import pytest

from assay.config.resolved import parse_eval_config, resolve_eval_config
from assay.errors import EvalConfigError
from assay.gate import validate as gate
from assay.metrics.keys import MetricKey
from assay.proto.config_pb2 import EvalConfig, SlicingSpec
from assay.proto.metrics_for_slice_pb2 import MetricsForSlice
from assay.proto.validation_result_pb2 import ValidationResult
from assay.results.keys import metric_key_to_proto, slice_key_to_proto

SLICES = [
    (),
    (("sex", "Female"),),
    (("sex", "Male"),),
    (("zip", 94043),),
    (("race", "White"), ("sex", "Male")),
    (("race", "Black"), ("sex", "Male")),
]
SPECS = [
    {},
    {"feature_keys": ["sex"]},
    {"feature_values": {"sex": "Male"}},
    {"feature_values": {"zip": "94043"}},
    {"feature_keys": ["race", "sex"]},
    {"feature_keys": ["race"], "feature_values": {"sex": "Male"}},
    {"feature_values": {"race": "White", "sex": "Male"}},
    {"feature_keys": ["country"]},
]
NAMES = {"AUC": "auc", "MeanLabel": "mean_label", "Recall": "recall"}
GROUPS = [*([spec] for spec in SPECS), SPECS[:2], SPECS[3:5], SPECS[6:]]  # of specs that no slice is in twice
BOUNDS = [0.0, 0.125, 0.25, 0.375, 0.5, 0.625, 0.75, 1.0]
VALUES = [*BOUNDS, math.nan, -0.5, 0.3125]


def a_threshold(rng, bounds, *, may_change):
    low, high = sorted(bounds)
    value = rng.choice([{"lower_bound": low}, {"upper_bound": high}, {"lower_bound": low, "upper_bound": high}])
    shift = {"direction": rng.choice(["LOWER_IS_BETTER", "HIGHER_IS_BETTER"])}
    shift |= rng.choice([{"absolute": low - 0.5}, {"relative": high - 0.5}, {"absolute": low - 0.5, "relative": high}])
    kinds = ["value", "change", "both"] if may_change else ["value"]
    kind = rng.choice(kinds)
    return {
        **({"value_threshold": value} if kind != "change" else {}),
        **({"change_threshold": shift} if kind != "value" else {}),
    }


def a_metric(rng, class_name, *, may_change):
    """No two thresholds are equal where they meet: if both fail, TFMA calls the slices of the second missing."""
    shuffled = iter(rng.sample(BOUNDS, len(BOUNDS)))
    pairs = zip(shuffled, shuffled, strict=True)
    metric = {"class_name": class_name}
    if rng.random() < 0.5:
        metric["threshold"] = a_threshold(rng, next(pairs), may_change=may_change)
    entries = [
        {
            "slicing_specs": rng.choice(GROUPS),
            "threshold": a_threshold(rng, pair, may_change=may_change),
        }
        for pair in itertools.islice(pairs, rng.randint(0, 2))
    ]
    return {**metric, "per_slice_thresholds": entries}


def a_case(seed):
    """(config, records): one model or two, some thresholds, some of the slices (always overall), any values."""
    rng = random.Random(seed)
    two, weighted = rng.random() < 0.6, rng.random() < 0.3
    key = {"example_weight_key": "w"} if weighted else {}
    specs = [{"name": "candidate", **key}, {"name": "baseline", "is_baseline": True, **key}] if two else [key]
    metrics = [a_metric(rng, name, may_change=two) for name in rng.sample(list(NAMES), rng.randint(1, 3))]
    config = resolve_eval_config(parse_eval_config({"model_specs": specs, "metrics_specs": [{"metrics": metrics}]}))
    slices = [(), *rng.sample(SLICES[1:], rng.randint(0, 5))]
    names = [NAMES[metric["class_name"]] for metric in metrics]
    return config, [a_record(rng, slice_key, names, two=two, weighted=weighted) for slice_key in slices]


def a_record(rng, slice_key, names, *, two, weighted):
    record = MetricsForSlice(slice_key=slice_key_to_proto(slice_key), rows=10)
    for name in names:
        key, value = MetricKey(name, "candidate" if two else "", example_weighted=weighted), rng.choice(VALUES)
        values = {key: value}
        if two:
            baseline = rng.choice(VALUES)
            values[key._replace(model_name="baseline")] = baseline
            values[key._replace(is_diff=True)] = value - baseline
        for one, number in values.items():
            record.metric_keys_and_values.add(key=metric_key_to_proto(one)).value.double_value.value = number
    return record


def validate_by_tfma(records, config, *, rubber_stamp):
    from tensorflow_model_analysis.evaluators import metrics_validator
    from tensorflow_model_analysis.metrics import metric_types
    from tensorflow_model_analysis.proto import config_pb2, metrics_for_slice_pb2
    from tensorflow_model_analysis.slicer import slicer_lib
    from tensorflow_model_analysis.writers.metrics_plots_and_validations_writer import CombineValidations

    theirs = config_pb2.EvalConfig.FromString(config.SerializeToString())
    combine = CombineValidations(theirs, rubber_stamp=rubber_stamp)
    total = combine.create_accumulator()
    for record in records:
        message = metrics_for_slice_pb2.MetricsForSlice.FromString(record.SerializeToString())
        values = {
            metric_types.MetricKey.from_proto(entry.key): entry.value.double_value.value
            for entry in message.metric_keys_and_values
        }
        sliced = (slicer_lib.deserialize_slice_key(message.slice_key), values)
        total = combine.add_input(total, metrics_validator.validate_metrics(sliced, theirs))
    return ValidationResult.FromString(combine.extract_output(total).SerializeToString())


def comparable(result):
    """What both must agree on: TFMA has no message for a bound that is not met, and other orders."""
    failures = {
        (bytes_of(place.slice_key), bytes_of(f.metric_key), bytes_of(f.metric_threshold), repr(f.metric_value))
        for place in result.metric_validations_per_slice
        for f in place.failures
    }
    details = {
        bytes_of(d.slicing_spec): d.num_matching_slices
        for d in result.validation_details.slicing_details
        if d.slicing_spec != SlicingSpec()  # TFMA counts "all slices" and "the overall slice" together
    }
    missing = {bytes_of(spec) for spec in result.missing_slices}
    return result.validation_ok, result.missing_thresholds, result.rubber_stamp, failures, details, missing


def bytes_of(message):
    return message.SerializeToString(deterministic=True)


@pytest.mark.parametrize("first", range(0, 800, 200))
def test_the_gate_finds_what_tfma_finds(first):
    outcomes = set()
    for seed in range(first, first + 200):
        config, records = a_case(seed)
        rubber_stamp = seed % 5 == 0
        ours = gate.validate(records, config, rubber_stamp=rubber_stamp)
        theirs = validate_by_tfma(records, config, rubber_stamp=rubber_stamp)
        assert comparable(ours) == comparable(theirs), f"seed {seed}"
        outcomes.add((ours.validation_ok, bool(ours.missing_slices), bool(ours.metric_validations_per_slice)))
    assert len(outcomes) >= 3  # or the cases say little


def test_the_gate_finds_what_tfma_finds_without_slices_or_thresholds():
    for has_threshold, rubber_stamp in itertools.product([False, True], repeat=2):
        metric = 'class_name: "AUC"' + " threshold { value_threshold {} }" * has_threshold
        config = resolve_eval_config(parse_eval_config(f"metrics_specs {{ metrics {{ {metric} }} }}"))
        for records in ([], [a_record(random.Random(3), (), ["auc"], two=False, weighted=False)]):
            ours = gate.validate(records, config, rubber_stamp=rubber_stamp)
            assert comparable(ours) == comparable(validate_by_tfma(records, config, rubber_stamp=rubber_stamp))


def test_the_mean_of_a_column_is_found_here_only_where_models_have_names():
    metric = {"class_name": "Mean", "config": {"feature_key_path": ["features", "age"]}}
    metric["threshold"] = {"value_threshold": {"lower_bound": 30.0}}
    record = MetricsForSlice(slice_key=slice_key_to_proto(()), rows=10)
    key = metric_key_to_proto(MetricKey("mean_features.age", example_weighted=False))
    record.metric_keys_and_values.add(key=key).value.double_value.value = 31.0
    for names, is_found_there in (([""], True), (["one", "two"], False)):
        specs = [{"name": name} for name in names]
        config = resolve_eval_config(
            parse_eval_config({"model_specs": specs, "metrics_specs": [{"metrics": [metric]}]})
        )
        assert gate.validate([record], config).validation_ok
        assert validate_by_tfma([record], config, rubber_stamp=False).validation_ok == is_found_there


def model_specs():
    named, baseline = {"name": "candidate"}, {"name": "baseline", "is_baseline": True}
    return [[], [{}], [named], [{"label_key": "y"}], [named, baseline], [named, {"name": "b"}], [baseline]]


@pytest.mark.parametrize("rubber_stamp", [False, True])
@pytest.mark.parametrize("has_baseline", [False, True])
@pytest.mark.parametrize("specs", model_specs(), ids=str)
@pytest.mark.parametrize("kind", ["none", "value", "change"])
def test_defaults_are_those_of_tfma(specs, kind, has_baseline, rubber_stamp):
    from tensorflow_model_analysis.proto import config_pb2
    from tensorflow_model_analysis.utils import config_util

    threshold = {
        "none": {},
        "value": {"value_threshold": {"lower_bound": 0.5}},
        "change": {"value_threshold": {"lower_bound": 0.5}, "change_threshold": {"direction": 2, "absolute": 0.1}},
    }[kind]
    metric = {"class_name": "AUC", "per_slice_thresholds": [{"slicing_specs": [{}], "threshold": threshold}]}
    specs_of_metrics = [{"metrics": [metric]}, {"thresholds": {"auc": threshold}, "model_names": ["candidate"]}]
    config = parse_eval_config(
        {"model_specs": specs, "metrics_specs": specs_of_metrics, "options": {"compute_confidence_intervals": True}}
    )
    theirs = config_pb2.EvalConfig.FromString(config.SerializeToString())
    try:
        expected = config_util.update_eval_config_with_defaults(
            theirs, has_baseline=has_baseline, rubber_stamp=rubber_stamp
        )
    except RuntimeError:
        with pytest.raises(EvalConfigError, match="no baseline"):
            resolve_eval_config(config, has_baseline_model=has_baseline, rubber_stamp=rubber_stamp)
        return
    if has_baseline and kind == "change" and not any(spec.is_baseline for spec in expected.model_specs):
        return  # TFMA goes on with change thresholds that nothing can meet
    ours = resolve_eval_config(config, has_baseline_model=has_baseline, rubber_stamp=rubber_stamp)
    assert ours == EvalConfig.FromString(expected.SerializeToString())


def test_a_message_of_tfma_is_read():
    from tensorflow_model_analysis.proto import config_pb2

    theirs = config_pb2.EvalConfig()
    theirs.options.min_slice_size.value = 7
    theirs.model_specs.add(name="m", label_key="y")
    ours = parse_eval_config(theirs)
    assert (ours.options.min_slice_size.value, ours.model_specs[0].label_key) == (7, "y")
