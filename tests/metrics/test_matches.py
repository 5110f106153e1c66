"""Labels and predictions that are no numbers: exact matches, and sets of classes."""

import json

import numpy as np
import pandas as pd
import pytest

import assay
from assay.config.resolved import parse_eval_config, resolve_eval_config
from assay.errors import BadRowError, ColumnTypeError, EvalConfigError, MissingColumnError
from assay.metrics.binding.bound import metrics_of

SETS = {"label_key": "label", "prediction_keys": {"classes": "classes", "scores": "scores"}}
WORDS = pd.DataFrame(
    {
        "label": [["sun", "moon"], ["a"], [], ["b"]],
        "classes": [["sun", "sea", "light"], ["b", "a"], ["c"], ["b", "b"]],
        "scores": [[1.0, 0.7, 0.3], [0.9, 0.4], [0.2], [0.1, 0.8]],
        "weight": [0.1, 1.0, 1.0, 2.0],
        "rare": [["moon", "sea"], ["a"], [], ["z"]],
        "factors": [[3.0, 10.0], [0.5], [], [9.0]],
    }
)


def value_of(frame, class_name, settings=None, spec=SETS, of_spec=None):
    """The value over all rows."""
    metric = {"class_name": class_name, "config": json.dumps(settings or {})}
    config = {"model_specs": [spec], "metrics_specs": [{"metrics": [metric], **(of_spec or {})}]}
    ((_, values),) = assay.analyze_raw_data(frame, config).slicing_metrics
    return next(iter(values[""][""].values()))["doubleValue"]


def matched(label, prediction, convert_to=None):
    frame = pd.DataFrame({"label": label, "prediction": prediction})
    settings = {"convert_to": convert_to} if convert_to else {}
    return value_of(frame, "ExactMatch", settings, {"label_key": "label", "prediction_key": "prediction"})


@pytest.mark.parametrize(
    ("label", "prediction", "share"),
    [
        (["a", "b", "", "d"], ["a", "x", "", "D"], 0.5),
        ([1, 2, 3, 4], [1.0, 2.0, 3.5, 4.0], 0.75),
        ([["a", "b"], ["c"], []], [["a", "b"], ["c", "d"], []], 2 / 3),
        (["a", "b"], [["a"], ["b", "b"]], 0.5),
        ([[1, 2], [3, 4]], [[1, 2], [4, 3]], 0.5),
    ],
    ids=["texts", "numbers", "lists of any length", "a list of one is its value", "order counts"],
)
def test_an_exact_match_is_equal_in_all_its_values(label, prediction, share):
    assert matched(label, prediction) == pytest.approx(share)


def test_json_is_compared_by_the_values_that_it_stands_for():
    label = ['{"a": 1, "b": [2]}', "3", "[1]", '"x"']
    prediction = ['{"b": [2],"a":1}', "3.0", "[1, 2]", ' "x" ']
    assert matched(label, prediction) == 0
    assert matched(label, prediction, "json") == 0.75


@pytest.mark.parametrize(
    ("label", "prediction", "convert_to", "error", "message"),
    [
        (["a", None], ["a", "b"], "", BadRowError, "row 1: missing label, which ExactMatch cannot take"),
        (["a", "b"], ["a", None], "", BadRowError, "row 1: missing prediction"),
        ([1.0, np.nan], [1.0, 2.0], "", BadRowError, "row 1: missing label, which ExactMatch cannot take: label nan"),
        (["1", "{"], ["1", "2"], "json", BadRowError, "row 1: text is not JSON.*label '{', prediction '2'"),
        (["1", "2"], [1, 2], "", ColumnTypeError, "column 'label'.*string.*are never equal"),
    ],
)
def test_what_cannot_be_compared_is_refused(label, prediction, convert_to, error, message):
    with pytest.raises(error, match=message):
        matched(label, prediction, convert_to)


def reference(top_k=None, threshold=0.5, weighted=False, factors=False):
    """Precision and recall by sets of Python."""
    tp = fp = fn = 0.0
    for row in WORDS.to_dict("records"):
        scores = dict(zip(row["classes"][:top_k], row["scores"][:top_k], strict=True))
        own = {name for name, score in scores.items() if score > threshold}
        weights = dict(zip(row["rare"], row["factors"], strict=True)) if factors else {}
        for name in {*own, *row["label"]}:
            weight = (row["weight"] if weighted else 1) * weights.get(name, 1)
            tp += weight * (name in own and name in row["label"])
            fp += weight * (name in own and name not in row["label"])
            fn += weight * (name not in own)
    return tp / (tp + fp), tp / (tp + fn)


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({}, {}),
        ({"thresholds": 0.05}, {"threshold": 0.05}),
        ({"top_k": 1}, {"top_k": 1, "threshold": -1}),
        ({"top_k": 2, "thresholds": 0.3}, {"top_k": 2, "threshold": 0.3}),
        ({"class_key": "rare", "weight_key": "factors", "thresholds": 0.1}, {"factors": True, "threshold": 0.1}),
    ],
    ids=str,
)
@pytest.mark.parametrize("weighted", [False, True])
def test_precision_and_recall_of_sets_are_those_of_sets_of_python(settings, expected, weighted):
    spec = {**SETS, "example_weight_key": "weight"} if weighted else SETS
    found = [value_of(WORDS, name, settings, spec) for name in ("SetMatchPrecision", "SetMatchRecall")]
    assert found == pytest.approx(reference(weighted=weighted, **expected))


def test_outputs_may_have_other_names_and_scores_may_be_left_out():
    spec = {"label_key": "label", "prediction_keys": {"names": "classes", "p": "scores"}}
    keys = {"prediction_class_key": "names", "prediction_score_key": "p"}
    assert value_of(WORDS, "SetMatchRecall", keys, spec) == pytest.approx(reference()[1])
    keys["prediction_score_key"] = ""
    assert value_of(WORDS, "SetMatchRecall", keys, spec) == pytest.approx(reference(threshold=-1)[1])


@pytest.mark.parametrize(
    ("changes", "settings", "error", "message"),
    [
        ({"scores": [[1.0], [0.9, 0.4], [0.2], [0.1, 0.8]]}, {}, BadRowError, "row 0: lists of different lengths"),
        ({"scores": [[1.0, np.nan, 0.3], [0.9, 0.4], [0.2], [0.1, 0.8]]}, {}, BadRowError, "row 0: prediction not fin"),
        ({"label": [1, 2, 3, 4]}, {}, ColumnTypeError, "never equal"),
        ({}, {"weight_key": "gone"}, MissingColumnError, "gone"),
        ({}, {"prediction_class_key": "gone"}, MissingColumnError, "no output 'gone'.*'classes', 'scores'"),
    ],
)
def test_sets_that_cannot_be_matched_are_refused(changes, settings, error, message):
    with pytest.raises(error, match=message):
        value_of(WORDS.assign(**changes), "SetMatchPrecision", settings)


@pytest.mark.parametrize(
    ("class_name", "settings", "of_spec", "message"),
    [
        ("SetMatchRecall", {"top_k": 0}, {}, "top_k must be above 0"),
        ("SetMatchRecall", {"class_key": "rare"}, {}, "set weight_key, too"),
        ("ExactMatch", {"convert_to": "xml"}, {}, "convert_to must be 'json'"),
        ("ExactMatch", {}, {"binarize": {"class_ids": {"values": [1]}}}, "looks at whole rows"),
        ("ExactMatch", {}, {"query_key": "q"}, "looks at single rows; expected a metrics spec without query_key"),
    ],
)
def test_settings_that_mean_nothing_are_refused(class_name, settings, of_spec, message):
    metric = {"class_name": class_name, "config": json.dumps(settings)}
    config = {"model_specs": [SETS], "metrics_specs": [{"metrics": [metric], **of_spec}]}
    with pytest.raises(EvalConfigError, match=message):
        metrics_of(resolve_eval_config(parse_eval_config(config)))
