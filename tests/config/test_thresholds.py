import math

import pyarrow as pa
import pytest
import yaml

import assay
from assay.cli import main
from assay.config.resolved import check_eval_config, parse_eval_config, resolve_eval_config, to_canonical_json
from assay.errors import EvalConfigError
from assay.metrics.binding.bound import metrics_of
from assay.proto.config_pb2 import EvalConfig, MetricThreshold
from tests.doors import DOORS, refusal_by

ROWS = pa.table({"label": [0, 1, 0, 1], "score": [0.9, 0.1, 0.8, 0.2], "older": [0.1, 0.9, 0.2, 0.8]})
NEW = {"name": "new", "label_key": "label", "prediction_key": "score"}
OLD = {"name": "old", "label_key": "label", "prediction_key": "older", "is_baseline": True}
METRIC = "metrics_specs[0].metrics[0]"
BOUND = {"value_threshold": {"lower_bound": 0.75}}
CHANGE = {"change_threshold": {"direction": "HIGHER_IS_BETTER", "absolute": 0.5}}


def config(metric=None, models=(NEW, OLD), **spec):
    return {
        "model_specs": list(models),
        "metrics_specs": [{"metrics": [{"class_name": "AUC", **(metric or {})}], **spec}],
    }


def checked(source):
    resolved = resolve_eval_config(parse_eval_config(source))
    check_eval_config(resolved)
    return resolved


def in_slices(threshold):
    return {"slicing_specs": [{}], **threshold}


BOUNDLESS = {
    "nothing": ({}, ""),
    "no value": ({"value_threshold": {}}, ".value_threshold"),
    "no change": ({"change_threshold": {}}, ".change_threshold"),
    "a direction alone": ({"change_threshold": {"direction": "HIGHER_IS_BETTER"}}, ".change_threshold"),
    "any number from below": ({"value_threshold": {"lower_bound": "-Infinity"}}, ".value_threshold"),
    "any number from above": ({"value_threshold": {"upper_bound": "Infinity"}}, ".value_threshold"),
    "any number": ({"value_threshold": {"lower_bound": "-Infinity", "upper_bound": "Infinity"}}, ".value_threshold"),
    "any number of Python": ({"value_threshold": {"lower_bound": -math.inf}}, ".value_threshold"),
    "any rise": ({"change_threshold": {"direction": 2, "relative": "-Infinity"}}, ".change_threshold"),
    "any fall": ({"change_threshold": {"direction": 1, "absolute": "Infinity"}}, ".change_threshold"),
    "a change beside a bound": ({**BOUND, "change_threshold": {"direction": 1}}, ".change_threshold"),
    "a bound beside no value": ({**CHANGE, "value_threshold": {}}, ".value_threshold"),
}


@pytest.mark.parametrize(("threshold", "field"), BOUNDLESS.values(), ids=BOUNDLESS)
def test_a_threshold_that_bounds_nothing_is_refused_with_its_path_wherever_it_stands(threshold, field):
    entry = in_slices({"threshold": threshold})
    pair = {"cross_slicing_specs": [{"baseline_spec": {}}], "threshold": threshold}
    places = {
        f"{METRIC}.threshold": config({"threshold": threshold}),
        f"{METRIC}.per_slice_thresholds[1].threshold": config(
            {"per_slice_thresholds": [in_slices({"threshold": BOUND}), entry]}
        ),
        f"{METRIC}.cross_slice_thresholds[0].threshold": config({"cross_slice_thresholds": [pair]}),
        "metrics_specs[0].thresholds['auc']": config(thresholds={"auc": threshold}),
        "metrics_specs[0].per_slice_thresholds['auc'].thresholds[0].threshold": config(
            per_slice_thresholds={"auc": {"thresholds": [entry]}}
        ),
        "metrics_specs[0].cross_slice_thresholds['auc'].thresholds[0].threshold": config(
            cross_slice_thresholds={"auc": {"thresholds": [pair]}}
        ),
    }
    for path, source in places.items():
        with pytest.raises(EvalConfigError) as error:
            checked(source)
        assert str(error.value).startswith(f"{path}{field}: it bounds nothing; expected")
        assert "for example {" in str(error.value)


@pytest.mark.parametrize(
    ("metric", "spec", "path"),
    [
        ({"per_slice_thresholds": [{"slicing_specs": [{}]}]}, {}, f"{METRIC}.per_slice_thresholds[0].threshold"),
        (
            {"cross_slice_thresholds": [{"cross_slicing_specs": [{"baseline_spec": {}}]}]},
            {},
            f"{METRIC}.cross_slice_thresholds[0].threshold",
        ),
        ({}, {"per_slice_thresholds": {"auc": {}}}, "metrics_specs[0].per_slice_thresholds['auc'].thresholds"),
        (
            {},
            {"cross_slice_thresholds": {"auc": {"thresholds": []}}},
            "metrics_specs[0].cross_slice_thresholds['auc'].thresholds",
        ),
    ],
)
def test_slices_and_names_without_a_threshold_are_refused(metric, spec, path):
    with pytest.raises(EvalConfigError) as error:
        checked(config(metric, **spec))
    assert str(error.value).startswith(f"{path}: expected ")


@pytest.mark.parametrize(
    ("metric", "spec", "path"),
    [
        ({"threshold": None}, {}, f"{METRIC}.threshold"),
        ({"threshold": {"value_threshold": None}}, {}, f"{METRIC}.threshold.value_threshold"),
        ({"threshold": {"value_threshold": {"lower_bound": None}}}, {}, f"{METRIC}.threshold.value_threshold.lower_"),
        (
            {"threshold": {"value_threshold": {"lower_bound": 0.5, "upper_bound": {"value": None}}}},
            {},
            f"{METRIC}.threshold.value_threshold.upper_bound",
        ),
        (
            {"threshold": {"change_threshold": {"direction": None, "absolute": 1}}},
            {},
            f"{METRIC}.threshold.change_threshold.direction",
        ),
        ({"per_slice_thresholds": None}, {}, f"{METRIC}.per_slice_thresholds"),
        ({}, {"thresholds": None}, "metrics_specs[0].thresholds"),
        ({}, {"thresholds": {"auc": None}}, "metrics_specs[0].thresholds['auc']"),
        ({}, {"cross_slice_thresholds": {"auc": {"thresholds": None}}}, "metrics_specs[0].cross_slice_thresholds['auc"),
    ],
)
def test_nothing_is_left_empty_in_a_threshold(metric, spec, path):
    with pytest.raises(EvalConfigError) as error:
        parse_eval_config(config(metric, **spec))
    assert str(error.value).startswith(path)


@pytest.mark.parametrize(
    "text",
    [
        "threshold { value_threshold {} }",
        "threshold { value_threshold { lower_bound { value: -inf } } }",
        "threshold { change_threshold { direction: LOWER_IS_BETTER } }",
        "per_slice_thresholds { slicing_specs {} threshold { value_threshold {} } }",
    ],
)
def test_protobuf_text_and_messages_are_checked_like_objects(text):
    written = (
        'model_specs { name: "new" prediction_key: "score" label_key: "label" } '
        'model_specs { name: "old" prediction_key: "older" label_key: "label" is_baseline: true } '
        f'metrics_specs {{ metrics {{ class_name: "AUC" {text} }} }}'
    )
    message = EvalConfig.FromString(parse_eval_config(written).SerializeToString())
    for source in (written, message, to_canonical_json(message)):
        with pytest.raises(EvalConfigError, match=r"^metrics_specs\[0\]\.metrics\[0\]\..*: it bounds nothing"):
            assay.analyze_raw_data(ROWS, source)


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize(
    ("threshold", "path"),
    [
        ({"value_threshold": {}}, "threshold.value_threshold: it bounds nothing"),
        ({"value_threshold": {"upper_bound": None}}, "threshold.value_threshold.upper_bound: expected a number"),
        ({"change_threshold": {"direction": "LOWER_IS_BETTER"}}, "threshold.change_threshold: it bounds nothing"),
    ],
)
def test_every_door_refuses_a_threshold_that_bounds_nothing(door, threshold, path, tmp_path):
    assert f"{METRIC}.{path}" in refusal_by(door, ROWS, config({"threshold": threshold}), tmp_path)


@pytest.mark.parametrize("empty", ["lower_bound:", "lower_bound: ~", "lower_bound: null", "lower_bound: -.inf"])
def test_a_bound_that_yaml_leaves_empty_is_refused_by_the_command(empty, tmp_path, capsys):
    (tmp_path / "rows.csv").write_text("label,score\n1,0.5\n0,0.2\n")
    (tmp_path / "analysis.yaml").write_text(
        f"""
inputs: {{format: csv, files: [{tmp_path}/rows.csv]}}
output: {tmp_path}/out
eval_config:
  model_specs: [{{label_key: label, prediction_key: score}}]
  metrics_specs:
    - metrics:
        - class_name: AUC
          threshold:
            value_threshold:
              {empty}
"""
    )
    assert main(["check", str(tmp_path / "analysis.yaml")]) == EvalConfigError.exit_code
    assert f"{METRIC}.threshold.value_threshold" in capsys.readouterr().err


@pytest.mark.parametrize(
    "threshold",
    [
        {"value_threshold": {"lower_bound": 0}},
        {"value_threshold": {"lower_bound": 0.5, "upper_bound": "Infinity"}},
        {"value_threshold": {"lower_bound": 0.5, "upper_bound": {"value": math.inf}}},
        {"change_threshold": {"direction": "HIGHER_IS_BETTER", "absolute": 0}},
        {"change_threshold": {"direction": "HIGHER_IS_BETTER", "absolute": "-Infinity", "relative": -0.1}},
    ],
)
def test_one_bound_is_enough(threshold):
    assert checked(config({"threshold": threshold})).metrics_specs[0].metrics[0].HasField("threshold")


# ---- first runs, without a baseline ----


def test_a_first_run_leaves_no_empty_threshold_behind():
    both = {**BOUND, **CHANGE}
    source = config(
        {"threshold": CHANGE, "per_slice_thresholds": [in_slices({"threshold": t}) for t in (CHANGE, both, BOUND)]},
        thresholds={"auc": CHANGE, "recall": both},
        per_slice_thresholds={"auc": {"thresholds": [in_slices({"threshold": CHANGE})]}},
        models=[NEW],
    )
    resolved = resolve_eval_config(parse_eval_config(source), rubber_stamp=True)
    check_eval_config(resolved)
    (spec,) = resolved.metrics_specs
    (metric,) = spec.metrics
    expected = parse_eval_config({"metrics_specs": [{"metrics": [{"threshold": BOUND}]}]})
    bound = expected.metrics_specs[0].metrics[0].threshold
    assert not metric.HasField("threshold")
    assert [entry.threshold for entry in metric.per_slice_thresholds] == [bound, bound]
    assert dict(spec.thresholds) == {"recall": bound}
    assert not spec.per_slice_thresholds
    assert resolve_eval_config(resolved, rubber_stamp=True) == resolved


@pytest.mark.parametrize("threshold", [{}, {"direction": "HIGHER_IS_BETTER"}, {"direction": 1, "absolute": "Infinity"}])
def test_a_first_run_refuses_a_change_threshold_that_a_later_one_would_refuse(threshold):
    source = config({"threshold": {"change_threshold": threshold}}, models=[NEW])
    with pytest.raises(EvalConfigError, match=r"threshold\.change_threshold: it bounds nothing"):
        resolve_eval_config(parse_eval_config(source), rubber_stamp=True)


def test_stages_of_ones_own_refuse_a_threshold_that_bounds_nothing():
    resolved = resolve_eval_config(parse_eval_config(config({"threshold": BOUND})))
    resolved.metrics_specs[0].metrics[0].threshold.CopyFrom(MetricThreshold())
    for stage in (assay.Validate, assay.default_evaluators):
        with pytest.raises(EvalConfigError, match=r"metrics\[0\].threshold: it bounds nothing"):
            stage(resolved)


@pytest.mark.parametrize("kind", ["", "value_threshold", "change_threshold"])
def test_the_example_of_a_message_can_be_written_as_it_stands(kind):
    with pytest.raises(EvalConfigError) as error:
        checked(config({"threshold": {kind: {}} if kind else {}}))
    example = yaml.safe_load(str(error.value).partition("for example ")[2].removesuffix(", or remove it"))
    checked(config({"threshold": {kind: example} if kind else example}))


# ---- the baseline's own values, which are not judged ----

OF_BASELINE = {
    "a threshold": ({"threshold": BOUND}, {}, f"{METRIC}.threshold"),
    "a change": ({"threshold": CHANGE}, {}, f"{METRIC}.threshold"),
    "in slices": (
        {"per_slice_thresholds": [in_slices({"threshold": BOUND})]},
        {},
        f"{METRIC}.per_slice_thresholds[0].threshold",
    ),
    "by name": ({}, {"thresholds": {"auc": BOUND}}, "metrics_specs[0].thresholds['auc']"),
    "by name in slices": (
        {},
        {"per_slice_thresholds": {"auc": {"thresholds": [in_slices({"threshold": BOUND})]}}},
        "metrics_specs[0].per_slice_thresholds['auc'].thresholds[0].threshold",
    ),
}


@pytest.mark.parametrize(("metric", "spec", "path"), OF_BASELINE.values(), ids=OF_BASELINE)
@pytest.mark.parametrize("has_baseline_model", [None, False, True])
def test_a_threshold_for_the_baseline_alone_is_refused_with_or_without_it(metric, spec, path, has_baseline_model):
    source = config(metric, model_names=["old"], **spec)
    with pytest.raises(EvalConfigError) as error:
        resolve_eval_config(parse_eval_config(source), has_baseline_model=has_baseline_model, rubber_stamp=True)
    assert str(error.value).startswith(f"{path}: it applies only to 'old', the baseline, which is never judged; add")


@pytest.mark.parametrize("door", DOORS)
def test_every_door_refuses_a_threshold_for_the_baseline_beside_one_that_is_judged(door, tmp_path):
    source = config({"threshold": BOUND}, model_names=["new"])
    source["metrics_specs"].append({**source["metrics_specs"][0], "model_names": ["old"]})
    message = refusal_by(door, ROWS, source, tmp_path)
    assert "metrics_specs[1].metrics[0].threshold: it applies only to 'old'" in message
    assert "add the name of another model to metrics_specs[1].model_names" in message


@pytest.mark.parametrize("names", [["new", "old"], ["new"], []])
def test_a_threshold_for_the_candidate_too_is_held_against_the_candidate_alone(names):
    verdict = assay.analyze_raw_data(ROWS, config({"threshold": BOUND}, model_names=names)).verdict
    assert [(check.metric, check.met, check.failed) for check in verdict.checks] == [("auc [new]", 1, 1)]


BEYOND = {
    "a percentage as the least value": ("AUC", {"lower_bound": 80}, ".lower_bound: no value is at least 80"),
    "a percentage as the greatest value": ("AUC", {"upper_bound": 80}, ": it bounds nothing"),
    "a negative least value": ("Precision", {"lower_bound": -0.5}, ": it bounds nothing"),
    "a negative greatest value": ("MeanSquaredError", {"upper_bound": -1}, ".upper_bound: no value is at most -1"),
    "infinity as the least value": ("MeanLabel", {"lower_bound": math.inf}, ".lower_bound: no value meets it"),
}
WITHIN = {
    "the whole range": ("AUC", {"lower_bound": 0, "upper_bound": 1}),
    "a bound beside one that is beyond": ("AUC", {"lower_bound": 0.5, "upper_bound": 7}),
    "a range that depends on the labels": ("MeanLabel", {"lower_bound": 80}),
    "a range that has no end": ("MeanSquaredError", {"upper_bound": 1e9}),
}


def judged(metric, bounds):
    asked = {"class_name": metric, "threshold": {"value_threshold": bounds}}
    metrics_of(resolve_eval_config(parse_eval_config({"metrics_specs": [{"metrics": [asked]}]})))


@pytest.mark.parametrize("name", BEYOND)
def test_a_bound_that_no_value_meets_or_that_all_values_meet_is_refused(name):
    metric, bounds, message = BEYOND[name]
    with pytest.raises(EvalConfigError) as caught:
        judged(metric, bounds)
    assert str(caught.value).startswith(f"metrics_specs[0].metrics[0].threshold.value_threshold{message}")


@pytest.mark.parametrize("name", WITHIN)
def test_a_bound_that_some_values_meet_is_taken(name):
    judged(*WITHIN[name])


def test_a_bound_of_a_metric_by_its_name_is_held_against_its_range():
    spec = {"metrics": [{"class_name": "AUC"}], "thresholds": {"auc": {"value_threshold": {"lower_bound": 80}}}}
    with pytest.raises(EvalConfigError, match=r"\.thresholds\['auc'\]\.value_threshold\.lower_bound: no value"):
        metrics_of(resolve_eval_config(parse_eval_config({"metrics_specs": [spec]})))


def test_a_threshold_on_a_plot_is_refused():
    with pytest.raises(EvalConfigError, match="CalibrationPlot is a plot, and has no value"):
        judged("CalibrationPlot", {"lower_bound": 0.5})


def test_a_change_threshold_without_a_direction_is_refused():
    threshold = {"change_threshold": {"absolute": 0.1}}
    specs = [{"name": "new"}, {"name": "old", "is_baseline": True}]
    asked = [{"metrics": [{"class_name": "AUC", "threshold": threshold}]}]
    with pytest.raises(EvalConfigError, match="direction: expected HIGHER_IS_BETTER or LOWER_IS_BETTER, found nothing"):
        metrics_of(resolve_eval_config(parse_eval_config({"model_specs": specs, "metrics_specs": asked})))
