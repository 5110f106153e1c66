"""Diagrams as inline SVG: curves, calibration, confusion matrices. Colours are those of the page's style sheet."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple, TypeAlias, TypeVar

from assay.proto import metrics_for_slice_pb2 as pb
from assay.report.html.markup import Markup, element, joined
from assay.results.labels import number_text

Point: TypeAlias = tuple[float, float]
Matrix: TypeAlias = pb.ConfusionMatrixAtThresholds.ConfusionMatrixAtThreshold
Bucket: TypeAlias = pb.CalibrationHistogramBuckets.Bucket
AtThreshold = TypeVar(
    "AtThreshold",
    pb.ConfusionMatrixAtThresholds.ConfusionMatrixAtThreshold,
    pb.MultiClassConfusionMatrixAtThresholds.MultiClassConfusionMatrix,
    pb.MultiLabelConfusionMatrixAtThresholds.MultiLabelConfusionMatrix,
)
"""A matrix of any kind."""

_LEFT, _TOP, _SIZE = 44, 8, 232
_TICKS = 4
_BINS = 20
_CLOSER = 0.7
"""Points of a curve that are closer than this, in pixels, are drawn as one."""


class Line(NamedTuple):
    """A curve of a model."""

    name: str
    colour: int
    points: Sequence[Point]
    with_dots: bool = False


class Axis(NamedTuple):
    """A side of a diagram."""

    label: str
    low: float = 0.0
    high: float = 1.0

    def share(self, value: float) -> float:
        """The position of a value: 0 at the low end, 1 at the high end."""
        return min(max((value - self.low) / (self.high - self.low), 0.0), 1.0)

    def ticks(self) -> list[float]:
        """Values to write beside it."""
        return [self.low + (self.high - self.low) * i / _TICKS for i in range(_TICKS + 1)]


def diagram(title: str, across: Axis, up: Axis, lines: Sequence[Line], diagonal: bool = False) -> Markup:
    """Curves with axes; `diagonal` draws the line of equal values (or of guessing)."""
    description = f"{title}: {up.label} by {across.label}, for {', '.join(line.name for line in lines)}"
    guide = _path([(0, 0), (1, 1)], "guide") if diagonal else None
    curves = [_curve(line, across, up) for line in lines]
    box = element("rect", class_="box", x=_LEFT, y=_TOP, width=_SIZE, height=_SIZE)
    names = joined(
        svg_text(_LEFT + _SIZE / 2, _TOP + _SIZE + 36, across.label),
        svg_text(0, 0, up.label, transform=f"translate(11 {_TOP + _SIZE / 2}) rotate(-90)"),
    )

    whole = element(
        "svg",
        box,
        *_ticks(across, up),
        names,
        guide,
        *curves,
        viewBox="0 0 288 280",
        role="img",
        aria_label=description,
    )
    return element("figure", element("figcaption", title), whole)


def roc(matrices: Sequence[Matrix]) -> list[Point]:
    """(false positive rate, recall) from the highest threshold down; no points if there is only one class."""
    if not _has_both(matrices):
        return []
    return [(matrix.false_positive_rate, matrix.recall) for matrix in reversed(matrices)]


def precision_recall(matrices: Sequence[Matrix]) -> list[Point]:
    """(recall, precision) from the highest threshold down, at thresholds where some rows are predicted positive."""
    if not _has_both(matrices):
        return []
    return [(m.recall, m.precision) for m in reversed(matrices) if m.true_positives + m.false_positives > 0]


def above(matrices: Sequence[Matrix]) -> list[Point]:
    """(threshold, share of the weight above it)."""
    rows = [(m.threshold, m.true_positives + m.false_positives, _total(m)) for m in matrices]
    return [(threshold, positive / total) for threshold, positive, total in rows if total > 0]


def calibration(buckets: Sequence[Bucket]) -> list[Point]:
    """(mean prediction, mean label) of at most 20 ranges of the prediction."""
    finite = [b for b in buckets if math.isfinite(b.lower_threshold_inclusive + b.upper_threshold_exclusive)]
    if not finite:
        return []

    # Buckets that are open at one end count to the range beside them.
    low, high = finite[0].lower_threshold_inclusive, finite[-1].upper_threshold_exclusive
    sums: dict[int, list[float]] = {}
    for bucket in buckets:
        start = min(max(bucket.lower_threshold_inclusive, low), high)
        at = min(int((start - low) / (high - low) * _BINS + 1e-9), _BINS - 1)
        for i, part in enumerate(_sums(bucket)):
            sums.setdefault(at, [0.0, 0.0, 0.0])[i] += part
    return [
        (predictions / weight, labels / weight)
        for _, (weight, labels, predictions) in sorted(sums.items())
        if weight > 0
    ]


def reach(points: Iterable[Point]) -> tuple[float, float]:
    """The ends of axes for points on one scale: [0, 1] where all lie in it."""
    values = [value for point in points for value in point]
    low, high = min(values, default=0.0), max(values, default=1.0)
    if low >= 0 and high <= 1:
        return 0.0, 1.0
    return (low, high) if high > low else (low - 0.5, low + 0.5)


def confusion(matrix: Matrix, name: str) -> Markup:
    """A confusion matrix as four fields; the larger its share of the label's row, the darker a field."""
    rows = (
        ("positive", (matrix.true_positives, matrix.false_negatives)),
        ("negative", (matrix.false_positives, matrix.true_negatives)),
    )
    title = f"{name} at {matrix.threshold:.4g}"
    fields = [part for i, (label, counts) in enumerate(rows) for part in _matrix_row(i, label, counts)]
    heads = [svg_text(110 + 92 * i, 28, text) for i, text in enumerate(("positive", "negative"))]

    # For screen readers, which do not see the fields.
    description = ", ".join(
        f"{what} {number_text(count)}"
        for what, count in zip(
            ("true positives", "false negatives", "false positives", "true negatives"),
            (*rows[0][1], *rows[1][1]),
            strict=True,
        )
    )

    over = svg_text(156, 12, "predicted")
    side = svg_text(0, 0, "label", transform="translate(9 81) rotate(-90)")
    svg = element(
        "svg", over, side, *heads, *fields, viewBox="0 0 252 132", role="img", aria_label=f"{title}: {description}"
    )
    return element("figure", element("figcaption", title), svg)


def at_thresholds(matrices: Sequence[AtThreshold], thresholds: Sequence[float]) -> list[AtThreshold]:
    """The matrices that are nearest to some thresholds, each once."""
    if not matrices:
        return []
    nearest = [min(matrices, key=lambda m: abs(m.threshold - threshold)) for threshold in thresholds]
    return list({matrix.threshold: matrix for matrix in nearest}.values())


def swatch(colour: int) -> Markup:
    """A short piece of a model's line, for a legend."""
    line = element("path", class_=f"line c{colour}", d="M1 6H31")
    return element("svg", line, class_="swatch", viewBox="0 0 32 12", aria_hidden="true")


def _matrix_row(i: int, label: str, counts: tuple[float, float]) -> Iterator[Markup]:
    total = sum(counts)
    yield svg_text(62, 62 + 50 * i, label, class_="end")
    for j, count in enumerate(counts):
        share = count / total if total > 0 else 0.0
        x, y = 66 + 92 * j, 34 + 50 * i
        right = "right" if i == j else "wrong"
        yield element("rect", class_=right, x=x, y=y, width=90, height=48, fill_opacity=f"{0.05 + 0.4 * share:.2f}")
        yield svg_text(x + 45, y + 22, number_text(round(count, 4) if abs(count) < 1e4 else float(round(count))))
        yield svg_text(x + 45, y + 38, f"{100 * share:.1f}%" if total > 0 else "", class_="minor")


def _curve(line: Line, across: Axis, up: Axis) -> Markup:
    points = [(across.share(x), up.share(y)) for x, y in line.points]
    dots = [_dot(point, line.colour) for point in points] if line.with_dots else []
    return joined(_path(_thinned(points), f"line c{line.colour}"), *dots)


def _thinned(points: Sequence[Point]) -> list[Point]:
    """The points that can be seen apart from the one before."""
    kept = list(points[:1])
    for point in points[1:-1]:
        if math.dist(point, kept[-1]) * _SIZE > _CLOSER:
            kept.append(point)
    return kept + list(points[1:][-1:])


def _path(points: Sequence[Point], class_: str) -> Markup | None:
    if len(points) < 2:
        return None
    steps = " ".join(f"{_x(x):.1f},{_y(y):.1f}" for x, y in points)
    return element("path", class_=class_, d=f"M{steps}")


def _dot(point: Point, colour: int) -> Markup:
    return element("circle", class_=f"dot c{colour}", cx=f"{_x(point[0]):.1f}", cy=f"{_y(point[1]):.1f}", r=2.5)


def _ticks(across: Axis, up: Axis) -> Iterator[Markup]:
    end = _TOP + _SIZE
    for value in across.ticks():
        x = _x(across.share(value))
        yield element("path", class_="grid", d=f"M{x:.1f} {_TOP}V{end}")
        yield svg_text(x, end + 16, f"{value:.4g}", class_="minor")
    for value in up.ticks():
        y = _y(up.share(value))
        yield element("path", class_="grid", d=f"M{_LEFT} {y:.1f}H{_LEFT + _SIZE}")
        yield svg_text(_LEFT - 5, y + 4, f"{value:.4g}", class_="minor end")


def svg_text(x: float, y: float, text: str, **attributes: str) -> Markup:
    """Words in a diagram, in the middle of x unless their class says otherwise."""
    return element("text", text, x=f"{x:.4g}", y=f"{y:.4g}", **attributes)


def _x(share: float) -> float:
    return _LEFT + share * _SIZE


def _y(share: float) -> float:
    return _TOP + (1 - share) * _SIZE


def _has_both(matrices: Sequence[Matrix]) -> bool:
    return any(m.true_positives + m.false_negatives > 0 and m.false_positives + m.true_negatives > 0 for m in matrices)


def _total(m: Matrix) -> float:
    return m.true_positives + m.false_positives + m.true_negatives + m.false_negatives


def _sums(b: Bucket) -> tuple[float, float, float]:
    return (
        b.num_weighted_examples.value,
        b.total_weighted_label.value,
        b.total_weighted_refined_prediction.value,
    )
