"""Results as one page of HTML, and as a summary in Markdown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from assay import storage
from assay.report.evidence import Evidence, Slice, evidence_of
from assay.report.html import page_script
from assay.report.html.document import document
from assay.report.html.markup import Markup, element, joined
from assay.report.html.packed import data_element
from assay.report.page import sections, verdict_section
from assay.report.page.evidence_table import evidence_table
from assay.report.page.found_section import found_section
from assay.report.page.markdown import summary
from assay.report.page.plots import plots_section
from assay.report.page.plots_data import SlicePlot, plots_data, read_plots
from assay.report.page.slices_data import slices_data
from assay.report.page.slices_table import slices_section
from assay.report.terminal.checks import verdict_object
from assay.results.latest import VERDICT_FILE, results_folder
from assay.storage.file_paths import FilePath, path_text
from assay.text.counted import counted

_MOST_BYTES = 9_500_000
"""Of a page with plots; values of many slices alone may take more."""
_MOST_AT_ONCE = 60
_MOST_PLOTTED = 4
MOST_PLOTS = 2_500
"""Slices whose plots a page may have."""
PLOTS_OF_A_RUN = 30
"""The same of the page that a run writes, as packing the plots of a slice takes a millisecond."""


def html_page(output: FilePath, facts: Mapping[str, Any] | None = None, *, plots: int = MOST_PLOTS) -> str:
    """One page about the results of a run: verdict, metrics by slice, plots, what was run.

    It asks for nothing from outside. Without scripts it shows the slices to look at first; scripts sort, filter and
    compare all of them.

    Args:
        output: of an analysis, of which the latest run is shown; or the folder of a run; local or on gs://.
        facts: what `results.json` will hold, where it is not written yet.
        plots: slices whose plots it has at most, those to look at first.

    Raises:
        ResultsError: no such folder, or files of several runs.
        CorruptFileError: a file is damaged.
    """
    folder = results_folder(output)
    evidence = evidence_of(folder, facts)
    slices = [slice_ for slice_ in evidence.slices if not slice_.is_hidden]
    first = _first(slices)
    read = read_plots(folder, slices, thinned=plots, whole=_MOST_PLOTTED)

    body = joined(
        element("h1", _title(evidence)),
        verdict_section.verdict_section(evidence),
        verdict_section.reasons_section(evidence),
        element(
            "div",
            sections.overall_section(evidence),
            verdict_section.thresholds_section(evidence),
            class_="side-by-side",
        ),
        evidence_table(verdict_object(evidence.verdict) or {}),
        slices_section(evidence, slices, first, len(evidence.slices) - len(slices)),
        found_section(evidence),
        plots_section(evidence, read.whole),
        sections.section("Groups compared", name="groups", hidden=True),
        sections.run_section(evidence),
    )
    data, left_out = _data(evidence, slices, read.thinned, plots, len(body.encode()))
    status = evidence.verdict.status.replace("_", " ") if evidence.verdict else "no verdict"
    page = joined(element("main", body, left_out), data)
    return document(f"{status}: {_title(evidence)}", page, page_script.script_of_run())


def bare_page(title: str, *content: Markup) -> str:
    """A page of its own, in the same style, without scripts."""
    return document(title, element("main", *content))


def markdown_summary(output: FilePath) -> str:
    """Verdict, reasons, metrics of all rows and the worst slices, as Markdown with tables.

    Args:
        output: as for `html_page`.

    Raises:
        ResultsError: no such folder, or files of several runs.
        CorruptFileError: a file is damaged.
    """
    folder = results_folder(path_text(output, "output"))
    return summary(evidence_of(folder), storage.join(folder, VERDICT_FILE))


def _data(
    evidence: Evidence, slices: Sequence[Slice], drawn: Sequence[SlicePlot], most: int, taken: int
) -> tuple[Markup | None, Markup | None]:
    """What the script needs, and a sentence about what there was no room for."""
    if not slices:
        return None, None
    text, columns = slices_data(evidence, slices)
    plots = plots_data(evidence, drawn, max(len(slices) - most, 0), _MOST_BYTES - taken - len(text))
    data = joined(data_element("slices-data", text), data_element("plots-data", plots.text) if plots else None)

    parts = [counted(columns, "column") + " of metrics"] if columns else []
    parts += [f"the plots of {counted(plots.left_out, 'slice')}"] if plots and plots.left_out else []
    more = "the files have them" if most == MOST_PLOTS else "assay show RESULTS --html FILE writes a page with more"
    left_out = f"To keep the page small, {' and '.join(parts)} are left out; {more}." if parts else None
    return data, element("p", left_out, class_="minor") if left_out else None


def _first(slices: Sequence[Slice]) -> list[Slice]:
    """The slices that the page shows without scripts: the first ones, and the largest."""
    largest = sorted(slices, key=lambda slice_: -slice_.rows)[:_MOST_AT_ONCE]
    names = {slice_.name for slice_ in (*slices[:_MOST_AT_ONCE], *largest)}
    return [slice_ for slice_ in slices if slice_.name in names]


def _title(evidence: Evidence) -> str:
    models = ", ".join(filter(None, evidence.candidates))
    against = ", ".join(sorted(filter(None, evidence.baselines)))
    return f"Evaluation{f' of {models}' if models else ''}{f' against {against}' if against else ''}"
