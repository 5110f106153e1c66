"""Results as one page of HTML, and as a summary in Markdown."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence
from importlib.resources import files
from typing import Any

from assay.report import sections
from assay.report.evidence import Evidence, Plots, Slice, evidence_of, matrices_of, plots_of
from assay.report.markdown import summary
from assay.report.markup import Markup, element, joined
from assay.report.plots import plots_section
from assay.report.slices_table import rest_data, slices_section
from assay.results.latest import results_folder
from assay.storage.file_paths import FilePath, path_text

_MOST_BYTES = 950_000
_MOST_AT_ONCE = 60
_MOST_PLOTTED = 4


def html_page(output: FilePath, facts: Mapping[str, Any] | None = None) -> str:
    """One page about the results of a run: verdict, metrics by slice, plots, what was run.

    It asks for nothing from outside, has less than 1 MB however many slices there are, and needs scripts only to sort
    and to filter.

    Args:
        output: of an analysis, of which the latest run is shown; or the folder of a run; local or on gs://.
        facts: what `results.json` will hold, where it is not written yet.

    Raises:
        ResultsError: no such folder, or files of several runs.
        CorruptFileError: a file is damaged.
    """
    folder = results_folder(output)
    evidence = evidence_of(folder, facts)
    first = _first(evidence.slices)
    names = {one.name for one in first}
    body = [
        element("h1", _title(evidence)),
        sections.verdict_section(evidence),
        sections.overall_section(evidence),
        slices_section(evidence, first),
        plots_section(evidence, _plots_of_first(folder, first)),
        sections.run_section(evidence),
    ]

    # The tables, plots and styles are written first; rows of further slices fill the room that is left.
    whole = joined(*body)
    rest = [one for one in evidence.slices if one.name not in names]
    style, script = _asset("page.css"), _asset("page.js")
    room = _MOST_BYTES - sum(len(part.encode()) for part in (whole, style, script))
    data, kept = rest_data(evidence, rest, room)
    left_out = _left_out(len(rest), kept)

    page = joined(element("main", whole, left_out), data, element("script", Markup(script)))
    status = evidence.verdict.status.replace("_", " ") if evidence.verdict else "no verdict"
    return _document(f"{status}: {_title(evidence)}", page, style, script)


def bare_page(title: str, *content: Markup) -> str:
    """A page of its own, in the same style, without scripts."""
    return _document(title, element("main", *content), _asset("page.css"))


def markdown_summary(output: FilePath) -> str:
    """Verdict, reasons, metrics of all rows and the worst slices, as Markdown with tables.

    Args:
        output: as for `html_page`.

    Raises:
        ResultsError: no such folder, or files of several runs.
        CorruptFileError: a file is damaged.
    """
    return summary(evidence_of(path_text(output, "output")))


def _plots_of_first(output: str, slices: Sequence[Slice]) -> dict[str, Plots]:
    """The plots of the first slices; matrices of several classes are plots to look at, also where they are metrics."""
    shown = [one for one in slices if not one.is_too_small][:_MOST_PLOTTED]
    plots = plots_of(output, [one.name for one in shown])
    found = {one.name: [*plots.get(one.name, []), *matrices_of(one)] for one in shown}
    return {name: of_slice for name, of_slice in found.items() if of_slice}


def _first(slices: Sequence[Slice]) -> list[Slice]:
    """The slices that the page shows without scripts: the first ones, and the largest."""
    largest = sorted(slices, key=lambda slice_: -slice_.rows)[:_MOST_AT_ONCE]
    names = {slice_.name for slice_ in (*slices[:_MOST_AT_ONCE], *largest)}
    return [slice_ for slice_ in slices if slice_.name in names]


def _title(evidence: Evidence) -> str:
    models = ", ".join(filter(None, evidence.candidates))
    against = ", ".join(sorted(filter(None, evidence.baselines)))
    return f"Evaluation{f' of {models}' if models else ''}{f' against {against}' if against else ''}"


def _left_out(rest: int, kept: int) -> Markup | None:
    if kept == rest:
        return None
    return element("p", f"{rest - kept:,} slices are left out, as the page would grow too large; the files have them.")


def _document(title: str, body: Markup, style: str, script: str = "") -> str:
    """The whole of a page. Its policy allows it to load nothing, and to run no script but its own."""
    scripts = f"'{_hash(script)}'" if script else "'none'"
    policy = f"default-src 'none'; style-src '{_hash(style)}'; script-src {scripts}; base-uri 'none'"
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", http_equiv="Content-Security-Policy", content=policy),
        element("title", title),
        element("style", Markup(style)),
    )
    return f"<!doctype html>\n{element('html', head, element('body', body), lang='en')}\n"


def _hash(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


def _asset(name: str) -> str:
    return files("assay.report").joinpath(name).read_text(encoding="utf-8")
