"""`assay report`: one page of many runs."""

from __future__ import annotations

import click

from assay.cli.reporting import reports_errors, say
from assay.storage.local_text import write_text

_MOST_RUNS = 60


@click.command()
@click.argument("root", type=click.Path())
@click.option(
    "--html",
    "page",
    type=click.Path(),
    default="runs.html",
    show_default=True,
    metavar="FILE",
    help="Where to write it.",
)
@click.option(
    "--top", type=click.IntRange(min=1), default=_MOST_RUNS, show_default=True, metavar="N", help="The newest N runs."
)
@reports_errors
def report(root: str, page: str, top: int) -> None:
    """Write one page about the runs of an output.

    ROOT is the output of an analysis file, a folder or gs:// URI. The page has the metrics with thresholds by run and
    slice, the verdicts, and what changed from run to run. It needs no other file.
    """
    from assay.report.runs.page import runs_page

    write_text(page, runs_page(root, top), "--html")
    say(page)
