"""Results as a summary in Markdown, with tables as GitHub knows them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from assay.report.cells import cell_of, class_cells, columns_of, row_of, without_classes
from assay.report.evidence import Evidence, Measure, Slice
from assay.report.found_slices import found_grid, found_sentences
from assay.report.grids.formats import as_markdown
from assay.report.grids.markdown_table import escaped, table
from assay.report.page.class_matrices import confusion_cells, confusions
from assay.report.page.verdict_markdown import verdict_parts
from assay.results.labels import labels_of
from assay.text.printable import shortened

_MOST_MEASURES = 40
_MOST_CLASSES = 40
_MOST_SLICES = 10
_MOST_REMARKS = 20
_MOST_MATRICES = 2


def summary(evidence: Evidence, uri: str) -> str:
    """The evidence as Markdown.

    Args:
        evidence: of a run.
        uri: of the file that has every reason of the verdict.
    """
    parts = [
        *_verdict(evidence, uri),
        *_overall(evidence),
        *_confusions(evidence),
        *_worst(evidence),
        *_found(evidence),
    ]
    return "\n\n".join(parts) + "\n"


def _found(evidence: Evidence) -> Iterator[str]:
    """The slices that a search found."""
    if evidence.found is None:
        return
    yield "### Worst slices found"
    yield escaped(" ".join(found_sentences(evidence.found)))
    grid = found_grid(evidence.found)
    if grid.rows:
        yield as_markdown(grid).rstrip()


def _verdict(evidence: Evidence, uri: str) -> Iterator[str]:
    if evidence.verdict is None:
        yield "There is no verdict with these results."
        return
    yield from verdict_parts(evidence.verdict, uri)


def _overall(evidence: Evidence) -> Iterator[str]:
    overall = evidence.overall
    if overall is None or not any(measure.is_number for measure in evidence.measures):
        return
    measures = [measure for measure in without_classes(evidence) if measure.is_number][:_MOST_MEASURES]
    headings = list(dict.fromkeys(heading for measure in measures for heading in evidence.columns(measure)))
    yield "### Metrics of all rows"
    if measures:
        yield table(("Metric", *headings), [_line(evidence, overall, measure, headings) for measure in measures])
    by_class = class_cells(evidence, overall)
    if by_class:
        yield table(by_class[0], by_class[1][:_MOST_CLASSES])
    if evidence.remarks:
        yield "\n".join(f"- {escaped(shortened(text, 400))}" for text in evidence.remarks[:_MOST_REMARKS])


def _line(evidence: Evidence, one: Slice, measure: Measure, headings: Sequence[str]) -> list[str]:
    keys = evidence.columns(measure)
    return [measure.label, *(cell_of(one, keys[h], measure) if h in keys else "" for h in headings)]


def _confusions(evidence: Evidence) -> Iterator[str]:
    """Of metrics that are matrices of several classes, the most frequent confusions of all rows, by model."""
    values = evidence.overall.values if evidence.overall else {}
    for label, key in labels_of([key for key in values if not key.is_diff], evidence.classes).items():
        matrices = values[key].value.multi_class_confusion_matrix_at_thresholds.matrices
        for matrix in matrices[:_MOST_MATRICES]:
            names = evidence.classes.of(key.model_name, key.output_name)
            rows = [confusion_cells(confusion, names) for confusion in confusions(matrix)]
            if rows:
                yield f"### Confusions of {escaped(label)} at {matrix.threshold:.4g}"
                yield table(("Label", "Predicted", "Weight", "Share of the label"), rows)


def _worst(evidence: Evidence) -> Iterator[str]:
    leading = evidence.leading
    slices = [one for one in evidence.slices if one is not evidence.overall and not one.is_hidden]
    if leading is None or not slices:
        return
    columns = columns_of(evidence, [leading])
    rows = [[shortened(one.name), *row_of(one, columns)] for one in slices[:_MOST_SLICES]]
    yield f"### Worst of {len(slices):,} slices by {escaped(leading.label)}"
    yield table(("Slice", "Rows", *(column.heading for column in columns)), rows)
