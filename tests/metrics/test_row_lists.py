"""Rows that are ranked lists: the metrics of TensorFlow Ranking, with the values that its documents publish."""

import numpy as np
import pandas as pd
import pytest

import assay
from assay.errors import AssayError

ONE = {"y": [[0.0, 1.0, 1.0]], "p": [[3.0, 1.0, 2.0]]}
TWO = {"y": [[0.0, 1.0], [1.0, 2.0, 0.0]], "p": [[2.0, 1.0], [2.0, 5.0, 4.0]]}
FILLED = {"y": [[0.0, 1.0, -1.0], [1.0, 2.0, 0.0]], "p": [[2.0, 1.0, 9.0], [2.0, 5.0, 4.0]]}
NO_DOCUMENT = {"y": [*FILLED["y"], [-1.0, -1.0, -1.0]], "p": [*FILLED["p"], [1.0, 2.0, 3.0]]}
WIDE = {"y": TWO["y"], "p": FILLED["p"]}


def value(class_name, data, *, slices=None, **config):
    """The value of a metric, for rows whose lists may be of different lengths."""
    padding = {"label_float_padding": -1.0, "prediction_float_padding": -1.0}
    eval_config = {
        "model_specs": [{"label_key": "y", "prediction_key": "p", "padding_options": padding}],
        "metrics_specs": [{"metrics": [{"class_name": class_name, "config": {**config, "name": "m"}}]}],
        **({"slicing_specs": [{"feature_keys": [slices]}]} if slices else {}),
    }
    found = assay.analyze_raw_data(pd.DataFrame(data), eval_config).get_metrics_for_all_slices()
    values = {key: each["m"]["doubleValue"] for key, each in found.items()}
    return values if slices else values[()]


@pytest.mark.parametrize(
    ("class_name", "data", "topn", "published"),
    [
        ("NDCGMetric", ONE, None, 0.6934264),
        ("NDCGMetric", TWO, None, 0.7974351),
        ("NDCGMetric", FILLED, None, 0.7974351),
        ("NDCGMetric", WIDE, None, 0.7974351),
        ("NDCGMetric", NO_DOCUMENT, None, 0.7974351),
        ("MRRMetric", ONE, None, 0.5),
        ("MRRMetric", TWO, None, 0.75),
        ("PrecisionMetric", ONE, 2, 0.5),
        ("PrecisionMetric", TWO, 2, 0.5),
        ("RecallMetric", ONE, 2, 0.5),
        ("RecallMetric", TWO, 2, 0.75),
    ],
)
def test_the_values_are_those_of_the_documents_of_tensorflow_ranking(class_name, data, topn, published):
    config = {} if topn is None else {"topn": topn}
    assert value(class_name, data, **config) == pytest.approx(published, rel=1e-6)


RNG = np.random.default_rng(12)
LISTS = {
    "y": [list(map(float, RNG.integers(0, 4, 6) * (RNG.random() < 0.8))) for _ in range(60)],
    "p": [list(RNG.normal(size=6)) for _ in range(60)],
    "g": list(RNG.choice(["a", "b"], 60)),
}


def ranked(y, p):
    return np.array(y)[np.argsort(-np.array(p))]


def dcg(y, k):
    return sum((2**grade - 1) / np.log2(rank + 2) for rank, grade in enumerate(y[:k]))


def ndcg(y, p, k):
    best = dcg(np.sort(y)[::-1], k)
    return dcg(ranked(y, p), k) / best if best else 0.0


def average_precision(y, p, k):
    hits = ranked(y, p) >= 1
    return sum(hits[: i + 1].mean() for i in np.flatnonzero(hits)) / hits.sum() if hits.any() else 0.0


def reciprocal_rank(y, p, k):
    return max((1 / (i + 1) for i, grade in enumerate(ranked(y, p)[:k]) if grade >= 1), default=0)


DEFINED = [
    *[("NDCGMetric", ndcg, k) for k in (None, 3)],
    *[("DCGMetric", lambda y, p, k: dcg(ranked(y, p), k), k) for k in (None, 3)],
    *[("MRRMetric", reciprocal_rank, k) for k in (None, 3)],
    *[("PrecisionMetric", lambda y, p, k: (ranked(y, p)[:k] >= 1).mean(), k) for k in (None, 3)],
    ("MeanAveragePrecisionMetric", average_precision, None),
]


@pytest.mark.parametrize(("class_name", "of_list", "k"), DEFINED)
def test_a_value_is_the_mean_over_lists_by_definition_in_each_slice(class_name, of_list, k):
    found = value(class_name, LISTS, slices="g", **({"topn": k} if k else {}))
    frame = pd.DataFrame(LISTS)
    for group, rows in frame.groupby("g"):
        expected = np.mean([of_list(y, p, k) for y, p in zip(rows["y"], rows["p"], strict=True)])
        assert found[("g", group),] == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(
    ("data", "config", "message"),
    [
        ({"y": [1.0, 0.0], "p": [0.5, 0.25]}, {}, "use query_key and NDCG"),
        (ONE, {"topn": -1}, "topn must be above 0"),
        (ONE, {"top": 3}, "NDCGMetric has no setting 'top'"),
    ],
)
def test_what_is_no_list_and_settings_that_are_none_are_refused(data, config, message):
    with pytest.raises(AssayError, match=message):
        value("NDCGMetric", data, **config)
