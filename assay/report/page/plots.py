"""The diagrams of some slices, with all models in each."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TypeAlias, TypeVar

from assay.metrics.keys import PlotKey
from assay.proto.metrics_for_slice_pb2 import PlotData, PlotsForSlice
from assay.report.evidence import Evidence, Plots
from assay.report.html import charts
from assay.report.html.charts import Axis, Bucket, Line, Matrix
from assay.report.html.markup import Markup, element
from assay.report.page import class_matrices
from assay.report.page.sections import section
from assay.results.class_names import ClassNames, part_texts
from assay.results.keys import plot_key_from_proto
from assay.text.counted import counted
from assay.text.printable import shortened

_MOST_PANELS = 6
_COLOURS = 4
_THRESHOLDS = (0.25, 0.5, 0.75)

_CHOICE = "Pick one or two slices in the table or the chart above, and their plots stand here side by side."

_Panel: TypeAlias = Mapping[str, PlotData]
"""Model -> plot."""

_Source = TypeVar("_Source", Matrix, Bucket)


def plots_section(evidence: Evidence, plots: Mapping[str, Plots]) -> Markup | None:
    """Diagrams of some slices, by their names; those of the first slice are unfolded."""
    if not any(plots.values()):
        return None
    live = element("div", element("p", _CHOICE), id="plots-live", class_="needs-script", hidden=True)
    drawn = {name: [pair for pair in of_slice if _is_drawn(pair)] for name, of_slice in plots.items()}
    others = {name: [pair for pair in of_slice if not _is_drawn(pair)] for name, of_slice in plots.items()}
    return section(
        "Plots",
        legend(evidence),
        live,
        element("div", *_folded(evidence, drawn), class_="without-script"),
        *_folded(evidence, others),
        name="plots",
    )


def _is_drawn(pair: PlotsForSlice.PlotKeyAndValue) -> bool:
    """Whether the page's script draws a plot, of any slice."""
    return not pair.value.HasField("multi_label_confusion_matrix_at_thresholds")


def _folded(evidence: Evidence, plots: Mapping[str, Plots]) -> Iterator[Markup]:
    """The diagrams of each slice under its name; the first are unfolded."""
    filled = [(name, of_slice) for name, of_slice in plots.items() if of_slice]
    for i, (name, of_slice) in enumerate(filled):
        summary = element("summary", element("bdi", shortened(name)))
        yield element("details", summary, *_panels(evidence, of_slice), open=i == 0)


def legend(evidence: Evidence) -> Markup:
    """Which line is which model's."""
    models = enumerate(evidence.models)
    items = [element("li", charts.swatch(i % _COLOURS), shortened(_named(model))) for i, model in models]
    return element("ul", *items, class_="legend")


def _panels(evidence: Evidence, plots: Plots) -> Iterator[Markup]:
    """The diagrams of a slice; plots of the same output, sub key and weighting are in the same panel."""
    panels = _by_panel(plots)
    for key, panel in list(panels.items())[:_MOST_PANELS]:
        if len(panels) > 1:
            yield element("h3", panel_name(key, evidence.classes))
        yield element("div", *_diagrams_of(key, panel)(evidence, key, panel), class_="diagrams")
    if len(panels) > _MOST_PANELS:
        yield element("p", f"And {counted(len(panels) - _MOST_PANELS, 'plot')} more, in the files.")


def _by_panel(plots: Plots) -> dict[PlotKey, dict[str, PlotData]]:
    panels: dict[PlotKey, dict[str, PlotData]] = {}
    for pair in plots:
        key = plot_key_from_proto(pair.key)
        panels.setdefault(key._replace(model_name=""), {})[key.model_name] = pair.value
    return panels


def _diagrams_of(key: PlotKey, panel: _Panel) -> Callable[[Evidence, PlotKey, _Panel], Iterator[Markup]]:
    """What draws a panel, by what its plots hold."""
    for data in panel.values():
        for field, draw in _OF_CLASSES.items():
            if data.HasField(field):
                return draw
    return _scores if key.name else _classic


def panel_name(key: PlotKey, classes: ClassNames) -> str:
    """What tells plots apart from the others of a slice: their name, output, part and weighting."""
    weighting = {None: "", True: "weighted", False: "unweighted"}[key.example_weighted]
    return (
        " ".join(filter(None, (key.name.replace("_", " "), key.output_name, *part_texts(key, classes, " "), weighting)))
        or "all"
    )


def _scores(evidence: Evidence, key: PlotKey, panel: _Panel) -> Iterator[Markup]:
    """How scores are distributed, for plots with a name of their own, which do not use labels."""
    lines = _lines(evidence, _matrices(panel), charts.above)
    if lines:
        ends = charts.reach((threshold, 0.0) for line in lines for threshold, _ in line.points)
        yield charts.diagram("Share above a score", Axis("score", *ends), Axis("share of the weight"), lines)


def _classic(evidence: Evidence, key: PlotKey, panel: _Panel) -> Iterator[Markup]:
    """ROC, precision and recall, calibration, confusion matrices."""
    for draw in _CLASSIC.values():
        yield from draw(evidence, panel)


def _roc(evidence: Evidence, panel: _Panel) -> Iterator[Markup]:
    matrices = _matrices(panel)
    lines = _lines(evidence, matrices, charts.roc)
    if lines:
        yield charts.diagram("ROC", Axis("false positive rate"), Axis("recall"), lines, diagonal=True)
    elif any(matrices.values()):
        yield element("p", "No ROC curve: the slice has one class only.", class_="minor")


def _precision_recall(evidence: Evidence, panel: _Panel) -> Iterator[Markup]:
    lines = _lines(evidence, _matrices(panel), charts.precision_recall)
    if lines:
        yield charts.diagram("Precision and recall", Axis("recall"), Axis("precision"), lines)


def _calibration(evidence: Evidence, panel: _Panel) -> Iterator[Markup]:
    buckets = {model: data.calibration_histogram_buckets.buckets for model, data in panel.items()}
    lines = [line._replace(with_dots=True) for line in _lines(evidence, buckets, charts.calibration)]
    if lines:
        ends = charts.reach(point for line in lines for point in line.points)
        across, up = Axis("mean prediction", *ends), Axis("mean label", *ends)
        yield charts.diagram("Calibration", across, up, lines, diagonal=True)


def _confusion_matrices(evidence: Evidence, panel: _Panel) -> Iterator[Markup]:
    for model, of_model in _matrices(panel).items():
        for matrix in charts.at_thresholds(of_model, _THRESHOLDS):
            yield charts.confusion(matrix, _named(model))


_CLASSIC = {
    "roc": _roc,
    "precision_recall": _precision_recall,
    "calibration": _calibration,
    "confusion_matrix": _confusion_matrices,
}
"""Kind of a diagram of a binary model -> what draws it."""

KINDS = tuple(_CLASSIC)
"""The kinds of diagrams that `diagrams` draws."""


def diagrams(evidence: Evidence, plots: Mapping[str, Plots], kind: str) -> list[Markup]:
    """The diagrams of one kind, of each slice by its name, under its name; none where a run has no such plots."""
    parts: list[Markup] = []
    for name, of_slice in plots.items():
        panels = _by_panel(of_slice).values()
        drawn = [diagram for panel in panels for diagram in _CLASSIC[kind](evidence, panel)]
        if drawn:
            parts += [element("h3", element("bdi", shortened(name))), element("div", *drawn, class_="diagrams")]
    return [legend(evidence), *parts] if parts else []


def _multi_class(evidence: Evidence, key: PlotKey, panel: _Panel) -> Iterator[Markup]:
    """Confusions of several classes."""
    for model, data in panel.items():
        matrices = data.multi_class_confusion_matrix_at_thresholds.matrices
        for matrix in charts.at_thresholds(matrices, _THRESHOLDS):
            names = evidence.classes.of(model, key.output_name)
            yield from class_matrices.multi_class(matrix, _named(model), names)


def _multi_label(evidence: Evidence, key: PlotKey, panel: _Panel) -> Iterator[Markup]:
    """What is predicted in the rows of each class, of rows that may have several."""
    for model, data in panel.items():
        matrices = data.multi_label_confusion_matrix_at_thresholds.matrices
        for matrix in charts.at_thresholds(matrices, _THRESHOLDS):
            names = evidence.classes.of(model, key.output_name)
            yield from class_matrices.multi_label(matrix, _named(model), names)


_OF_CLASSES = {
    "multi_class_confusion_matrix_at_thresholds": _multi_class,
    "multi_label_confusion_matrix_at_thresholds": _multi_label,
}
"""Kind of a plot of several classes -> what draws it."""


def _matrices(panel: _Panel) -> dict[str, Sequence[Matrix]]:
    return {model: data.confusion_matrix_at_thresholds.matrices for model, data in panel.items()}


def _lines(
    evidence: Evidence,
    sources: Mapping[str, Sequence[_Source]],
    curve: Callable[[Sequence[_Source]], list[charts.Point]],
) -> list[Line]:
    """A line for each model that has one."""
    curves = {model: curve(source) for model, source in sources.items()}
    return [Line(_named(model), colour_of(evidence, model), points) for model, points in curves.items() if points]


def colour_of(evidence: Evidence, model: str) -> int:
    """The number of a model's colour."""
    return evidence.models.index(model) % _COLOURS if model in evidence.models else 0


def _named(model: str) -> str:
    return model or "the model"
