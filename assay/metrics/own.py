"""What a module with metrics of your own imports: declarations, states and arithmetic. See docs/own-metrics.md."""

from __future__ import annotations

from assay.metrics.arithmetic import ratio
from assay.metrics.computations.curve import Curve
from assay.metrics.computations.moments import CentredMoments, Moments
from assay.metrics.computations.own_rows import mean_of
from assay.metrics.computations.scores import Confusion, ScoreCurve
from assay.metrics.computations.terms import ErrorTerms, Means, MeanTerms, Weights
from assay.metrics.declare import metric, plot
from assay.metrics.spreads.areas import DeLong
from assay.metrics.spreads.rates import Rate
from assay.metrics.spreads.ratios import Ratio
from assay.metrics.values import Floats

__all__ = [
    "CentredMoments",
    "Confusion",
    "Curve",
    "DeLong",
    "ErrorTerms",
    "Floats",
    "MeanTerms",
    "Means",
    "Moments",
    "Rate",
    "Ratio",
    "ScoreCurve",
    "Weights",
    "mean_of",
    "metric",
    "plot",
    "ratio",
]
