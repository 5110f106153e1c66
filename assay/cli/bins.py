"""`assay bins`: edges of bins by quantiles of data, to be written into an eval config."""

from __future__ import annotations

import click

from assay.cli import own_process
from assay.cli.reporting import reports_errors, say
from assay.plan.known import FORMATS


@click.command()
@click.argument("data", nargs=-1, required=True)
@click.option(
    "--feature",
    "features",
    multiple=True,
    required=True,
    metavar="COLUMN",
    help="A column of numbers. May be repeated.",
)
@click.option(
    "--quantiles",
    "count",
    type=click.IntRange(2, 1000),
    default=4,
    show_default=True,
    help="How many bins, with about as many values each.",
)
@click.option("--format", "form", type=click.Choice(FORMATS), help="Format of the data, if it is not recognised.")
@reports_errors
def bins(data: tuple[str, ...], features: tuple[str, ...], count: int, form: str | None) -> None:
    """Print bins of numbers by quantiles.

    DATA are files, folders or globs of Parquet, CSV, JSON lines or TFRecord, such as the training data. All rows are
    read. What is printed belongs into the eval config, so that slices are the same in every run.
    """
    own_process.keep_pandas_out()
    from assay.proposal.quantile_bins import quantile_bins_text

    say(quantile_bins_text(data, features, count, form or ""))
