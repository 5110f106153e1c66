"""`assay show`: the results of a run."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import click

from assay.cli.fail_on import exit_code, with_fail_on
from assay.cli.options import words
from assay.cli.printing import print_sections, with_format
from assay.cli.reporting import reports_errors, say
from assay.storage.local_text import write_text
from assay.verdict import Status

if TYPE_CHECKING:
    from assay.report.evidence import Evidence
    from assay.report.terminal.selection import Selection


@click.command()
@click.argument("results", type=click.Path())
@click.option("--failed", is_flag=True, help="Only slices in which a threshold fails.")
@click.option("--where", default="", metavar="CONDITION", help='Only slices such as "auc < 0.7 and rows > 500".')
@click.option("--slices", metavar="TEXT", help="Only slices whose name has this text, for example sex or sex=Female.")
@click.option("--metrics", callback=words, metavar="A,B", help="Only these metrics, of all models.")
@click.option(
    "--sort", default="", metavar="NAME[:desc]", help="Order slices by a metric, rows or name, the least first."
)
@click.option("--top", type=click.IntRange(min=1), metavar="N", help="Show N slices; by default 20.")
@click.option("--all", "everything", is_flag=True, help="Show all slices and metrics.")
@with_format
@click.option("--html", "page", type=click.Path(), metavar="FILE", help="Write everything, with plots, to a page.")
@with_fail_on
@reports_errors
def show(results: str, page: str | None, form: str, fail_on: str | None, **wanted: Any) -> int:
    """Show verdict and metrics of a run.

    RESULTS is an output, whose latest run is shown, or the folder of a run.

    The overall slice comes first, then slices in which a threshold fails, then the worst. JSON and CSV have all that is
    selected, a row for each number. Metrics of --where and --sort are named as in the table, with backquotes around
    names that have blanks: --where '`auc change` < 0'.
    """
    from assay.report.terminal.selection import Selection

    selection = Selection(**wanted)
    if selection.everything and selection.top is not None:
        raise click.UsageError("--all shows every slice; leave out --top")
    if page is None:
        show_results(results, selection, form)
    else:
        _refuse_beside_a_page({**wanted, "format": form != "table"})
        write_page(results, page)
    return exit_code(_status(results), fail_on) if fail_on else 0


def _refuse_beside_a_page(options: Mapping[str, Any]) -> None:
    """Raises UsageError for options that choose what is shown: a page has everything."""
    names = {"everything": "all"}
    given = [f"--{names.get(name, name)}" for name, value in options.items() if value]
    if given:
        raise click.UsageError(f"--html writes the whole page; leave out {', '.join(given)}")


def _status(results: str) -> Status | None:
    from assay.results.files import listed, load_verdict
    from assay.results.latest import VERDICT_FILE, results_folder

    folder = results_folder(results)
    return load_verdict(folder).status if VERDICT_FILE in listed(folder) else None


def show_results(
    results: str, selection: Selection | None = None, form: str = "table", *, name_folder: bool = True
) -> None:
    """Prints verdict and metrics.

    Args:
        results: as for the command.
        selection: what of them is wanted; None for what to look at first.
        form: one of `printing.FORMATS`.
        name_folder: whether tables are headed by the folder of the run.
    """
    from assay.report.evidence import evidence_of
    from assay.report.terminal.overview import overview
    from assay.report.terminal.selection import Selection
    from assay.results.latest import results_folder

    folder = results_folder(results)
    evidence, selection = evidence_of(folder), selection or Selection()
    if form in ("table", "markdown"):
        print_sections(lambda fit: overview(evidence, selection, fit), form, heading=folder if name_folder else "")
    else:
        _print_values(folder, evidence, selection, form)


def _print_values(folder: str, evidence: Evidence, selection: Selection, form: str) -> None:
    """Prints what is selected for other programs: as CSV the numbers, as JSON the verdict too."""
    from assay.report.figures import figures_of, named
    from assay.report.grids.formats import as_csv, objects_of
    from assay.report.terminal.checks import verdict_object
    from assay.report.terminal.selection import chosen_slices, limited
    from assay.report.terminal.tidy import tidy_grid

    figures = figures_of(evidence)
    slices = chosen_slices(evidence, figures, selection)
    wanted = figures if selection.metrics is None else named(figures, selection.metrics)
    grid = tidy_grid(folder, limited(slices, evidence, selection.top), wanted)
    if form == "csv":
        click.echo(as_csv(grid), nl=False)
    else:
        whole: dict[str, Any] = {
            "results": folder,
            "verdict": verdict_object(evidence.verdict),
            "metrics": objects_of(grid),
        }
        if evidence.found is not None:
            whole["found_slices"] = evidence.found
        click.echo(json.dumps(whole, indent=1, allow_nan=False))


def write_page(results: str, page: str) -> None:
    """Writes the page of a run to a file, and prints its name.

    Raises:
        UsageError: the file cannot be written.
    """
    from assay.report.page.results import html_page

    write_text(page, html_page(results), "--html")
    say(page)
