"""The section of the page with the slices that a search found."""

from __future__ import annotations

from assay.report.evidence import Evidence
from assay.report.found_slices import found_grid, found_sentences, left_out_sentences, specs_texts
from assay.report.html.markup import Markup, element
from assay.report.html.tables import table
from assay.report.page.sections import section


def found_section(evidence: Evidence) -> Markup | None:
    """What was searched, the slices, and what to add to the eval config; None if there was no search."""
    found = evidence.found
    if found is None:
        return None
    grid, specs = found_grid(found), specs_texts(found)
    shown = table("found slices", [column.head for column in grid.columns], grid.texts()) if grid.rows else None
    left_out = [element("li", line) for line in left_out_sentences(found)]
    to_add = element(
        "details", element("summary", "Add to the eval config"), element("pre", "\n".join(specs), tabindex=0)
    )
    return section(
        "Worst slices found",
        *(element("p", line, class_="minor") for line in found_sentences(found)),
        shown,
        element("ul", *left_out, class_="minor") if left_out else None,
        to_add if specs else None,
        name="found",
    )
