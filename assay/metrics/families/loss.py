"""Losses of predicted probabilities or logits. Labels that are class ids become one-hot vectors.

`from_logits` says that predictions are logits. `label_smoothing` spreads that share of each label evenly over the
classes. A probability of 0 for what is true makes a loss infinite; 0 * ln 0 counts as 0. Keras, whose spelling of the
names (Crossentropy) is known too, keeps probabilities 1e-7 away from 0 and 1, so that such a row costs 16.1 there.
"""

from __future__ import annotations

from functools import partial

from assay.metrics import declare
from assay.metrics.arithmetic import ratio
from assay.metrics.computations.terms import CrossEntropy, ErrorTerms
from assay.metrics.spreads.ratios import Ratio
from assay.metrics.values import Floats

metric = partial(declare.metric, better="lower", range="[0, ∞]", fixed=("term",), spread=Ratio())
categorical = partial(metric, needs=CrossEntropy("categorical_crossentropy"))


@metric(
    "BinaryCrossEntropy",
    "BinaryCrossentropy",
    needs=CrossEntropy("binary_crossentropy"),
    name="binary_crossentropy",
    undefined="weights sum to 0",
)
def binary_crossentropy(e: ErrorTerms) -> Floats:
    """Weighted mean of -l ln p - (1 - l) ln(1 - p), over all entries of vectors; NaN without weight."""
    return ratio(e.error, e.weight)


@categorical("CategoricalCrossEntropy", "CategoricalCrossentropy", name="categorical_crossentropy")
@categorical("SparseCategoricalCrossentropy")
def categorical_crossentropy(e: ErrorTerms) -> Floats:
    """Weighted mean over rows of -sum(l ln(p / sum(p))), the sums over the classes; NaN without weight.

    From logits, p is their softmax.
    """
    return ratio(e.error, e.weight)
