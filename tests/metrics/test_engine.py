"""The pass over batches, without Beam: what it takes, tells and hands out."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from assay.errors import BadRowError, ColumnTypeError, ConfigError, PipelineError
from assay.extracts.columns import row_count
from assay.metrics.analysis import Analysis
from assay.metrics.binding.bound import metrics_of
from assay.metrics.engine import Accumulator
from assay.metrics.entries.bad_rows import BAD_PREDICTION, BAD_WEIGHT, LABEL_OUT_OF_RANGE
from assay.metrics.row_checks import judge_columns
from assay.metrics.states.forest import UNPLACED, Forest
from assay.metrics.states.slice_limit import SliceLimit
from assay.slicing.specs import slicings_of

from .engine import EVERY_SLICE, analysis_of, config_of, cut, sliced, values_of, whole
from .hard_data import hard_batch

ROOT = Path(__file__).parents[2]
CONFIG = config_of('metrics { class_name: "ExampleCount" } metrics { class_name: "Precision" }', EVERY_SLICE)
ANALYSIS = analysis_of(CONFIG)
SKIPPING = Analysis(ANALYSIS.metrics, ANALYSIS.limit, skip_bad_rows=True)
BATCH = hard_batch(400)


def batch_of(predictions, labels=None, weights=None):
    rows = len(predictions)
    return {
        "features": {"group": np.repeat("a", rows), "level": np.zeros(rows, np.int64)},
        "labels": np.zeros(rows) if labels is None else np.array(labels),
        "predictions": np.array(predictions),
        "example_weights": np.ones(rows) if weights is None else np.array(weights),
    }


def added(*batches, analysis=ANALYSIS, split=0):
    accumulator = Accumulator(analysis)
    told = [accumulator.add(sliced(batch, split, analysis.slicings)) for batch in batches]
    return accumulator, told


WITHOUT_BEAM = """
import sys
from tests.metrics import asked, engine, hard_data

names = [name for name in asked.of_different_names(asked.ONE_MODEL) if not asked.ONE_MODEL[name].needs.domain.view]
config = engine.config_of(" ".join(map(asked.asked, names)))
assert len(engine.whole(hard_data.hard_batch(50), config)[()]) == len(names) > 40
assert not {"apache_beam", "tensorflow"} & sys.modules.keys()
"""


def test_every_metric_is_computed_without_beam():
    run = subprocess.run([sys.executable, "-c", WITHOUT_BEAM], cwd=ROOT, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr


def test_parts_are_of_a_slicing_a_block_and_a_node_of_the_splits():
    accumulator = Accumulator(ANALYSIS)
    for split, batch in enumerate(cut(BATCH, 100, 100, 100)):
        accumulator.add(sliced(batch, split, ANALYSIS.slicings))
    parts = list(accumulator.parts())
    assert {key[0] for key, _ in parts} == {0, 1, 2}
    assert {node for _, (node, _) in parts if node[0] == 2} == {(2, 0)}  # four splits have become one node
    assert {key for _, (_, part) in parts for key in part.keys} == set(whole(BATCH, CONFIG))
    assert list(accumulator.parts()) == []  # they were taken out


def test_what_does_not_say_its_split_is_added_up_all_the_same():
    accumulator = Accumulator(ANALYSIS)
    for piece in cut(BATCH, 150):
        accumulator.add(
            {key: column for key, column in sliced(piece, 0, ANALYSIS.slicings).items() if key != "_source"}
        )
    forest = Forest()
    for (slicing, _), (node, part) in accumulator.parts():
        if slicing == 0:
            forest.add(node, part)
    assert list(forest.nodes) == [UNPLACED]
    expected = whole(BATCH, CONFIG)[()]
    assert values_of(forest.total(), ANALYSIS)[()] == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(
    ("predictions", "labels", "weights", "told"),
    [
        ([0.1, np.nan, 0.3], [0.0, 1.0, 1.0], [1.0, 1.0, 1.0], {BAD_PREDICTION: 1}),
        ([0.1, 0.2, 0.3], [0.0, 7.0, 7.0], [1.0, 1.0, 1.0], {LABEL_OUT_OF_RANGE: 2}),
        ([np.nan, np.nan, 0.3], [0.0, 1.0, 1.0], [1.0, 1.0, -1.0], {BAD_PREDICTION: 2, BAD_WEIGHT: 1}),
        ([np.nan, 0.2, 0.3], [0.0, 1.0, 1.0], [-1.0, 1.0, 1.0], 1),
        ([0.1, 0.2, 0.3], [0.0, 1.0, 1.0], [1.0, 1.0, 1.0], {}),
    ],
)
def test_bad_rows_are_told_by_reason_each_once_and_left_out(predictions, labels, weights, told):
    """A row with two reasons counts under one of them."""
    good = batch_of([0.5] * 10)
    accumulator, (nothing, reasons) = added(good, batch_of(predictions, labels, weights), analysis=SKIPPING)
    assert nothing == {}
    bad_rows = {reason: rows for reason, rows in reasons.items() if rows}
    assert bad_rows == told or sum(bad_rows.values()) == told
    kept = [part.rows.tolist() for (slicing, _), (_, part) in accumulator.parts() if slicing == 0]
    assert kept == [[13 - sum(bad_rows.values())]]


def test_a_bad_row_ends_the_pass_where_it_is_not_skipped():
    with pytest.raises(BadRowError, match="split-3, row 1"):
        added(batch_of([0.5, np.nan, 0.5]), split=3)


def test_an_empty_batch_and_one_of_bad_rows_only_add_nothing():
    accumulator, told = added(batch_of([]), batch_of([np.nan]), analysis=SKIPPING)
    assert [sum(reasons.values()) for reasons in told] == [0, 1]
    assert list(accumulator.parts()) == []


def test_too_many_slices_and_missing_slice_keys_are_refused():
    few = Analysis(metrics_of(CONFIG), SliceLimit(slicings_of(CONFIG), 3))
    with pytest.raises(ConfigError, match="makes more than 3 slices"):
        added(BATCH, analysis=few)
    with pytest.raises(PipelineError, match="have no slice keys, only"):
        Accumulator(ANALYSIS).add(BATCH)


def test_columns_are_judged_over_all_passes():
    """Labels of -1 are few in one part of the data, and one of two classes in all of it."""
    asked = config_of('metrics { class_name: "ExampleCount" } metrics { class_name: "AUC" }')
    analysis = Analysis(metrics_of(asked), SliceLimit(slicings_of(asked), 10), skip_bad_rows=True)
    usual, odd = (
        added(batch_of(np.full(100, 0.5), labels), analysis=analysis)[0].tallies
        for labels in (np.arange(100) % 2.0, np.where(np.arange(100) % 2, 1.0, -1.0))
    )
    judge_columns([usual], analysis.asked)
    with pytest.raises(ColumnTypeError, match="AUC"):
        judge_columns([odd], analysis.asked)
    with pytest.raises(ColumnTypeError, match="AUC"):
        judge_columns([odd, usual], analysis.asked)


def test_rows_of_all_slices_are_counted_once_for_each_slicing():
    accumulator, _ = added(*cut(BATCH, 33, 200))
    rows: dict[int, int] = {}
    for (slicing, _), (_, part) in accumulator.parts():
        rows[slicing] = rows.get(slicing, 0) + int(part.rows.sum())
    assert rows == dict.fromkeys(range(3), row_count(BATCH))
