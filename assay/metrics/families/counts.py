"""Counts of rows."""

from __future__ import annotations

from assay.metrics.computations.terms import Weights
from assay.metrics.declare import metric
from assay.metrics.values import Floats


@metric("ExampleCount", "WeightedExampleCount", needs=Weights(), range="[0, ∞)", adds_up=True, is_estimate=False)
def example_count(weight: Floats) -> Floats:
    """Sum of the example weights, or the number of rows where they do not count."""
    return weight
