"""Laws that hold for every registered metric and plot, and for users' own, on hard data."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assay.extracts.columns import row_count, take
from assay.metrics.declare import definitions
from assay.metrics.entries.sets import SetMatch
from assay.metrics.entries.views import Ranked

from .asked import (
    BOXES,
    MASKS,
    ONE_MODEL,
    OWN_OF_NUMBERS,
    OWN_OF_VECTORS,
    TWO_MODELS,
    asked,
    asked_own,
    of_different_names,
)
from .engine import EVERY_SLICE, config_of, config_of_two, cut, evaluated, whole
from .hard_data import (
    hard_attributions,
    hard_batch,
    hard_boxes,
    hard_classes,
    hard_masks,
    hard_pairs,
    hard_sets,
    hard_texts,
)

NAMES = of_different_names(
    name
    for name, definition in ONE_MODEL.items()
    if not definition.shows_data
    and not definition.is_by_feature
    and not definition.needs.reads.pairing
    and not isinstance(definition.needs.domain.view, Ranked)
)
"""Without those that show values of the data, and measures of ranked lists: test_samples.py, test_ranking.py."""
BY_FEATURE = [name for name, definition in ONE_MODEL.items() if definition.is_by_feature]
PAIRED = {name: d.needs.reads.pairing for name, d in ONE_MODEL.items() if d.needs.reads.pairing}
OF_SETS = of_different_names(name for name, pairing in PAIRED.items() if isinstance(pairing, SetMatch))
OF_TEXTS = of_different_names(set(PAIRED) - set(OF_SETS))
"""Those whose labels and predictions are no numbers."""

OF_VECTORS = [name for name in NAMES if definitions()[name].needs.domain.view]
EXACT = [asked(name, name=f"exact_{name}", exact=True) for name in ("AUC", "AUCPrecisionRecall", "ThresholdAtRecall")]
OWN = [asked_own(name) for name in OWN_OF_NUMBERS]
CONFIG = config_of(" ".join([asked(name) for name in NAMES if name not in OF_VECTORS] + EXACT + OWN), EVERY_SLICE)
BATCH = hard_batch(3000)
VECTOR_CONFIG = config_of(" ".join([*map(asked, OF_VECTORS), *map(asked_own, OWN_OF_VECTORS)]), EVERY_SLICE)
VECTOR_BATCH = hard_classes(3000)
PAIR_CONFIG = config_of_two(" ".join(asked(name) for name in TWO_MODELS), EVERY_SLICE)
PAIR_BATCH = hard_pairs(3000)
BOX_CONFIG = config_of(" ".join(asked(name) for name in BOXES), EVERY_SLICE)
BOX_BATCH = hard_boxes(3000)
MASK_CONFIG = config_of(" ".join(asked(name) for name in MASKS), EVERY_SLICE)
MASK_BATCH = hard_masks(3000)

SET_CONFIG, TEXT_CONFIG, FEATURE_CONFIG = (
    config_of(" ".join(asked(name) for name in names), EVERY_SLICE) for names in (OF_SETS, OF_TEXTS, BY_FEATURE)
)
SET_BATCH, TEXT_BATCH, FEATURE_BATCH = hard_sets(3000), hard_texts(150), hard_attributions(3000)

numbers_and_vectors = pytest.mark.parametrize(
    ("batch", "config"),
    [
        (BATCH, CONFIG),
        (VECTOR_BATCH, VECTOR_CONFIG),
        (PAIR_BATCH, PAIR_CONFIG),
        (BOX_BATCH, BOX_CONFIG),
        (MASK_BATCH, MASK_CONFIG),
        (SET_BATCH, SET_CONFIG),
        (TEXT_BATCH, TEXT_CONFIG),
        (FEATURE_BATCH, FEATURE_CONFIG),
    ],
    ids=["numbers", "vectors", "two models", "boxes", "masks", "sets", "texts", "attributions"],
)
"""What is for numbers, needs a number for each class, compares models, or is of images, sets, texts or features."""


def assert_same(found, expected, **tolerance):
    assert set(found) == set(expected)
    for key, values in expected.items():
        for metric, value in values.items():
            np.testing.assert_allclose(found[key][metric], value, err_msg=f"{metric.class_name} {key}", **tolerance)


def assert_identical(found, expected):
    assert set(found) == set(expected)
    for key, values in expected.items():
        for metric, value in values.items():
            np.testing.assert_array_equal(found[key][metric], value, err_msg=f"{metric.class_name} {key}")


def test_every_family_is_registered_and_every_metric_is_computed_on_every_slice():
    found, of_vectors, of_pairs, of_boxes, of_masks = (
        whole(batch, config)
        for batch, config in (
            (BATCH, CONFIG),
            (VECTOR_BATCH, VECTOR_CONFIG),
            (PAIR_BATCH, PAIR_CONFIG),
            (BOX_BATCH, BOX_CONFIG),
            (MASK_BATCH, MASK_CONFIG),
        )
    )
    assert len(NAMES) > 40
    assert found.keys() == of_vectors.keys() == of_pairs.keys()
    for key, values in found.items():
        all_names = {*NAMES, *OWN_OF_NUMBERS, *OWN_OF_VECTORS}
        assert {metric.class_name for metric in [*values, *of_vectors[key]]} == all_names
        assert {metric.class_name for metric in of_pairs[key]} == set(TWO_MODELS)
        assert {metric.class_name for metric in of_boxes[key]} == set(BOXES)
        assert {metric.class_name for metric in of_masks[key]} == set(MASKS)


@numbers_and_vectors
@settings(max_examples=6, deadline=None)
@given(st.lists(st.integers(0, 900), min_size=1, max_size=6), st.permutations(range(7)))
def test_the_same_batches_give_the_same_bits_whatever_the_order_in_which_their_splits_arrive(
    batch, config, sizes, order
):
    most = row_count(batch) // 7
    pieces = [(i, [piece]) for i, piece in enumerate(cut(batch, *(min(s, most) for s in sizes)))]
    shuffled = sorted(pieces, key=lambda piece: order[piece[0]])
    assert_identical(evaluated(shuffled, config), evaluated(pieces, config))


@numbers_and_vectors
@settings(max_examples=6, deadline=None)
@given(st.lists(st.integers(0, 700), min_size=1, max_size=4))
def test_values_do_not_depend_on_where_batches_and_splits_are_cut(batch, config, sizes):
    pieces = cut(batch, *(min(s, row_count(batch) // 5) for s in sizes))
    splits = [(i, pieces[i::3]) for i in range(3)]
    assert_same(evaluated(splits, config), whole(batch, config), rtol=1e-9, atol=1e-12)


@numbers_and_vectors
def test_the_order_of_rows_does_not_matter(batch, config):
    shuffled = take(batch, np.random.default_rng(1).permutation(row_count(batch)))
    assert_same(whole(shuffled, config), whole(batch, config), rtol=1e-9, atol=1e-12)


@numbers_and_vectors
def test_an_integer_weight_is_that_many_rows(batch, config):
    weights = np.random.default_rng(2).integers(0, 4, row_count(batch))
    weighted = whole({**batch, "example_weights": weights.astype(float)}, config)
    repeated = whole(
        take({**batch, "example_weights": np.ones(len(weights))}, np.repeat(np.arange(len(weights)), weights)), config
    )
    assert_same({k: v for k, v in weighted.items() if k in repeated}, repeated, rtol=1e-9, atol=1e-12)


@numbers_and_vectors
def test_scaling_all_weights_scales_sums_and_leaves_ratios(batch, config):
    scaled = whole({**batch, "example_weights": batch["example_weights"] * 8}, config)
    for key, values in whole(batch, config).items():
        for metric, value in values.items():
            if not metric.definition.is_number:
                continue
            factor = 8 if metric.definition.adds_up else 1
            np.testing.assert_allclose(scaled[key][metric], value * factor, rtol=1e-9, err_msg=metric.class_name)


@numbers_and_vectors
def test_a_slice_has_the_values_that_its_rows_have_alone(batch, config):
    everything = whole(batch, config)
    groups = np.array(batch["features"]["group"].to_pylist())
    for group in np.unique(groups):
        alone = whole(take(batch, groups == group), config)[()]
        assert_same({(): everything[(("group", str(group)),)]}, {(): alone}, rtol=1e-9, atol=1e-12)


@numbers_and_vectors
def test_a_slice_without_weight_has_undefined_ratios_and_zero_sums(batch, config):
    nothing = whole({**batch, "example_weights": np.zeros(row_count(batch))}, config)
    for metric, value in nothing[()].items():
        if np.ndim(value) == 0:
            is_as_expected = value == 0 if metric.definition.adds_up else np.isnan(value)
            assert is_as_expected, metric.class_name


def test_just_the_values_that_are_declared_to_add_up_do():
    parts = [whole(piece, CONFIG)[()] for piece in cut(BATCH, 1000)]
    for metric, value in whole(BATCH, CONFIG)[()].items():
        if np.isfinite(value).all() or np.ndim(value):  # losses of this data are infinite
            first = 0 if np.ndim(value) == 0 else 2 if metric.class_name == "CalibrationPlot" else 1  # behind the edges
            total = sum(np.atleast_1d(part[metric])[first:] for part in parts)
            adds_up = np.allclose(total, np.atleast_1d(value)[first:], rtol=1e-9)
            assert adds_up == metric.definition.adds_up, metric.class_name


@pytest.mark.parametrize("label", [0.0, 1.0])
def test_a_slice_of_one_class_has_no_area_under_the_roc_curve(label):
    batch = {**BATCH, "labels": np.full(row_count(BATCH), label)}
    values = {metric.class_name: value for metric, value in whole(batch, CONFIG)[()].items()}
    assert np.isnan(values["AUC"])
    assert np.isnan(values["AUCPrecisionRecall"]) == (label == 0)


def test_a_curve_with_points_left_out_has_the_area_of_the_full_curve():
    from assay.metrics.computations.curve import Curve
    from assay.metrics.families.curves import area_under_precision_recall, area_under_roc

    rng = np.random.default_rng(3)
    steps = rng.integers(0, 3, (5, 40)) * rng.lognormal(0, 1, (5, 40)) * (rng.random((5, 40)) < 0.4)
    pos, neg = steps, np.roll(steps, 7, axis=1)
    tp, fp = (np.flip(np.cumsum(np.flip(x, 1), 1), 1) for x in (pos, neg))
    full = Curve(np.tile(np.arange(40.0), (5, 1)), tp, fp, fp[:, :1] - fp, tp[:, :1] - tp)
    doubled = Curve(*(np.repeat(field, 3, axis=1) for field in full))
    for area in (area_under_roc, area_under_precision_recall):
        np.testing.assert_allclose(area(doubled), area(full), rtol=1e-12)
