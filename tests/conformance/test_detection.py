"""Metrics of boxes, against TFMA itself: of columns side by side, as its own reader drops lists of lists.

Every image has objects and detections, every class objects in each slice, and no score is 0: else TFMA is wrong, see
docs/coming-from-tfma.md. tests/metrics/test_detection.py holds our values against pycocotools there.
"""

import json
from typing import Any

import numpy as np
import pandas as pd
import pytest

import assay
from assay.results.keys import metric_key_from_proto, plot_key_from_proto, slice_key_from_proto
from tests.conformance.both import assert_same, results_of_both
from tests.conformance.record_numbers import matrices_in, number_in
from tests.conformance.recorded import SOURCES
from tests.metrics.asked import BOXES

IMAGES = 80
OBJECT = ["xmin", "ymin", "xmax", "ymax", "class"]
DETECTION = ["found_xmin", "found_ymin", "found_xmax", "found_ymax", "found_class", "score"]
ONE = {"class_id": 1, "iou_threshold": 0.4}
LEVELS = [i / 40 + 0.001 for i in range(39)]
ASKED: dict[str, Any] = {
    "ObjectDetectionPrecision": {**ONE, "thresholds": [0.2, 0.6]},
    "ObjectDetectionRecall": {**ONE, "thresholds": [0.2, 0.6], "max_num_detections": 2},
    "ObjectDetectionMaxRecall": {**ONE, "area_range": [20, 60]},
    "ObjectDetectionPrecisionAtRecall": {**ONE, "thresholds": LEVELS, "recall": [0.3, 0.5]},
    "ObjectDetectionThresholdAtRecall": {**ONE, "thresholds": LEVELS, "recall": [0.3, 0.5]},
    "ObjectDetectionConfusionMatrixPlot": {**ONE, "num_thresholds": 50},
    "COCOAveragePrecision": {**ONE, "num_thresholds": 200},
    "COCOMeanAveragePrecision": {"class_ids": [0, 1], "iou_thresholds": [0.3, 0.6], "num_thresholds": 200},
    "COCOAverageRecall": {"class_id": 1, "max_num_detections": 3},
    "COCOMeanAverageRecall": {"class_ids": [0, 1], "iou_thresholds": [0.2, 0.5]},
}


def rows():
    rng = np.random.default_rng(12)
    images = []
    for image in range(IMAGES):
        corner, size = rng.integers(0, 20, (4, 2)), rng.integers(3, 12, (4, 2))
        objects = np.hstack([corner, corner + size, rng.permutation([[0], [1], [0], [1]])]).astype(float)
        found = np.repeat(objects, 2, axis=0)[rng.permutation(8)[: rng.integers(2, 9)]]
        found[:, :4] += np.tile(rng.integers(-2, 3, (len(found), 2)), 2)
        numbers = np.hstack([found, rng.uniform(0.01, 0.99, (len(found), 1))])
        cells = dict(zip(OBJECT, objects.T, strict=True)) | dict(zip(DETECTION, numbers.T, strict=True))
        images.append({**cells, "group": "ab"[image % 2]})
    return pd.DataFrame(images)


def config():
    stacks = {"labels_to_stack": OBJECT, "predictions_to_stack": DETECTION}
    texts = {name: json.dumps(json.dumps({**own, **stacks})[1:-1]) for name, own in ASKED.items()}
    metrics = "".join(f'metrics {{ class_name: "{name}" config: {text} }} ' for name, text in texts.items())
    slices = 'slicing_specs {} slicing_specs { feature_keys: "group" }'
    return f"model_specs {{}} {slices} metrics_specs {{ {metrics} }}"


def values_in(folder):
    """(slice, key without its model) -> value."""
    found: dict[Any, Any] = {}
    for record in assay.load_metrics(str(folder)):
        for entry in record.metric_keys_and_values:
            key = metric_key_from_proto(entry.key)
            found[slice_key_from_proto(record.slice_key), key.name, key.sub_key] = number_in(entry.value)
    for plots in assay.load_plots(str(folder)):
        for plot in plots.plot_keys_and_values:
            of_plot = plot_key_from_proto(plot.key)
            matrices = matrices_in(plot.value.confusion_matrix_at_thresholds)[2:, :5]  # up to 0, missed ones count
            found[slice_key_from_proto(plots.slice_key), of_plot.name, of_plot.sub_key] = matrices
    return found


def test_every_metric_of_boxes_is_compared():
    assert ASKED.keys() == BOXES.keys()


@pytest.mark.parametrize("source", SOURCES)
def test_every_value_is_that_of_tfma(tmp_path, source):
    expected, found = map(values_in, results_of_both("detection", rows(), config(), tmp_path, source))
    assert len(found) == 3 * len(ASKED)
    assert_same(found, expected)
