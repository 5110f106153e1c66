"""Problems of many classes where TFMA is wrong or has no value: the right one, by scikit-learn or by hand."""

import numpy as np
import pytest
from sklearn import metrics as sk

import assay
from assay.errors import UsageError
from assay.metrics.keys import AggregationType, SubKey
from assay.proto.metrics_for_slice_pb2 import MetricsForSlice
from assay.proto.validation_result_pb2 import ValidationResult
from assay.results.keys import metric_key_from_proto, slice_key_from_proto
from tests.conformance.problem_shapes import BY_QUERY
from tests.conformance.record_numbers import number_in
from tests.conformance.shape_rows import many_of_four, queries, three_classes

ALL = "class_weights { key: 0 value: 2 } class_weights { key: 1 value: 0.5 } class_weights { key: 2 value: 1 }"
FIRST_TWO = "class_weights { key: 0 value: 1 } class_weights { key: 1 value: 1 }"
CLASS_7 = "class_weights { key: 1 value: 1 } class_weights { key: 7 value: 1 }"
LAST_TWO = "class_weights { key: 1 value: 1 } class_weights { key: 2 value: 1 }"
MICRO, MACRO, WEIGHTED = (AggregationType(*flags) for flags in np.eye(3, dtype=bool).tolist())
KINDS = ("macro", "weighted_macro")
FRAME = three_classes()
IDS, WEIGHTS = FRAME["id"].to_numpy(), FRAME["weight"].to_numpy()
SCORES, ONE_HOT = np.stack(FRAME["scores"].tolist()), np.stack(FRAME["one_hot"].tolist())


def metric(class_name, config="", more=""):
    return f"metrics {{ class_name: {class_name!r} config: {config!r} {more} }}"


def spec(*metrics, options=""):
    return f"metrics_specs {{ {' '.join(metrics)} {options} }}"


def top_k(k):
    return f"top_k_list {{ values: [{k}] }}"


def run(specs, folder, frame=FRAME, label="id", prediction="scores", rest=""):
    model = f"model_specs {{ label_key: {label!r} prediction_key: {prediction!r} example_weight_key: 'weight' }}"
    assay.analyze_raw_data(frame, f"{model} {specs} {rest}", str(folder))


def values_of(specs, folder, **settings):
    """(name, sub key, average) -> value, of the overall slice, or with the slice's value in front."""
    run(specs, folder, **settings)
    found = {}
    for record in assay.load_metrics(str(folder)):
        message = MetricsForSlice.FromString(record.SerializeToString())
        slices = tuple(value for _, value in slice_key_from_proto(message.slice_key))
        for entry in message.metric_keys_and_values:
            key = metric_key_from_proto(entry.key)
            found[*slices, key.name, key.sub_key, key.aggregation_type] = number_in(entry.value)
    return found


def precision(part):
    return sk.precision_score(ONE_HOT[:, part], SCORES[:, part] > 0.5, sample_weight=WEIGHTS)


POSITIVES = (ONE_HOT * WEIGHTS[:, None]).sum(axis=0)


def test_macro_and_weighted_macro_averages_stand_beside_each_other(tmp_path):
    asked = [spec(metric("Precision"), options=f"aggregate {{ {kind}_average: true {ALL} }}") for kind in KINDS]
    found = values_of(" ".join(asked), tmp_path)
    of_classes = [precision(part) for part in range(3)]
    assert found["precision", None, MACRO] == pytest.approx(np.average(of_classes, weights=[2, 0.5, 1]), rel=1e-12)
    by_positives = np.average(of_classes, weights=POSITIVES * [2, 0.5, 1])
    assert found["precision", None, WEIGHTED] == pytest.approx(by_positives, rel=1e-12)


def test_weighted_macro_averages_over_two_sets_of_classes_do_not_share_their_weights(tmp_path):
    asked = [
        spec(
            metric("Precision", f'"name": "{name}"'), options=f"aggregate {{ weighted_macro_average: true {weights} }}"
        )
        for name, weights in (("first", FIRST_TWO), ("last", LAST_TWO))
    ]
    found = values_of(" ".join(asked), tmp_path)
    for name, parts in (("first", [0, 1]), ("last", [1, 2])):
        expected = np.average([precision(part) for part in parts], weights=POSITIVES[parts])
        assert found[name, None, WEIGHTED] == pytest.approx(expected, rel=1e-12)


def test_a_weighted_macro_average_over_ranks_weighs_each_by_its_positives(tmp_path):
    options = f"aggregate {{ weighted_macro_average: true {top_k(2)} }}"
    found = values_of(spec(metric("MeanPrediction"), options=options), tmp_path)
    order = np.argsort(-SCORES, axis=1, kind="stable")[:, :2]
    scores, labels = (np.take_along_axis(values, order, axis=1) for values in (SCORES, ONE_HOT))
    positives = WEIGHTS @ labels
    expected = np.average(np.average(scores, axis=0, weights=WEIGHTS), weights=positives)
    assert found["mean_prediction", SubKey(top_k=2), WEIGHTED] == pytest.approx(expected, rel=1e-12)


def test_metrics_of_how_scores_spread_see_the_class_that_is_asked_for(tmp_path):
    names = ("CoefficientOfDiscrimination", "RelativeCoefficientOfDiscrimination", "SquaredPearsonCorrelation")
    asked = spec(*map(metric, names), options="binarize { class_ids { values: [0, 2] } }")
    found = values_of(asked, tmp_path)
    for part in (0, 2):
        is_one, scores, key = ONE_HOT[:, part] == 1, SCORES[:, part], SubKey(class_id=part)
        one, other = (np.average(scores[rows], weights=WEIGHTS[rows]) for rows in (is_one, ~is_one))
        correlation = np.cov(np.stack([ONE_HOT[:, part], scores]), aweights=WEIGHTS)
        squared = correlation[0, 1] ** 2 / (correlation[0, 0] * correlation[1, 1])
        assert found["coefficient_of_discrimination", key, None] == pytest.approx(one - other, rel=1e-9)
        assert found["relative_coefficient_of_discrimination", key, None] == pytest.approx(one / other, rel=1e-9)
        assert found["squared_pearson_correlation", key, None] == pytest.approx(squared, rel=1e-9)


def test_losses_take_class_ids_for_the_vectors_that_they_stand_for(tmp_path):
    asked = spec(metric("BinaryCrossEntropy"), metric("CategoricalCrossEntropy"))
    found = values_of(asked, tmp_path)
    chosen = -np.log(SCORES[np.arange(len(IDS)), IDS])
    all_classes = -np.where(ONE_HOT == 1, np.log(SCORES), np.log1p(-SCORES)).mean(axis=1)
    assert found["categorical_crossentropy", None, None] == pytest.approx(np.average(chosen, weights=WEIGHTS), rel=1e-9)
    expected = np.average(all_classes, weights=WEIGHTS)
    assert found["binary_crossentropy", None, None] == pytest.approx(expected, rel=1e-9)


def test_a_micro_average_of_a_loss_takes_class_ids_too(tmp_path):
    asked = spec(metric("BinaryCrossEntropy"), options="aggregate { micro_average: true }")
    (value,) = values_of(asked, tmp_path).values()
    expected = sk.log_loss(ONE_HOT.reshape(-1), SCORES.reshape(-1), sample_weight=np.repeat(WEIGHTS, 3))
    assert value == pytest.approx(expected, rel=1e-9)


def test_an_area_over_the_k_highest_scores_puts_all_others_below_them(tmp_path):
    found = values_of(spec(metric("AUC", '"exact": true'), options=f"binarize {{ {top_k(2)} }}"), tmp_path)
    lowest = SCORES.min(axis=1, keepdims=True)
    scores = np.where(lowest == SCORES, -1, SCORES).reshape(-1)
    expected = sk.roc_auc_score(ONE_HOT.reshape(-1), scores, sample_weight=np.repeat(WEIGHTS, 3))
    assert found["auc", SubKey(top_k=2), None] == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("turned", [False, True])
def test_the_k_highest_among_all_and_alone_stand_beside_each_other_in_any_order(turned, tmp_path):
    among, alone = f"binarize {{ {top_k(2)} }}", f"aggregate {{ micro_average: true {top_k(2)} }}"
    both = [spec(metric("Recall"), metric("Precision"), options=options) for options in (among, alone)]
    found = values_of(" ".join(reversed(both) if turned else both), tmp_path)
    is_hit = IDS[:, None] == np.argsort(-SCORES, axis=1)[:, :2]
    share = np.average(is_hit.any(axis=1), weights=WEIGHTS)
    assert found["recall", SubKey(top_k=2), None] == pytest.approx(share, rel=1e-12)
    assert found["recall", SubKey(top_k=2), MICRO] == 1
    assert found["precision", SubKey(top_k=2), None] == pytest.approx(share / 2, rel=1e-12)
    assert found["precision", SubKey(top_k=2), MICRO] == pytest.approx(share / 2, rel=1e-12)


@pytest.mark.parametrize("turned", [False, True])
def test_micro_averages_with_and_without_class_weights_stand_beside_each_other(turned, tmp_path):
    names = ("MeanLabel", "MeanPrediction", "CoefficientOfDiscrimination")
    both = [
        spec(*(metric(name, f'"name": "{name}/{kind}"') for name in names), options=f"aggregate {{ {options} }}")
        for kind, options in (("plain", "micro_average: true"), ("weighted", f"micro_average: true {ALL}"))
    ]
    found = values_of(" ".join(reversed(both) if turned else both), tmp_path)
    for kind, of_class in (("plain", [1, 1, 1]), ("weighted", [2, 0.5, 1])):
        weights = WEIGHTS[:, None] * of_class
        one, other = (np.average(SCORES[rows], weights=weights[rows]) for rows in (ONE_HOT == 1, ONE_HOT == 0))
        expected = [np.average(ONE_HOT, weights=weights), np.average(SCORES, weights=weights), one - other]
        assert [found[f"{name}/{kind}", None, MICRO] for name in names] == pytest.approx(expected, rel=1e-9)


def test_a_row_counts_once_in_a_micro_average_whatever_the_weights_of_classes(tmp_path):
    asked = spec(metric("ExampleCount"), options=f"aggregate {{ micro_average: true {ALL} }}")
    (value,) = values_of(asked, tmp_path).values()
    assert value == pytest.approx(WEIGHTS.sum(), rel=1e-12)


def test_several_scores_a_row_are_refused_where_no_part_or_average_is_asked_for(tmp_path):
    with pytest.raises(UsageError, match="binarize"):
        run(spec(metric("Precision")), tmp_path)


@pytest.mark.parametrize("kind", ["micro", "macro"])
def test_the_weight_of_a_class_that_is_not_there_is_refused(kind, tmp_path):
    with pytest.raises(UsageError, match="class 7"):
        run(spec(metric("Precision"), options=f"aggregate {{ {kind}_average: true {CLASS_7} }}"), tmp_path)


@pytest.mark.parametrize("label", [3, -2, 1.5])
@pytest.mark.parametrize("options", ["binarize { class_ids { values: [1] } }", "aggregate { micro_average: true }"])
def test_a_label_that_is_no_class_is_refused(label, options, tmp_path):
    frame = FRAME.assign(id=np.where(np.arange(len(FRAME)) == 5, label, IDS))
    with pytest.raises(UsageError, match=r"label"):
        run(spec(metric("Precision"), options=options), tmp_path, frame=frame)


def test_a_class_that_a_slice_lacks_has_no_area_there_and_makes_its_average_undefined(tmp_path):
    frame = FRAME.assign(has=np.where(IDS == 0, "all", "some"), only=np.where(IDS == 0, "first", "others"))
    asked = spec(metric("AUC"), options="binarize { class_ids { values: [0] } }")
    asked += spec(metric("AUC"), options=f"aggregate {{ macro_average: true {ALL} }}")
    found = values_of(asked, tmp_path, frame=frame, rest="slicing_specs { feature_keys: 'only' }")
    assert np.isnan(found["others", "auc", SubKey(class_id=0), None])
    assert np.isnan(found["others", "auc", None, MACRO])


def test_matrices_of_several_classes_keep_their_own_thresholds(tmp_path):
    name = "MultiClassConfusionMatrixAtThresholds"
    found = values_of(
        spec(metric(name, '"name": "low", "thresholds": [0.0]'), metric(name, '"name": "high", "thresholds": [0.6]')),
        tmp_path,
    )
    predicted = SCORES.argmax(axis=1)
    for label, threshold in (("low", 0.0), ("high", 0.6)):
        chosen = np.where(SCORES.max(axis=1) > threshold, predicted, -1)
        expected = sk.confusion_matrix(IDS, chosen, labels=[-1, 0, 1, 2], sample_weight=WEIGHTS)
        cells = found[label, None, None]
        for actual in range(3):
            for class_id in range(-1, 3):
                weight = expected[actual + 1, class_id + 1]
                assert cells.get((threshold, actual, class_id), 0.0) == pytest.approx(weight, rel=1e-12)


def test_matrices_of_several_classes_take_thresholds_in_any_order(tmp_path):
    name = "MultiClassConfusionMatrixAtThresholds"
    first = values_of(spec(metric(name, '"thresholds": [0.6, 0.2]')), tmp_path / "falling")
    second = values_of(spec(metric(name, '"thresholds": [0.2, 0.6]')), tmp_path / "rising")
    assert first == second


def test_matrices_of_one_class_a_row_are_refused_for_rows_of_several(tmp_path):
    asked = spec(metric("MultiClassConfusionMatrixAtThresholds"))
    with pytest.raises(UsageError, match=r"63 of 120 rows"):
        run(asked, tmp_path, frame=many_of_four(), label="labels")


# Thresholds -----------------------------------------------------------------------------------------------------------

LIMIT = "threshold { value_threshold { lower_bound { value: 1e9 } } }"
OF_SHARES = "threshold { value_threshold { lower_bound { value: 1 } } }"
JUDGED = {
    "a mean under micro average": (metric("MeanLabel", "", LIMIT), "aggregate { micro_average: true }", 1),
    "a weighted macro average": (
        metric("Recall", "", OF_SHARES),
        f"aggregate {{ weighted_macro_average: true {ALL} }}",
        1,
    ),
    "a class of the metric's own": (metric("Recall", '"class_id": 1', OF_SHARES), "", 1),
    "a k of the metric's own": (metric("Recall", '"top_k": 2', OF_SHARES), "", 1),
    "a ratio by class": (
        metric("RelativeCoefficientOfDiscrimination", "", LIMIT),
        "binarize { class_ids { values: [0, 1] } }",
        2,
    ),
}


@pytest.mark.parametrize("name", JUDGED)
def test_a_threshold_is_held_against_every_value_that_its_metric_has(name, tmp_path):
    asked, options, count = JUDGED[name]
    run(spec(asked, options=options), tmp_path)
    failed = failures(tmp_path)
    assert len(failed) == count
    assert not [failure for failure in failed if not failure.metric_value.HasField("double_value")]


LISTS = {
    "gains of the metric's own k": (metric("NDCG", '"gain_key": "gain", "top_k_list": [1, 3]', OF_SHARES), "", 2),
    "a position beside k": (metric("MinLabelPosition", "", LIMIT), f"binarize {{ {top_k(3)} }}", 1),
    "the number of queries": (metric("TotalQueries", "", LIMIT), "", 1),
}


@pytest.mark.parametrize("name", LISTS)
def test_a_threshold_is_held_against_every_value_of_ranked_lists(name, tmp_path):
    asked, options, count = LISTS[name]
    run(
        spec(asked, options=f"{BY_QUERY} {options}"),
        tmp_path,
        frame=queries(),
        label="label",
        prediction="score",
    )
    assert len([failure for failure in failures(tmp_path) if failure.metric_value.HasField("double_value")]) == count


def failures(folder):
    result = ValidationResult.FromString(assay.load_validation_result(str(folder)).SerializeToString())
    return [failure for part in result.metric_validations_per_slice for failure in part.failures]


# Intervals and ranks --------------------------------------------------------------------------------------------------


def test_errors_are_the_same_with_and_without_intervals(tmp_path):
    asked = spec(metric("MeanSquaredError"), options="binarize { class_ids { values: [1] } }")
    interval = "options { compute_confidence_intervals { value: true } }"
    (value,) = values_of(asked, tmp_path, rest=interval).values()
    expected = np.average((ONE_HOT[:, 1] - SCORES[:, 1]) ** 2, weights=WEIGHTS)
    assert value == pytest.approx(expected, rel=1e-12)


def test_statistics_of_queries_are_there_for_each_of_two_models(tmp_path):
    frame = queries()
    models = " ".join(
        f"model_specs {{ name: {name!r} label_key: 'label' prediction_key: {column!r} }}"
        for name, column in (("new", "score"), ("old", "older"))
    )
    assay.analyze_raw_data(frame, models + spec(metric("QueryStatistics"), options=BY_QUERY), str(tmp_path))
    found = {}
    for record in assay.load_metrics(str(tmp_path)):
        message = MetricsForSlice.FromString(record.SerializeToString())
        for entry in message.metric_keys_and_values:
            key = metric_key_from_proto(entry.key)
            found[key.model_name, key.name] = number_in(entry.value)
    sizes = frame.groupby("query").size()
    expected = {
        "total_queries": len(sizes),
        "total_documents": len(frame),
        "min_documents": sizes.min(),
        "max_documents": sizes.max(),
    }
    assert found == {(model, name): number for model in ("new", "old") for name, number in expected.items()}


def test_a_query_of_fewer_rows_than_k_has_all_of_them_among_the_highest(tmp_path):
    frame = queries()
    options = f"{BY_QUERY} binarize {{ {top_k(6)} }}"
    found = values_of(spec(metric("Recall"), options=options), tmp_path, frame=frame, label="label", prediction="score")
    rank = frame.groupby("query")["score"].rank(ascending=False)
    is_hit = (rank <= 6) & (frame["label"] == 1)
    expected = frame["weight"][is_hit].sum() / frame["weight"][frame["label"] == 1].sum()
    assert found["recall", SubKey(top_k=6), None] == pytest.approx(expected, rel=1e-12)


def test_the_k_th_row_of_a_query_alone_is_refused(tmp_path):
    asked = spec(metric("Precision"), options=f"{BY_QUERY} binarize {{ k_list {{ values: [1] }} }}")
    with pytest.raises(UsageError, match="with query_key rows take their place"):
        run(asked, tmp_path, frame=queries(), label="label", prediction="score")


def test_the_mean_over_ranks_of_a_query_is_refused(tmp_path):
    asked = spec(metric("Precision"), options=f"{BY_QUERY} aggregate {{ macro_average: true {top_k(2)} }}")
    with pytest.raises(UsageError):
        run(asked, tmp_path, frame=queries(), label="label", prediction="score")


def test_rows_of_queries_count_one_by_one_with_and_without_weights(tmp_path):
    frame = queries()
    by_query = BY_QUERY + " example_weights { %s: true }"
    asked = [spec(metric("ExampleCount"), options=by_query % kind) for kind in ("weighted", "unweighted")]
    run(" ".join(asked), tmp_path, frame=frame, label="label", prediction="score")
    (record,) = assay.load_metrics(str(tmp_path))
    entries = MetricsForSlice.FromString(record.SerializeToString()).metric_keys_and_values
    found = {entry.key.example_weighted.value: number_in(entry.value) for entry in entries}
    assert found == {True: pytest.approx(frame["weight"].sum(), rel=1e-12), False: len(frame)}


def test_numbers_of_queries_are_no_estimates(tmp_path):
    asked = spec(metric("QueryStatistics"), options=BY_QUERY)
    interval = "options { compute_confidence_intervals { value: true } }"
    run(asked, tmp_path, frame=queries(), label="label", prediction="score", rest=interval)
    (record,) = assay.load_metrics(str(tmp_path))
    entries = MetricsForSlice.FromString(record.SerializeToString()).metric_keys_and_values
    assert len(entries) == 4
    assert not [entry for entry in entries if entry.HasField("confidence_interval")]


def test_every_label_of_a_row_counts_in_macro_averages_of_scikit_learn(tmp_path):
    frame = many_of_four()
    labels, scores = np.stack(frame["labels"].tolist()), np.stack(frame["scores"].tolist())
    weights = " ".join(f"class_weights {{ key: {part} value: 1 }}" for part in range(4))
    asked = [spec(metric("F1Score"), options=f"aggregate {{ {kind}_average: true {weights} }}") for kind in KINDS]
    found = values_of(" ".join(asked), tmp_path, frame=frame, label="labels")
    for key, average in ((MACRO, "macro"), (WEIGHTED, "weighted")):
        expected = sk.f1_score(labels, scores > 0.5, average=average, sample_weight=frame["weight"])
        assert found["f1_score", None, key] == pytest.approx(expected, rel=1e-12)
