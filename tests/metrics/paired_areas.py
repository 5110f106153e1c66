"""Differences of areas through the tables of the engine: of many draws at once, each a slice of its own."""

from typing import Any

import numpy as np

from assay.metrics.computations.drawn_pairs import DrawnPairs
from assay.metrics.computations.score_bins import ScoreBins
from assay.metrics.computations.scores import ScoreCurve
from assay.metrics.computations.squares import SquaredClasses
from assay.metrics.entries.examples import Examples
from assay.metrics.row_hashes import mixed
from assay.metrics.spreads.paired_areas import PairedAreas

CURVE = ScoreCurve()


def interval_of(labels, scores, others, weights=None):
    """The interval of each draw; all arguments (draws, rows)."""
    draws, rows = scores.shape
    is_weighted = weights is not None
    of_rows = np.broadcast_to(labels, scores.shape).astype(float).reshape(-1)
    weights = weights.reshape(-1) if is_weighted else np.ones(scores.size)
    slices = np.repeat(np.arange(draws), rows)
    models = [_Tables(slices, Examples(of_rows, of.reshape(-1), weights)) for of in (scores, others)]
    hashes = mixed(np.arange(scores.size, dtype=np.uint64))
    both = models[0].examples._replace(of_baseline=others.reshape(-1), hashes=hashes)
    pairs = _Tables(slices, both)
    formula = PairedAreas(CURVE, is_weighted)
    return formula.interval(*formula.read(_States(pairs, models, draws)))


class _Tables:
    """States of the tables of one stream."""

    def __init__(self, slices, examples):
        self.examples, self._states = examples, {}
        of_pairs = examples.of_baseline is not None
        for table in [DrawnPairs()] if of_pairs else [*CURVE.tables(), *SquaredClasses().tables()]:
            store: Any = table.empty()
            added = table.contribution(examples, ScoreBins(examples))
            own = slices if added.entries is None else slices[added.entries]
            store.add(own, int(slices[-1]) + 1, added)
            self._states[type(table)] = table, store.take(np.arange(int(slices[-1]) + 1))

    def read(self, lanes):
        def states(table):
            held, state = self._states[type(table)]
            counts = state.entry_counts
            return held, state.read(lanes, 1 if counts is None else int(counts[lanes].max()))

        return states


class _States:
    def __init__(self, pairs, models, draws):
        self._pairs, self._models, self._draws = pairs, models, draws

    def __call__(self, table):
        return self._pairs.read(np.arange(self._draws))(table)

    def of_model(self, number):
        for lanes in np.array_split(np.arange(self._draws), max(1, self._draws // 50)):
            yield lanes, self._models[number].read(lanes)
