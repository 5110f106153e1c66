"""Measures of ranked lists: against scikit-learn and plain loops, whatever shards the rows of a query lie in."""

import numpy as np
import pyarrow as pa
import pytest
from sklearn import metrics as sk

from assay.errors import BadRowError, ColumnTypeError, EvalConfigError, MissingColumnError
from assay.metrics.binding.bound import metrics_of

from .engine import config_of, cut, evaluated

QUERIES = 60
SLICES = 'slicing_specs {} slicing_specs { feature_keys: "group" }'


def ranked_batch(rows=1200, seed=11):
    """Rows of queries of 1 to some 40 rows, some without a relevant one, in no order; slices cut through queries."""
    rng = np.random.default_rng(seed)
    query = rng.integers(0, QUERIES, rows)
    query[0] = QUERIES  # a query of one row
    label = (rng.random(rows) < 0.2).astype(float)
    label[query % 7 == 0] = 0.0
    return {
        "features": {
            "query": pa.array([f"q{number}" for number in query]),
            "number": pa.array(query),
            "gain": pa.array(np.where(label > 0, rng.integers(1, 5, rows), 0.0)),
            "group": pa.array(rng.choice(["a", "b"], rows)),
        },
        "labels": label,
        "predictions": rng.random(rows),
        "example_weights": rng.lognormal(0, 1, QUERIES + 1)[query],
    }


BATCH = ranked_batch()


def spec_of(*metrics, key="query", options=""):
    return " ".join([f'query_key: "{key}"', *metrics, options])


def asked(name, settings=""):
    return f"metrics {{ class_name: '{name}' config: '{settings}' }}"


def by_name(values):
    return {
        (metric.key.name, metric.key.sub_key and metric.key.sub_key.top_k): value for metric, value in values.items()
    }


def queries_of(slice_key=()):
    """For each query of a slice: gains, labels and scores by falling score, and its weight."""
    query = np.array(BATCH["features"]["query"].to_pylist())
    inside = np.ones(len(query), bool)
    for feature, value in slice_key:
        inside &= np.array(BATCH["features"][feature].to_pylist()) == value
    for name in np.unique(query[inside]):
        rows = np.flatnonzero(query == name)
        rows = rows[np.argsort(-BATCH["predictions"][rows])]
        gains = BATCH["features"]["gain"].to_numpy()[rows]
        yield gains, BATCH["labels"][rows], BATCH["predictions"][rows], BATCH["example_weights"][rows[0]]


def mean_over_queries(measure, slice_key):
    values = [(measure(gains, labels, scores), weight) for gains, labels, scores, weight in queries_of(slice_key)]
    values = [(value, weight) for value, weight in values if value is not None]
    return np.average([value for value, _ in values], weights=[weight for _, weight in values])


def ndcg_at(k):
    def measure(gains, labels, scores):
        if gains.max() <= 0:
            return None
        return 1.0 if len(gains) == 1 else sk.ndcg_score([gains], [scores], k=k)

    return measure


def first_relevant(gains, labels, scores):
    return int(np.argmax(labels > 0)) + 1 if labels.any() else None


def average_precision(gains, labels, scores):
    return sk.average_precision_score(labels, scores) if labels.any() else None


def average_precision_at_3(gains, labels, scores):
    hits = [labels[: i + 1].sum() / (i + 1) for i in range(min(3, len(labels))) if labels[i]]
    return sum(hits) / min(3, labels.sum()) if labels.any() else None


MEASURES = {
    ("ndcg", 1): ndcg_at(1),
    ("ndcg", 5): ndcg_at(5),
    ("min_label_position", None): first_relevant,
    ("mean_reciprocal_rank", None): lambda g, y, s: 1 / first_relevant(g, y, s) if y.any() else None,
    ("mean_reciprocal_rank", 2): lambda g, y, s: (
        (1 / first_relevant(g, y, s) if y[:2].any() else 0) if y.any() else None
    ),
    ("mean_average_precision", None): average_precision,
    ("mean_average_precision", 3): average_precision_at_3,
    ("precision_at_k", 3): lambda g, y, s: y[:3].sum() / 3,
    ("recall_at_k", 3): lambda g, y, s: y[:3].sum() / y.sum() if y.any() else None,
    ("hit_rate_at_k", 3): lambda g, y, s: float(y[:3].any()) if y.any() else None,
}
METRICS = (
    asked("NDCG", '"gain_key": "gain", "top_k_list": [1, 5]'),
    asked("MinLabelPosition"),
    asked("MeanReciprocalRank"),
    asked("MeanAveragePrecision"),
    asked("QueryStatistics"),
    asked("PrecisionAtK", '"top_k_list": [3]'),
    asked("RecallAtK", '"top_k_list": [3]'),
    asked("HitRateAtK", '"top_k_list": 3'),
)
AT_K = (asked("MeanReciprocalRank", '"top_k_list": [2]'), asked("MeanAveragePrecision", '"top_k_list": [3]'))


@pytest.mark.parametrize("key", ["query", "number"])
def test_measures_of_whole_queries_equal_scikit_learn_and_plain_loops_in_every_slice(key):
    config = config_of(spec_of(*METRICS, *AT_K, key=key), SLICES)
    splits = [(i, cut(piece, 100, 1)) for i, piece in enumerate(cut(BATCH, 500, 300))]
    found = evaluated(splits, config)
    assert len(found) == 3
    for slice_key, values in found.items():
        named = by_name(values)
        for name, measure in MEASURES.items():
            assert named[name] == pytest.approx(mean_over_queries(measure, slice_key), rel=1e-12), (name, slice_key)
        sizes = [(len(gains), weight) for gains, _, _, weight in queries_of(slice_key)]
        assert named["total_queries", None] == pytest.approx(sum(weight for _, weight in sizes))
        assert named["total_documents", None] == pytest.approx(sum(size * weight for size, weight in sizes))
        assert named["min_documents", None] == pytest.approx(min(size * weight for size, weight in sizes))
        assert named["max_documents", None] == pytest.approx(max(size * weight for size, weight in sizes))


def test_the_shards_and_batches_in_which_rows_lie_change_no_bit():
    config = config_of(spec_of(*METRICS, asked("AUC")), SLICES)
    whole = evaluated([(0, [BATCH])], config)
    in_batches = evaluated([(0, cut(BATCH, 7, 500, 1, 300))], config)
    assert in_batches == whole


def test_other_metrics_see_all_rows_of_a_slices_queries_each_with_its_own_weight():
    config = config_of(spec_of(asked("AUC"), asked("ExampleCount"), asked("MeanLabel")), SLICES)
    for slice_key, values in evaluated([(0, [BATCH])], config).items():
        labels, scores = (np.concatenate([query[i] for query in queries_of(slice_key)]) for i in (1, 2))
        weights = np.concatenate([np.full(len(y), w) for _, y, _, w in queries_of(slice_key)])
        named = by_name(values)
        assert named["auc", None] == pytest.approx(sk.roc_auc_score(labels, scores, sample_weight=weights), abs=1e-3)
        assert named["example_count", None] == pytest.approx(weights.sum())
        assert named["mean_label", None] == pytest.approx(np.average(labels, weights=weights))


def test_with_top_k_the_highest_rows_of_each_query_are_positive():
    options = "binarize { top_k_list { values: [1, 4] } }"
    config = config_of(spec_of(asked("Precision"), asked("Recall"), options=options))
    ((_, values),) = evaluated([(0, [BATCH])], config).items()
    for k in (1, 4):
        labels = np.concatenate([y for _, y, _, _ in queries_of()])
        high = np.concatenate([np.arange(len(y)) < k for _, y, _, _ in queries_of()])
        weights = np.concatenate([np.full(len(y), w) for _, y, _, w in queries_of()])
        assert by_name(values)["precision", k] == pytest.approx(sk.precision_score(labels, high, sample_weight=weights))
        assert by_name(values)["recall", k] == pytest.approx(sk.recall_score(labels, high, sample_weight=weights))


def test_of_equal_predictions_the_first_row_of_the_data_ranks_first():
    tied = {**BATCH, "predictions": np.zeros(len(BATCH["labels"]))}
    first = {**BATCH, "predictions": -np.arange(len(BATCH["labels"]), dtype=float)}
    config = config_of(spec_of(*METRICS))
    pieces = [(i, [piece]) for i, piece in enumerate(cut(tied, 400, 400))]
    assert evaluated(pieces, config) == evaluated([(0, [first])], config)


def test_queries_without_a_relevant_row_have_no_value_and_nothing_has_none():
    batch = {**BATCH, "labels": np.zeros(len(BATCH["labels"]))}
    ((_, values),) = evaluated(
        [(0, [batch])], config_of(spec_of(asked("MinLabelPosition"), asked("PrecisionAtK")))
    ).items()
    assert np.isnan(by_name(values)["min_label_position", None])
    assert by_name(values)["precision_at_k", None] == 0


def test_one_query_may_hold_all_rows():
    rows = 30_000
    rng = np.random.default_rng(0)
    labels, scores = rng.integers(0, 4, rows).astype(float), rng.random(rows)
    batch = {"features": {"query": pa.array(["one"] * rows)}, "labels": labels, "predictions": scores}
    config = config_of(spec_of(asked("NDCG", '"top_k_list": [100]')), weighted=False)
    ((_, values),) = evaluated([(0, [batch])], config).items()
    assert list(values.values()) == [pytest.approx(sk.ndcg_score([labels], [scores], k=100), rel=1e-12)]


REFUSED = {
    "no key": (asked("NDCG", '"top_k_list": 1'), "NDCG ranks the rows of a query; expected query_key"),
    "no k": (spec_of(asked("NDCG")), "needs the setting 'top_k_list'"),
    "k of 0": (spec_of(asked("NDCG", '"top_k_list": [0]')), "top_k_list: expected 1 or more, found 0"),
    "classes": (spec_of(asked("MAP"), options="binarize { class_ids { values: 1 } }"), "MAP has no classes"),
    "shown rows": (spec_of(asked("FalsePositiveFeatureSampler", '"feature_key": "gain"')), "without query_key"),
    "statistics": (spec_of(asked("QueryStatistics", '"queries": "x"')), "QueryStatistics has no setting 'queries'"),
    "a threshold on several": (
        spec_of('metrics { class_name: "QueryStatistics" threshold { value_threshold { lower_bound { value: 1 } } } }'),
        "QueryStatistics stands for TotalQueries, .*; expected a threshold on one of these",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_is_refused(case):
    text, message = REFUSED[case]
    with pytest.raises(EvalConfigError, match=message):
        metrics_of(config_of(text))


def test_values_of_query_statistics_may_have_names_of_ones_own():
    text = spec_of(asked("QueryStatistics", '"total_queries_name": "queries"'))
    names = [metric.key.name for metric in metrics_of(config_of(text))]
    assert names == ["queries", "total_documents", "min_documents", "max_documents"]


def test_rows_that_no_query_can_take_are_named():
    config = config_of(spec_of(asked("MAP")))
    uneven = {**BATCH, "example_weights": np.arange(1.0, 1201)}
    with pytest.raises(BadRowError, match=r"split-0, row \d+: column 'w' \(example_weight_key\) is .*one weight for"):
        evaluated([(0, [uneven])], config)
    queries = BATCH["features"]["query"].to_pylist()
    missing = {**BATCH, "features": {**BATCH["features"], "query": pa.array([*queries[:5], None, *queries[6:]])}}
    with pytest.raises(BadRowError, match=r"split-0, row 5: missing query: no value of column 'query' \(query_key\)"):
        evaluated([(0, [missing])], config)
    with pytest.raises(MissingColumnError, match=r"no column 'nothing' \(query_key\)"):
        evaluated([(0, [BATCH])], config_of(spec_of(asked("MAP"), key="nothing")))
    vectors = {**BATCH, "predictions": np.zeros((1200, 2)), "labels": np.zeros((1200, 2))}
    with pytest.raises(ColumnTypeError, match=r"has 2 values a row.*ranks rows by one number each"):
        evaluated([(0, [vectors])], config)
