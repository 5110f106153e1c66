"""Boxes matched with objects, and what is computed from that."""

import json

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assay.config.images import OF_IMAGES
from assay.errors import BadRowError, ColumnTypeError, EvalConfigError, MissingColumnError
from assay.extracts.columns import row_count, take
from assay.metrics.binding.bound import metrics_of
from assay.metrics.entries.matched import Matched
from assay.metrics.entries.selection import columns_of
from tests.metrics.asked import BOXES, MASKS, asked
from tests.metrics.coco import coco_eval
from tests.metrics.engine import config_of, config_of_two, whole
from tests.metrics.hard_data import hard_boxes

IMAGES = {
    "labels": [
        [[30, 100, 70, 300, 0], [50, 100, 80, 200, 1]],
        [[30, 100, 70, 400, 0], [10, 200, 80, 300, 0]],
    ],
    "predictions": [
        [[20, 130, 60, 290, 0, 0.7], [30, 100, 70, 300, 0, 0.3], [500, 100, 800, 300, 1, 0.1]],
        [[100, 130, 160, 290, 0, 0.4], [30, 100, 70, 300, 0, 0.3]],
    ],
}
"""The two images of TFMA's own tests."""


def batch_of(labels, predictions, **columns):
    kind = pa.list_(pa.list_(pa.float64()))
    features = {"group": pa.array(["a"] * len(labels))}
    values = {"labels": pa.array(labels, kind), "predictions": pa.array(predictions, kind)}
    return {"features": features | columns, **values}


def value_of(batch, class_name, **settings):
    ((value,),) = [list(values.values()) for values in whole(batch, config_for(class_name, **settings)).values()]
    return value


def config_for(class_name, **settings):
    text = json.dumps(json.dumps(settings))
    return config_of(f'metrics {{ class_name: "{class_name}" config: {text} }}', weighted=False)


def test_the_classes_that_a_plan_knows_without_arrow_are_those_that_are_registered():
    assert {*BOXES, *MASKS} == OF_IMAGES


# Matching -------------------------------------------------------------------------------------------------------------


def plainly_matched(objects, detections, iou, area_range, most):
    """(label, score) of all entries of one image and class, by COCO's rules, box by box."""
    area = [(b[2] - b[0]) * (b[3] - b[1]) for b in objects]
    is_wanted = [area_range[0] <= one <= area_range[1] for one in area]
    order = sorted(range(len(objects)), key=lambda i: not is_wanted[i])
    taken, entries = {}, []
    for detection in sorted(detections, key=lambda d: -d[5])[: most or None]:
        best, chosen = min(iou, 1 - 1e-10), None
        for i in order:
            if i in taken or (chosen is not None and is_wanted[chosen] and not is_wanted[i]):
                continue
            width = min(detection[2], objects[i][2]) - max(detection[0], objects[i][0])
            height = min(detection[3], objects[i][3]) - max(detection[1], objects[i][1])
            both = max(width, 0) * max(height, 0)
            own = (detection[2] - detection[0]) * (detection[3] - detection[1])
            overlap = both / (own + area[i] - both) if own + area[i] - both else 0.0
            if overlap >= best:
                best, chosen = overlap, i
        if chosen is None:
            own = (detection[2] - detection[0]) * (detection[3] - detection[1])
            if area_range[0] <= own <= area_range[1]:
                entries.append((0.0, detection[5]))
        else:
            taken[chosen] = True
            if is_wanted[chosen]:
                entries.append((1.0, detection[5]))
    missed = [(1.0, -np.inf) for i in range(len(objects)) if is_wanted[i] and i not in taken]
    return sorted([*entries, *missed])


@settings(max_examples=60, deadline=None)
@given(
    st.integers(0, 10_000),
    st.lists(st.sampled_from([0.1, 0.3, 0.5, 0.75, 1.0]), min_size=1, max_size=3, unique=True),
    st.sampled_from([(0.0, np.inf), (0.0, 12.0), (9.0, 30.0)]),
    st.integers(0, 3),
)
def test_all_images_at_once_are_matched_as_box_by_box(seed, ious, area_range, most):
    batch = hard_boxes(40, classes=2, seed=seed)
    view = Matched((1, 0), tuple(ious), area_range, most)
    (metric,) = metrics_of(config_for("COCOAveragePrecision", class_id=1))
    found = view.entries(columns_of(batch, metric.stream.source))
    assert (np.diff(found.rows) >= 0).all()
    for row, (objects, detections) in enumerate(
        zip(batch["labels"].to_pylist(), batch["predictions"].to_pylist(), strict=True)
    ):
        for part in range(view.parts):
            iou, class_id = ious[part // 2], view.ids[part % 2]
            mine = (found.rows == row) & ((0 if found.part is None else found.part) == part)
            expected = plainly_matched(
                [b for b in objects if b[4] == class_id],
                [b for b in detections if b[4] == class_id],
                iou,
                area_range,
                most,
            )
            assert sorted(zip(found.labels[mine], found.predictions[mine], strict=True)) == expected


def test_boxes_matched_in_many_lots_are_matched_alike(monkeypatch):
    from assay.metrics.entries import matching

    batch = hard_boxes(300)
    (metric,) = metrics_of(config_for("COCOMeanAveragePrecision", class_ids=[0, 1, 2]))
    columns = columns_of(batch, metric.stream.source)
    expected = metric.stream.view.entries(columns)
    monkeypatch.setattr(matching, "_PAIRS_AT_ONCE", 7)
    found = metric.stream.view.entries(columns)
    for mine, theirs in zip(found[:5], expected[:5], strict=True):
        np.testing.assert_array_equal(mine, theirs)


# Values ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("class_name", "settings", "expected"),
    [
        ("ObjectDetectionMaxRecall", {"max_num_detections": 100}, 2 / 3),
        ("ObjectDetectionRecall", {"thresholds": 0.1}, 2 / 3),
        ("ObjectDetectionPrecision", {"thresholds": 0.1}, 0.5),
        ("ObjectDetectionThresholdAtRecall", {"recall": [0.4]}, 0.3),
        ("ObjectDetectionPrecisionAtRecall", {"recall": [0.4]}, 0.5),
    ],
)
def test_values_are_those_that_tfma_publishes(class_name, settings, expected):
    # But for the last one: TFMA counts the missed object as found at its first threshold, and says 3 / 5.
    assert value_of(batch_of(**IMAGES), class_name, class_id=0, **settings) == pytest.approx(expected)


def without_ties(batch, seed=5):
    """The same with a score of its own for each detection, as pycocotools breaks ties by the order of images."""
    rng = np.random.default_rng(seed)
    rows = [[[*box[:5], rng.random()] for box in boxes] for boxes in batch["predictions"].to_pylist()]
    return {**batch, "predictions": pa.array(rows, batch["predictions"].type)}


@pytest.mark.parametrize("area_range", [None, [6, 20]])
@pytest.mark.parametrize("most", [1, 2, 100])
def test_average_precision_and_recall_are_those_of_pycocotools(area_range, most):
    pytest.importorskip("pycocotools")
    batch = without_ties(hard_boxes(400))
    ious = [i / 20 for i in range(10, 20)]
    precision, recall = coco_eval(batch, ious, [0, 1, 2], area_range or (0, 1e10), most)
    shared = {"area_range": area_range, "max_num_detections": most}

    of_all = {"class_ids": [0, 1, 2], **shared}
    assert value_of(batch, "COCOMeanAveragePrecision", **of_all) == pytest.approx(precision.mean(), rel=1e-9)
    assert value_of(batch, "COCOMeanAverageRecall", **of_all) == pytest.approx(recall.mean(), rel=1e-9)
    for k in range(3):
        one = value_of(batch, "COCOAveragePrecision", class_id=k, iou_threshold=0.75, **shared)
        assert one == pytest.approx(precision[5, :, k].mean(), rel=1e-9)
        assert value_of(batch, "COCOAverageRecall", class_id=k, **shared) == pytest.approx(
            recall[:, k].mean(), rel=1e-9
        )
        most_found = value_of(batch, "ObjectDetectionMaxRecall", class_id=k, **shared)
        assert most_found == pytest.approx(recall[0, k], rel=1e-9)


def test_a_class_without_objects_has_no_value_and_counts_in_no_mean():
    batch = hard_boxes(50, classes=2)
    for class_name in ("COCOAveragePrecision", "COCOAverageRecall", "ObjectDetectionRecall"):
        assert np.isnan(value_of(batch, class_name, class_id=7))
    for class_name in ("COCOMeanAveragePrecision", "COCOMeanAverageRecall"):
        both = value_of(batch, class_name, class_ids=[0, 1, 7])
        assert both == value_of(batch, class_name, class_ids=[0, 1])
        assert np.isnan(value_of(batch, class_name, class_ids=[7, 8]))


def test_classes_count_in_a_mean_by_their_weights():
    batch = hard_boxes(100, classes=2)
    for mean, one in (
        ("COCOMeanAveragePrecision", "COCOAveragePrecision"),
        ("COCOMeanAverageRecall", "COCOAverageRecall"),
    ):
        first, second = (
            value_of(batch, one, class_id=k, **({} if "Recall" in one else {"iou_threshold": 0.5})) for k in (0, 1)
        )
        ious = {} if "Recall" in one else {"iou_thresholds": [0.5]}
        weighted = value_of(batch, mean, class_ids=[0, 1], class_weights=[3, 1], **ious)
        assert weighted == pytest.approx((3 * first + second) / 4)


def test_evenly_spaced_thresholds_come_close_to_the_exact_average_precision():
    batch = without_ties(hard_boxes(500))
    exact = value_of(batch, "COCOAveragePrecision", class_id=1)
    even = value_of(batch, "COCOAveragePrecision", class_id=1, num_thresholds=10_000)
    coarse = value_of(batch, "COCOAveragePrecision", class_id=1, num_thresholds=20)
    assert exact == pytest.approx(even, abs=1e-3)
    assert exact != coarse


@pytest.mark.parametrize("settings", [{}, {"num_thresholds": 50}, {"thresholds": [0.2, 0.5, 0.9]}])
def test_precision_and_threshold_at_a_recall_are_the_best_of_all_thresholds(settings):
    batch = hard_boxes(200)
    scores = np.unique([box[5] for boxes in batch["predictions"].to_pylist() for box in boxes if box[4] == 1])
    levels = settings.get("thresholds") or (
        [-1e-7, *np.arange(1, 49) / 49, 1 + 1e-7] if settings else np.nextafter(scores, -1)
    )
    at = {
        name: value_of(batch, f"ObjectDetection{name}", class_id=1, thresholds=list(levels))
        for name in ("Precision", "Recall")
    }
    reached = at["Recall"] >= 0.3
    found = {
        name: value_of(batch, f"ObjectDetection{name}AtRecall", class_id=1, recall=0.3, **settings)
        for name in ("Precision", "Threshold")
    }
    assert found["Precision"] == at["Precision"][reached].max()
    assert found["Threshold"] == pytest.approx(np.asarray(levels)[reached].max(), rel=1e-12)


def test_missed_objects_are_found_at_no_threshold_of_the_plot():
    batch = batch_of(**IMAGES)
    thresholds, tp, fp, tn, fn = value_of(batch, "ObjectDetectionConfusionMatrixPlot", class_id=0, num_thresholds=10)
    assert thresholds[:2].tolist() == [-1e-6, 0]
    assert [tp[0], fp[0], tn[0], fn[0]] == [2, 2, 0, 1]
    assert [tp[4], fp[4], tn[4], fn[4]] == [1, 1, 1, 2]  # scores above 0.3
    assert (tp + fn == 3).all()


def test_the_key_of_a_metric_of_one_class_has_the_class_but_not_that_of_coco():
    text = " ".join(asked(name) for name in sorted(BOXES))
    keys = {metric.class_name: metric.key for metric in metrics_of(config_of(text))}
    for class_name, key in keys.items():
        assert (key.sub_key is None) == class_name.startswith("COCO"), class_name
    assert keys["COCOMeanAverageRecall"].name == "mean_average_recall"
    assert keys["ObjectDetectionConfusionMatrixPlot"].name == ""


# Forms of the data ----------------------------------------------------------------------------------------------------


def padded(rows, width, length=6):
    values = np.full((len(rows), length, width), -1.0)
    for row, boxes in enumerate(rows):
        values[row, : len(boxes)] = np.reshape(boxes, (-1, width))
    return values


def test_arrays_with_padding_and_columns_side_by_side_are_what_lists_are():
    batch = hard_boxes(60)
    objects, detections = batch["labels"].to_pylist(), batch["predictions"].to_pylist()
    settings = {"class_id": 1, "iou_threshold": 0.3}
    expected = value_of(batch, "COCOAveragePrecision", **settings)
    arrays = {**batch, "labels": padded(objects, 5), "predictions": padded(detections, 6)}
    assert value_of(arrays, "COCOAveragePrecision", **settings) == expected

    # Outputs of a model, some of them columns of the data.
    numbers = padded(detections, 6)
    columns = {
        name: pa.array([[box[at] for box in boxes] for boxes in objects])
        for at, name in enumerate(["xmin", "ymin", "xmax", "ymax", "class"])
    }
    outputs = {"boxes": numbers[:, :, :4], "classes": numbers[:, :, 4], "scores": numbers[:, :, 5]}
    stacked = {**batch, "features": batch["features"] | columns, "predictions": outputs}
    del stacked["labels"]
    names = {"labels_to_stack": list(columns), "predictions_to_stack": list(outputs)}
    assert value_of(stacked, "COCOAveragePrecision", **settings, **names) == expected

    # A number says how many detections there are.
    filled = np.where(numbers == -1, 1.0, numbers)
    counts = {"n": np.array([len(boxes) for boxes in detections])}
    outputs = {"boxes": filled[:, :, :4], "classes": filled[:, :, 4], "scores": filled[:, :, 5]}
    only_real = [[box for box in boxes if box[4] >= 0] for boxes in detections]
    whole_rows = np.array([len(real) == len(boxes) for real, boxes in zip(only_real, detections, strict=True)])
    counted = take({**stacked, "predictions": outputs | counts}, whole_rows)
    counted_value = value_of(counted, "COCOAveragePrecision", **settings, **names, num_detections_key="n")
    assert counted_value == value_of(take(batch, whole_rows), "COCOAveragePrecision", **settings)


def test_images_without_boxes_are_images_in_which_nothing_is_found():
    nothing = batch_of([None, [], [[0, 0, 2, 2, 1]]], [[], None, None])
    assert value_of(nothing, "ObjectDetectionRecall", class_id=1) == 0
    assert value_of(nothing, "COCOAveragePrecision", class_id=1) == 0
    assert np.isnan(value_of(nothing, "ObjectDetectionPrecision", class_id=1))
    empty = batch_of([[]], [[]])
    assert np.isnan(value_of(empty, "COCOMeanAveragePrecision", class_ids=[0, 1]))


def test_columns_that_may_be_missing_are_rows_without_boxes():
    batch = batch_of(**IMAGES)
    names = {"predictions_to_stack": ["x", "y", "z", "u", "c", "s"], "class_id": 0}
    assert value_of(batch, "ObjectDetectionRecall", **names, allow_missing_key=True) == 0
    with pytest.raises(MissingColumnError, match=r"no column or output 'x' \(predictions_to_stack\)"):
        value_of(batch, "ObjectDetectionRecall", **names)


def test_columns_are_never_taken_for_the_predictions_of_several_models():
    batch = hard_boxes(20)
    numbers = padded(batch["predictions"].to_pylist(), 6)
    text = json.dumps(json.dumps({"class_id": 1, "predictions_to_stack": ["found"]}))
    metrics = f'metrics {{ class_name: "ObjectDetectionMaxRecall" config: {text} }}'
    outputs = {"new": {"found": numbers}, "old": {"found": np.full_like(numbers, -1)}}
    values = whole({**batch, "predictions": outputs}, config_of_two(metrics))[()]
    assert {metric.stream.model_name: value > 0 for metric, value in values.items()} == {"new": True, "old": False}
    one_column = {**batch, "features": batch["features"] | {"found": numbers}, "predictions": {"new": {}, "old": {}}}
    with pytest.raises(MissingColumnError, match=r"model 'new' has no output 'found'.*prediction_keys"):
        whole(one_column, config_of_two(metrics))


# What is refused ------------------------------------------------------------------------------------------------------

GOOD = [[0, 0, 2, 2, 1, 0.5]]


@pytest.mark.parametrize(
    ("labels", "predictions", "message"),
    [
        ([[5, 0, 2, 2, 1]], GOOD, r"maximum is below its minimum: column 'labels' has a box \[5, 0, 2, 2, 1\]"),
        ([[0, 9, 2, 2, 1]], GOOD, r"maximum is below its minimum"),
        ([[0, 0, 2, 2, 1]], [[0, 0, 2, 2, 1, np.nan]], r"missing or infinite: column 'predictions' has a box"),
        ([[0, 0, 2, 2, 1]], [[0, 0, 2, 2, 1, None]], r"missing or infinite"),
        ([[0, 0, np.inf, 2, 1]], GOOD, r"missing or infinite"),
        ([[0, 0, 2, 2, 1.5]], GOOD, r"class id of a box that is none"),
        ([[0, 0, 2, 2, -2]], GOOD, r"class id of a box that is none"),
        ([[0, 0, 2, 2, 1]], [*GOOD, [0, 0, 2, 2, 1]], r"too many or too few numbers"),
        ([[0, 0, 2, 2, 1]], [[0, 0, 2, 2, 1, 5]], r"prediction outside \[0, 1\]: column 'predictions' has the scores"),
    ],
)
def test_a_bad_box_is_an_error_that_names_row_and_column_or_leaves_the_row_out(labels, predictions, message):
    from assay.metrics.analysis import Analysis
    from assay.metrics.engine import Accumulator
    from assay.metrics.states.slice_limit import SliceLimit
    from assay.slicing.specs import slicings_of
    from tests.metrics.engine import sliced

    batch = batch_of([[[0, 0, 2, 2, 1]], labels], [GOOD, predictions])
    config = config_for("ObjectDetectionPrecision", class_id=1)
    with pytest.raises(BadRowError, match=r"row 1: .*" + message + r".*on_bad_rows: skip"):
        whole(batch, config)

    limit = SliceLimit(slicings_of(config), 10)
    accumulator = Accumulator(Analysis(metrics_of(config), limit, skip_bad_rows=True))
    assert sum(accumulator.add(sliced(batch, 0, limit.slicings)).values()) == 1
    ((_, (_, part)),) = accumulator.parts()
    assert part.rows.tolist() == [1]


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"labels": np.zeros((2, 5))}, r"column 'labels' has shape \(2, 5\), which are no lists of boxes"),
        ({"labels": np.zeros((2, 3, 4))}, r"no lists of boxes \[xmin, ymin, xmax, ymax, class id\].*labels_to_stack"),
        ({"labels": pa.array([[1.0, 2.0], [3.0]])}, r"column 'labels' has type list<item: double>"),
        ({"labels": pa.array(["a", "b"])}, r"expected numbers"),
        ({"predictions": np.zeros((2, 1, 5))}, r"column 'predictions' has shape"),
    ],
)
def test_columns_that_are_no_lists_of_boxes_are_refused(columns, message):
    with pytest.raises(ColumnTypeError, match=message):
        value_of({**batch_of(**IMAGES), **columns}, "ObjectDetectionPrecision", class_id=0)


def test_columns_side_by_side_of_different_lengths_or_widths_are_refused():
    batch = batch_of(**IMAGES)
    numbers = padded(IMAGES["labels"], 5, 2)
    batch["features"] |= {
        "corners": numbers[:, :, :4],
        "short": pa.array([[0.0], [0.0, 0.0]]),
        "class": numbers[:, :, 4],
    }
    with pytest.raises(BadRowError, match=r"row 0: columns of boxes of different lengths: .*'corners' 2, 'short' 1"):
        value_of(batch, "ObjectDetectionRecall", class_id=0, labels_to_stack=["corners", "short"])
    with pytest.raises(ColumnTypeError, match=r"have 9 numbers a box together .*expected 5: xmin"):
        value_of(batch, "ObjectDetectionRecall", class_id=0, labels_to_stack=["corners", "corners", "class"])


@pytest.mark.parametrize(
    ("class_name", "settings", "message"),
    [
        ("ObjectDetectionPrecision", {}, "needs the setting 'class_id'"),
        ("COCOMeanAveragePrecision", {}, "needs the setting 'class_ids'"),
        ("ObjectDetectionPrecision", {"class_id": [1, 2]}, "class_id"),
        ("COCOAveragePrecision", {"class_id": [1, 2]}, "one value, not several, for class_id"),
        ("COCOAveragePrecision", {"class_id": 1, "iou_threshold": [0.5, 0.75]}, "not several, for iou_threshold"),
        ("COCOAveragePrecision", {"class_id": -1}, "0 or more"),
        ("COCOAveragePrecision", {"class_id": 1, "iou_threshold": 2}, "from 0 to 1"),
        ("COCOAveragePrecision", {"class_id": 1, "area_range": [5, 1]}, "area_range must be two numbers"),
        ("COCOAveragePrecision", {"class_id": 1, "area_range": [5]}, "area_range must be two numbers"),
        ("COCOAveragePrecision", {"class_id": 1, "max_num_detections": 0}, "must be above 0"),
        ("COCOAveragePrecision", {"class_id": 1, "recalls": [0.5], "num_recalls": 3}, "exclude each other"),
        ("COCOMeanAveragePrecision", {"class_ids": [1, 2], "class_weights": [1]}, "one weight for each class"),
        ("COCOMeanAveragePrecision", {"class_ids": [1, 1]}, "each of them once"),
        ("ObjectDetectionPrecisionAtRecall", {"class_id": 1, "recall": 2}, "number from 0 to 1"),
        ("ObjectDetectionPrecision", {"class_id": 1, "iou": 0.5}, "no setting 'iou'"),
    ],
)
def test_settings_that_cannot_be_are_refused(class_name, settings, message):
    with pytest.raises(EvalConfigError, match=message):
        metrics_of(config_for(class_name, **settings))


def test_classes_are_asked_for_by_the_metric_alone():
    text = 'metrics { class_name: "COCOAveragePrecision" config: \'"class_id": 1\' }'
    for more in ("binarize { class_ids { values: 1 } }", "aggregate { micro_average: true }", 'query_key: "q"'):
        with pytest.raises(EvalConfigError, match=r"without binarize, aggregate and query_key"):
            metrics_of(config_of(f"{text} {more}"))


def test_rows_left_out_elsewhere_keep_their_boxes():
    batch = hard_boxes(30)
    assert row_count(batch) == 30
    half = take(batch, np.arange(0, 30, 2))
    assert value_of(half, "ObjectDetectionMaxRecall", class_id=1) == value_of(
        take(half, np.arange(15)[::-1]), "ObjectDetectionMaxRecall", class_id=1
    )
