"""Metrics of TensorFlow Ranking as definitions: each row is a ranked list. That library is not needed."""

from __future__ import annotations

from collections.abc import Mapping

from assay.metrics.arithmetic import ratio
from assay.metrics.computations.row_lists import ListMean
from assay.metrics.computations.terms import ErrorTerms
from assay.metrics.declare import Definition
from assay.metrics.values import Floats
from assay.text.words import snake_case


def _mean(e: ErrorTerms) -> Floats:
    """The mean over lists, by weight."""
    return ratio(e.error, e.weight)


def _defined(class_name: str, measure: str, range_: str = "[0, 1]", *, fixed: tuple[str, ...] = ()) -> Definition:
    return Definition(
        class_name,
        ListMean(measure),
        _mean,
        snake_case(class_name),
        fixed=("measure", *fixed),
        better="higher",
        range=range_,
        undefined="no list with a label",
    )


_ALL = (
    _defined("NDCGMetric", "ndcg"),
    _defined("DCGMetric", "dcg", "[0, ∞)"),
    _defined("MRRMetric", "reciprocal_rank"),
    _defined("PrecisionMetric", "precision"),
    _defined("RecallMetric", "recall"),
    _defined("MeanAveragePrecisionMetric", "average_precision", fixed=("topn",)),
)

OF_RANKING: Mapping[str, Definition] = {definition.class_name: definition for definition in _ALL}
"""Class name -> definition."""
