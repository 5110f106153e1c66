"""`assay show`: the results of a run."""

from __future__ import annotations

import click

from assay.cli.fail_on import exit_code, with_fail_on
from assay.cli.options import words
from assay.cli.reporting import reports_errors, say
from assay.errors import UsageError
from assay.verdict import Status


@click.command()
@click.argument("results", type=click.Path())
@click.option("--metrics", callback=words, metavar="A,B", help="Only these metrics.")
@click.option("--slices", metavar="TEXT", help="Only slices whose name has this text, for example sex or sex=Female.")
@click.option(
    "--html", "page", type=click.Path(), metavar="FILE", help="Write everything, with plots, to this HTML page."
)
@with_fail_on
@reports_errors
def show(results: str, metrics: list[str] | None, slices: str | None, page: str | None, fail_on: str | None) -> int:
    """Show verdict and metrics of a run.

    RESULTS is an output, whose latest run is shown, or the folder of a run.

    With --html it writes everything to one page, which needs no other file.
    """
    if page is None:
        show_results(results, metrics, slices)
    elif metrics is not None or slices is not None:
        raise click.UsageError("--html writes all metrics and slices; leave out --metrics and --slices")
    else:
        _write_page(results, page)
    return exit_code(_status(results), fail_on) if fail_on else 0


def _status(results: str) -> Status | None:
    from assay.results.files import listed, load_verdict
    from assay.results.latest import VERDICT_FILE, results_folder

    folder = results_folder(results)
    return load_verdict(folder).status if VERDICT_FILE in listed(folder) else None


def show_results(results: str, metrics: list[str] | None, slices: str | None) -> None:
    """Prints metrics and verdict; arguments as for the command."""
    from rich.console import Console

    from assay.report import tables
    from assay.results.latest import results_folder

    console, results = Console(), results_folder(results)
    say(results)
    console.print(tables.metrics_table(results, metrics, slices))
    by_class = tables.classes_table(results, slices) if metrics is None else None
    if by_class is not None:
        console.print(by_class)
    for line in tables.remark_lines(results):
        say(line)
    console.print(tables.verdict_panel(results))


def _write_page(results: str, page: str) -> None:
    from assay.report.page import html_page

    content = html_page(results)
    try:
        with open(page, "w", encoding="utf-8") as file:
            file.write(content)
    except OSError as error:
        raise UsageError(f"--html: {page}: {error.strerror or error}; choose another file") from error
    say(page)
