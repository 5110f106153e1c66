"""`assay power`: the rows that thresholds with evidence need."""

from __future__ import annotations

import click

from assay.cli.of_file import of_file
from assay.cli.options import with_base, with_params
from assay.cli.printing import print_grid, print_sections, with_format
from assay.cli.reporting import reports_errors

_MOST_LINES = 20


@click.command()
@click.argument("analysis", type=click.Path())
@with_params
@with_base
@click.option(
    "--results", type=click.Path(), metavar="RESULTS", help="A run to plan from; by default the latest of the output."
)
@click.option(
    "--power",
    "share",
    type=click.FloatRange(0.5, 1, min_open=True, max_open=True),
    default=0.8,
    show_default=True,
    help="Share of runs in which what is true is to be shown.",
)
@click.option(
    "--change",
    type=click.FloatRange(min=0),
    default=0.0,
    show_default=True,
    help="By how much a candidate is truly worse than the baseline, in the unit of the metric; not_worse must find it.",
)
@click.option(
    "--top", type=click.IntRange(min=1), metavar="N", help=f"The N hardest lines; by default {_MOST_LINES} for people."
)
@with_format
@reports_errors
def power(
    analysis: str,
    params: dict[str, str],
    base: str | None,
    results: str | None,
    share: float,
    change: float,
    top: int | None,
    form: str,
) -> None:
    """Say how many rows each threshold of `gate` needs, slice by slice.

    The standard errors are those of the last run of ANALYSIS. `needed` is the rows of a slice, `data` the rows of a run
    in which the slice has its share, and `shows` the distance from the bound that as many rows as now would show.
    """
    from assay.plan.analysis_file import load_analysis
    from assay.report.terminal.power_grid import hardest_first, power_grid, summary
    from assay.run.power import power_of

    plan = load_analysis(analysis, params, base=base)
    with of_file(analysis):
        needed, rows = power_of(plan, results, power=share, change=change)
    lines = hardest_first(needed)
    shown = lines[: top or (_MOST_LINES if form in ("table", "markdown") else None)]
    if form in ("csv", "json"):
        print_grid(power_grid(shown, rows), form)
        return
    print_sections(lambda fit: [[*fit(power_grid(shown, rows), 3)], summary(lines, len(shown), share, rows)], form)
