"""Which slices and figures of a run to show, and in which order."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from assay.errors import ResultsError, UsageError
from assay.report.evidence import Evidence, Slice
from assay.report.figures import Figure
from assay.report.slice_names import has_text
from assay.report.terminal.condition import Kind, Row, Value, condition_of
from assay.text.near_miss import hint, one_of

ROWS, SLICE, NAME = "rows", "slice", "name"
_FALLING, _RISING = ":desc", ":asc"
_MOST_NAMED, _MOST_KNOWN = 8, 20


@dataclass(frozen=True)
class Selection:
    """What somebody wants to see of a run.

    Attributes:
        metrics: names of figures or metrics; None for those that there is room for.
        slices: only slices whose text has this in it, such as `sex` or `sex=Female` (or `sex:Female`).
        where: only slices that meet this condition; see `condition`.
        failed: only slices in which a threshold fails.
        sort: `rows`, `name` or a figure, and `:desc` for the largest first; "" for those to look at first.
        top: so many slices at most, behind the overall one; None for as many as there is room for.
        everything: all slices and figures, whatever room there is.
    """

    metrics: Sequence[str] | None = None
    slices: str | None = None
    where: str = ""
    failed: bool = False
    sort: str = ""
    top: int | None = None
    everything: bool = False


def chosen_slices(evidence: Evidence, figures: Sequence[Figure], selection: Selection) -> list[Slice]:
    """The slices to show, however many, in their order.

    Raises:
        ResultsError: no slice has the text of `selection.slices` in it.
        UsageError: `where` or `sort` cannot be read, or names what is not there.
    """
    slices = with_text(evidence.slices, selection.slices)
    values = _values_by_name(figures)
    if selection.failed:
        slices = [slice_ for slice_ in slices if slice_.failed]
    if selection.where:
        slices = _meeting(slices, values, selection.where)
    return _sorted(slices, values, selection.sort, evidence.overall) if selection.sort else slices


def limited(slices: Sequence[Slice], evidence: Evidence, most: int | None) -> Sequence[Slice]:
    """The first slices, at most so many; the overall slice does not count if it is the first. None: all of them."""
    return slices if most is None else slices[: most + (slices[:1] == [evidence.overall])]


def with_text(slices: Sequence[Slice], text: str | None) -> list[Slice]:
    """The slices with a text in their names; all with None.

    Raises:
        ResultsError: none of the slices has it.
    """
    chosen = [slice_ for slice_ in slices if has_text(slice_.name, text or "")]
    if not chosen and slices:
        names = ", ".join(slice_.name for slice_ in slices[:_MOST_NAMED])
        more = ", ..." if len(slices) > _MOST_NAMED else ""
        raise ResultsError(f"no slice has {text!r} in its name; the {len(slices):,} slices are {names}{more}")
    return chosen


def _values_by_name(figures: Sequence[Figure]) -> dict[str, Callable[[Slice], Value]]:
    """Name -> the value of a slice, for conditions and orders."""
    numbers: dict[str, Callable[[Slice], Value]] = {figure.name: figure.of for figure in figures if figure.is_number}
    return {ROWS: lambda slice_: float(slice_.rows), SLICE: lambda slice_: slice_.name, **numbers}


def _meeting(slices: Sequence[Slice], values: Mapping[str, Callable[[Slice], Value]], where: str) -> list[Slice]:
    kinds: dict[str, Kind] = {name: "text" if name == SLICE else "number" for name in values}
    try:
        holds = condition_of(where, kinds)
    except UsageError as error:
        raise UsageError(f"--where: {error}") from None

    def row_of(slice_: Slice) -> Row:
        return lambda name: values[name](slice_)

    return [slice_ for slice_ in slices if holds(row_of(slice_))]


def _sorted(
    slices: Sequence[Slice], values: Mapping[str, Callable[[Slice], Value]], sort: str, overall: Slice | None
) -> list[Slice]:
    """By one value, undefined ones last; the overall slice stays first, for comparison."""
    name = sort.removesuffix(_FALLING).removesuffix(_RISING).strip("`")
    name = SLICE if name == NAME else name
    if name not in values:
        known = [ROWS, NAME, *(other for other in values if other not in (ROWS, SLICE))][:_MOST_KNOWN]
        raise UsageError(f"--sort: there is no {name!r}{hint(name, values) or one_of(name, known)}")

    defined = [slice_ for slice_ in slices if not _is_undefined(values[name](slice_))]
    undefined = [slice_ for slice_ in slices if _is_undefined(values[name](slice_))]
    defined.sort(key=values[name], reverse=sort.endswith(_FALLING))
    return sorted([*defined, *undefined], key=lambda slice_: slice_ is not overall)


def _is_undefined(value: Value) -> bool:
    return isinstance(value, float) and math.isnan(value)
