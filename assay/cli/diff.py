"""`assay diff`: two runs held against each other."""

from __future__ import annotations

import json

import click

from assay.cli.options import words
from assay.cli.printing import print_sections, with_format
from assay.cli.reporting import reports_errors

_MOST_SLICES = 10


@click.command()
@click.argument("a", type=click.Path())
@click.argument("b", type=click.Path())
@click.option("--metrics", callback=words, metavar="A,B", help="Only these metrics, in all slices.")
@click.option("--slices", metavar="TEXT", help="Only slices whose name has this text, for example sex or sex=Female.")
@click.option("--where", default="", metavar="CONDITION", help='Only changes such as "change < -0.01 and rows > 500".')
@click.option(
    "--top",
    type=click.IntRange(min=0),
    metavar="N",
    help=f"Only the N slices that moved most; by default {_MOST_SLICES} for people, and all for json and csv.",
)
@with_format
@reports_errors
def diff(a: str, b: str, metrics: list[str] | None, slices: str | None, where: str, top: int | None, form: str) -> None:
    """Compare two runs: what moved, what is new, and what is gone.

    A is the run before and B the run after: each an output, whose latest run is taken, or the folder of a run. A change
    is the value of B minus that of A. Names of --where are slice, metric, a, b, change and rows.
    """
    from assay.notebook.compare import compare
    from assay.report.grids import formats
    from assay.report.runs import comparison_grids

    found = compare(a, b, metrics, slices)
    comparison = found.comparison.where(where) if where else found.comparison
    if form == "json":
        objects = comparison_grids.as_objects(found.runs, comparison, top)
        click.echo(json.dumps(objects, indent=1, allow_nan=False))
    elif form == "csv":
        changes = comparison.changes(top)
        click.echo(formats.as_csv(comparison_grids.changes_grid(changes)), nl=False)
    else:
        most = _MOST_SLICES if top is None else top
        print_sections(lambda fit: comparison_grids.sections_of(found.runs, comparison, most, fit), form)
