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
_LOSS = Instead(
    "NaN there if any probability is 0 or 1; compared on probabilities between",
    f"{_FAMILIES}a_sure_prediction_costs_nothing_if_right_and_everything_if_wrong",
)
APART = {
    "ConfusionMatrixAtThresholds": Instead(
        "needs thresholds there; compared with thresholds", f"{_PUBLISHED}confusion_matrices_are_the_published_ones"
    ),
    "ScoreDistributionPlot": Instead(
        "visits 1,002 thresholds for each row and slice there; compared with 20",
        f"{_FAMILIES}a_score_distribution_counts_exactly_and_needs_no_labels",
    ),
    "BinaryCrossEntropy": _LOSS,
    "BinaryCrossentropy": _LOSS,
    "Mean": Instead(
        "refuses a model with weights there; compared without",
        f"{_FAMILIES}the_mean_of_a_column_leaves_missing_values_out_and_takes_its_own_weights",
    ),
    "FixedSizeSample": Instead(
        "draws other rows in each run there, whatever the seed, on several workers",
        f"{_SAMPLES}a_fixed_size_sample_draws_the_same_rows_however_they_are_cut",
    ),
    "RougeFMeasure": Instead(
        "one text for three numbers there, and a run beside other metrics ends",
        "tests/metrics/test_texts.py::test_rouge_is_the_weighted_mean_of_the_scores_of_rows",
    ),
    "Bleu": Instead(
        "a text without weights there; a number here, of weighted rows",
        "tests/metrics/test_texts.py::test_bleu_is_that_of_sacrebleu_for_all_rows_together",
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
_SHAPES = "tests/conformance/test_right_shapes.py::test_"
OF_SHAPES = {
    "macro and weighted macro averages": Instead(
        "one key for both there, and the first of one name wins; a key each here",
        f"{_SHAPES}macro_and_weighted_macro_averages_stand_beside_each_other",
    ),
    "weighted macro averages over two sets of classes": Instead(
        "the second takes the weights of the first there",
        f"{_SHAPES}weighted_macro_averages_over_two_sets_of_classes_do_not_share_their_weights",
    ),
    "weighted macro averages over ranks": Instead(
        "a plain mean there; weighted by the positives of each rank here",
        f"{_SHAPES}a_weighted_macro_average_over_ranks_weighs_each_by_its_positives",
    ),
    "how scores of a part spread": Instead(
        "the value of all classes there, whatever part is asked for",
        f"{_SHAPES}metrics_of_how_scores_spread_see_the_class_that_is_asked_for",
    ),
    "losses of class ids": Instead(
        "the id stands for every class there, as if it were a probability",
        f"{_SHAPES}losses_take_class_ids_for_the_vectors_that_they_stand_for",
    ),
    "micro averages of losses of class ids": Instead(
        "the id stands for every class there, as if it were a probability",
        f"{_SHAPES}a_micro_average_of_a_loss_takes_class_ids_too",
    ),
    "areas over the k highest scores": Instead(
        "0 there, of the one threshold at minus infinity; compared with evenly spaced thresholds",
        f"{_SHAPES}an_area_over_the_k_highest_scores_puts_all_others_below_them",
    ),
    "the k highest among all and alone": Instead(
        "one state there, of whichever comes first; compared in runs of their own",
        f"{_SHAPES}the_k_highest_among_all_and_alone_stand_beside_each_other_in_any_order",
    ),
    "micro averages with and without class weights": Instead(
        "one state there, of whichever comes first; compared in runs of their own",
        f"{_SHAPES}micro_averages_with_and_without_class_weights_stand_beside_each_other",
    ),
    "numbers of rows under class weights": Instead(
        "ends the run there; a row is a row here",
        f"{_SHAPES}a_row_counts_once_in_a_micro_average_whatever_the_weights_of_classes",
    ),
    "several scores a row without parts": Instead(
        "averaged over classes in silence there; refused here",
        f"{_SHAPES}several_scores_a_row_are_refused_where_no_part_or_average_is_asked_for",
    ),
    "weights of classes that are not there": Instead(
        "ignored in silence there by a micro average; refused here",
        f"{_SHAPES}the_weight_of_a_class_that_is_not_there_is_refused",
    ),
    "labels that are no class": Instead(
        "no class, the last or a smaller one there; refused here", f"{_SHAPES}a_label_that_is_no_class_is_refused"
    ),
    "a class that a slice lacks": Instead(
        "an area of 0 there, which enters the average; not a number here",
        f"{_SHAPES}a_class_that_a_slice_lacks_has_no_area_there_and_makes_its_average_undefined",
    ),
    "two matrices of several classes": Instead(
        "the second has the thresholds of the first there; compared with equal ones",
        f"{_SHAPES}matrices_of_several_classes_keep_their_own_thresholds",
    ),
    "falling thresholds of matrices": Instead(
        "a row below one threshold is below all that follow there; compared with rising ones",
        f"{_SHAPES}matrices_of_several_classes_take_thresholds_in_any_order",
    ),
    "thresholds on values whose key is another than the spec's": Instead(
        "not found there, and so failed; held against the value here",
        f"{_SHAPES}a_threshold_is_held_against_every_value_that_its_metric_has",
    ),
    "thresholds on ranked lists": Instead(
        "not found there but for binarize.top_k_list; held against the value here",
        f"{_SHAPES}a_threshold_is_held_against_every_value_of_ranked_lists",
    ),
    "errors with intervals": Instead(
        "the first of several sums counts twice there; not asked for beside intervals",
        f"{_SHAPES}errors_are_the_same_with_and_without_intervals",
    ),
    "statistics of queries of two models": Instead(
        "ends the run there", f"{_SHAPES}statistics_of_queries_are_there_for_each_of_two_models"
    ),
    "rows of several classes in matrices of one": Instead(
        "only the first class of a row counts there; refused here",
        f"{_SHAPES}matrices_of_one_class_a_row_are_refused_for_rows_of_several",
    ),
    "the k-th row of a query alone": Instead(
        "a value there without weights, and the end of the run with them; refused here",
        f"{_SHAPES}the_k_th_row_of_a_query_alone_is_refused",
    ),
    "means over ranks of a query": Instead(
        "a value there without weights, and the end of the run with them; refused here",
        f"{_SHAPES}the_mean_over_ranks_of_a_query_is_refused",
    ),
    "numbers of rows of queries without weights": Instead(
        "a query counts once there, but with weights every row does; every row does here",
        f"{_SHAPES}rows_of_queries_count_one_by_one_with_and_without_weights",
    ),
    "intervals of numbers of queries": Instead(
        "estimates there; counts here, as the number of rows is", f"{_SHAPES}numbers_of_queries_are_no_estimates"
    ),
    "queries of fewer rows than k": Instead(
        "ends the run there", f"{_SHAPES}a_query_of_fewer_rows_than_k_has_all_of_them_among_the_highest"
    ),
}
"""Of classes, averages, top k and queries."""

EVERY: dict[Any, Instead] = {
    **RAISES_THERE, **APART, **FINER_HERE,
    **ZERO_THERE, **NOISE_THERE, **MEANINGLESS_THERE, **NO_SLICE_THERE, **OF_THE_GATE,
    **OF_SHAPES,
}  # fmt: skip
