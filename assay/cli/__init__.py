"""The command `assay`. Everything heavy is imported by the command that needs it."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Sequence
from importlib import import_module

import click

from assay.cli.options import pairs, with_base, with_params, words
from assay.cli.reporting import fail, reports_errors, say, tag
from assay.errors import ConfigError, UsageError
from assay.plan.plan import KINDS
from assay.plan.tasks import CHECKPOINTS, reshaped
from assay.run.outcome import ANALYSE


def main(args: Sequence[str] | None = None) -> int:
    """Runs the command line and returns the exit code.

    0: done, whether the model is blessed or not. 64: a wrong call, file, config or input; a retry cannot help. 75: a
    retry may help. 130: interrupted. 1: any other failure.
    """
    try:
        code = assay.main(args, prog_name="assay", standalone_mode=False)
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        return UsageError.exit_code
    except click.ClickException as error:
        context = getattr(error, "ctx", None)
        of_stage = context is not None and context.info_name == "stage"
        return fail(error.format_message(), UsageError.exit_code, tag(ConfigError) if of_stage else "error")
    except (click.Abort, KeyboardInterrupt):
        return fail("interrupted", 130)
    return int(code or 0)


def _with_custom_code() -> None:
    """Lets modules in the current folder be imported, after all that is installed.

    Only commands that run code of the user's own call this, as the current folder may hold results of others.
    """
    if os.getcwd() not in sys.path:
        sys.path.append(os.getcwd())


class _Commands(click.Group):
    """The commands of this module, and those that are imported when they are called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted([*super().list_commands(ctx), *_ELSEWHERE])

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _ELSEWHERE:
            return super().get_command(ctx, cmd_name)
        module, _, name = _ELSEWHERE[cmd_name].partition(":")
        command: click.Command = getattr(import_module(module), name)
        return command


_ELSEWHERE = {"compile": "assay.pipelines.command:compile_", "metrics": "assay.cli.metrics:metrics"}
"""Command -> its module and name, in rooms that import the command line."""


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="assay")
def assay() -> None:
    """Evaluates a model on labelled data, sliced every way that matters, and says whether it may be released."""


@assay.command()
@click.argument("analysis", type=click.Path())
@with_params
@with_base
@click.option(
    "--checkpoints",
    metavar="ROOT",
    help="Run stage by stage, leave a checkpoint of each in this folder or under this gs:// URI, and use those that "
    "exist already.",
)
@click.option("--quiet", is_flag=True, help="Show neither progress nor tables.")
@click.argument("options", nargs=-1, type=click.UNPROCESSED)
@reports_errors
def run(
    analysis: str,
    params: dict[str, str],
    base: str | None,
    checkpoints: str | None,
    quiet: bool,
    options: tuple[str, ...],
) -> None:
    """Runs an analysis file on this machine; shows metrics and verdict.

    OPTIONS, after --, are options of Beam pipelines.
    """
    from assay.engine import memory
    from assay.plan.analysis_file import load_analysis

    memory.tune()
    plan = load_analysis(analysis, params, base)
    from assay.run import local

    _with_custom_code()
    result = local.run(plan, checkpoints=checkpoints, progress=None if quiet else sys.stderr, options=options)
    if not quiet:
        _show(result.output, None, None)
    say(f"{result.verdict.status}  {result.output}")


@assay.command()
@click.argument("kind", type=click.Choice([*KINDS, ANALYSE]))
@click.option(
    "--plan", "plan_uri", required=True, metavar="URI", help="The plan, as `assay plan --format json` prints it."
)
@click.option("--stage", "task", required=True, metavar="TASK", help="Task of the plan, named after its last stage.")
@click.option("--root", metavar="URI", help="Folder or gs:// URI of all checkpoints.")
@click.option(
    "--input",
    "inputs",
    multiple=True,
    metavar="TASK=URI",
    callback=pairs,
    help="Manifest of a task that this one starts from. May be repeated.",
)
@with_params
@click.option("--run", "run_name", default="", metavar="NAME", help="Record under ROOT/runs what this run uses.")
@click.option("--result", type=click.Path(), metavar="FILE", help="Write the result to this file, as JSON.")
@click.option(
    "--detach", is_flag=True, help="On Dataflow: submit the job and end; the same call without this collects it."
)
@click.option("--job", default="", metavar="ID", help="On Dataflow: collect this job, and fail if it failed.")
@click.argument("options", nargs=-1, type=click.UNPROCESSED)
@reports_errors
def stage(
    kind: str,
    plan_uri: str,
    task: str,
    root: str | None,
    inputs: dict[str, str],
    params: dict[str, str],
    run_name: str,
    result: str | None,
    detach: bool,
    job: str,
    options: tuple[str, ...],
) -> None:
    """Runs one task of a plan, as orchestrators do. OPTIONS, after --, are options of Beam pipelines.

    A checkpoint that exists already is used again. The last line of an error has its type; the exit code is 64 if a
    retry cannot help, and 75 if it may.
    """
    from assay.engine import memory

    memory.tune()
    from assay.engine.remote import Remote
    from assay.run.command import run_command

    _with_custom_code()
    remote = Remote(detach=detach, job=job)
    text = run_command(kind, plan_uri, task, root, inputs, params, run_name, options, sys.stderr, remote)
    if result:
        with open(result, "w", encoding="utf-8") as file:
            file.write(text)
    else:
        say(text.rstrip("\n"))


@assay.command()
@click.argument("root")
@click.option("--gc", "clear", is_flag=True, help="Delete checkpoints that no run younger than --min-age uses.")
@click.option("--min-age", default="30d", show_default=True, metavar="AGE", help="For --gc: such as 12h, 30d or 0s.")
@click.option("--dry-run", is_flag=True, help="For --gc: only list the files that it would delete.")
@reports_errors
def checkpoints(root: str, clear: bool, min_age: str, dry_run: bool) -> None:
    """Lists the checkpoints under ROOT, a folder or gs:// URI: their task, size, age and state."""
    from assay import storage
    from assay.checkpoints import clearing, listing, runs

    if dry_run and not clear:
        raise click.UsageError("--dry-run says what --gc would delete; give both")
    root = storage.check_root(root)
    if clear:
        gone = clearing.clear(root, _seconds(min_age), dry_run=dry_run)
        for plan_uri in gone if dry_run else ():
            say(plan_uri)
        say(f"{'would delete' if dry_run else 'deleted'} {len(gone):,} files")
    from rich.console import Console

    from assay.report.checkpoints_table import checkpoints_table

    Console().print(checkpoints_table(listing.checkpoints_of(root), runs.runs_of(root)))


def _seconds(age: str) -> float:
    units = {"s": 1, "m": 60, "h": 3600, "d": 86400}
    if not re.fullmatch(r"\d+[smhd]", age):
        raise click.BadParameter(f"--min-age: expected a number and one of s, m, h, d, such as 30d; found {age!r}")
    return float(int(age[:-1]) * units[age[-1]])


@assay.command()
@click.argument("results", type=click.Path())
@click.option("--metrics", callback=words, metavar="A,B", help="Only these metrics.")
@click.option("--slices", metavar="TEXT", help="Only slices whose name has this text, for example sex or sex:Female.")
@click.option(
    "--html", "page", type=click.Path(), metavar="FILE", help="Write everything, with plots, to this HTML page."
)
@reports_errors
def show(results: str, metrics: list[str] | None, slices: str | None, page: str | None) -> None:
    """Shows metrics and verdict. RESULTS is an output, whose latest run is shown, or the folder of a run.

    With --html it writes everything to one page, which needs no other file.
    """
    if page is None:
        _show(results, metrics, slices)
    elif metrics is not None or slices is not None:
        raise click.UsageError("--html writes all metrics and slices; leave out --metrics and --slices")
    else:
        _write_page(results, page)


def _write_page(results: str, page: str) -> None:
    from assay.report.page import html_page

    content = html_page(results)
    try:
        with open(page, "w", encoding="utf-8") as file:
            file.write(content)
    except OSError as error:
        raise UsageError(f"--html: {page}: {error.strerror or error}; choose another file") from error
    say(page)


def _show(results: str, metrics: list[str] | None, slices: str | None) -> None:
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


@assay.command()
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
    help="Where to cut the plan into tasks, instead of what the file says: nowhere, where it pays, after every stage.",
)
@reports_errors
def plan(analysis: str, params: dict[str, str], base: str | None, form: str, cuts: str | None) -> None:
    """Prints the plan of an analysis file. Parameters are filled in if all that have no default are given."""
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


@assay.command()
@click.argument("analysis", type=click.Path())
@with_params
@with_base
@click.option("--import", "import_code", is_flag=True, help="Import factories and callable models of your own as well.")
@reports_errors
def check(analysis: str, params: dict[str, str], base: str | None, import_code: bool) -> None:
    """Checks an analysis file, its data and its models without running anything."""
    from assay.plan.analysis_file import load_analysis

    loaded = load_analysis(analysis, params, base)
    from assay.run import local

    if import_code:
        _with_custom_code()
    local.check(loaded, import_code=import_code)
    say(f"{analysis}: ok")
