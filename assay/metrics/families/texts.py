"""Predicted texts beside the texts that they should be.

A label is a text, or a list of texts of which each would be right. The libraries of the field, rouge-score and
sacrebleu, split texts into words and compare them; the extra `text` brings both. `Rouge` asks for the first three,
with the `rouge_type`, or `name`, before their names.
"""

from __future__ import annotations

from functools import partial

import numpy as np

from assay.metrics import declare
from assay.metrics.arithmetic import ratio
from assay.metrics.binding.settings import flag, number, one_of
from assay.metrics.computations.text_sums import Bleu, BleuTerms, Rouge, RougeTerms
from assay.metrics.values import Floats

rouge = partial(
    declare.metric,
    needs=Rouge(),
    required=("rouge_type",),
    example='"rouge_type": "rouge1"',
    better="higher",
    range="[0, 1]",
    undefined="weights sum to 0",
)


@rouge("RougePrecision", name="{rouge_type}_precision")
def rouge_precision(r: RougeTerms) -> Floats:
    """Mean over rows of the share of a predicted text that its label has. Source: Lin (2004)."""
    return ratio(r.precision, r.weight)


@rouge("RougeRecall", name="{rouge_type}_recall")
def rouge_recall(r: RougeTerms) -> Floats:
    """Mean over rows of the share of a label that the predicted text has. Source: Lin (2004)."""
    return ratio(r.recall, r.weight)


@rouge("RougeFMeasure", name="{rouge_type}_fmeasure")
def rouge_fmeasure(r: RougeTerms) -> Floats:
    """Mean over rows of the harmonic mean of precision and recall. Source: Lin (2004)."""
    return ratio(r.fmeasure, r.weight)


declare.group(
    "Rouge",
    declare.Group(
        {"RougePrecision": "precision", "RougeRecall": "recall", "RougeFMeasure": "fmeasure"}, prefix="rouge_type"
    ),
)

_SMOOTHED_BY = {"none": 0.0, "exp": 0.0, "floor": 0.1, "add-k": 1.0}
"""How n-grams without a match are smoothed -> by how much, unless a config says."""


@declare.metric(
    "Bleu",
    needs=Bleu(),
    name="BLEU",
    better="higher",
    range="[0, 100]",
    undefined="no words",
    checks={
        "smooth_method": one_of(*_SMOOTHED_BY),
        "smooth_value": number,
        "use_effective_order": flag,
        "force": flag,
    },
)
def bleu(
    b: BleuTerms,
    *,
    smooth_method: str = "exp",
    smooth_value: float | None = None,
    use_effective_order: bool = False,
    force: bool = False,
) -> Floats:
    """Geometric mean of the shares of n-grams, for n from 1 to 4, that references have, in percent; short texts cost.

    It is sacrebleu's score of all rows together, with their weights. `force` changes nothing: there is no warning of
    texts that are in words already. `smooth_value` is for floor and add-k. Source: Papineni et al. (2002), Post (2018).
    """
    shares = _shares(b, smooth_method, _SMOOTHED_BY[smooth_method] if smooth_value is None else smooth_value)
    counts = ~np.isnan(shares) if use_effective_order else np.ones(shares.shape, bool)
    logs = np.where(counts, np.log(np.nan_to_num(shares)), 0.0)
    mean = np.exp(logs.sum(axis=-1) / np.maximum(counts.sum(axis=-1), 1))

    brevity = np.where(b.words < b.of_references, np.exp(1 - ratio(b.of_references, b.words)), 1.0)
    score = np.where(b.matches.sum(axis=-1) > 0, 100 * np.nan_to_num(brevity) * mean, 0.0)
    return np.where(b.words + b.of_references > 0, score, np.nan)


def _shares(b: BleuTerms, method: str, added: float) -> Floats:
    """Shares (..., 4) of n-grams with a match, smoothed where there is none; NaN beyond the longest predicted text."""
    more = np.where(np.arange(4) > 0, added, 0.0) if method == "add-k" else 0.0
    matches, every = b.matches + more, b.all + more
    is_none = matches == 0
    if method == "exp":
        matches = np.where(is_none, 0.5 ** np.cumsum(is_none, axis=-1), matches)
    elif method == "floor":
        matches = np.where(is_none, added, matches)
    is_known = np.cumprod(every > 0, axis=-1, dtype=bool)
    return np.where(is_known, ratio(matches, every), np.nan)
