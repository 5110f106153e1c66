"""What each feature contributed to the predictions.

A custom extractor adds `attributions` to the Extracts: feature -> one number a row, or a list of them, such as SHAP
values. `binarize` of the metrics spec picks a class, the k-th highest number of a list, or the k highest. The values
are in the output `attributions`; no threshold bounds them.
"""

from __future__ import annotations

from functools import partial

import numpy as np

from assay.metrics import declare
from assay.metrics.computations.attributions import Attributions, AttributionTerms
from assay.metrics.values import ByFeature, Floats, Objects

attributions = partial(declare.attributions, fixed=("absolute", "part"), is_estimate=False)
_SIGNED, _ABSOLUTE = Attributions(), Attributions(absolute=True)


@attributions("TotalAttributions", needs=_SIGNED, range="(-∞, ∞)", adds_up=True)
def total_attributions(a: AttributionTerms) -> ByFeature:
    """Sum of the attributions of each feature."""
    return _over(a.sums, np.ones(len(a.sums)))


@attributions("TotalAbsoluteAttributions", needs=_ABSOLUTE, range="[0, ∞)", adds_up=True)
def total_absolute_attributions(a: AttributionTerms) -> ByFeature:
    """Sum of the attributions of each feature without their signs."""
    return _over(a.sums, np.ones(len(a.sums)))


@attributions("MeanAttributions", needs=_SIGNED, range="(-∞, ∞)", undefined="weights sum to 0")
def mean_attributions(a: AttributionTerms) -> ByFeature:
    """Mean of the attributions of each feature over all rows."""
    return _over(a.sums, a.weight)


@attributions("MeanAbsoluteAttributions", needs=_ABSOLUTE, range="[0, ∞)", undefined="weights sum to 0")
def mean_absolute_attributions(a: AttributionTerms) -> ByFeature:
    """Mean of the attributions of each feature without their signs, over all rows."""
    return _over(a.sums, a.weight)


def _over(sums: Objects, weights: Floats) -> ByFeature:
    """Sums (s,) of each slice over its weight (s,); NaN without weight."""
    values = np.empty(len(sums), object)
    divisors = np.where(weights > 0, weights, np.nan).tolist()
    values[:] = [{name: one / divisor for name, one in of.items()} for of, divisor in zip(sums, divisors, strict=True)]
    return ByFeature(values)
