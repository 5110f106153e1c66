"""`assay metrics`: which metrics there are, and what each is."""

from __future__ import annotations

import shutil

import click

from assay.cli.reporting import reports_errors, say

_WIDE = 1000
"""Characters of a line where nobody looks at a terminal: what is searched or stored has each metric on one line."""


@click.command()
@click.argument("name", required=False)
@click.option(
    "--format",
    "form",
    type=click.Choice(["table", "json"]),
    default="table",
    show_default=True,
    help="How to print it.",
)
@reports_errors
def metrics(name: str | None, form: str) -> None:
    """List metrics and plots, or describe one.

    NAME is the name of a metric in a config, such as AUC, or in results, such as auc.
    """
    from assay.report.reference import metric_text

    if form == "json":
        text = metric_text.metric_as_json(name) if name else metric_text.list_as_json()
    else:
        width = shutil.get_terminal_size((_WIDE, 24)).columns
        text = metric_text.metric_text(name, width) if name else metric_text.metric_list(width)
    say(text.rstrip("\n"))
