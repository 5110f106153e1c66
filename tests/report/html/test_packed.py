"""What travels to the page's script: packed numbers, and plots with few points."""

import numpy as np
import pytest
from sklearn.metrics import auc, precision_recall_curve, roc_curve

from assay.metrics.keys import PlotKey
from assay.metrics.values import Buckets, Matrices
from assay.proto import metrics_for_slice_pb2 as pb
from assay.report.html.packed import packed
from assay.report.page.thinned_plots import plots_in
from assay.results.records import plot_records
from tests.report.packed_data import unpacked

THRESHOLDS = np.concatenate([[-1e-6], np.arange(1001) / 1000])


def test_what_is_packed_comes_back_bit_for_bit():
    arrays = {"values": np.array([0.1, np.nan, np.inf, 1 / 3]), "odd": np.array([1, 2, 3]), "none": np.zeros(0)}
    back = unpacked(packed({"names": ["ü", "</script>"]}, arrays))
    assert back.head == {"names": ["ü", "</script>"]}
    assert {name: array.tobytes() for name, array in back.arrays.items()} == {
        "values": arrays["values"].tobytes(),
        "odd": np.array([1, 2, 3], "<i4").tobytes(),
        "none": b"",
    }


def test_numbers_that_half_the_bits_can_hold_take_half_the_bits():
    back = unpacked(packed({}, {"counts": np.array([1.0, 0.5, 16777216.0]), "large": np.array([16777217.0])}))
    assert {name: array.dtype.str for name, array in back.arrays.items()} == {"counts": "<f4", "large": "<f8"}
    assert back.arrays["large"][0] == 16777217


def test_the_same_content_is_the_same_text():
    arrays = {"values": np.arange(5.0)}
    assert packed({"a": 1}, arrays) == packed({"a": 1}, arrays)


def examples(seed, rows, scale=1.0):
    rng = np.random.default_rng(seed)
    labels = rng.random(rows) < 0.3
    scores = np.clip(rng.normal(0.35 + 0.3 * labels, 0.2), 0, 1) * scale
    return labels, np.round(scores, 3)


def matrices(labels, scores):
    above = scores[None] > THRESHOLDS[:, None]
    tp, fp = (above & labels).sum(-1), (above & ~labels).sum(-1)
    counts = (tp, fp, (~labels).sum() - fp, labels.sum() - tp)
    return Matrices(THRESHOLDS, *(count[None].astype(float) for count in counts))


def thinned(*values):
    (record,) = plot_records([()], {PlotKey(model_name="new"): list(values)})
    (plot,) = plots_in(record)
    return plot


@pytest.mark.parametrize("scale", [1.0, 0.03])
def test_few_points_keep_both_curves_and_the_counts_at_even_thresholds(scale):
    labels, scores = examples(1, 5000, scale)
    points = thinned(matrices(labels, scores)).points
    assert len(points.at) <= 161
    fpr, tpr, _ = roc_curve(labels, scores)
    assert auc(points.fp[::-1] / points.negatives, points.tp[::-1] / points.positives) == pytest.approx(
        auc(fpr, tpr), abs=2e-3
    )
    exact_precision, exact_recall, _ = precision_recall_curve(labels, scores)
    is_some = points.tp + points.fp > 0
    precision, recall = points.tp[is_some] / (points.tp + points.fp)[is_some], points.tp[is_some] / points.positives
    nearest = [np.hypot(exact_recall - r, exact_precision - p).min() for r, p in zip(recall, precision, strict=True)]
    assert max(nearest) < 1e-9
    at = dict(zip(np.array(points.thresholds)[points.at].tolist(), points.tp, strict=True))
    for threshold in np.arange(101) / 100:
        assert at[round(float(threshold), 6)] == (labels & (scores > threshold)).sum()


def test_buckets_are_joined_and_those_beyond_the_ends_count_to_the_last_ranges():
    edges = np.concatenate([[-np.inf], np.linspace(0, 10, 1001), [np.inf]])
    weight = np.ones((1, 1002))
    bins = thinned(Buckets(edges[:-1], edges[1:], weight, 2 * weight, 3 * weight)).bins
    assert (bins.low, bins.high, len(bins.weight)) == (0, 10, 40)
    assert bins.weight.tolist() == [26, *[25] * 38, 26]
    assert bins.labels.tolist() == (2 * bins.weight).tolist()
    assert bins.predictions.tolist() == (3 * bins.weight).tolist()


@pytest.mark.parametrize(("buckets", "ranges"), [(10, 10), (7, 7), (100, 25), (997, 40)])
def test_ranges_are_even_where_the_buckets_allow_it(buckets, ranges):
    edges = np.linspace(0, 1, buckets + 1)
    ones = np.ones((1, buckets))
    bins = thinned(Buckets(edges[:-1], edges[1:], ones, ones, ones)).bins
    assert len(bins.weight) == ranges
    assert bins.weight.sum() == buckets


def test_plots_that_tfma_wrote_without_zeros_are_read_as_well():
    record = pb.PlotsForSlice()
    plot = record.plot_keys_and_values.add().value
    for threshold, tp in ((0.0, 5.0), (0.5, 3.0), (1.0, 0.0)):
        plot.confusion_matrix_at_thresholds.matrices.add(
            threshold=threshold, true_positives=tp, false_negatives=5 - tp, true_negatives=2.0
        )
    bucket = plot.calibration_histogram_buckets.buckets.add(upper_threshold_exclusive=1.0)
    bucket.num_weighted_examples.value = 7.0
    (read,) = plots_in(record.SerializeToString())
    assert read.points.tp.tolist() == [5, 3, 0]
    assert (read.points.positives, read.points.negatives) == (5, 2)
    assert read.bins.weight.tolist() == [7]


def test_a_damaged_record_is_refused():
    with pytest.raises(ValueError, match="expected its end"):
        list(plots_in(b"\x42\x7f\x0a"))
