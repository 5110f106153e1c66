"""Classes, ks and averages over them: each part of any metric is that metric of the part's own labels and scores."""

import numpy as np
import pytest
from sklearn import metrics as sk

from assay.errors import ColumnTypeError, EvalConfigError
from assay.metrics import engine as engine_
from assay.metrics.binding.bound import metrics_of
from assay.metrics.declare import definitions
from assay.metrics.keys import AggregationType, MetricKey, SubKey

from .asked import ONE_MODEL, asked, of_different_names
from .engine import EVERY_SLICE, config_of, cut, evaluated, whole
from .hard_data import hard_batch

CLASSES = 4
MICRO, MACRO, WEIGHTED = (AggregationType(*flags) for flags in np.eye(3, dtype=bool).tolist())
EQUAL_WEIGHTS = " ".join(f"class_weights {{ key: {i} value: 1 }}" for i in range(CLASSES))

MACRO_OF_ALL = f"aggregate {{ macro_average: true {EQUAL_WEIGHTS} }}"

NAMES = [
    name
    for name, definition in ((name, ONE_MODEL[name]) for name in of_different_names(ONE_MODEL))
    if not definition.shows_data and not definition.is_of_column and definition.needs.domain.view is None
]
"""Metrics and plots that can be asked for by class."""
NUMBERS = [name for name in NAMES if definitions()[name].is_number]
COMPARING = [name for name in NAMES if definitions()[name].needs.domain.compares]
"""Those that only compare scores, so that they have a value where some scores are below any threshold."""


def batch_of(rows=1500, seed=3):
    """Rows of several classes, any number of which may be right, with scores that tie now and then."""
    batch = hard_batch(rows, seed)
    rng = np.random.default_rng(seed)
    scores = np.round(rng.dirichlet(np.ones(CLASSES), rows), 3)
    labels = (rng.random((rows, CLASSES)) < scores * 1.5).astype(float)
    labels[batch["labels"] == 1, 2] = 1.0
    return {**batch, "labels": labels, "predictions": scores}


BATCH = batch_of()


def spec_of(names, options=""):
    return f"{' '.join(asked(name) for name in names)} {options}"


def flat(labels, scores, weights=None):
    return {
        **BATCH,
        "labels": labels,
        "predictions": scores,
        "example_weights": BATCH["example_weights"] if weights is None else weights,
    }


def by_name(values, sub_key=None, aggregation=None):
    """class name -> value, of one part."""
    chosen = {}
    for metric, value in values.items():
        of_part = metric.key.sub_key == sub_key
        if isinstance(metric.key, MetricKey):
            of_part &= metric.key.aggregation_type == aggregation
        if of_part:
            chosen[metric.class_name] = value
    return chosen


def assert_same(found, expected):
    assert found.keys() == expected.keys()
    for name, value in expected.items():
        np.testing.assert_array_equal(found[name], value, err_msg=name)


def test_each_class_is_computed_as_if_it_were_alone():
    found = whole(BATCH, config_of(spec_of(NAMES, "binarize { class_ids { values: [2, 0] } }"), EVERY_SLICE))
    for class_id in (0, 2):
        alone = whole(
            flat(BATCH["labels"][:, class_id], BATCH["predictions"][:, class_id]),
            config_of(spec_of(NAMES), EVERY_SLICE),
        )
        assert found.keys() == alone.keys()
        for key in alone:
            assert_same(by_name(found[key], SubKey(class_id=class_id)), by_name(alone[key]))


def test_the_k_th_highest_prediction_goes_with_its_label_and_the_first_of_equal_ones_comes_first():
    found = whole(BATCH, config_of(spec_of(NAMES, "binarize { k_list { values: [1, 3] } }"), EVERY_SLICE))
    order = np.argsort(-BATCH["predictions"], axis=1, kind="stable")
    for k in (1, 3):
        labels, scores = (np.take_along_axis(BATCH[name], order, 1)[:, k - 1] for name in ("labels", "predictions"))
        alone = whole(flat(labels, scores), config_of(spec_of(NAMES), EVERY_SLICE))
        for key in alone:
            assert_same(by_name(found[key], SubKey(k=k)), by_name(alone[key]))


@pytest.mark.parametrize(("name", "function"), [("Precision", sk.precision_score), ("Recall", sk.recall_score)])
def test_the_k_highest_predictions_are_positive_and_no_other(name, function):
    found = whole(BATCH, config_of(spec_of([name], "binarize { top_k_list { values: [1, 3] } }")))[()]
    rank = np.argsort(np.argsort(-BATCH["predictions"], axis=1, kind="stable"), axis=1)
    weights = np.repeat(BATCH["example_weights"], CLASSES)
    for k in (1, 3):
        expected = function(BATCH["labels"].reshape(-1), (rank < k).reshape(-1), sample_weight=weights)
        assert by_name(found, SubKey(top_k=k))[name] == pytest.approx(expected, rel=1e-12)


def test_where_all_scores_are_among_the_highest_top_k_is_the_micro_average():
    options = f"binarize {{ top_k_list {{ values: [{CLASSES}] }} }} aggregate {{ micro_average: true }}"
    names = [name for name in COMPARING if definitions()[name].state_settings.get("thresholds")]
    assert len(names) > 20
    text = " ".join(asked(name, thresholds=[0.3, 0.5]) for name in names)
    found = whole(BATCH, config_of(text + options))[()]
    assert_same(by_name(found, SubKey(top_k=CLASSES)), by_name(found, None, MICRO))


def test_the_micro_average_takes_every_class_of_every_row_for_a_row():
    found = whole(BATCH, config_of(spec_of(NAMES, "aggregate { micro_average: true }"), EVERY_SLICE))
    plain = whole(BATCH, config_of(spec_of(NAMES), EVERY_SLICE))
    numbers = [name for name in NAMES if not definitions()[name].is_plot]
    for key in plain:
        micro = by_name(found[key], None, MICRO)
        for name in numbers:
            np.testing.assert_array_equal(micro[name], by_name(plain[key])[name], err_msg=name)


def test_class_weights_multiply_the_weights_of_a_micro_average():
    options = "aggregate { micro_average: true class_weights { key: 1 value: 2 } class_weights { key: 3 value: 0.5 } }"
    names = [name for name in NUMBERS if definitions()[name].needs.reads.predictions]
    found = by_name(whole(BATCH, config_of(spec_of(names, options)))[()], None, MICRO)
    rows = np.repeat(np.arange(len(BATCH["labels"])), 2)
    factors = np.tile([2, 0.5], len(BATCH["labels"]))
    labels, scores = (BATCH[name][:, [1, 3]].reshape(-1) for name in ("labels", "predictions"))
    batch = {
        "features": {},
        "labels": labels,
        "predictions": scores,
        "example_weights": BATCH["example_weights"][rows] * factors,
    }
    expected = by_name(whole(batch, config_of(spec_of(names)))[()])
    for name in names:
        np.testing.assert_allclose(found[name], expected[name], rtol=1e-12, err_msg=name)


@pytest.mark.parametrize("kind", ["macro_average", "weighted_macro_average"])
def test_the_macro_average_is_the_mean_over_classes_in_every_slice(kind):
    names = [name for name in NUMBERS if definitions()[name].needs.reads.predictions]
    weights = dict(zip(range(CLASSES), (1.0, 2.0, 0.5, 0.25), strict=True))
    text = " ".join(f"class_weights {{ key: {key} value: {value} }}" for key, value in weights.items())
    options = f"binarize {{ class_ids {{ values: {list(weights)} }} }} aggregate {{ {kind}: true {text} }}"
    found = whole(BATCH, config_of(spec_of([*names, "TruePositives"], options), EVERY_SLICE))
    for key, values in found.items():
        by_class = [by_name(values, SubKey(class_id=class_id)) for class_id in weights]
        factors = np.array(list(weights.values()))
        if kind == "weighted_macro_average":
            factors = factors * (BATCH["labels"] * BATCH["example_weights"][:, None])[rows_of(key)].sum(0)
        average = by_name(values, None, MACRO if kind == "macro_average" else WEIGHTED)
        for name in names:
            of_classes = np.stack([of_class[name] for of_class in by_class])
            shape = (-1,) + (1,) * (of_classes.ndim - 1)
            counted = np.where(factors.reshape(shape) > 0, of_classes * factors.reshape(shape), 0)
            expected = counted.sum(0) / factors.sum() if factors.sum() else np.nan
            np.testing.assert_allclose(average[name], expected, rtol=1e-9, err_msg=f"{name} of {key}")


def rows_of(key):
    inside = np.ones(len(BATCH["labels"]), bool)
    for feature, value in key:
        inside &= BATCH["features"][feature].to_numpy(zero_copy_only=False) == value
    return inside


@pytest.mark.parametrize("average", ["micro", "macro", "weighted"])
@pytest.mark.parametrize("metric", ["F1Score", "Precision", "Recall", "ThreatScore"])
def test_averages_equal_those_of_scikit_learn(average, metric):
    field = {"micro": "micro_average", "macro": "macro_average", "weighted": "weighted_macro_average"}[average]
    weights = EQUAL_WEIGHTS if average != "micro" else ""
    (found,) = whole(BATCH, config_of(spec_of([metric], f"aggregate {{ {field}: true {weights} }}")))[()].values()
    functions = {
        "F1Score": sk.f1_score,
        "Precision": sk.precision_score,
        "Recall": sk.recall_score,
        "ThreatScore": sk.jaccard_score,
    }
    expected = functions[metric](
        BATCH["labels"], BATCH["predictions"] > 0.5, average=average, sample_weight=BATCH["example_weights"]
    )
    assert found == pytest.approx(expected, rel=1e-12)


def test_the_mean_over_the_k_highest_is_that_of_the_first_to_the_k_th():
    options = (
        "binarize { k_list { values: [1, 2, 3] } } aggregate { macro_average: true top_k_list { values: [3, 1] } }"
    )
    found = whole(BATCH, config_of(spec_of(["Recall", "AUC"], options)))[()]
    for name in ("Recall", "AUC"):
        by_k = [by_name(found, SubKey(k=k))[name] for k in (1, 2, 3)]
        assert by_name(found, SubKey(top_k=3), MACRO)[name] == pytest.approx(np.mean(by_k), rel=1e-12)
        assert by_name(found, SubKey(top_k=1), MACRO)[name] == by_k[0]


def test_splits_and_wide_batches_that_are_cut_up_change_nothing(monkeypatch):
    options = "binarize { class_ids { values: [1, 3] } k_list { values: 2 } }" + MACRO_OF_ALL
    config = config_of(spec_of(NUMBERS, options), EVERY_SLICE)
    expected = whole(BATCH, config)
    monkeypatch.setattr(engine_, "_ENTRIES_AT_ONCE", 130 * CLASSES)
    in_splits = evaluated([(i, [piece]) for i, piece in enumerate(cut(BATCH, 400, 1, 300))], config)
    assert in_splits.keys() == expected.keys()
    for key, values in expected.items():
        for metric, value in values.items():
            np.testing.assert_allclose(in_splits[key][metric], value, rtol=1e-9, err_msg=str(metric.key))


def test_class_ids_and_one_hot_labels_have_the_same_values():
    ids = np.arange(len(BATCH["labels"])) % (CLASSES + 1) - 1.0  # -1 is none of the classes
    one_hot = (ids[:, None] == np.arange(CLASSES)).astype(float)
    options = "binarize { class_ids { values: 1 } top_k_list { values: 2 } }" + MACRO_OF_ALL
    config = config_of(spec_of(["AUC", "F1Score"], options))
    found, expected = (whole({**BATCH, "labels": labels}, config)[()] for labels in (ids, one_hot))
    assert found == expected


def test_a_metric_asks_for_a_class_or_the_highest_by_itself():
    own = 'metrics {{ class_name: "Recall" config: \'"{}": {}, "name": "{}"\' }}'
    text = own.format("class_id", 2, "of_class") + own.format("top_k", 2, "of_highest")
    found = {metric.key: value for metric, value in whole(BATCH, config_of(text))[()].items()}
    options = "binarize { class_ids { values: 2 } top_k_list { values: 2 } }"
    expected = {
        metric.key: value for metric, value in whole(BATCH, config_of(spec_of(["Recall"], options)))[()].items()
    }
    assert {(key.sub_key, value) for key, value in found.items()} == {
        (key.sub_key, value) for key, value in expected.items()
    }


REFUSED = {
    "binarize { class_ids { values: -1 } }": "class_ids: expected 0 or more, found -1",
    "binarize { k_list { values: 0 } }": "k_list: expected 1 or more, found 0",
    "binarize { }": "expected class_ids, k_list or top_k_list, found none",
    "aggregate { }": "expected micro_average, macro_average or weighted_macro_average to be true",
    "aggregate { macro_average: true }": "class_weights: macro_average needs to know the classes",
    "aggregate { macro_average: true class_weights { key: 0 value: -1 } }": r"\[0\]: expected a weight of 0",
    "aggregate { micro_average: true class_weights { key: 0 value: 0 } }": "expected a weight above 0, found none",
    "aggregate { macro_average: true class_weights { key: 0 value: 1 } top_k_list { values: 1 } }": "exclude each",
}


@pytest.mark.parametrize("options", REFUSED)
def test_parts_that_cannot_be_are_refused(options):
    with pytest.raises(EvalConfigError, match=REFUSED[options]):
        metrics_of(config_of(spec_of(["AUC"], options)))


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("MeanPrediction", "binarize { top_k_list { values: 1 } }", "MeanPrediction needs the predictions themselves"),
        (
            "ConfusionMatrixPlot",
            f"aggregate {{ macro_average: true {EQUAL_WEIGHTS} }}",
            "not numbers that can be averaged",
        ),
        ("CategoricalCrossEntropy", "aggregate { micro_average: true }", "looks at all classes together"),
    ],
)
def test_metrics_that_have_no_such_value_are_refused(name, options, message):
    with pytest.raises(EvalConfigError, match=message):
        metrics_of(config_of(spec_of([name], options)))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("binarize { class_ids { values: 4 } }", "has 4 values a row.*Recall: it asks for class 4"),
        ("binarize { top_k_list { values: 5 } }", "has 4 values a row.*Recall: it asks for the 5 highest"),
        ("aggregate { micro_average: true class_weights { key: 7 value: 1 } }", "Recall: it asks for class 7"),
    ],
)
def test_classes_that_are_not_there_are_refused(options, message):
    with pytest.raises(ColumnTypeError, match=message):
        whole(BATCH, config_of(spec_of(["Recall"], options)))


@pytest.mark.parametrize(
    "options",
    [
        "binarize { class_ids { values: 0 } }",
        "binarize { k_list { values: 1 } }",
        "aggregate { micro_average: true class_weights { key: 0 value: 1 } }",
    ],
)
def test_a_class_of_one_number_a_row_is_refused(options):
    rows = len(BATCH["labels"])
    batch = {**BATCH, "labels": np.arange(rows) % 2.0, "predictions": np.linspace(0, 1, rows)}
    with pytest.raises(ColumnTypeError, match=r"has 1 value a row.*Recall: it asks for single classes; remove"):
        whole(batch, config_of(spec_of(["Recall"], options)))


@pytest.mark.parametrize("average", ["macro", "weighted"])
@pytest.mark.parametrize(("metric", "function"), [("F1Score", sk.f1_score), ("Recall", sk.recall_score)])
def test_averages_of_the_class_with_the_highest_score_are_those_of_predicted_classes(average, metric, function):
    ids = (np.arange(len(BATCH["labels"])) % CLASSES).astype(float)
    kind = {"macro": "macro_average", "weighted": "weighted_macro_average"}[average]
    text = asked(metric, top_k=1) + f"aggregate {{ {kind}: true {EQUAL_WEIGHTS} }}"
    ((bound, found),) = whole({**BATCH, "labels": ids}, config_of(text))[()].items()
    predicted = BATCH["predictions"].argmax(1)
    assert found == pytest.approx(
        function(ids, predicted, average=average, sample_weight=BATCH["example_weights"]), rel=1e-12
    )
    assert bound.key.sub_key == SubKey(top_k=1)


def test_a_class_among_the_k_highest_has_both_in_its_key():
    ids = (np.arange(len(BATCH["labels"])) % CLASSES).astype(float)
    is_high = np.argsort(np.argsort(-BATCH["predictions"], axis=1, kind="stable"), axis=1) < 2
    own = whole({**BATCH, "labels": ids}, config_of(asked("Recall", class_id=1, top_k=2)))[()]
    of_spec = whole(
        {**BATCH, "labels": ids}, config_of(asked("Recall", top_k=2) + "binarize { class_ids { values: 1 } }")
    )[()]
    expected = sk.recall_score(ids == 1, is_high[:, 1], sample_weight=BATCH["example_weights"])
    for values in (own, of_spec):
        ((bound, found),) = values.items()
        assert bound.key.sub_key == SubKey(class_id=1, top_k=2)
        assert found == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("options", ["binarize { k_list { values: 1 } }", "aggregate { micro_average: true }"])
def test_top_k_of_a_metric_beside_what_is_no_class_is_refused(options):
    with pytest.raises(EvalConfigError, match="top_k of a metric's config can be combined with class_ids"):
        metrics_of(config_of(asked("Recall", top_k=1) + options))
