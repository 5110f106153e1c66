"""Confusion matrices of several classes, against scikit-learn and against counting one by one."""

import numpy as np
import pytest
from sklearn import metrics as sk

from assay.errors import BadRowError, ColumnTypeError, EvalConfigError
from assay.extracts.columns import take
from assay.metrics import engine as engine_
from assay.metrics.binding.bound import metrics_of
from assay.metrics.evaluate import with_differences
from assay.metrics.keys import MetricKey
from assay.metrics.states import crossed_sums
from assay.metrics.values import MultiClassMatrices

from .asked import asked
from .engine import EVERY_SLICE, config_of, cut, evaluated, whole
from .hard_data import hard_classes

CLASSES = 4
BATCH = hard_classes(1200, CLASSES)
LABELS, SCORES, WEIGHTS = BATCH["labels"], BATCH["predictions"], BATCH["example_weights"]
SETS = (np.random.default_rng(3).random(SCORES.shape) < SCORES + 0.2).astype(float)
"""Labels of rows that have any number of classes."""
MATRIX, PLOT, LABEL_PLOT = (
    "MultiClassConfusionMatrixAtThresholds",
    "MultiClassConfusionMatrixPlot",
    "MultiLabelConfusionMatrixPlot",
)


def value_of(batch, class_name, **settings):
    (value,) = whole(batch, config_of(asked(class_name, **settings)))[()].values()
    return value


def dense(cells, at, classes=CLASSES):
    """The matrix at the threshold of this number: rows are actual classes, columns predicted ones; none comes first."""
    matrix = np.zeros((classes + 1, classes + 1))
    for _, actual, predicted, weight in cells[cells[:, 0] == at]:
        matrix[int(actual) + 1, int(predicted) + 1] = weight
    return matrix


def expected_at(threshold, batch=BATCH):
    scores = batch["predictions"]
    predicted = np.where(scores.max(1) > threshold, scores.argmax(1), -1)
    return sk.confusion_matrix(
        batch["labels"], predicted, labels=range(-1, CLASSES), sample_weight=batch["example_weights"]
    )


@pytest.mark.parametrize("class_name", [MATRIX, PLOT])
def test_matrices_are_those_of_scikit_learn_whatever_the_order_of_thresholds(class_name):
    cells = value_of(BATCH, class_name, thresholds=[0.9, 0.25, 0.5, 0.25])
    for at, threshold in enumerate([0.25, 0.5, 0.9]):
        np.testing.assert_allclose(dense(cells, at), expected_at(threshold), rtol=1e-12)
    assert set(cells[:, 0]) == {0, 1, 2}


def test_every_metric_has_its_own_thresholds():
    asked_for = [(MATRIX, 0.6), (MATRIX, 0.3), (PLOT, 0.4), (PLOT, 0.0)]
    text = " ".join(asked(name, name=str(at), thresholds=[at]) for name, at in asked_for)
    found = whole(BATCH, config_of(text + asked(PLOT, name="0.0 ") + asked(MATRIX, name="0.5")))[()]
    assert len(found) == 6
    for metric, cells in found.items():
        np.testing.assert_allclose(dense(cells, 0), expected_at(float(metric.key.name)), rtol=1e-12)


def test_evenly_spaced_thresholds_go_from_all_scores_to_none():
    cells = value_of(BATCH, PLOT, num_thresholds=5)
    for at, threshold in enumerate([-1e-7, 0.25, 0.5, 0.75, 1 + 1e-7]):
        np.testing.assert_allclose(dense(cells, at), expected_at(threshold), rtol=1e-12)


def test_one_hot_labels_and_class_ids_have_the_same_matrix():
    one_hot = {**BATCH, "labels": (LABELS[:, None] == np.arange(CLASSES)).astype(float)}
    np.testing.assert_array_equal(value_of(one_hot, PLOT), value_of(BATCH, PLOT))


def test_the_likeliest_class_of_labels_that_are_shares_counts():
    labels = np.array([[0.25, 0.75, 0], [0.5, 0.2, 0.3], [0, 0, 0]])
    batch = {"features": {}, "labels": labels, "predictions": labels[::-1] + 0.1, "example_weights": np.ones(3)}
    assert value_of(batch, PLOT)[:, 1:].tolist() == [[-1, 1, 1], [0, 0, 1], [1, 0, 1]]


def test_pairs_of_classes_are_counted_as_one_by_one():
    batch = {**BATCH, "labels": SETS}
    cells = value_of(batch, LABEL_PLOT, thresholds=[0.5, 0.2])
    assert len(cells) == 2 * CLASSES**2
    for at, actual, predicted, *counts in cells:
        rows = SETS[:, int(actual)] == 1
        above = SCORES[rows, int(predicted)] > (0.2, 0.5)[int(at)]
        tn, fp, fn, tp = sk.confusion_matrix(
            SETS[rows, int(predicted)], above, labels=[0, 1], sample_weight=WEIGHTS[rows]
        ).reshape(-1)
        np.testing.assert_allclose(counts, [fn, tn, fp, tp], rtol=1e-11)


def test_the_diagonal_of_pairs_has_the_positives_of_scikit_learns_matrices():
    cells = value_of({**BATCH, "labels": SETS}, LABEL_PLOT, thresholds=[0.5])
    matrices = sk.multilabel_confusion_matrix(SETS, SCORES > 0.5, sample_weight=WEIGHTS)
    for _, actual, _, fn, tn, fp, tp in cells[cells[:, 1] == cells[:, 2]]:
        np.testing.assert_allclose([fn, tp], matrices[int(actual)][1], rtol=1e-11)
        assert tn == fp == 0


def test_a_class_that_no_row_has_is_in_no_pair_as_the_actual_one():
    labels = SETS * (np.arange(CLASSES) != 2)
    cells = value_of({**BATCH, "labels": labels}, LABEL_PLOT)
    assert set(cells[:, 1]) == {0, 1, 3}
    assert set(cells[:, 2]) == {0, 1, 2, 3}


def test_splits_and_batches_that_are_cut_up_change_nothing(monkeypatch):
    batch = {**BATCH, "labels": SETS}
    several, one = (config_of(asked(name), EVERY_SLICE) for name in (LABEL_PLOT, MATRIX))
    expected = whole(batch, several), whole(BATCH, one)
    monkeypatch.setattr(engine_, "_ENTRIES_AT_ONCE", 130 * CLASSES)
    monkeypatch.setattr(crossed_sums, "_KEYS_AT_ONCE", 17)
    for config, rows, values in ((several, batch, expected[0]), (one, BATCH, expected[1])):
        found = evaluated([(i, [piece]) for i, piece in enumerate(cut(rows, 400, 1, 300))], config)
        for key, of_slice in values.items():
            for metric, value in of_slice.items():
                np.testing.assert_allclose(found[key][metric], value, rtol=1e-12)


def test_a_slice_has_the_matrix_of_its_own_rows():
    found = whole(BATCH, config_of(asked(MATRIX), 'slicing_specs { feature_keys: "group" }'))
    for ((_, group),), values in found.items():
        own = take(BATCH, np.array(BATCH["features"]["group"].to_pylist()) == group)
        (cells,) = values.values()
        np.testing.assert_allclose(dense(cells, 0), expected_at(0.5, own), rtol=1e-12)


def test_a_difference_is_cell_by_cell_where_a_missing_cell_is_0():
    def of(*cells):
        values = np.empty(1, object)
        values[0] = np.array(cells, float)
        return MultiClassMatrices(np.array([0.5]), values)

    values = {
        MetricKey("m", "new"): of([0, 0, 0, 5], [0, 0, 1, 2], [0, 1, 1, 3]),
        MetricKey("m", "old"): of([0, 0, 0, 4], [0, 1, -1, 1], [0, 1, 1, 3]),
    }
    difference = with_differences(values, "old")[MetricKey("m", "new", is_diff=True)]
    assert isinstance(difference, MultiClassMatrices)
    assert difference.cells[0].tolist() == [[0, 0, 0, 1], [0, 0, 1, 2], [0, 1, -1, -1], [0, 1, 1, 0]]


def refused(labels, scores, *names, **settings):
    count = len(labels)
    batch = {"features": {}, "labels": np.array(labels, float), "predictions": np.array(scores, float)}
    whole({**batch, "example_weights": np.ones(count)}, config_of(" ".join(asked(n, **settings) for n in names)))


def test_a_row_of_several_classes_is_none_of_one_class():
    scores = np.full((20, 3), 1 / 3)
    labels = np.tile([1.0, 0, 0], (20, 1))
    labels[7] = [0, 1, 1]
    with pytest.raises(
        BadRowError,
        match=r"label of several classes, which MultiClassConfusionMatrixPlot cannot take: label \[0 1 1\]",
    ):
        refused(labels, scores, LABEL_PLOT, PLOT)
    refused(labels, scores, LABEL_PLOT)
    labels[:] = [1, 1, 0]
    with pytest.raises(ColumnTypeError, match="is for rows of one class, but column 'labels' has several in 20 of 20"):
        refused(labels, scores, PLOT)


def test_a_share_of_a_class_is_no_class_of_several():
    labels = [[1, 0, 0.5], [0, 1, 0], [0, 0, 1]]
    with pytest.raises(BadRowError, match="label neither 0 nor 1, which MultiLabelConfusionMatrixPlot cannot take"):
        refused(labels, np.eye(3), LABEL_PLOT)


@pytest.mark.parametrize(
    ("name", "settings", "scores", "message"),
    [
        (MATRIX, {}, [3.0, -1.0], "is for probabilities from 0 to 1.*set thresholds that are for such scores"),
        (PLOT, {}, [3.0, -1.0], "is for probabilities, 0 or more.*set thresholds that are for such scores"),
        (LABEL_PLOT, {"num_thresholds": 3}, [3.0, 0.0], "is for probabilities from 0 to 1"),
        (PLOT, {"thresholds": [0.0]}, [3.0, -1.0], ""),
        (PLOT, {}, [3.0, 0.0], ""),
    ],
)
def test_thresholds_that_nobody_chose_are_for_probabilities(name, settings, scores, message):
    rows = [scores] * 5
    if not message:
        refused([0] * 5, rows, name, **settings)
        return
    with pytest.raises(ColumnTypeError, match=message):
        refused([0] * 5, rows, name, **settings)


@pytest.mark.parametrize(
    ("name", "settings", "message"),
    [
        (PLOT, {"thresholds": [0.5], "num_thresholds": 3}, "exclude each other"),
        (PLOT, {"num_thresholds": 1}, "must be above 1"),
        (LABEL_PLOT, {"thresholds": []}, "expected at least one value"),
        (MATRIX, {"num_thresholds": 3}, "has no setting 'num_thresholds'"),
    ],
)
def test_thresholds_that_cannot_be_are_refused(name, settings, message):
    with pytest.raises(EvalConfigError, match=message):
        metrics_of(config_of(asked(name, **settings)))


def test_one_number_a_row_has_no_matrix_of_classes():
    with pytest.raises(ColumnTypeError, match="MultiClassConfusionMatrixPlot: it needs a number for each class"):
        refused([0, 1], [0.2, 0.8], PLOT)


def test_classes_have_no_average_over_classes():
    with pytest.raises(EvalConfigError, match="looks at all classes together"):
        metrics_of(config_of(f"{asked(PLOT)} binarize {{ class_ids {{ values: 0 }} }}"))


def test_a_label_that_is_no_class_is_refused():
    with pytest.raises(BadRowError, match="no class id"):
        refused([0.0] * 30 + [3.0], np.full((31, 3), 1 / 3), PLOT)
