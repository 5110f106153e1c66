"""Matrices of several classes as diagrams, and the most frequent confusions as a table."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple, TypeAlias

from assay.proto import metrics_for_slice_pb2 as pb
from assay.report.html.markup import Markup, element
from assay.report.html.tables import table
from assay.results.class_names import class_text
from assay.results.labels import number_text

MultiClass: TypeAlias = pb.MultiClassConfusionMatrixAtThresholds.MultiClassConfusionMatrix
MultiLabel: TypeAlias = pb.MultiLabelConfusionMatrixAtThresholds.MultiLabelConfusionMatrix

_NONE = -1
_MOST_CLASSES = 16
_MOST_CONFUSIONS = 10
_LEFT, _TOP = 64, 46
_WIDTH, _HEIGHT = 46, 24


class Confusion(NamedTuple):
    """Rows of a class that were taken for another one: their weight, and their share of the class."""

    actual: int
    predicted: int
    weight: float
    share: float


class _Cell(NamedTuple):
    """What a field of a diagram shows: a share, which the depth of its colour tells, and a text."""

    share: float
    text: str
    is_wrong: bool = False


def class_name(class_id: int, names: Sequence[str] = ()) -> str:
    """A class for people."""
    return "none" if class_id == _NONE else class_text(class_id, names)


def confusions(matrix: MultiClass, most: int = _MOST_CONFUSIONS) -> list[Confusion]:
    """The most frequent ones; rows of a class for which none is predicted are among them."""
    totals = _totals(matrix)
    wrong = [entry for entry in matrix.entries if entry.actual_class_id != entry.predicted_class_id]
    wrong.sort(key=lambda e: (-e.num_weighted_examples, e.actual_class_id, e.predicted_class_id))
    return [
        Confusion(
            entry.actual_class_id,
            entry.predicted_class_id,
            entry.num_weighted_examples,
            entry.num_weighted_examples / totals[entry.actual_class_id],
        )
        for entry in wrong[:most]
        if entry.num_weighted_examples > 0
    ]


def _totals(matrix: MultiClass) -> dict[int, float]:
    """Weight of each actual class."""
    totals: dict[int, float] = {}
    for entry in matrix.entries:
        totals[entry.actual_class_id] = totals.get(entry.actual_class_id, 0.0) + entry.num_weighted_examples
    return totals


def confusion_cells(confusion: Confusion, names: Sequence[str]) -> tuple[str, str, str, str]:
    """Label, prediction, weight and share for people."""
    actual, predicted, weight, share = confusion
    return class_name(actual, names), class_name(predicted, names), number_text(weight), f"{100 * share:.1f}%"


def multi_class(matrix: MultiClass, name: str, names: Sequence[str] = ()) -> Iterator[Markup]:
    """Weight by label and prediction; the larger its share of the label's row, the darker a field."""
    totals = _totals(matrix)
    cells = {
        (e.actual_class_id, e.predicted_class_id): _Cell(
            e.num_weighted_examples / totals[e.actual_class_id] if totals[e.actual_class_id] > 0 else 0.0,
            number_text(float(f"{e.num_weighted_examples:.4g}")),
            e.actual_class_id != e.predicted_class_id,
        )
        for e in matrix.entries
    }

    title = f"{name} at {matrix.threshold:.4g}"
    right = sum(e.num_weighted_examples for e in matrix.entries if e.actual_class_id == e.predicted_class_id)
    whole = sum(totals.values())
    described = f"{_count(totals)}, {100 * right / whole:.1f}% predicted right" if whole > 0 else "no rows"
    yield _diagram(title, described, totals, cells, names)

    found = confusions(matrix)
    if found:
        heads = ("Label", "Predicted", "Weight", "Share of the label")
        yield element(
            "div", table(f"confusions of {title}", heads, [confusion_cells(confusion, names) for confusion in found])
        )


def multi_label(matrix: MultiLabel, name: str, names: Sequence[str] = ()) -> Iterator[Markup]:
    """In which share of the rows of each class each class is predicted."""
    totals: dict[int, float] = {}
    cells: dict[tuple[int, int], _Cell] = {}
    for e in matrix.entries:
        positive = e.true_positives + e.false_positives
        whole = positive + e.false_negatives + e.true_negatives
        share = positive / whole if whole > 0 else 0.0
        totals[e.actual_class_id] = max(whole, totals.get(e.actual_class_id, 0.0))
        if share > 0:
            cells[e.actual_class_id, e.predicted_class_id] = _Cell(share, f"{100 * share:.1f}%")

    title = f"{name} at {matrix.threshold:.4g}: classes predicted in the rows of each class"
    yield _diagram(title, _count(totals), totals, cells, names)


def _count(totals: Mapping[int, float]) -> str:
    count = len(totals.keys() - {_NONE})
    return "1 class" if count == 1 else f"{count} classes"


def _diagram(
    title: str,
    described: str,
    totals: Mapping[int, float],
    cells: Mapping[tuple[int, int], _Cell],
    names: Sequence[str],
) -> Markup:
    """The classes with the most weight, and those that are only predicted as far as there is room; none comes first."""
    every = {*totals, *(predicted for _, predicted in cells)}
    shown = sorted(every, key=lambda class_id: (-totals.get(class_id, 0.0), class_id))[:_MOST_CLASSES]
    rows = sorted(class_id for class_id in shown if class_id in totals)
    columns = sorted(class_id for class_id in shown if class_id != _NONE or any((row, _NONE) in cells for row in rows))

    width, height = _LEFT + _WIDTH * len(columns) + 4, _TOP + _HEIGHT * len(rows) + 4
    heads = [_text(_LEFT + _WIDTH * (i + 0.5), _TOP - 8, class_name(c)) for i, c in enumerate(columns)]
    sides = [_text(_LEFT - 6, _TOP + _HEIGHT * (i + 0.68), class_name(c), "end") for i, c in enumerate(rows)]
    fields = [
        part
        for i, actual in enumerate(rows)
        for j, predicted in enumerate(columns)
        if (actual, predicted) in cells
        for part in _field(i, j, cells[actual, predicted])
    ]

    over = _text(_LEFT + _WIDTH * len(columns) / 2, 14, "predicted")
    side = _text(0, 0, "label", transform=f"translate(12 {_TOP + _HEIGHT * len(rows) / 2:.4g}) rotate(-90)")
    label, box = f"{title}: {described}", f"0 0 {width} {height}"
    svg = element("svg", over, side, *heads, *sides, *fields, viewBox=box, width=width, role="img", aria_label=label)
    caption = f"{label}; the {len(shown)} largest are shown" if len(shown) < len(every) else label
    named = ", ".join(class_name(class_id, names) for class_id in sorted(shown) if class_id != _NONE) if names else ""
    legend = element("p", named, class_="minor") if named else None
    return element("figure", element("figcaption", caption), svg, legend, class_="classes")


def _field(i: int, j: int, cell: _Cell) -> Iterator[Markup]:
    x, y = _LEFT + _WIDTH * j, _TOP + _HEIGHT * i
    class_, opacity = "wrong" if cell.is_wrong else "right", f"{0.05 + 0.4 * min(max(cell.share, 0.0), 1.0):.2f}"
    yield element("rect", class_=class_, x=x, y=y, width=_WIDTH - 2, height=_HEIGHT - 2, fill_opacity=opacity)
    yield _text(x + _WIDTH / 2 - 1, y + 15, cell.text)


def _text(x: float, y: float, text: str, class_: str | None = None, transform: str | None = None) -> Markup:
    return element("text", text, x=f"{x:.4g}", y=f"{y:.4g}", class_=class_, transform=transform)
