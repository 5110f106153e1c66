"""Pixels of masks by class, and what is no mask."""

import io
import json

import numpy as np
import pyarrow as pa
import pytest
from PIL import Image
from sklearn.metrics import multilabel_confusion_matrix

from assay.errors import BadRowError, ColumnTypeError, EvalConfigError, MissingColumnError
from assay.metrics.binding.bound import metrics_of
from tests.metrics.engine import config_of, whole
from tests.metrics.hard_data import hard_masks

TRUTH = [[[1, 2, 3], [1, 2, 3]], [[2, 2, 3], [1, 2, 3]]]
FOUND = [[[1, 1, 1], [2, 2, 2]], [[2, 1, 1], [2, 2, 2]]]
KEYS = {"ground_truth_key": "mask", "prediction_key": "found"}
PLAIN = {**KEYS, "decode_ground_truth": False}


def png(pixels, kind=np.uint8):
    written = io.BytesIO()
    Image.fromarray(np.asarray(pixels, kind)).save(written, format="PNG")
    return written.getvalue()


def values_of(columns, class_name="SemanticSegmentationConfusionMatrix", **settings):
    """Class -> the value of all rows; of matrices tp, fp, tn, fn."""
    text = json.dumps(json.dumps(settings))
    config = config_of(f'metrics {{ class_name: "{class_name}" config: {text} }}', weighted=False)
    rows = len(next(iter(columns.values())))
    found = whole({"features": {"n": np.arange(rows), **columns}}, config)[()]
    return {m.key.sub_key.class_id: np.asarray(v)[1:, 0] if np.ndim(v) else float(v) for m, v in found.items()}


def test_values_are_those_that_tfma_publishes():
    columns = {"mask": pa.array([png(one) for one in TRUTH]), "found": pa.array([png(one) for one in FOUND])}
    both = {"class_ids": [1, 2], "decode_prediction": True, **KEYS}
    assert {k: v.tolist() for k, v in values_of(columns, **both).items()} == {1: [1, 4, 5, 2], 2: [3, 4, 3, 2]}
    ignoring = {**both, "ignore_ground_truth_id": 3}
    found = values_of(columns, **ignoring)
    assert {k: v.tolist() for k, v in found.items()} == {1: [1, 2, 3, 2], 2: [3, 2, 1, 2]}
    assert values_of(columns, "SemanticSegmentationTruePositive", **ignoring) == {1: 1, 2: 3}
    assert values_of(columns, "SemanticSegmentationFalsePositive", **ignoring) == {1: 2, 2: 2}


def test_counts_are_those_of_scikit_learn_whatever_the_form_of_the_masks():
    rng = np.random.default_rng(3)
    truth, found = rng.integers(0, 5, (2, 7, 6, 9))
    expected = multilabel_confusion_matrix(truth.ravel(), found.ravel(), labels=[0, 3, 4])
    forms = {
        "arrays": {"mask": truth, "found": found.astype(float)},
        "lists": {"mask": pa.array(truth.tolist()), "found": pa.array(found.tolist())},
    }
    for form, columns in forms.items():
        values = values_of(columns, class_ids=[0, 3, 4], **PLAIN)
        for (tn, fp, fn, tp), value in zip(expected.reshape(3, 4), values.values(), strict=True):
            assert value.tolist() == [tp, fp, tn, fn], form
    images = {"mask": pa.array([png(one) for one in truth]), "found": found}
    assert str(values_of(images, class_ids=[0, 3, 4], **KEYS)) == str(values)


def test_class_ids_of_large_and_palette_images_are_kept():
    deep = np.array([[300, 2], [300, 7]])
    palette = Image.fromarray(np.array([[3, 2], [3, 7]], np.uint8), mode="P")
    palette.putpalette(list(range(256)) * 3)
    written = io.BytesIO()
    palette.save(written, format="PNG")
    columns = {"mask": pa.array([png(deep, np.uint16)]), "found": [deep]}
    assert values_of({**columns, "found": np.array([deep])}, class_ids=[300], **KEYS)[300].tolist() == [2, 0, 2, 0]
    columns = {"mask": pa.array([written.getvalue()]), "found": np.array([[[3, 3], [3, 7]]])}
    assert values_of(columns, class_ids=[3], **KEYS)[3].tolist() == [2, 1, 1, 0]


def test_images_of_different_sizes_and_no_images_are_counted_together():
    columns = {"mask": pa.array([[[1, 1]], [[1], [0]], []]), "found": pa.array([[[1, 0]], [[1], [1]], []])}
    assert values_of(columns, class_ids=[1], **PLAIN)[1].tolist() == [2, 1, 0, 1]


@pytest.mark.parametrize(
    ("mask", "message"),
    [
        (b"\x89no png", r"mask that is no image of class ids: column 'mask' has no mask: cannot identify"),
        (None, r"column 'mask' has no value"),
        (png(np.zeros((2, 3, 3))), r"has an image of shape \(2, 3, 3\); expected \(height, width\)"),
        (png(np.zeros((3, 2))), r"masks of different sizes: 'mask' has 3 x 2 pixels and 'found' has 2 x 3 pixels"),
    ],
)
def test_what_is_no_mask_is_an_error_that_names_row_and_column(mask, message):
    columns = {"mask": pa.array([png(TRUTH[0]), mask], pa.binary()), "found": np.array(FOUND)}
    with pytest.raises(BadRowError, match=r"row 1: .*" + message + r".*on_bad_rows: skip"):
        values_of(columns, class_ids=[1], **KEYS)


@pytest.mark.parametrize(
    ("columns", "settings", "error", "message"),
    [
        (
            {"mask": np.array(TRUTH)},
            KEYS,
            ColumnTypeError,
            "'mask' holds no encoded images.*decode_ground_truth: false",
        ),
        ({"found": pa.array([b"a", b"b"])}, PLAIN, ColumnTypeError, "'found' holds no lists of class ids.*decode_pred"),
        ({"found": np.array([1, 2])}, PLAIN, ColumnTypeError, "holds no lists of class ids"),
        ({"found": np.array(FOUND) - 0.5}, PLAIN, BadRowError, "pixels that are no class ids"),
        ({"found": np.array(FOUND) - 2}, PLAIN, BadRowError, "pixels that are no class ids"),
        ({}, {**PLAIN, "prediction_key": "fuond"}, MissingColumnError, "'fuond'.*did you mean 'found'"),
    ],
)
def test_columns_that_hold_no_masks_are_refused(columns, settings, error, message):
    with pytest.raises(error, match=message):
        values_of({"mask": np.array(TRUTH), "found": np.array(FOUND), **columns}, class_ids=[1], **settings)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (KEYS, "needs the setting 'class_ids'"),
        ({"class_ids": [1]}, "needs the setting 'ground_truth_key'"),
        ({"class_ids": [1, 1], **KEYS}, "each of them once"),
        ({"class_ids": [-1], **KEYS}, "0 or more"),
        ({"class_ids": [0.5], **KEYS}, "class_ids: expected a whole number"),
    ],
)
def test_settings_that_cannot_be_are_refused(settings, message):
    text = json.dumps(json.dumps(settings))
    with pytest.raises(EvalConfigError, match=message):
        metrics_of(config_of(f'metrics {{ class_name: "SemanticSegmentationTruePositive" config: {text} }}'))


def test_a_mask_counts_with_the_weight_of_its_row():
    batch = hard_masks(50)
    text = json.dumps(json.dumps({"class_ids": [0, 1], **PLAIN}))
    config = config_of(f'metrics {{ class_name: "SemanticSegmentationTruePositive" config: {text} }}')
    truth, found = (batch["features"][name] for name in ("mask", "found"))
    for metric, value in whole(batch, config)[()].items():
        both = (truth == metric.key.sub_key.class_id) & (found == metric.key.sub_key.class_id)
        assert value == pytest.approx((both.sum((1, 2)) * batch["example_weights"]).sum())
