"""A metric by slice as a chart: a row for each slice, a dot for each model, a bar for the interval."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from assay.report.html.charts import Axis, svg_text
from assay.report.html.markup import Markup, element
from assay.results.labels import number_text
from assay.text.printable import shortened

_LEFT, _WIDTH, _RIGHT, _ROW, _TOP, _BOTTOM = 230, 360, 130, 22, 6, 40
_LONGEST_NAME = 36


class Dot(NamedTuple):
    """The value of a model in a slice; `lower` and `upper` are the bounds of its interval, NaN without one."""

    model: str
    colour: int
    value: float
    lower: float = math.nan
    upper: float = math.nan


class Row(NamedTuple):
    """A slice: its name, its rows, and a dot for each model that has a value there."""

    name: str
    rows: int
    dots: Sequence[Dot]


def slice_chart(metric: str, rows: Sequence[Row]) -> Markup:
    """The chart, with the slices in the order of `rows`."""
    axis = Axis(metric, *_ends(rows))
    bottom = _TOP + _ROW * len(rows)
    guides = [part for value in axis.ticks() for part in _guide(axis, value, bottom)]
    parts = [part for at, row in enumerate(rows) for part in _row(row, axis, _TOP + _ROW * (at + 0.5))]

    svg = element(
        "svg",
        *guides,
        *parts,
        svg_text(_LEFT + _WIDTH / 2, bottom + 34, metric),
        viewBox=f"0 0 {_LEFT + _WIDTH + _RIGHT} {bottom + _BOTTOM}",
        role="img",
        aria_label=f"{metric} by slice: {'; '.join(map(_spoken, rows))}",
    )
    return element("figure", element("figcaption", f"{metric} by slice"), svg, class_="wide")


def _ends(rows: Sequence[Row]) -> tuple[float, float]:
    """The ends of the axis: all values and intervals, and a little room."""
    numbers = [number for row in rows for dot in row.dots for number in _numbers(dot)]
    low, high = min(numbers, default=0.0), max(numbers, default=1.0)
    room = (high - low) * 0.04 or abs(high) * 0.04 or 0.5
    return low - room, high + room


def _numbers(dot: Dot) -> Iterable[float]:
    return filter(math.isfinite, dot[2:])


def _guide(axis: Axis, value: float, bottom: float) -> Iterator[Markup]:
    x = _x(axis, value)
    yield element("path", class_="grid", d=f"M{x:.1f} {_TOP}V{bottom}")
    yield svg_text(x, bottom + 16, f"{value:.4g}", class_="minor")


def _row(row: Row, axis: Axis, y: float) -> Iterator[Markup]:
    yield svg_text(_LEFT - 8, y + 4, shortened(row.name, _LONGEST_NAME), class_="end")
    for dot in filter(lambda dot: math.isfinite(dot.value), row.dots):
        ends = [_x(axis, end) for end in dot[3:] if math.isfinite(end)]
        if len(ends) == 2:
            yield element("path", class_=f"line c{dot.colour}", d=f"M{ends[0]:.1f} {y:.1f}H{ends[1]:.1f}")
        yield element("circle", class_=f"dot c{dot.colour}", cx=f"{_x(axis, dot.value):.1f}", cy=f"{y:.1f}", r=4)
    told = " / ".join(_told(dot) for dot in row.dots)
    yield svg_text(_LEFT + _WIDTH + 8, y + 4, f"{told}  ({row.rows:,})", class_="minor start")


def _told(dot: Dot) -> str:
    return number_text(round(dot.value, 4)) if math.isfinite(dot.value) else "undefined"


def _spoken(row: Row) -> str:
    return f"{row.name} {', '.join(f'{dot.model} {_told(dot)}'.strip() for dot in row.dots)}"


def _x(axis: Axis, value: float) -> float:
    return _LEFT + _WIDTH * axis.share(value)
