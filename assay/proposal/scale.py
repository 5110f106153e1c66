"""What the numbers of a prediction are: probabilities, percents, logits, or scores of some other scale."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from assay.extracts.columns import Floats
from assay.proposal import names
from assay.proposal.yaml_words import number

_ROUNDING = 1e-6
_MORE_THAN_SCORES = 20.0
"""Numbers from 0 to 100 that reach beyond this are taken for percents."""


class Scale(NamedTuple):
    """What a model spec has to say about predictions.

    Attributes:
        link: "logit", "logit_each" or "".
        scale: "percent" or "".
        is_probability: whether they are probabilities then.
        why: in words.
    """

    link: str
    scale: str
    is_probability: bool
    why: str


def scale_of(numbers: Sequence[Floats], columns: Sequence[str], *, each: bool) -> Scale:
    """Tells the scale of predictions.

    Args:
        numbers: the columns' numbers, of any shapes.
        columns: their names.
        each: whether a row may have several classes, each of which has a probability of its own.
    """
    flat = np.concatenate([column.reshape(-1) for column in numbers])
    finite = flat[np.isfinite(flat)]
    if not len(finite):
        return Scale("", "", True, "no number in the sample")
    low, high = float(finite.min()), float(finite.max())
    between = f"from {number(low)} to {number(high)}"
    if low >= -_ROUNDING and high <= 1 + _ROUNDING:
        return Scale("", "", True, f"probabilities from {low:.3f} to {high:.3f}")
    if low >= 0 and high <= 100 and (high > _MORE_THAN_SCORES or any(map(names.says_percent, columns))):
        return Scale("", "percent", True, f"percents {between}")
    if low < 0 or any(map(names.says_logit, columns)):
        return Scale("logit_each" if each else "logit", "", True, f"taken for logits {between}")
    return Scale("", "", False, f"no probabilities, {between}: metrics of their order alone")
