"""What a notebook shows of results: the whole page, curves of some slices, a metric by slice."""

from __future__ import annotations

from dataclasses import dataclass

from assay.errors import ResultsError
from assay.report.evidence import Evidence, Measure, evidence_of, plots_of
from assay.report.html.markup import element
from assay.report.page.charted_slices import charted
from assay.report.page.plots import KINDS, diagrams, legend
from assay.report.page.results import bare_page
from assay.report.page.slice_chart import slice_chart
from assay.report.terminal.selection import with_text
from assay.storage.file_paths import FilePath, path_text
from assay.storage.local_text import write_text
from assay.text.near_miss import one_of

_MOST_CURVES, _MOST_ROWS = 4, 40


@dataclass(frozen=True)
class Diagrams:
    """Diagrams of results, which a notebook shows where a cell ends with them.

    Attributes:
        html: a page of its own.
        height: in pixels, at which a notebook shows it.
    """

    html: str
    height: int

    def _repr_html_(self) -> str:
        return in_frame(self.html, self.height)

    def __repr__(self) -> str:
        return f"Diagrams of {len(self.html):,} characters; .save(path) writes it as an HTML page"

    def save(self, path: FilePath) -> None:
        """Writes the page to a local file.

        Raises:
            UsageError: the file cannot be written.
        """
        write_text(path_text(path, "path"), self.html, "path")


def in_frame(html: str, height: int) -> str:
    """A page within the output of a notebook's cell: its style and its scripts stay its own."""
    style = f"width: 100%; height: {height}px; border: 0; resize: vertical; overflow: auto"
    return element("iframe", srcdoc=html, sandbox="allow-scripts", style=style, title="results of an evaluation")


def diagrams_of(output: str, what: str, slices: str | None = None) -> Diagrams:
    """Diagrams of a run.

    Args:
        output: folder of the run.
        what: `roc`, `precision_recall`, `calibration` or `confusion_matrix`; or a metric, which is shown by slice.
        slices: text in the names of the slices to show; None shows the overall slice and, of a metric, the first to
            look at.

    Raises:
        ResultsError: no such metric, slice or plot in the results.
    """
    evidence = evidence_of(output)
    return _curves(output, evidence, what, slices) if what in KINDS else _by_slice(evidence, what, slices)


def _curves(output: str, evidence: Evidence, kind: str, slices: str | None) -> Diagrams:
    chosen = with_text(evidence.slices, slices)[: 1 if slices is None else _MOST_CURVES]
    names = [one.name for one in chosen]
    plots = plots_of(output, names)
    parts = diagrams(evidence, {name: plots[name] for name in names if name in plots}, kind)
    if not parts:
        raise ResultsError(
            f"no plot for {kind} in the results of {', '.join(names)}; "
            "add ConfusionMatrixPlot or CalibrationPlot to the metrics of the eval config"
        )
    return Diagrams(bare_page(kind.replace("_", " "), *parts), 100 + 330 * len(names))


def _by_slice(evidence: Evidence, metric: str, slices: str | None) -> Diagrams:
    measure = _measure(evidence, metric)
    chosen = [one for one in with_text(evidence.slices, slices) if not one.is_hidden and not one.is_pair]
    rows = [charted(evidence, measure, one) for one in chosen]
    shown = rows[:_MOST_ROWS]
    more = len(rows) - len(shown)
    rest = element("p", f"{more:,} slices more; slices= chooses.", class_="minor") if more else None
    parts = [part for part in (legend(evidence), slice_chart(measure.label, shown), rest) if part]
    return Diagrams(bare_page(f"{measure.label} by slice", *parts), 160 + 24 * len(shown))


def _measure(evidence: Evidence, metric: str) -> Measure:
    numbers = {measure.label: measure for measure in evidence.measures if measure.is_number}
    by_name = [measure for measure in numbers.values() if measure.key.name == metric]
    if metric not in numbers and len(by_name) != 1:
        several = f"; say which: {', '.join(measure.label for measure in by_name)}" if by_name else ""
        kinds = f"; or one of {', '.join(KINDS)}"
        raise ResultsError(f"no metric {metric!r} in the results{several or one_of(metric, sorted(numbers)) + kinds}")
    return numbers[metric] if metric in numbers else by_name[0]
