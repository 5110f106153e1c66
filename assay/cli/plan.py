"""`assay plan`: what an analysis file would run."""

from __future__ import annotations

import click

from assay.cli.options import with_base, with_params
from assay.cli.reporting import reports_errors, say
from assay.plan.tasks import CHECKPOINTS, reshaped


@click.command()
@click.argument("analysis", type=click.Path())
@with_params
@with_base
@click.option(
    "--format",
    "form",
    type=click.Choice(["tree", "json", "mermaid"]),
    default="tree",
    show_default=True,
    help="An indented tree, the plan itself, or a flowchart.",
)
@click.option(
    "--checkpoint",
    "cuts",
    type=click.Choice(CHECKPOINTS),
    help="Override `checkpoint` of the file: one task, cuts after expensive stages only, or after every stage.",
)
@reports_errors
def plan(analysis: str, params: dict[str, str], base: str | None, form: str, cuts: str | None) -> None:
    """Print the plan of an analysis file.

    Parameters are filled in if all that have no default are given.
    """
    from assay.plan.analysis_file import load_analysis
    from assay.plan.as_json import to_json
    from assay.plan.filled import open_params, with_defaults, with_params
    from assay.report.graph import as_mermaid, as_tree

    loaded = with_defaults(load_analysis(analysis, base=base), params)
    if params and not open_params(loaded):
        loaded = with_params(loaded, {})
    if cuts is not None:
        loaded = reshaped(loaded, cuts)
    say({"tree": as_tree, "json": to_json, "mermaid": as_mermaid}[form](loaded).rstrip("\n"))
