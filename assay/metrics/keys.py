"""What names a value: metric, model, output, sub key, aggregation, weighting."""

from __future__ import annotations

from typing import NamedTuple


class SubKey(NamedTuple):
    """The part of a multi-class prediction that a value is about. A class among the k highest has two fields."""

    class_id: int | None = None
    k: int | None = None
    top_k: int | None = None


class AggregationType(NamedTuple):
    """How per-class values became one; exactly one field is true."""

    micro_average: bool = False
    macro_average: bool = False
    weighted_macro_average: bool = False


class MetricKey(NamedTuple):
    """Identity of a metric's value within a slice.

    `example_weighted` is None where weighting has no meaning. `is_diff` marks candidate minus baseline. `compares`
    marks a value of both models' predictions together, such as how often they disagree; it has the candidate's name.
    """

    name: str
    model_name: str = ""
    output_name: str = ""
    sub_key: SubKey | None = None
    aggregation_type: AggregationType | None = None
    example_weighted: bool | None = None
    is_diff: bool = False
    compares: bool = False


class AttributionsKey(NamedTuple):
    """Identity of what features contributed within a slice."""

    name: str
    model_name: str = ""
    output_name: str = ""
    sub_key: SubKey | None = None
    example_weighted: bool | None = None


class PlotKey(NamedTuple):
    """Identity of a plot within a slice. The confusion-matrix and calibration plots have an empty name."""

    name: str = ""
    model_name: str = ""
    output_name: str = ""
    sub_key: SubKey | None = None
    example_weighted: bool | None = None
