"""Slices and their figures as grids: a row for each slice; or, of few slices, a row for each metric."""

from __future__ import annotations

from collections.abc import Sequence

from assay.report.cells import full_text, rows_text
from assay.report.evidence import Slice
from assay.report.figures import Figure
from assay.report.grids.grid import Column, Grid, Kind, Value
from assay.results.labels import change_text, number_text

FAILS = "!"
"""Stands before a value for which a threshold fails."""

COLOURS = {FAILS: "bold red", "undefined": "dim"}
"""How the text of a cell begins -> its colour on a terminal."""


def slices_grid(slices: Sequence[Slice], figures: Sequence[Figure]) -> Grid:
    """A row for each slice: its name, its rows, its figures."""
    columns = [Column(f.name, _kind([f]), COLOURS, follows=not f.is_own) for f in figures]
    rows = [[slice_.name, rows_text(slice_), *(figure_text(slice_, figure) for figure in figures)] for slice_ in slices]
    return Grid([Column("slice"), Column("rows", "number"), *columns], rows)


def metrics_grid(slices: Sequence[Slice], figures: Sequence[Figure]) -> Grid:
    """A row for each metric and threshold: its value in each slice, and beside it those of other models and changes."""
    headings = list(dict.fromkeys(figure.heading for figure in figures))
    of_stem: dict[str, dict[str, Figure]] = {}
    for figure in figures:
        of_stem.setdefault(figure.stem, {})[figure.heading] = figure

    own = {figure.heading for figure in figures if figure.is_own} or {headings[0]}
    kind = _kind(figures)
    columns = [
        Column(slice_.name if heading in own else heading, kind, COLOURS, follows=heading != headings[0])
        for slice_ in slices
        for heading in headings
    ]
    first: list[Value] = [
        rows_text(slice_) if heading == headings[0] else "" for slice_ in slices for heading in headings
    ]
    rows = [
        [
            stem,
            *(figure_text(slice_, by[heading]) if heading in by else "" for slice_ in slices for heading in headings),
        ]
        for stem, by in of_stem.items()
    ]
    return Grid([Column("metric"), *columns], [["rows", *first], *rows])


def _kind(figures: Sequence[Figure]) -> Kind:
    """Of a column with values of some figures, as texts: matrices and samples may be folded, numbers may not."""
    return "number" if all(figure.is_number for figure in figures) else "text"


def figure_text(slice_: Slice, figure: Figure) -> str | None:
    """A value with its interval; a mark stands before it where a threshold fails."""
    pair = slice_.values.get(figure.key)
    if pair is None:
        return None
    is_one = figure.position is None
    text = full_text(pair, figure.key, figure.measure) if is_one else _number_text(figure, slice_)
    return f"{FAILS} {text}" if figure.key in slice_.failed else text


def _number_text(figure: Figure, slice_: Slice) -> str:
    number = figure.number(slice_)
    text = (change_text if figure.key.is_diff else number_text)(number.value)
    return text if number.interval is None else f"{text} [{', '.join(map(number_text, number.interval))}]"
