"""`assay check`: an analysis file, its data and its models, without a run."""

from __future__ import annotations

import click

from assay.cli import current_folder, own_process
from assay.cli.of_file import of_file
from assay.cli.options import with_base, with_params
from assay.cli.reporting import reports_errors, say


@click.command()
@click.argument("analysis", type=click.Path())
@with_params
@with_base
@click.option("--import", "import_code", is_flag=True, help="Also import custom factories and callable models.")
@reports_errors
def check(analysis: str, params: dict[str, str], base: str | None, import_code: bool) -> None:
    """Check an analysis file, its data and models, without running it."""
    from assay.plan.analysis_file import load_analysis

    loaded = load_analysis(analysis, params, base)
    from assay.run import check as checks

    if import_code:
        current_folder.let_import()
    else:
        own_process.keep_pandas_out()
    with of_file(analysis):
        checked = checks.check(loaded, import_code=import_code)
    say(f"{analysis}: ok ({checked})")
    for line in checked.left_out:
        say(line)
