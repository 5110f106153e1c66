"""Predictions of a model beside those of the baseline, row by row. No labels are needed.

There is a value for each candidate, none for the baseline, and none without a baseline. A `value_threshold` bounds the
value; so does the `absolute` of a `change_threshold`, as in TFMA. `BooleanFlipRates` asks for the flip rates together.
"""

from __future__ import annotations

from functools import partial

from assay.metrics import declare
from assay.metrics.arithmetic import ratio
from assay.metrics.computations.pairs import Flips, FlipTerms, PairMean
from assay.metrics.computations.terms import ErrorTerms
from assay.metrics.spreads.rates import Rate
from assay.metrics.spreads.ratios import Ratio
from assay.metrics.values import Floats

_NO_WEIGHT = "weights sum to 0"
rate = partial(declare.metric, needs=Flips(), range="[0, 1]", undefined=_NO_WEIGHT)


@rate("SymmetricFlipRate", better="lower", spread=Rate(("neg_to_pos", "pos_to_neg"), whole="weight"))
def symmetric_flip_rate(f: FlipTerms) -> Floats:
    """Share of rows for which one model's prediction is above `threshold` and the other's is not."""
    return ratio(f.neg_to_pos + f.pos_to_neg, f.weight)


@rate("NegToNegFlipRate", spread=Rate(("neg_to_neg",), whole="weight"))
def neg_to_neg_flip_rate(f: FlipTerms) -> Floats:
    """Share of rows for which neither model's prediction is above `threshold`."""
    return ratio(f.neg_to_neg, f.weight)


@rate("NegToPosFlipRate", spread=Rate(("neg_to_pos",), whole="weight"))
def neg_to_pos_flip_rate(f: FlipTerms) -> Floats:
    """Share of rows for which the candidate's prediction is above `threshold` and the baseline's is not."""
    return ratio(f.neg_to_pos, f.weight)


@rate("PosToNegFlipRate", spread=Rate(("pos_to_neg",), whole="weight"))
def pos_to_neg_flip_rate(f: FlipTerms) -> Floats:
    """Share of rows for which the baseline's prediction is above `threshold` and the candidate's is not."""
    return ratio(f.pos_to_neg, f.weight)


@rate("PosToPosFlipRate", spread=Rate(("pos_to_pos",), whole="weight"))
def pos_to_pos_flip_rate(f: FlipTerms) -> Floats:
    """Share of rows for which both models' predictions are above `threshold`."""
    return ratio(f.pos_to_pos, f.weight)


@declare.metric(
    "SymmetricPredictionDifference",
    needs=PairMean("prediction_difference"),
    fixed=("weight", "of_vectors"),
    better="lower",
    range="[0, 2] for predictions of one sign",
    undefined=_NO_WEIGHT,
    spread=Ratio(),
)
def symmetric_prediction_difference(e: ErrorTerms) -> Floats:
    """Mean of 2 |a - b| / |a + b| for predictions a and b; 0 where they are equal, infinite where a = -b."""
    return ratio(e.error, e.weight)


@declare.metric(
    "ModelCosineSimilarity",
    needs=PairMean("cosine", "weight_of_cosine", of_vectors=True),
    fixed=("weight", "of_vectors"),
    better="higher",
    range="[-1, 1]",
    undefined="no row in which both models predict more than zeros",
    spread=Ratio(),
)
def model_cosine_similarity(e: ErrorTerms) -> Floats:
    """Mean cosine of the angle between the prediction vectors; a row in which one is all zeros is left out."""
    return ratio(e.error, e.weight)


declare.group(
    "BooleanFlipRates",
    declare.Group(
        {
            "SymmetricFlipRate": "flip_rate_name",
            "NegToNegFlipRate": "neg_to_neg_flip_rate_name",
            "NegToPosFlipRate": "neg_to_pos_flip_rate_name",
            "PosToNegFlipRate": "pos_to_neg_flip_rate_name",
            "PosToPosFlipRate": "pos_to_pos_flip_rate_name",
        }
    ),
)
