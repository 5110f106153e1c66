"""`assay run`: an analysis on this machine."""

from __future__ import annotations

import sys
from contextlib import nullcontext

import click

from assay.cli import current_folder, own_process
from assay.cli.fail_on import exit_code, with_fail_on
from assay.cli.of_file import of_file
from assay.cli.options import with_base, with_machine, with_params
from assay.cli.reporting import reports_errors, say
from assay.cli.show import show_results, write_page


@click.command()
@click.argument("analysis", type=click.Path())
@with_params
@with_base
@click.option(
    "--checkpoints",
    metavar="ROOT",
    help="Run stage by stage, leave a checkpoint of each in this folder or under this gs:// URI, and use those that "
    "exist already.",
)
@with_machine
@click.option("--quiet", is_flag=True, help="Show neither progress nor tables.")
@click.option("--html", "page", type=click.Path(), metavar="FILE", help="Also write the page of the run to this file.")
@with_fail_on
@click.argument("options", nargs=-1, type=click.UNPROCESSED)
@reports_errors
def run(
    analysis: str,
    params: dict[str, str],
    base: str | None,
    checkpoints: str | None,
    workers: tuple[str, ...],
    most_memory: tuple[str, ...],
    quiet: bool,
    page: str | None,
    fail_on: str | None,
    options: tuple[str, ...],
) -> int:
    """Evaluate a model on this machine; show metrics and verdict.

    ANALYSIS is an analysis file. OPTIONS, after --, are options of Beam pipelines.
    """
    from assay.engine import memory, progress

    memory.tune()
    stream = None if quiet else sys.stderr
    with progress.shown(stream) if stream else nullcontext():
        from assay.plan.analysis_file import load_analysis

        plan = load_analysis(analysis, params, base)
        own_process.fit_imports(plan, options)
        from assay.run import local

        current_folder.let_import()
        with of_file(analysis):
            result = local.run(
                plan, checkpoints=checkpoints, progress=stream, options=(*workers, *most_memory, *options)
            )
    if not quiet:
        show_results(result.output, name_folder=False)
    if page is not None:
        write_page(result.output, page)
    say(f"{result.verdict.status}  {result.output}")
    if not quiet:
        say(f"Page: {_page_in(result.output)}")
    return exit_code(result.verdict.status, fail_on)


def _page_in(folder: str) -> str:
    from assay import storage
    from assay.results.published import PAGE_FILE

    return storage.join(folder, PAGE_FILE)
