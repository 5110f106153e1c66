import json
import math
import random
import time
from typing import Any

import numpy as np
import pytest

from assay.config.resolved import parse_eval_config, resolve_eval_config
from assay.errors import EvalConfigError, ResultsError
from assay.gate import validate as gate
from assay.gate.missing import NOT_FOUND
from assay.metrics.keys import AggregationType, MetricKey, SubKey
from assay.metrics.values import Matrices
from assay.proto.config_pb2 import CrossSlicingSpec, SlicingSpec
from assay.proto.metrics_for_slice_pb2 import MetricsForSlice
from assay.proto.validation_result_pb2 import ValidationResult
from assay.results.keys import metric_key_to_proto, slice_key_to_proto
from assay.results.records import metric_records, too_small_records
from assay.slicing.specs import matches, slicing_of
from tests.cpu import start_of_python

OVERALL = ()
FEMALE = (("sex", "Female"),)
MALE = (("sex", "Male"),)
AUC = MetricKey("auc", example_weighted=False)
CANDIDATE = AUC._replace(model_name="candidate")
BASELINE = AUC._replace(model_name="baseline")
CHANGE = CANDIDATE._replace(is_diff=True)
TWO_MODELS: list[dict[str, Any]] = [{"name": "candidate"}, {"name": "baseline", "is_baseline": True}]


def at_least(bound):
    return {"value_threshold": {"lower_bound": bound}}


def at_most(bound):
    return {"value_threshold": {"upper_bound": bound}}


def change(direction=None, **bounds):
    named = {"direction": f"{direction}_IS_BETTER"} if direction else {}
    return {"change_threshold": {**named, **bounds}}


def auc(threshold=None, **more):
    return {"class_name": "AUC", **({"threshold": threshold} if threshold else {}), **more}


def per_slice(threshold, *specs):
    return auc(per_slice_thresholds=[{"slicing_specs": specs, "threshold": threshold}])


def across(threshold, baseline, *comparisons):
    pair = {"baseline_spec": baseline, "slicing_specs": comparisons}
    return auc(cross_slice_thresholds=[{"cross_slicing_specs": [pair], "threshold": threshold}])


def config(*metrics, models=(), **spec):
    """A resolved config; also one that only evaluators of one's own can serve, such as with `top_k_list`."""
    parsed = parse_eval_config({"model_specs": models, "metrics_specs": [{"metrics": metrics, **spec}]})
    return resolve_eval_config(parsed, rubber_stamp=True)


def record(slice_key, values, rows=10):
    message = MetricsForSlice(rows=rows, slice_key=slice_key_to_proto(slice_key))
    return with_values(message, values)


def pair(baseline, comparison, values):
    message = MetricsForSlice()
    message.cross_slice_key.baseline_slice_key.CopyFrom(slice_key_to_proto(baseline))
    message.cross_slice_key.comparison_slice_key.CopyFrom(slice_key_to_proto(comparison))
    return with_values(message, values)


def with_values(message, values):
    for key, value in values.items():
        message.metric_keys_and_values.add(key=metric_key_to_proto(key)).value.double_value.value = value
    return message


def models(value, baseline, slice_key=OVERALL):
    return record(slice_key, {CANDIDATE: value, BASELINE: baseline, CHANGE: value - baseline})


def messages(result):
    return [failure.message for validation in result.metric_validations_per_slice for failure in validation.failures]


def judged(result, metrics, counts=None, limits=None):
    return gate.verdict(result, metrics, counts=counts or gate.Counts(100), limits=limits or gate.Limits())


# ---- value thresholds ----


@pytest.mark.parametrize(
    ("threshold", "value", "holds"),
    [
        (at_least(0.75), 0.75, True),
        (at_least(0.75), math.nextafter(0.75, 0), False),
        (at_most(0.75), 0.75, True),
        (at_most(0.75), math.nextafter(0.75, 1), False),
        ({"value_threshold": {"lower_bound": 0.2, "upper_bound": 0.4}}, 0.3, True),
        ({"value_threshold": {"lower_bound": 0.2, "upper_bound": 0.4}}, 0.1, False),
        ({"value_threshold": {"lower_bound": 0.2, "upper_bound": 0.4}}, 0.5, False),
        (at_least(0), -0.0, True),
        (at_least(0.75), math.inf, True),
        (at_most(0.75), -math.inf, True),
        (at_least(0), math.nan, False),
        (at_most(0), math.nan, False),
        ({"value_threshold": {}}, -5.0, True),
        ({"value_threshold": {}}, math.nan, False),
    ],
)
def test_bounds_are_inclusive_and_nan_meets_none(threshold, value, holds):
    result = gate.validate([record(OVERALL, {AUC: value})], config(auc(threshold)))
    assert result.validation_ok == holds
    assert len(messages(result)) == (not holds)


def test_a_failure_holds_key_threshold_and_value():
    result = gate.validate([record(FEMALE, {AUC: 0.5})], config(auc(at_least(0.75))))
    (validation,) = result.metric_validations_per_slice
    (failure,) = validation.failures
    assert validation.slice_key == slice_key_to_proto(FEMALE)
    assert failure.metric_key == metric_key_to_proto(AUC)
    assert failure.metric_threshold.value_threshold.lower_bound.value == 0.75
    assert failure.metric_value.double_value.value == 0.5
    assert failure.message == "auc is 0.5; expected at least 0.75"


def test_a_value_is_shown_with_all_its_digits_where_it_would_look_like_the_bound():
    result = gate.validate([record(OVERALL, {AUC: 0.74999999999})], config(auc(at_least(0.75))))
    assert messages(result) == ["auc is 0.74999999999; expected at least 0.75"]


def test_a_threshold_without_slices_is_for_every_slice():
    metrics = [record(key, {AUC: value}) for key, value in ((OVERALL, 0.9), (FEMALE, 0.7), (MALE, 0.8))]
    result = gate.validate(metrics, config(auc(at_least(0.75))))
    assert [validation.slice_key for validation in result.metric_validations_per_slice] == [slice_key_to_proto(FEMALE)]
    (details,) = result.validation_details.slicing_details
    assert details.HasField("slicing_spec")
    assert (details.slicing_spec, details.num_matching_slices) == (SlicingSpec(), 3)


def test_the_result_does_not_depend_on_the_order_of_slices():
    keys = [OVERALL, FEMALE, MALE, (("age", 3), ("sex", "Male")), (("age", 30),)]
    metrics = [record(key, {AUC: 0.5}) for key in keys]
    asked = config(auc(at_least(0.75)), per_slice(at_most(0.1), {"feature_keys": ["sex"]}))
    expected = gate.validate(metrics, asked)
    random.Random(1).shuffle(metrics)
    assert gate.validate(metrics, asked) == expected
    assert expected.metric_validations_per_slice[0].slice_key == slice_key_to_proto(OVERALL)


def test_the_slice_that_decided_does_not_depend_on_the_order_of_slices():
    keys = [OVERALL, FEMALE, MALE, (("age", 3), ("sex", "Male")), (("age", 30),)]
    metrics = [record(key, {AUC: 0.5 + 0.01 * (4 - n)}) for n, key in enumerate(keys)]
    for bound in (at_least(0.75), at_least(0.25), at_most(0.54)):
        expected = gate.checks_of(metrics, config(auc(bound)))
        for seed in range(10):
            shuffled = random.Random(seed).sample(metrics, len(metrics))
            assert gate.checks_of(shuffled, config(auc(bound))) == expected
    (all_fail,) = gate.checks_of(metrics[::-1], config(auc(at_least(0.75))))
    (nearest,) = gate.checks_of(metrics[::-1], config(auc(at_least(0.25))))
    assert (all_fail.slice, all_fail.value) == ("Overall", 0.54)
    assert (nearest.slice, nearest.value) == ("age=30", 0.5)


def test_of_slices_equally_near_to_the_bound_the_one_listed_first_is_shown():
    metrics = [record(key, {AUC: 0.5}) for key in (MALE, FEMALE, OVERALL)]
    (check,) = gate.checks_of(metrics, config(auc(at_least(0.25))))
    assert check.slice == "Overall"


def test_one_threshold_given_twice_is_one_failure():
    asked = config(auc(at_least(0.75), **per_slice(at_least(0.75), {}, {"feature_values": {}})))
    assert len(messages(gate.validate([record(OVERALL, {AUC: 0.5})], asked))) == 1


def test_two_thresholds_on_one_metric_are_two_failures():
    asked = config(auc(at_least(0.75), per_slice_thresholds=[{"slicing_specs": [{}], "threshold": at_least(0.8)}]))
    assert len(messages(gate.validate([record(OVERALL, {AUC: 0.5})], asked))) == 2


# ---- change thresholds ----


@pytest.mark.parametrize(
    ("threshold", "value", "baseline", "holds"),
    [
        (change("HIGHER", absolute=0.125), 0.625, 0.5, True),
        (change("HIGHER", absolute=0.125), 0.6, 0.5, False),
        (change("HIGHER", absolute=-0.125), 0.375, 0.5, True),
        (change("LOWER", absolute=0.125), 0.625, 0.5, True),
        (change("LOWER", absolute=0.125), 0.7, 0.5, False),
        (change("HIGHER", relative=0.25), 0.625, 0.5, True),
        (change("HIGHER", relative=0.25), 0.6, 0.5, False),
        (change("LOWER", relative=-0.25), 0.375, 0.5, True),
        (change("LOWER", relative=-0.25), 0.4, 0.5, False),
        (change("HIGHER", relative=0.25), -0.625, -0.5, True),  # the share of a negative baseline
        (change("HIGHER", absolute=0, relative=0.5), 0.6, 0.5, False),
        (change("HIGHER", absolute=0.5, relative=0), 0.6, 0.5, False),
        (change("HIGHER", absolute=0, relative=0), 0.6, 0.5, True),
        (change("HIGHER", relative=-1), 0.5, 0.0, False),
        (change("HIGHER", relative=-1), 0.0, 0.0, False),
        (change("HIGHER", absolute=-1), 0.5, math.nan, False),
        (change("LOWER", absolute=1, relative=1), math.nan, 0.5, False),
        (change(absolute=-1), 0.6, 0.5, False),
        (change(relative=-1), 0.6, 0.5, False),
        (change("HIGHER"), 0.1, 0.5, True),
    ],
)
def test_a_change_is_candidate_minus_baseline_and_its_share_of_the_baseline(threshold, value, baseline, holds):
    result = gate.validate([models(value, baseline)], config(auc(threshold), models=TWO_MODELS))
    assert result.validation_ok == holds


@pytest.mark.parametrize(
    ("threshold", "value", "baseline", "message"),
    [
        (
            change("HIGHER", absolute=-0.01),
            0.5,
            0.75,
            "auc [candidate] changed by -0.25; expected a change of at least -0.01",
        ),
        (
            change("LOWER", relative=0.01),
            0.75,
            0.5,
            "auc [candidate] changed by 0.5 of the baseline; expected a relative change of at most 0.01",
        ),
        (
            change("HIGHER", relative=-1),
            0.5,
            0,
            "auc [candidate] changed by 0.5, an undefined share: the baseline is 0; "
            "expected a relative change of at least -1",
        ),
        (
            change(absolute=0),
            0.5,
            0.5,
            "auc [candidate] has a change threshold without direction; expected HIGHER_IS_BETTER or LOWER_IS_BETTER",
        ),
    ],
)
def test_the_message_says_how_a_value_changed(threshold, value, baseline, message):
    result = gate.validate([models(value, baseline)], config(auc(threshold), models=TWO_MODELS))
    assert messages(result) == [message]


def test_a_share_of_a_baseline_that_was_not_computed_is_undefined():
    asked = config(auc(change("HIGHER", relative=-1)), models=TWO_MODELS)
    (message,) = messages(gate.validate([record(OVERALL, {CHANGE: 0.1})], asked))
    assert "the baseline has no value" in message


def test_values_of_the_baseline_are_not_judged():
    asked = config(auc(at_least(0.75)), models=TWO_MODELS)
    assert gate.validate([models(0.8, 0.1)], asked).validation_ok
    assert not gate.validate([models(0.1, 0.8)], asked).validation_ok


def test_every_candidate_is_judged():
    three = [*TWO_MODELS, {"name": "other"}]
    values = {CANDIDATE: 0.8, BASELINE: 0.1, AUC._replace(model_name="other"): 0.5}
    result = gate.validate([record(OVERALL, values)], config(auc(at_least(0.75)), models=three))
    assert messages(result) == ["auc [other] is 0.5; expected at least 0.75"]


# ---- slices ----


@pytest.mark.parametrize(
    ("spec", "matching"),
    [
        ({}, 1),
        ({"feature_keys": ["sex"]}, 2),
        ({"feature_values": {"sex": "Male"}}, 1),
        ({"feature_keys": ["zip"]}, 1),
        ({"feature_values": {"zip": "94043"}}, 1),
        ({"feature_keys": ["zip", "sex"]}, 2),
        ({"feature_keys": ["zip"], "feature_values": {"sex": "Male"}}, 1),
        ({"feature_values": {"zip": "1", "sex": "Male"}}, 1),
        ({"feature_values": {"age": "0.1"}}, 1),
        ({"feature_values": {"sex": "male"}}, 0),
        ({"feature_keys": ["race"]}, 0),
        ({"feature_keys": ["sex", "age"]}, 0),
    ],
)
def test_a_threshold_for_slices_is_for_those_that_its_spec_would_make(spec, matching):
    keys = [
        OVERALL,
        FEMALE,
        MALE,
        (("zip", "94043"),),
        (("sex", "Male"), ("zip", 1)),
        (("sex", "Female"), ("zip", "1")),
        (("age", 0.1),),
    ]
    metrics = [record(key, {AUC: 0.5}) for key in keys]
    result = gate.validate(metrics, config(per_slice(at_least(0.75), spec)))
    slicing = slicing_of(parse_eval_config({"slicing_specs": [spec]}).slicing_specs[0])
    assert len(messages(result)) == sum(matches(key, slicing) for key in keys) == matching
    assert [d.num_matching_slices for d in result.validation_details.slicing_details] == [matching] * bool(matching)
    assert len(result.missing_slices) == (not matching)
    assert not result.validation_ok


def test_a_threshold_for_feature_values_finds_its_slice_under_a_slicing_by_feature_keys():
    asked = config(per_slice(at_least(0.75), {"feature_values": {"sex": "Male", "race": "White"}}))
    metrics = [record((("race", race), ("sex", "Male")), {AUC: 0.8}) for race in ("White", "Black")]
    result = gate.validate(metrics, asked)
    assert result.validation_ok
    assert not result.missing_slices


def test_a_threshold_that_meets_no_slice_fails_and_says_so():
    asked = config(per_slice(at_least(0.5), {"feature_values": {"sex": "Diverse"}}, {}))
    metrics = [record(OVERALL, {AUC: 0.8}), record(MALE, {AUC: 0.8})]
    result = gate.validate(metrics, asked)
    assert not result.validation_ok
    assert list(result.missing_slices) == [SlicingSpec(feature_values={"sex": "Diverse"})]
    verdict = judged(result, metrics)
    assert verdict.status == "NOT_BLESSED"
    assert verdict.lines()[1] == "sex=Diverse: no slice matches the thresholds on sex=Diverse"


def test_a_threshold_on_the_overall_slice_fails_where_only_others_were_computed():
    metrics = [record(MALE, {AUC: 0.8})]
    result = gate.validate(metrics, config(per_slice(at_least(0.5), {})))
    assert list(result.missing_slices) == [SlicingSpec()]
    assert judged(result, metrics).reasons[0].slice == "overall"


def test_a_threshold_is_for_pairs_of_slices_only_where_it_says_so():
    asked = config(across(at_least(-0.1), {"feature_values": {"sex": "Male"}}, {"feature_keys": ["sex"]}))
    metrics = [record(MALE, {AUC: 0.0}), pair(MALE, FEMALE, {AUC: -0.2}), pair(MALE, OVERALL, {AUC: -0.3})]
    result = gate.validate(metrics, asked)
    (validation,) = result.metric_validations_per_slice
    assert validation.cross_slice_key.comparison_slice_key == slice_key_to_proto(FEMALE)
    assert messages(result) == ["auc is -0.2; expected at least -0.1"]
    (details,) = result.validation_details.slicing_details
    assert details.cross_slicing_spec.baseline_spec.feature_values["sex"] == "Male"
    assert judged(result, metrics).reasons[0].slice == "sex=Male vs sex=Female"


def test_a_pair_without_comparisons_is_with_any_other_slice():
    asked = config(across(at_least(-0.1), {}))
    result = gate.validate([pair(OVERALL, FEMALE, {AUC: -0.2}), pair(OVERALL, MALE, {AUC: 0.2})], asked)
    assert len(messages(result)) == 1
    assert result.validation_details.slicing_details[0].num_matching_slices == 2


def test_a_threshold_that_meets_no_pair_fails_and_says_so():
    asked = config(across(at_least(-0.1), {}, {"feature_keys": ["sex"]}))
    metrics = [record(OVERALL, {AUC: 0.5})]
    result = gate.validate(metrics, asked)
    expected = CrossSlicingSpec(baseline_spec=SlicingSpec(), slicing_specs=[SlicingSpec(feature_keys=["sex"])])
    assert list(result.missing_cross_slices) == [expected]
    assert not result.validation_ok
    assert judged(result, metrics).reasons[0].slice == "overall vs sex"


# ---- which values a threshold is for ----


def test_a_threshold_of_a_metric_is_for_its_own_name():
    asked = config(auc(at_least(0.75), config={"name": "mine"}), auc())
    values = {AUC: 0.1, AUC._replace(name="mine"): 0.8}
    assert gate.validate([record(OVERALL, values)], asked).validation_ok


@pytest.mark.parametrize("settings", ['"name": "mine"', '{"name": "mine"}', ' {"name":"mine"} '])
def test_the_settings_of_a_metric_are_json_with_or_without_braces(settings):
    asked = config(auc(at_least(0.75), config=settings))
    assert gate.validate([record(OVERALL, {AUC._replace(name="mine"): 0.8})], asked).validation_ok


def test_settings_that_are_not_json_are_refused():
    with pytest.raises(EvalConfigError, match=r"config of AUC: not JSON: .*'name: mine'"):
        gate.validate([], config(auc(at_least(0.75), config="name: mine")))


@pytest.mark.parametrize(
    ("options", "judged_weightings"),
    [
        (None, [True]),
        ({"weighted": True}, [True]),
        ({"unweighted": True}, [False]),
        ({"weighted": True, "unweighted": True}, [False, True]),
    ],
)
def test_a_threshold_of_a_metric_is_for_the_weighting_that_is_asked_for(options, judged_weightings):
    spec = {"example_weights": options} if options else {}
    asked = config(auc(at_least(0.75)), models=[{"example_weight_key": "w"}], **spec)
    values = {AUC._replace(example_weighted=weighted): 0.5 for weighted in (True, False)}
    result = gate.validate([record(OVERALL, values)], asked)
    failures = result.metric_validations_per_slice[0].failures
    assert sorted(failure.metric_key.example_weighted.value for failure in failures) == judged_weightings


def test_a_value_without_weighting_meets_any_threshold():
    asked = config(auc(at_least(0.75)), models=[{"example_weight_key": "w"}])
    assert gate.validate([record(OVERALL, {MetricKey("auc"): 0.8})], asked).validation_ok


@pytest.mark.parametrize("weighted", [None, False, True])
def test_a_threshold_by_name_is_for_the_metric_whatever_its_weighting(weighted):
    asked = config(auc(), thresholds={"auc": at_least(0.75)})
    key = AUC._replace(example_weighted=weighted)
    assert gate.validate([record(OVERALL, {key: 0.8})], asked).validation_ok
    assert len(messages(gate.validate([record(OVERALL, {key: 0.5})], asked))) == 1


WEIGHTED_MODEL = {"example_weight_key": "w"}
BOTH_WEIGHTED = [{**model, **WEIGHTED_MODEL} for model in TWO_MODELS]
OF_AGE = {"feature_key_path": ["features", "age"]}


@pytest.mark.parametrize("models", [[], [WEIGHTED_MODEL], TWO_MODELS, BOTH_WEIGHTED], ids=str)
@pytest.mark.parametrize("name", ["mean_features.age", "age"])
@pytest.mark.parametrize("by_name", [False, True])
def test_the_mean_of_a_column_meets_its_threshold_whatever_the_models_and_their_weights(models, name, by_name):
    mean = {"class_name": "Mean", "config": {**OF_AGE, **({"name": name} if name == "age" else {})}}
    if by_name:
        asked = config(mean, models=models, thresholds={name: at_least(30)})
    else:
        asked = config({**mean, "threshold": at_least(30)}, models=models)
    key = MetricKey(name, example_weighted=False)
    result = gate.validate([record(OVERALL, {key: 30.0}), record(MALE, {key: 29.0})], asked)
    assert messages(result) == [f"{name} is 29; expected at least 30"]
    assert not result.missing_slices


def test_a_mean_that_no_slice_has_is_still_missing():
    result = gate.validate(
        [record(OVERALL, {AUC: 0.8})], config({"class_name": "Mean", "config": OF_AGE, "threshold": at_least(30)})
    )
    assert messages(result) == [NOT_FOUND]


def test_thresholds_by_name_may_be_for_slices_and_pairs():
    slices = {"auc": {"thresholds": [{"slicing_specs": [{"feature_keys": ["sex"]}], "threshold": at_least(0.75)}]}}
    specs = {"cross_slicing_specs": [{"baseline_spec": {}, "slicing_specs": [{"feature_keys": ["sex"]}]}]}
    pairs = {"auc": {"thresholds": [{**specs, "threshold": at_most(0.1)}]}}
    asked = config(auc(), per_slice_thresholds=slices, cross_slice_thresholds=pairs)
    metrics = [record(OVERALL, {AUC: 0}), record(MALE, {AUC: 0.5}), pair(OVERALL, MALE, {AUC: 0.5})]
    assert messages(gate.validate(metrics, asked)) == [
        "auc is 0.5; expected at least 0.75",
        "auc is 0.5; expected at most 0.1",
    ]


@pytest.mark.parametrize(
    ("spec", "settings", "keys"),
    [
        ({"binarize": {"class_ids": {"values": [0, 2]}}}, {}, [(SubKey(class_id=0), None), (SubKey(class_id=2), None)]),
        ({"binarize": {"k_list": {"values": [1]}}}, {}, [(SubKey(k=1), None)]),
        ({"binarize": {"top_k_list": {"values": [3]}}}, {}, [(SubKey(top_k=3), None)]),
        ({"aggregate": {"micro_average": True}}, {}, [(None, AggregationType(micro_average=True))]),
        (
            {"aggregate": {"macro_average": True, "top_k_list": {"values": [1, 2]}}},
            {},
            [(SubKey(top_k=k), AggregationType(macro_average=True)) for k in (1, 2)],
        ),
        ({}, {"class_id": 1}, [(SubKey(class_id=1), None)]),
        ({}, {"top_k": 2}, [(SubKey(top_k=2), None)]),
    ],
)
def test_a_threshold_is_for_every_class_and_average_that_is_asked_for(spec, settings, keys):
    asked = config(auc(at_least(0.75), config=settings), **spec)
    good = {AUC._replace(sub_key=sub_key, aggregation_type=average): 0.8 for sub_key, average in keys}
    assert gate.validate([record(OVERALL, {AUC: 0.1, **good})], asked).validation_ok
    bad = dict.fromkeys(good, 0.5)
    assert len(messages(gate.validate([record(OVERALL, bad)], asked))) == len(keys)


def test_thresholds_of_several_outputs_are_told_apart():
    asked = config(auc(at_least(0.75)), output_names=["a", "b"])
    values = {AUC._replace(output_name="a"): 0.8, AUC._replace(output_name="b"): 0.5}
    assert messages(gate.validate([record(OVERALL, values)], asked)) == ["auc [b] is 0.5; expected at least 0.75"]


def test_a_metric_that_was_not_computed_fails_where_its_threshold_applies():
    asked = config(auc(), thresholds={"acu": at_least(0.75)})
    metrics = [record(OVERALL, {AUC: 0.8}), record(MALE, {AUC: 0.8})]
    result = gate.validate(metrics, asked)
    assert messages(result) == ["Metric not found."] * 2
    assert list(result.missing_slices) == [SlicingSpec()]
    reasons = judged(result, metrics).reasons
    assert [(reason.message, reason.slice, reason.value) for reason in reasons] == [
        ("acu: metric not found.", "Overall", None),
        ("acu: metric not found.", "sex=Male", None),
    ]


def test_a_metric_that_was_not_computed_does_not_fail_where_its_threshold_does_not_apply():
    entry = {"thresholds": [{"slicing_specs": [{"feature_keys": ["sex"]}], "threshold": at_least(0.5)}]}
    asked = config(auc(), per_slice_thresholds={"acu": entry})
    result = gate.validate([record(OVERALL, {AUC: 0.8}), record(MALE, {AUC: 0.8})], asked)
    assert [validation.slice_key for validation in result.metric_validations_per_slice] == [slice_key_to_proto(MALE)]


def test_a_slice_that_is_too_small_to_be_shown_fails_and_says_so():
    small = next(iter(too_small_records([MALE], 10)))
    metrics = [record(OVERALL, {AUC: 0.8}), MetricsForSlice.FromString(small)]
    result = gate.validate(metrics, config(auc(at_least(0.75))))
    (reason,) = judged(result, metrics).reasons
    assert (reason.slice, reason.rows) == ("", None)
    assert reason.message == "auc is not shown in 1 slice that min_slice_size hides; expected at least 0.75"
    assert "fewer rows than min_slice_size" in messages(result)[0]


# ---- values that are no number ----


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        (np.array([[0.8, 0.9]]), "array_value"),
        (Matrices(np.array([0.5]), *np.ones((4, 1, 1))), "confusion_matrix_at_thresholds"),
    ],
)
def test_a_value_that_is_not_one_number_fails_with_a_message(value, kind):
    (encoded,) = metric_records([OVERALL], np.array([10]), {AUC: value})
    metrics = [MetricsForSlice.FromString(encoded)]
    result = gate.validate(metrics, config(auc(at_least(0.75))))
    assert messages(result) == [f"auc is not one number but {kind}; a threshold needs one number"]
    assert judged(result, metrics).reasons[0].value is None


@pytest.mark.parametrize(
    ("metric", "rows", "message"),
    [
        ("AUC", 10, "auc is undefined: one class; expected at least 0.5"),
        ("AUC", 0, "auc is undefined: no rows; expected at least 0.5"),
        ("Recall", 10, "recall is undefined: no positive labels; expected at least 0.5"),
        ("PPV", 10, "ppv is undefined: no positive predictions; expected at least 0.5"),
        ("F1Score", 10, "f1_score is undefined; expected at least 0.5"),
    ],
)
def test_an_undefined_value_fails_with_the_reason_where_it_can_be_told(metric, rows, message):
    asked = config({"class_name": metric, "threshold": at_least(0.5)})
    key = AUC._replace(name=message.split()[0])
    metrics = [record(OVERALL, {key: math.nan}, rows)]
    result = gate.validate(metrics, asked)
    assert messages(result) == [message]
    (reason,) = judged(result, metrics).reasons
    assert (reason.value, reason.rows) == (None, rows)


def test_the_reason_of_an_undefined_value_is_told_under_another_name_too():
    asked = config(auc(at_least(0.5), config={"name": "mine"}))
    result = gate.validate([record(OVERALL, {AUC._replace(name="mine"): math.nan})], asked)
    assert messages(result) == ["mine is undefined: one class; expected at least 0.5"]


# ---- no thresholds, no baseline, no slices ----


def test_without_thresholds_nothing_is_judged():
    metrics = [record(OVERALL, {AUC: 0.8})]
    result = gate.validate(metrics, config(auc()))
    assert (result.validation_ok, result.missing_thresholds, result.rubber_stamp) == (False, True, False)
    verdict = judged(result, metrics)
    assert verdict.status == "NOT_EVALUATED"
    assert "no thresholds" in verdict.reasons[0].message


def test_a_rubber_stamp_needs_no_thresholds():
    result = gate.validate([record(OVERALL, {AUC: 0.8})], config(auc()), rubber_stamp=True)
    assert (result.validation_ok, result.missing_thresholds, result.rubber_stamp) == (True, False, True)
    assert judged(result, []).status == "BLESSED"
    assert "rubber stamp" in judged(result, []).lines()[0]


@pytest.mark.parametrize(("value", "holds"), [(0.8, True), (0.5, False)])
def test_a_rubber_stamp_without_baseline_leaves_out_change_thresholds_only(value, holds):
    both = {**at_least(0.75), **change("HIGHER", absolute=0)}
    asked = parse_eval_config({"model_specs": [{}], "metrics_specs": [{"metrics": [auc(both)], "model_names": [""]}]})
    assert gate.validate([record(OVERALL, {AUC: value})], asked, rubber_stamp=True).validation_ok == holds
    assert not gate.validate([record(OVERALL, {AUC: value})], asked).validation_ok


def test_a_rubber_stamp_with_a_baseline_keeps_change_thresholds():
    asked = config(auc(change("HIGHER", absolute=0)), models=TWO_MODELS)
    assert not gate.validate([models(0.5, 0.6)], asked, rubber_stamp=True).validation_ok


def test_no_slices_at_all_is_a_failure():
    result = gate.validate([], config(auc(at_least(0.75))))
    assert not result.validation_ok
    assert list(result.missing_slices) == [SlicingSpec()]


def test_validating_does_not_change_the_config():
    asked = config(auc(at_least(0.75)), thresholds={"x": at_least(1)})
    before = asked.SerializeToString(deterministic=True)
    gate.validate([record(OVERALL, {AUC: 0.5})], asked)
    assert asked.SerializeToString(deterministic=True) == before


# ---- the verdict ----


def test_a_model_whose_thresholds_hold_is_blessed():
    metrics = [record(OVERALL, {AUC: 0.8})]
    verdict = judged(gate.validate(metrics, config(auc(at_least(0.75)))), metrics)
    assert verdict == gate.Verdict(gate.Status.BLESSED, rows=100)
    assert verdict.lines() == ["BLESSED: 100 rows"]


def test_a_reason_says_metric_slice_bound_value_baseline_and_rows():
    metrics = [models(0.8, 0.7), models(0.5, 0.625, FEMALE)]
    asked = config(auc(change("HIGHER", absolute=-0.01)), models=TWO_MODELS)
    verdict = judged(gate.validate(metrics, asked), metrics)
    assert verdict.status == "NOT_BLESSED"
    assert verdict.reasons == (
        gate.Reason(
            "auc [candidate] changed by -0.125; expected a change of at least -0.01",
            metric="auc",
            model="candidate",
            slice="sex=Female",
            bound="a change of at least -0.01",
            value=-0.125,
            baseline=0.625,
            rows=10,
            shortfall=0.115,
        ),
    )
    assert verdict.lines() == [
        "NOT BLESSED: 100 rows",
        "sex=Female: auc [candidate] changed by -0.125; expected a change of at least -0.01 (10 rows)",
    ]


def test_the_baseline_value_of_a_value_threshold_is_left_out():
    metrics = [models(0.5, 0.625)]
    verdict = judged(gate.validate(metrics, config(auc(at_least(0.75)), models=TWO_MODELS)), metrics)
    assert verdict.reasons[0].baseline is None


@pytest.mark.parametrize(
    ("counts", "limits", "status", "message"),
    [
        (gate.Counts(100), gate.Limits(min_rows=100), "BLESSED", ""),
        (gate.Counts(99), gate.Limits(min_rows=100), "NOT_EVALUATED", "99 good rows; expected at least 100 (min_rows)"),
        (gate.Counts(0), gate.Limits(), "NOT_EVALUATED", "0 good rows; expected at least 1 (min_rows)"),
        (
            gate.Counts(100, {"no label": 1}),
            gate.Limits(min_rows=100, max_bad_rows=0.5),
            "NOT_EVALUATED",
            "99 good rows; expected at least 100 (min_rows)",
        ),
        (gate.Counts(100, {"unreadable": 1}), gate.Limits(min_rows=100, max_bad_rows=0.01), "BLESSED", ""),
        (gate.Counts(99, {"unreadable": 1}), gate.Limits(max_bad_rows=0.01), "BLESSED", ""),
        (gate.Counts(100, {"no label": 1}), gate.Limits(max_bad_rows=0.01), "BLESSED", ""),
        (
            gate.Counts(99, {"no label": 1, "unreadable": 1}),
            gate.Limits(max_bad_rows=0.015),
            "NOT_EVALUATED",
            "2% of the rows are bad (no label: 1, unreadable: 1); expected at most 1.5% (max_bad_rows)",
        ),
        (
            gate.Counts(1000, {"unreadable": 1}),
            gate.Limits(),
            "NOT_EVALUATED",
            "0.0999001% of the rows are bad (unreadable: 1); expected at most 0% (max_bad_rows)",
        ),
        (gate.Counts(1, {}, {"rows": 99, "labels": 9}), gate.Limits(), "BLESSED", ""),
        (gate.Counts(99, {}, {"rows": 1, "labels": 50}), gate.Limits(max_unmatched=0.01), "BLESSED", ""),
        (
            gate.Counts(98, {}, {"rows": 2, "labels": 0}),
            gate.Limits(max_unmatched=0.015),
            "NOT_EVALUATED",
            "2% of the rows matched nothing in inputs.join; expected at most 1.5% (max_unmatched)",
        ),
        (
            gate.Counts(0, {}, {"rows": 2000, "labels": 0}),
            gate.Limits(),
            "NOT_EVALUATED",
            "0 good rows, as 2,000 matched nothing in inputs.join; expected at least 1 (min_rows)",
        ),
    ],
)
def test_too_few_or_too_bad_rows_are_not_evaluated(counts, limits, status, message):
    metrics = [record(OVERALL, {AUC: 0.8})]
    verdict = judged(gate.validate(metrics, config(auc(at_least(0.75)))), metrics, counts, limits)
    assert verdict.status == status
    assert [reason.message for reason in verdict.reasons] == ([message] if message else [])
    assert (verdict.rows, verdict.bad_rows) == (counts.rows, counts.bad_rows)


def test_a_run_that_is_not_evaluated_still_says_which_thresholds_failed():
    metrics = [record(OVERALL, {AUC: 0.5})]
    verdict = judged(gate.validate(metrics, config(auc(at_least(0.75)))), metrics, gate.Counts(0))
    assert verdict.status == "NOT_EVALUATED"
    assert [reason.metric for reason in verdict.reasons] == ["", "auc"]


def test_a_verdict_survives_json_without_nan():
    metrics = [record(OVERALL, {AUC: math.nan}), record(MALE, {AUC: -math.inf}), record(FEMALE, {AUC: 0.5})]
    verdict = judged(gate.validate(metrics, config(auc(at_least(0.75)))), metrics, gate.Counts(50, {"unreadable": 2}))
    text = verdict.to_json()
    assert gate.Verdict.from_json(text) == verdict
    plain = json.loads(text, parse_constant=pytest.fail)
    assert [reason["value"] for reason in plain["reasons"]] == [2 / 52, None, 0.5, None]
    assert plain["status"] == "NOT_EVALUATED"


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"status": "FINE", "reasons": []}', '{"status": "BLESSED"}'])
def test_json_that_is_no_verdict_is_refused(text):
    with pytest.raises(ResultsError, match=r"verdict\.json"):
        gate.Verdict.from_json(text)


def test_a_terminal_is_shown_some_reasons_and_told_of_the_rest():
    metrics = [record((("zip", i),), {AUC: 0.5}, rows=1) for i in range(30)]
    verdict = judged(gate.validate(metrics, config(auc(at_least(0.75)))), metrics, gate.Counts(30, {"unreadable": 1}))
    lines = verdict.lines(limit=3)
    assert lines[0] == "NOT EVALUATED: 30 rows, 1 bad rows left out"
    assert lines[2] == "zip=0: auc is 0.5; expected at least 0.75 (1 row)"
    assert lines[-1] == "... and 28 more"
    assert len(lines) == 5


def test_a_verdict_can_be_given_on_a_result_alone():
    assert judged(ValidationResult(validation_ok=True), []).status == "BLESSED"
    assert judged(ValidationResult(validation_ok=False), []).status == "NOT_BLESSED"


# ---- speed ----


def test_two_thousand_slices_of_fifty_metrics_take_no_longer_than_25_starts_of_python():
    keys = [OVERALL, *((("zip", str(i)),) for i in range(1999))]
    values = {AUC._replace(name=f"m{i}"): np.full(2000, 0.8) for i in range(50)}
    metrics = [MetricsForSlice.FromString(r) for r in metric_records(keys, np.full(2000, 10), values)]
    asked = config(*(auc(at_least(0.75), config={"name": f"m{i}"}) for i in range(50)))
    started = time.process_time()
    result = gate.validate(metrics, asked)
    taken = time.process_time() - started
    assert result.validation_ok
    assert result.validation_details.slicing_details[0].num_matching_slices == 2000
    assert taken < 25 * start_of_python()
