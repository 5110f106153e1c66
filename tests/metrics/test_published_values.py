"""The small tables that TFMA's own tests publish: inputs of a few rows, and values that were worked out by hand.

They have five digits. No value of these tables is another one here: where assay says NaN and TFMA 0, its tests publish
nothing. What TFMA splits by class, top k or query is not here, as assay does not compute it yet.
"""

from typing import Any

import numpy as np
import pyarrow as pa
import pytest

import assay
from assay.metrics.declare import definitions

from .asked import ONE_MODEL, asked
from .engine import config_of, unchecked, whole

NAN = np.nan


def rows(labels, predictions, weights=None, **features):
    return {
        "features": features,
        "labels": np.asarray(labels, float),
        "predictions": np.asarray(predictions, float),
        "example_weights": np.ones(len(labels)) if weights is None else np.asarray(weights, float),
    }


def value_of(batch, class_name, weighted=True, **settings):
    (value,) = whole(batch, config_of(asked(class_name, **settings), weighted=weighted))[()].values()
    return value


FOUR = rows([0, 0, 1, 1], [0.0, 0.5, 0.3, 0.9])
TEN = rows([1, 0, 0, 0, 0, 0, 1, 1, 1, 1], [0.6, 0.3, 0.2, 0.6, 0.7, 0.8, 0.1, 0.2, 0.3, 0.4])  # tp 1 tn 2 fp 3 fn 4
WEIGHTED = rows([0, 1, 0], [1.0, 0.7, 0.5], [0.5, 0.7, 0.9])  # tp 0.7 tn 0.9 fp 0.5 fn 0
FRACTIONS = rows([0.0, 0.6, 0.8], [0.0, 0.7, 1.0])  # parts of positives and of negatives
THREE = rows([0, 1, 1], [0.0, 0.3, 0.9])
CLASSES = rows([0, 1, 1], [0.8, 0.3, 0.9])
WEIGHTED_CLASSES = rows([0, 1, 1, 0], [0.8, 0.3, 0.9, 0.2], [1, 2, 3, 4])
AMOUNTS = rows([0.1, 0.3, 0.5, 1, 2, 3, 3], [1, 0, 2, 0.5, 1, 5, 5], [0.1, 0.5, 1, 1, 1, 1, 1])
PAIRS = rows([2, 1, 2, 3], [1, 2, 3, 4])
WEIGHTED_PAIRS = rows([1, 4, 3, 3], [1, 2, 3, 4], [1, 2, 3, 4])
TOSSED = rows([0, 1], [0.6, 0.6], [1, 0.8])
LOGITS = rows([[0, 1], [0, 0]], [[-18.6, 0.51], [2.94, -12.8]])
SHARES = rows([[0, 1, 0], [0, 0, 1]], [[0.05, 0.95, 0], [0.1, 0.8, 0.1]])
WEIGHTED_SHARES = rows([[0, 1, 0], [0, 0, 1]], [[0.05, 0.95, 0], [0.1, 0.8, 0.1]], [0.3, 0.7])
SCORED_CLASSES = rows([[0, 1, 0], [0, 0, 1]], [[-5, 0.95, -10], [5, -1, 0.5]])
COUNTED = rows([0, 0, 0, 0], [0, 0, 0, 0], [0.0, 0.5, 1.0, 0.7])
ONE_ROW = rows([0], [1])
NOTHING_POSITIVE, NOTHING_NEGATIVE = rows([0], [0]), rows([1], [1])

Settings = dict[str, Any]


def each(names, expected):
    """Cases of several metrics that share a value."""
    return [(name, {}, expected) for name in names.split()]


PUBLISHED: dict[str, tuple[dict[str, Any], list[tuple[str, Settings, float]]]] = {
    "four": (
        FOUR,
        [
            ("AUC", {}, 0.75),
            ("AUCPrecisionRecall", {}, 0.79727),
            ("AUC", {"curve": "PR"}, 0.79727),
            ("Precision", {}, 1.0),
            ("Recall", {}, 0.5),
            ("TruePositives", {}, 1),
            ("FalsePositives", {}, 0),
            ("TrueNegatives", {}, 2),
            ("FalseNegatives", {}, 1),
            ("SpecificityAtSensitivity", {"sensitivity": 0.5}, 1.0),
            ("SensitivityAtSpecificity", {"specificity": 0.5}, 1.0),
        ],
    ),
    "ten": (
        TEN,
        [
            ("AUC", {}, 0.26),
            ("AUCPrecisionRecall", {}, 0.36205),
            ("SpecificityAtSensitivity", {"sensitivity": 0.5}, 0.2),
            ("SensitivityAtSpecificity", {"specificity": 0.5}, 0.0),
            ("PrecisionAtRecall", {"recall": 0.5}, 0.5),
            ("RecallAtPrecision", {"precision": 0.5}, 1.0),
            ("RecallAtFalsePositiveRate", {"false_positive_rate": 0.6}, 0.4),
            ("ThresholdAtRecall", {"recall": 0.5}, 0.29993),
            *each("TruePositives TP", 1),
            *each("TrueNegatives TN", 2),
            *each("FalsePositives FP", 3),
            *each("FalseNegatives FN", 4),
            *each("Precision PPV", 1 / 4),
            *each("Recall TPR", 1 / 5),
            *each("Specificity TNR", 2 / 5),
            *each("FallOut FPR", 3 / 5),
            *each("MissRate FNR", 4 / 5),
            *each("NegativePredictiveValue NPV", 2 / 6),
            ("BinaryAccuracy", {}, 0.3),
            ("FalseDiscoveryRate", {}, 3 / 4),
            ("FalseOmissionRate", {}, 4 / 6),
            ("Prevalence", {}, 0.5),
            ("PrevalenceThreshold", {}, (np.sqrt(0.2 * 0.6) - 0.6) / -0.4),
            ("ThreatScore", {}, 1 / 8),
            ("BalancedAccuracy", {}, 0.3),
            ("F1Score", {}, 2 / 9),
            ("MatthewsCorrelationCoefficient", {}, -10 / np.sqrt(4 * 5 * 5 * 6)),
            ("FowlkesMallowsIndex", {}, np.sqrt(1 / 20)),
            ("Informedness", {}, -0.4),
            ("Markedness", {}, 1 / 4 + 2 / 6 - 1),
            ("PositiveLikelihoodRatio", {}, 1 / 3),
            ("NegativeLikelihoodRatio", {}, 2.0),
            ("DiagnosticOddsRatio", {}, 1 / 6),
            ("PredictedPositiveRate", {}, 0.4),
            ("PredictedNegativeRate", {}, 0.6),
        ],
    ),
    "weighted": (
        WEIGHTED,
        [
            ("AUC", {}, 0.64286),
            ("AUCPrecisionRecall", {}, 0.37467),
            ("SpecificityAtSensitivity", {"sensitivity": 0.5}, 0.642857),
            ("SensitivityAtSpecificity", {"specificity": 0.5}, 1.0),
            ("PrecisionAtRecall", {"recall": 0.5}, 0.58333),
            ("RecallAtPrecision", {"precision": 0.5}, 1.0),
            ("RecallAtFalsePositiveRate", {"false_positive_rate": 0.5 / 1.4}, 1.0),
            ("TruePositives", {}, 0.7),
            ("FalsePositives", {}, 0.5),
            ("TrueNegatives", {}, 0.9),
            ("FalseNegatives", {}, 0.0),
            ("BinaryAccuracy", {}, 16 / 21),
            ("Precision", {}, 7 / 12),
            ("Recall", {}, 1.0),
            ("Specificity", {}, 9 / 14),
            ("FallOut", {}, 5 / 14),
            ("MissRate", {}, 0.0),
            ("NegativePredictiveValue", {}, 1.0),
            ("FalseDiscoveryRate", {}, 5 / 12),
            ("FalseOmissionRate", {}, 0.0),
            ("Prevalence", {}, 1 / 3),
            ("PrevalenceThreshold", {}, (np.sqrt(5 / 14) - 5 / 14) / (9 / 14)),
            ("ThreatScore", {}, 7 / 12),
            ("BalancedAccuracy", {}, 23 / 28),
            ("F1Score", {}, 14 / 19),
            ("MatthewsCorrelationCoefficient", {}, 0.63 / np.sqrt(1.2 * 0.7 * 1.4 * 0.9)),
            ("FowlkesMallowsIndex", {}, np.sqrt(7 / 12)),
            ("Informedness", {}, 9 / 14),
            ("Markedness", {}, 7 / 12),
            ("PositiveLikelihoodRatio", {}, 14 / 5),
            ("NegativeLikelihoodRatio", {}, 0.0),
            ("PredictedPositiveRate", {}, 12 / 21),
            ("PredictedNegativeRate", {}, 9 / 21),
            ("MeanLabel", {}, 1 / 3),
            ("MeanPrediction", {}, 1.44 / 2.1),
            ("Calibration", {}, 1.44 / 0.7),
        ],
    ),
    "fractional labels": (
        FRACTIONS,
        [
            ("AUC", {}, 0.8571428),
            ("AUCPrecisionRecall", {}, 0.77369833),
            ("TruePositives", {}, 1.4),
            ("FalsePositives", {}, 0.6),
            ("TrueNegatives", {}, 1.0),
            ("FalseNegatives", {}, 0.0),
        ],
    ),
    "calibration": (
        THREE,
        [("MeanLabel", {}, 2 / 3), ("MeanPrediction", {}, 0.4), ("Calibration", {}, 0.6)],
    ),
    "discrimination": (
        CLASSES,
        [("CoefficientOfDiscrimination", {}, 0.6 - 0.8), ("RelativeCoefficientOfDiscrimination", {}, 0.6 / 0.8)],
    ),
    "discrimination, weighted": (
        WEIGHTED_CLASSES,
        [("CoefficientOfDiscrimination", {}, 0.66 - 0.32), ("RelativeCoefficientOfDiscrimination", {}, 0.66 / 0.32)],
    ),
    "regression": (
        AMOUNTS,
        [
            ("MeanAbsoluteError", {}, 1.292857),
            ("MeanSquaredError", {}, 2.07607),
            ("MeanAbsolutePercentageError", {}, 120.238095),
            ("MeanSquaredLogarithmicError", {}, 0.20117),
        ],
    ),
    "correlation": (PAIRS, [("SquaredPearsonCorrelation", {}, 0.4)]),
    "correlation, weighted": (WEIGHTED_PAIRS, [("SquaredPearsonCorrelation", {}, 0.06667)]),
    "binary loss": (
        TOSSED,
        [("BinaryCrossEntropy", {}, 0.736083), ("BinaryCrossEntropy", {"label_smoothing": 0.1}, 0.733831)],
    ),
    "binary loss of logits": (LOGITS, [("BinaryCrossEntropy", {"from_logits": True}, 0.865457)]),
    "categorical loss": (SHARES, [("CategoricalCrossEntropy", {}, 1.176939)]),
    "categorical loss, weighted": (WEIGHTED_SHARES, [("CategoricalCrossEntropy", {}, 1.627198)]),
    "categorical loss of logits": (
        SCORED_CLASSES,
        [
            ("CategoricalCrossEntropy", {"from_logits": True}, 2.258058),
            ("CategoricalCrossEntropy", {"from_logits": True, "label_smoothing": 0.1}, 2.489725),
        ],
    ),
    "count": (COUNTED, [("ExampleCount", {}, 2.2), ("ExampleCount", {"weighted": False}, 4)]),
    "nothing positive": (
        NOTHING_POSITIVE,
        each("Precision Recall MissRate FalseDiscoveryRate ThreatScore F1Score MatthewsCorrelationCoefficient", NAN),
    ),
    "nothing negative": (
        NOTHING_NEGATIVE,
        each("Specificity FallOut NegativePredictiveValue FalseOmissionRate", NAN),
    ),
    "one row": (
        ONE_ROW,
        each("CoefficientOfDiscrimination RelativeCoefficientOfDiscrimination SquaredPearsonCorrelation", NAN),
    ),
}
CASES = [
    pytest.param(batch, name, settings, expected, id=f"{source}-{name}-{settings}")
    for source, (batch, cases) in PUBLISHED.items()
    for name, settings, expected in cases
]


@pytest.mark.parametrize(("batch", "class_name", "settings", "expected"), CASES)
def test_a_value_is_the_published_one(batch, class_name, settings, expected):
    assert value_of(batch, class_name, **settings) == pytest.approx(expected, abs=6e-6, nan_ok=True)


def test_the_tables_speak_of_every_metric_but_a_few():
    spoken_of = {case.values[1] for case in CASES}
    elsewhere = {"Mean", "FalsePositiveFeatureSampler", "FalseNegativeFeatureSampler", "ConfusionMatrixAtThresholds"}
    unpublished = {"MaxRecall", "WeightedExampleCount", "BinaryCrossentropy"}
    metrics = {name for name, definition in ONE_MODEL.items() if not definition.is_plot}
    of_vectors = {name for name in metrics if definitions()[name].needs.domain.view}  # against scikit-learn elsewhere
    assert metrics == spoken_of | elsewhere | unpublished | of_vectors


@pytest.mark.parametrize(
    ("thresholds", "tp", "fp", "tn", "fn"),
    [
        ([0.5], [1], [0], [2], [1]),
        ([0.25, 0.75], [2, 1], [1, 0], [1, 2], [0, 1]),
        ([0.1, 0.9], [2, 0], [1, 0], [1, 2], [0, 2]),
        ([0.3, 0.5, 0.8], [1, 1, 1], [1, 0, 0], [1, 2, 2], [1, 1, 1]),
    ],
    ids=str,
)
def test_confusion_matrices_are_the_published_ones(thresholds, tp, fp, tn, fn):
    found = value_of(FOUR, "ConfusionMatrixAtThresholds", thresholds=thresholds)
    assert found.tolist() == [thresholds, tp, fp, tn, fn]


PEOPLE = rows(
    [0] * 4, [0] * 4, age=pa.array([18, 21, 50, 65]), income=pa.array([5e4, 1e5, 3e5, 4e5]),
    weight=pa.array([2.2, 6.8, 9.2, 6.7]),
)  # fmt: skip


@pytest.mark.parametrize(
    ("column", "weights", "expected"),
    [
        ("age", None, 38.5),
        ("income", None, 212_500),
        ("age", ["features", "weight"], 1077.9 / 24.9),
        ("income", ["features", "weight"], 6_230_000 / 24.9),
    ],
)
def test_the_mean_of_a_column_is_the_published_one(column, weights, expected):
    path = ["features", column]
    found = value_of(PEOPLE, "Mean", feature_key_path=path, example_weights_key_path=weights)
    assert found == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(("side", "expected"), [("Positive", ["1st", "2nd"]), ("Negative", ["3rd", "4th"])])
def test_rows_on_the_wrong_side_are_the_published_ones(side, expected):
    batch = rows([0, 0, 1, 1], [1, 1, 0, 0], name=pa.array(["1st", "2nd", "3rd", "4th"]))
    found = value_of(batch, f"False{side}FeatureSampler", feature_key="name", sample_size=2, threshold=0.5)
    assert list(found) == expected


# Plots --------------------------------------------------------------------------------------------------------------


def test_the_confusion_matrix_plot_is_the_published_one(tmp_path):
    """At threshold 0 a prediction of exactly 0 counts as above it: the plot counts by buckets, there and here."""
    data = pa.table({"label": FOUR["labels"], "prediction": FOUR["predictions"]})
    plot = {"class_name": "ConfusionMatrixPlot", "config": {"num_thresholds": 4}}
    assay.analyze_raw_data(data, {"metrics_specs": [{"metrics": [plot]}]}, str(tmp_path))
    (record,) = assay.load_plots(str(tmp_path))
    matrices = record.plot_keys_and_values[0].value.confusion_matrix_at_thresholds.matrices
    expected = {
        "threshold": [-1e-6, 0, 0.25, 0.5, 0.75, 1],
        "true_positives": [2, 2, 2, 1, 1, 0],
        "false_positives": [2, 2, 1, 0, 0, 0],
        "true_negatives": [0, 0, 1, 2, 2, 2],
        "false_negatives": [0, 0, 0, 1, 1, 2],
        "precision": [1 / 2, 1 / 2, 2 / 3, 1, 1, 1],
        "recall": [1, 1, 1, 1 / 2, 1 / 2, 0],
        "false_positive_rate": [1, 1, 1 / 2, 0, 0, 0],
        "f1": [2 / 3, 2 / 3, 4 / 5, 2 / 3, 2 / 3, 0],
        "accuracy": [1 / 2, 1 / 2, 3 / 4, 3 / 4, 3 / 4, 1 / 2],
        "false_omission_rate": [NAN, NAN, 0, 1 / 3, 1 / 3, 1 / 2],
    }
    for field, numbers in expected.items():
        assert [getattr(matrix, field) for matrix in matrices] == pytest.approx(numbers, nan_ok=True), field


def test_a_score_distribution_is_the_published_one():
    """Only counts are published facts: the rates there are computed as if predictions were labels."""
    _, tp, fp, tn, fn = value_of(rows([0] * 4, [0.0, 0.5, 0.3, 0.9]), "ScoreDistributionPlot", num_thresholds=4)
    assert (tp.tolist(), tn.tolist()) == ([4, 3, 3, 1, 1, 0], [0, 1, 1, 3, 3, 4])
    assert not fp.any()
    assert not fn.any()


BEYOND = rows(
    [0, 1, 0, 1, 1, 1, 0, 1], [0.2, 0.8, 0.5, -0.1, 0.5, 0.8, 0.2, 1.1], [1, 2, 3, 4, 5, 6, 7, 8]
)  # some predictions lie outside [0, 1]


@pytest.mark.parametrize("buckets", [10, 10_000])
def test_calibration_buckets_are_the_published_ones(buckets):
    """Today no row beyond [0, 1] gets there: such predictions are refused."""
    (value,) = unchecked(BEYOND, config_of(asked("CalibrationPlot", num_buckets=buckets))).values()
    lower, upper, *sums = value
    inner = np.linspace(0, 1, buckets + 1)
    np.testing.assert_allclose(lower, [-np.inf, *inner])
    np.testing.assert_allclose(upper, [*inner, np.inf])
    expected = {-1: (4, 4, -0.4), 0.2: (8, 0, 1.6), 0.5: (8, 5, 4), 0.8: (8, 8, 6.4), 1: (8, 8, 8.8)}
    full = np.zeros((3, buckets + 2))
    for start, values in expected.items():
        full[:, max(0, round(start * buckets) + 1)] = values
    np.testing.assert_allclose(sums, full, atol=1e-12)
