"""The rows of a chart of a metric by slice, out of the results of a run."""

from __future__ import annotations

import math

from assay.report.evidence import Evidence, Measure, Slice
from assay.report.numbers import Number, numbers_of
from assay.report.page.plots import colour_of
from assay.report.page.slice_chart import Dot, Row


def charted(evidence: Evidence, measure: Measure, slice_: Slice) -> Row:
    """A slice with a dot for each model that has a value there."""
    numbers = {model: numbers_of(slice_, measure.key._replace(model_name=model)) for model in evidence.models}
    dots = [_dot(evidence, model, found[0]) for model, found in numbers.items() if found]
    return Row(slice_.name, slice_.rows, dots)


def _dot(evidence: Evidence, model: str, number: Number) -> Dot:
    return Dot(model, colour_of(evidence, model), number.value, *(number.interval or (math.nan, math.nan)))
