"""`assay history`: the runs of an output over time."""

from __future__ import annotations

import click

from assay.cli.options import words
from assay.cli.printing import print_grid, print_sections, with_format
from assay.cli.reporting import fail, reports_errors
from assay.errors import ResultsError

_MOST_RUNS = 20


@click.command()
@click.argument("root", type=click.Path())
@click.option(
    "--metrics",
    callback=words,
    metavar="A,B",
    help="These metrics; by default those with thresholds in the newest run.",
)
@click.option("--slices", metavar="TEXT", help="Slices whose name has this text; by default all rows.")
@click.option(
    "--top", type=click.IntRange(min=1), default=_MOST_RUNS, show_default=True, metavar="N", help="The newest N runs."
)
@with_format
@reports_errors
def history(root: str, metrics: list[str] | None, slices: str | None, top: int, form: str) -> int:
    """List the runs of an output, the newest first.

    ROOT is the output of an analysis file, a folder or gs:// URI. Each run has its verdict and the values of metrics,
    with their changes since the run before.
    """
    from assay.report.runs.history import history_of

    found = history_of(root, metrics, slices, top)
    if form in ("csv", "json"):
        print_grid(found.grid(), form)
    else:
        print_sections(found.sections, form)
    for fault in found.faults:
        fail(fault, ResultsError.exit_code)
    return ResultsError.exit_code if found.faults else 0
