"""`assay init`: an analysis file proposed from data."""

from __future__ import annotations

from pathlib import Path

import click

from assay.cli import own_process
from assay.cli.reporting import reports_errors, say
from assay.errors import UsageError
from assay.plan.known import FORMATS
from assay.storage.local_text import write_text

_ON_STDOUT = "-"


@click.command()
@click.argument("data", nargs=-1, required=True)
@click.option("--label", default="", metavar="COLUMN", help="The true outcome of each row.")
@click.option(
    "--prediction",
    "predictions",
    multiple=True,
    metavar="COLUMN",
    help="The predictions of a model. Repeat it to evaluate several models side by side.",
)
@click.option("--baseline", default="", metavar="COLUMN", help="The predictions that the others are compared with.")
@click.option("--weight", default="", metavar="COLUMN", help="How much each row counts; - for all the same.")
@click.option(
    "--query",
    default="",
    metavar="COLUMN",
    help="For ranked lists: which rows belong to one query; - if these are none.",
)
@click.option("--slice", "slices", multiple=True, metavar="COLUMN", help="A column to slice by. May be repeated.")
@click.option("--positive", default="", metavar="LABEL", help="The label of the positive class.")
@click.option(
    "--class",
    "classes",
    multiple=True,
    metavar="NAME",
    help="Name of a class. Repeat it for all of them, in the order of the numbers of a prediction.",
)
@click.option("--format", "form", type=click.Choice(FORMATS), help="Format of the data, if it is not recognised.")
@click.option(
    "--blessed",
    default="",
    metavar="RESULTS",
    help="Propose thresholds from these results, whose latest run was blessed, instead of from the data.",
)
@click.option(
    "-o",
    "--output",
    default="analysis.yaml",
    show_default=True,
    metavar="FILE",
    help="Where to write the analysis file; - prints it.",
)
@click.option("--force", is_flag=True, help="Replace the file if it exists.")
@reports_errors
def init(
    data: tuple[str, ...],
    label: str,
    predictions: tuple[str, ...],
    baseline: str,
    weight: str,
    query: str,
    slices: tuple[str, ...],
    positive: str,
    classes: tuple[str, ...],
    form: str | None,
    blessed: str,
    output: str,
    force: bool,
) -> None:
    """Write an analysis file for data with predictions.

    DATA are files, folders or globs of Parquet, CSV, JSON lines or TFRecord that hold labels and predictions. A sample
    of the rows is read. Comments in the file explain each choice; `assay run` takes it as it is.
    """
    own_process.keep_pandas_out()
    from assay.proposal.propose import propose_file
    from assay.proposal.roles import Asked

    is_printed = output == _ON_STDOUT
    file = Path("analysis.yaml" if is_printed else output)
    if not is_printed and not force and file.exists():
        raise UsageError(f"{output}: exists already; name another file with --output, or replace it with --force")
    asked = Asked(label, predictions, baseline, weight, query, slices, positive, classes)
    proposal = propose_file(data, asked, form=form or "", file=file, blessed=blessed)
    if is_printed:
        say(proposal.text.rstrip("\n"))
        return
    write_text(file, proposal.text, "--output", replace=force)
    for line in proposal.summary:
        say(line)
    say(f"{output}: read its comments, then: assay run {output}")
