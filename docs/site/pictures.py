"""The diagrams of the documentation: `python docs/site/pictures.py` writes docs/images/*.svg.

A diagram is boxes and arrows on a light card, so that it reads the same in light and dark themes and on a code host.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import NamedTuple

IMAGES = Path(__file__).parents[1] / "images"
HEIGHT, LINE = 44, 16
FILLS = {"data": "#eef2f7", "step": "#dcebff", "gate": "#fff0c9", "good": "#d9f2df", "bad": "#fbdcdc", "plain": "none"}


class Box(NamedTuple):
    """A box with a title and smaller lines below it; x and y are its upper left corner."""

    x: float
    y: float
    width: float
    title: str
    lines: tuple[str, ...] = ()
    kind: str = "step"

    @property
    def height(self) -> float:
        """As high as its text needs."""
        return HEIGHT + LINE * len(self.lines) - (10 if self.lines else 0)


class Arrow(NamedTuple):
    """An arrow between two boxes, straight or bent once, with a label near its middle."""

    start: str
    end: str
    label: str = ""
    sides: str = "right left"
    """The sides at which it leaves and arrives: right, left, top or bottom."""
    shift: tuple[float, float] = (0, -6)
    """Where the label is, from the middle."""


class Diagram(NamedTuple):
    """A card."""

    width: int
    height: int
    description: str
    boxes: Mapping[str, Box]
    arrows: Sequence[Arrow] = ()
    notes: Sequence[tuple[float, float, str]] = ()


STAGES = Diagram(
    860,
    236,
    "Data becomes Extracts, Extracts become metrics, metrics become a verdict",
    {
        "data": Box(16, 70, 96, "data", ("Parquet, CSV,", "TFRecord, ..."), "data"),
        "read": Box(144, 78, 112, "ReadInputs", ("rows in batches",)),
        "extract": Box(318, 70, 132, "extractors", ("labels, weights,", "predictions, slices")),
        "evaluate": Box(524, 22, 128, "evaluators", ("metrics and plots", "of each slice")),
        "own": Box(524, 142, 128, "your evaluator", ("runs in parallel",)),
        "gate": Box(716, 30, 128, "gate", ("thresholds, verdict",), "gate"),
        "write": Box(716, 134, 128, "WriteResults", ("files, verdict.json,", "page.html"), "data"),
    },
    (
        Arrow("data", "read"),
        Arrow("read", "extract", "Extracts"),
        Arrow("extract", "evaluate", "run_after", shift=(-6, -12)),
        Arrow("extract", "own", "run_after", shift=(-6, 22)),
        Arrow("evaluate", "gate", "metrics"),
        Arrow("evaluate", "write"),
        Arrow("own", "write", "values"),
        Arrow("gate", "write", "verdict", "bottom top", (26, 4)),
    ),
    ((318, 222, "columns all the way: no Python object per row"),),
)

BLESSING = Diagram(
    860,
    220,
    "A blessed candidate is deployed and becomes the next baseline",
    {
        "train": Box(16, 34, 110, "train", ("a new candidate",), "data"),
        "evaluate": Box(182, 34, 142, "evaluate", ("candidate and baseline,", "in every slice")),
        "gate": Box(386, 34, 116, "gate", ("all thresholds?",), "gate"),
        "bless": Box(570, 20, 120, "Bless", ("asset event",), "good"),
        "stop": Box(570, 104, 120, "stop", ("reasons, alert",), "bad"),
        "deploy": Box(736, 20, 108, "deploy", ("any platform",), "data"),
        "blessed": Box(386, 156, 116, "blessed.json", (), "plain"),
    },
    (
        Arrow("train", "evaluate"),
        Arrow("evaluate", "gate", "metrics"),
        Arrow("gate", "bless", "BLESSED", shift=(0, -8)),
        Arrow("gate", "stop", "otherwise", shift=(-20, 16)),
        Arrow("bless", "deploy"),
        Arrow("bless", "blessed", "the model", "right right", (40, 4)),
        Arrow("blessed", "evaluate", "the next baseline", "left bottom", (-36, 16)),
    ),
)

AIRFLOW = Diagram(
    860,
    200,
    "read_inputs, extractors, the evaluator, gate, results, bless, and the tasks after the group",
    {
        "read": Box(10, 78, 104, "read_inputs"),
        "extract": Box(150, 78, 156, "extract_slice_keys"),
        "evaluate": Box(368, 78, 222, "evaluate_metrics_and_plots"),
        "gate": Box(650, 24, 84, "gate", (), "gate"),
        "write": Box(628, 132, 128, "write_results", (), "data"),
        "bless": Box(780, 78, 64, "bless", (), "good"),
    },
    (
        Arrow("read", "extract"),
        Arrow("extract", "evaluate", "run_after"),
        Arrow("evaluate", "gate", "metrics", shift=(-14, -6)),
        Arrow("evaluate", "write", "metrics, plots", shift=(-40, 20)),
        Arrow("gate", "write", "validations", "bottom top", (-40, 4)),
        Arrow("gate", "bless", sides="right top"),
        Arrow("write", "bless", sides="right bottom"),
    ),
)

KUBEFLOW = Diagram(
    860,
    200,
    "ReadInputs, ExtractSliceKeys, two evaluators, Gate, WriteResults, and what depends on the verdict",
    {
        "read": Box(16, 78, 100, "ReadInputs"),
        "extract": Box(144, 78, 140, "ExtractSliceKeys"),
        "evaluate": Box(322, 24, 192, "EvaluateMetricsAndPlots"),
        "other": Box(322, 132, 192, "EvaluateExtracts"),
        "gate": Box(568, 24, 60, "Gate", (), "gate"),
        "write": Box(568, 132, 116, "WriteResults", (), "data"),
        "if": Box(656, 24, 84, "if-blessed", (), "gate"),
        "bless": Box(790, 24, 56, "bless", (), "good"),
        "finish": Box(782, 132, 64, "finish", (), "plain"),
    },
    (
        Arrow("read", "extract"),
        Arrow("extract", "evaluate"),
        Arrow("extract", "other"),
        Arrow("evaluate", "gate", "metrics"),
        Arrow("evaluate", "write"),
        Arrow("other", "write"),
        Arrow("gate", "write", sides="bottom top"),
        Arrow("gate", "if"),
        Arrow("if", "bless", "blessed"),
    ),
    ((706, 150, "exit handler:"),),
)


def drawn(diagram: Diagram) -> str:
    """The diagram as SVG."""
    parts = [_arrow(arrow, diagram.boxes) for arrow in diagram.arrows]
    parts += [_box(box) for box in diagram.boxes.values()]
    parts += [_text(x, y, text, "note") for x, y, text in diagram.notes]
    return card(diagram.width, diagram.height, diagram.description, parts)


def card(width: int, height: int, description: str, parts: Sequence[str]) -> str:
    """Drawings on a light card."""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
        f'role="img"><title>{escape(description)}</title>\n'
        "<style>text{font:13px system-ui,sans-serif;fill:#1f2933}.title{font-weight:600}.line,.note,.label"
        "{font-size:11px;fill:#52606d}.middle{text-anchor:middle}.bad{fill:#a61b1b}.good{fill:#14713d}"
        ".end{text-anchor:end}</style>\n"
        '<defs><marker id="tip" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="8" markerHeight="8" orient="auto">'
        '<path d="M0 0 8 4 0 8z" fill="#52606d"/></marker></defs>\n'
        f'<rect width="{width}" height="{height}" rx="8" fill="#ffffff" stroke="#cbd2d9"/>\n'
        + "\n".join(parts)
        + "\n</svg>\n"
    )


def _box(box: Box) -> str:
    middle = box.x + box.width / 2
    parts = [
        f'<rect x="{box.x}" y="{box.y}" width="{box.width}" height="{box.height}" rx="6" '
        f'fill="{FILLS[box.kind].replace("none", "#ffffff")}" stroke="#9aa5b1"/>',
        _text(middle, box.y + (20 if box.lines else 27), box.title, "title middle"),
    ]
    parts += [_text(middle, box.y + 37 + LINE * i, line, "line middle") for i, line in enumerate(box.lines)]
    return "".join(parts)


def _text(x: float, y: float, text: str, style: str = "") -> str:
    return f'<text x="{x:g}" y="{y:g}" class="{style}">{escape(text)}</text>'


def _arrow(arrow: Arrow, boxes: Mapping[str, Box]) -> str:
    leaves, arrives = arrow.sides.split()
    start, end = _side(boxes[arrow.start], leaves), _side(boxes[arrow.end], arrives)
    points = [start, *_bends(start, end, leaves, arrives), end]
    path = " ".join(f"{x:g} {y:g}" for x, y in points)
    at = [(points[i], points[i + 1]) for i in range(len(points) - 1)][(len(points) - 1) // 2]
    x, y = ((at[0][0] + at[1][0]) / 2 + arrow.shift[0], (at[0][1] + at[1][1]) / 2 + arrow.shift[1])
    line = f'<path d="M{path}" fill="none" stroke="#52606d" marker-end="url(#tip)"/>'
    return line + (_text(x, y, arrow.label, "label middle") if arrow.label else "")


def _side(box: Box, side: str) -> tuple[float, float]:
    return {
        "left": (box.x, box.y + box.height / 2),
        "right": (box.x + box.width, box.y + box.height / 2),
        "top": (box.x + box.width / 2, box.y),
        "bottom": (box.x + box.width / 2, box.y + box.height),
    }[side]


def _bends(
    start: tuple[float, float], end: tuple[float, float], leaves: str, arrives: str
) -> list[tuple[float, float]]:
    """The corners of an arrow; none for a straight one."""
    if leaves == "right" and arrives == "right":
        far = max(start[0], end[0]) + 18
        return [(far, start[1]), (far, end[1])]
    if leaves in ("left", "right") and arrives in ("top", "bottom"):
        return [(end[0], start[1])]
    return []


SLICED = (
    ("Overall", "12,400", "0.84", "0.84", "good"),
    ("country=fr", "7,150", "0.86", "0.85", "good"),
    ("country=de", "5,250", "0.79", "0.82", "bad"),
)
LABELS, SCORES = (1, 0, 0, 1, 1, 0), (83, 12, 40, 71, 55, 26)


def slices() -> str:
    """Rows in slices, and a table of metrics with the threshold that one slice misses."""
    colours = ["#dcebff", "#dcebff", "#fff0c9", "#dcebff", "#fff0c9", "#dcebff"]
    parts = [_text(24, 34, "rows", "title")]
    for i, colour in enumerate(colours):
        y, country = 46 + 26 * i, ("fr", "de")[colour != "#dcebff"]
        parts.append(f'<rect x="24" y="{y}" width="150" height="22" rx="3" fill="{colour}" stroke="#9aa5b1"/>')
        text = f"{country}   label {LABELS[i]}   score 0.{SCORES[i]}"
        parts.append(_text(34, y + 15, text, "line"))
    parts.append('<path d="M186 122 232 122" fill="none" stroke="#52606d" marker-end="url(#tip)"/>')
    heads = ((250, "slice", ""), (440, "rows", "end"), (540, "AUC", "end"), (650, "baseline", "end"))
    parts += [_text(x, 58, text, f"title {style}") for x, text, style in (*heads, (676, "AUC at least", ""))]
    parts.append(_text(676, 74, "baseline - 0.01", "line"))
    for i, (name, rows, value, baseline, kind) in enumerate(SLICED):
        y = 104 + 30 * i
        parts.append(f'<path d="M250 {y - 20} 836 {y - 20}" stroke="#e4e7eb"/>')
        cells = ((250, name, ""), (440, rows, "end"), (540, value, "end"), (650, baseline, "end"))
        parts += [_text(x, y, text, style) for x, text, style in cells]
        parts.append(_text(676, y, "holds" if kind == "good" else "does not hold", kind))
    parts.append(_text(250, 206, "NOT BLESSED", "title bad"))
    parts.append(_text(366, 206, "country=de: auc changed by -0.03; expected at least -0.01 (5,250 rows)", "line"))
    return card(860, 226, "Rows of two countries as three slices, one of which misses its threshold", parts)


PICTURES = {
    "concepts-stages": drawn(STAGES),
    "concepts-slices": slices(),
    "concepts-blessing": drawn(BLESSING),
    "airflow-tasks": drawn(AIRFLOW),
    "kubeflow-tasks": drawn(KUBEFLOW),
}
"""Name of the file, without .svg -> its content."""

if __name__ == "__main__":
    for name, content in PICTURES.items():
        (IMAGES / f"{name}.svg").write_text(content, encoding="utf-8")
