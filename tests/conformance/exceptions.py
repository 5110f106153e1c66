"""Where TFMA is wrong or cannot be compared with: why, and the test that holds our value against something else."""

from typing import Any, NamedTuple


class Instead(NamedTuple):
    """What stands in for a comparison with TFMA."""

    reason: str
    reference: str
    """File and name of a test whose expected value is independent of TFMA and of the code under test."""


_FAMILIES = "tests/metrics/test_families.py::test_"
_LAWS = "tests/metrics/test_laws.py::test_"
_PUBLISHED = "tests/metrics/test_published_values.py::test_"
_SAMPLES = "tests/metrics/test_samples.py::test_"
_GATE = "tests/gate/test_validate.py::test_"

RAISES_THERE = {
    "PrevalenceThreshold": Instead(
        "divides by zero at chance and ends the run", f"{_PUBLISHED}a_value_is_the_published_one"
    ),
    "CategoricalCrossEntropy": Instead(
        "divides the predictions in place, and so ends the run where they are a column",
        f"{_FAMILIES}categorical_cross_entropy_is_the_log_loss_of_vectors_and_class_ids",
    ),
}
"""Metrics that are never asked for beside TFMA."""

_ORDER_OF_ARRIVAL = Instead(
    "shows values in the order of arrival there",
    f"{_SAMPLES}each_slice_keeps_its_first_values_in_order_whatever_the_batches_and_splits",
)
APART = {
    "ConfusionMatrixAtThresholds": Instead(
        "needs thresholds there; compared with thresholds", f"{_PUBLISHED}confusion_matrices_are_the_published_ones"
    ),
    "ScoreDistributionPlot": Instead(
        "visits 1,002 thresholds for each row and slice there; compared with 20",
        f"{_FAMILIES}a_score_distribution_counts_exactly_and_needs_no_labels",
    ),
    "BinaryCrossEntropy": Instead(
        "NaN there if any probability is 0 or 1; compared on probabilities between",
        f"{_FAMILIES}a_sure_prediction_costs_nothing_if_right_and_everything_if_wrong",
    ),
    "Mean": Instead(
        "refuses a model with weights there; compared without",
        f"{_FAMILIES}the_mean_of_a_column_leaves_missing_values_out_and_takes_its_own_weights",
    ),
    "FalsePositiveFeatureSampler": _ORDER_OF_ARRIVAL,
    "FalseNegativeFeatureSampler": _ORDER_OF_ARRIVAL,
}
"""Metrics that are compared with settings or data of their own, if at all."""

_NO_SUCH_ROWS = "0 there where a slice has no row of a class that the value speaks of; not a number here"
_AREA = Instead(_NO_SUCH_ROWS, f"{_LAWS}a_slice_of_one_class_has_no_area_under_the_roc_curve")
_RATE = Instead(_NO_SUCH_ROWS, f"{_FAMILIES}rates_are_undefined_without_the_class_that_they_speak_of")
ZERO_THERE = {
    "auc": _AREA,
    "auc_precision_recall": _AREA,
    "sensitivity_at_specificity": _RATE,
    "specificity_at_sensitivity": _RATE,
    "precision_at_recall": _RATE,
    "recall_at_precision": _RATE,
    "recall_at_false_positive_rate": _RATE,
    "threshold_at_recall": _RATE,
}
"""Names of values; those with settings have a suffix."""

_CELLS = Instead(
    "even buckets there, cells of any scale here, nearer to scikit-learn; compared with 9,999 even thresholds",
    "tests/metrics/test_score_scales.py::test_the_area_under_the_roc_curve_is_that_of_ranks",
)
FINER_HERE = dict.fromkeys(
    (
        "AUC",
        "AUCPrecisionRecall",
        "PrecisionAtRecall",
        "RecallAtFalsePositiveRate",
        "RecallAtPrecision",
        "SensitivityAtSpecificity",
        "SpecificityAtSensitivity",
    ),
    _CELLS,
)
"""Metrics that are compared with evenly spaced thresholds, which here have to be asked for."""

NOISE_THERE = {
    "squared_pearson_correlation": Instead(
        "one rounding error over another there where all labels of a slice are equal; not a number here",
        f"{_FAMILIES}a_correlation_with_a_constant_is_undefined_even_across_batches",
    ),
}
MEANINGLESS_THERE = {
    "score_distribution_plot": Instead(
        "rates there as if the predictions were labels; thresholds and counts are compared",
        f"{_PUBLISHED}a_score_distribution_is_the_published_one",
    ),
}
"""Names of plots of which only a part is compared."""

NO_SLICE_THERE = {
    ("price", "0.1"): Instead(
        "there no float32 is the double 0.1, so the slicing finds no row; here a float32 is its shortest text",
        "tests/slicing/test_codes.py::test_puts_each_row_into_the_slices_of_its_own_values",
    ),
}
"""Feature and value of a slicing spec."""

OF_THE_GATE = {
    "the mean of a column beside several models": Instead(
        "its key has no model there, the threshold's has, so it is not found",
        f"{_GATE}the_mean_of_a_column_meets_its_threshold_whatever_the_models_and_their_weights",
    ),
    "equal thresholds that both fail": Instead(
        "the slices of the second are called missing there; no such thresholds are generated",
        f"{_GATE}one_threshold_given_twice_is_one_failure",
    ),
    "all slices and the overall one": Instead(
        "counted together there", f"{_GATE}a_threshold_without_slices_is_for_every_slice"
    ),
    "a change threshold that no baseline can meet": Instead(
        "goes on there; refused here",
        "tests/config/test_resolved.py::test_a_change_threshold_without_a_baseline_is_refused_and_named",
    ),
    "an undefined value": Instead(
        "passes as 0 there if a bound allows it", f"{_GATE}bounds_are_inclusive_and_nan_meets_none"
    ),
}
EVERY: dict[Any, Instead] = {
    **RAISES_THERE, **APART, **FINER_HERE,
    **ZERO_THERE, **NOISE_THERE, **MEANINGLESS_THERE, **NO_SLICE_THERE, **OF_THE_GATE,
}  # fmt: skip
