"""Predictions that are their labels: texts, JSON, sets of classes.

Rows are compared whole, so these metrics have no classes to ask for. A row without a list has an empty set.
"""

from __future__ import annotations

from functools import partial

from assay.metrics import declare
from assay.metrics.arithmetic import ratio
from assay.metrics.computations.curve import Curve
from assay.metrics.computations.matched import Matched
from assay.metrics.computations.set_counts import SetCounts
from assay.metrics.computations.terms import ErrorTerms
from assay.metrics.spreads.rates import Rate
from assay.metrics.values import Floats

metric = partial(declare.metric, better="higher", range="[0, 1]")


@metric("ExactMatch", needs=Matched(), undefined="weights sum to 0", spread=Rate(("error",), whole="weight"))
def exact_match(m: ErrorTerms) -> Floats:
    """Share of rows whose prediction equals the label; of lists all values must, in the same order.

    With `convert_to` "json" the values that texts stand for are compared, so that neither space nor the order of names
    counts.
    """
    return ratio(m.error, m.weight)


@metric("SetMatchPrecision", needs=SetCounts(), undefined="no predicted classes")
def set_match_precision(c: Curve) -> Floats:
    """Share of the predicted classes that are labels of their row.

    A class is predicted if its score is above `thresholds`: 0.5, or below every score with `top_k`, which takes the
    first k classes of a row. `weight_key` is a column with a weight for each class of `class_key`, or of the label.
    """
    return ratio(c.tp, c.tp + c.fp)


@metric("SetMatchRecall", needs=SetCounts(), undefined="no labels")
def set_match_recall(c: Curve) -> Floats:
    """Share of the classes that are labels which are predicted; settings as for `SetMatchPrecision`."""
    return ratio(c.tp, c.tp + c.fn)
