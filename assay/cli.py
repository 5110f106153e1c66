"""The command `assay`. Everything heavy is imported by the command that needs it."""

from __future__ import annotations

import functools
import os
import sys
import traceback
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import click

from assay.errors import AssayError, UsageError, recover

Command = TypeVar("Command", bound=Callable[..., Any])


def main(args: Sequence[str] | None = None) -> int:
    """Runs the command line and returns the exit code.

    0: done (a model that is not blessed is a result). 64: a wrong call, file, config or input; a retry cannot help.
    75: try again. 130: interrupted. 1: anything else.
    """
    if os.getcwd() not in sys.path:
        sys.path.insert(0, os.getcwd())  # factories of one's own may lie beside the analysis, as with `python -m`
    try:
        code = assay.main(args, prog_name="assay", standalone_mode=False)
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        return UsageError.exit_code
    except click.ClickException as error:
        return _fail(error.format_message(), UsageError.exit_code)
    except (click.Abort, KeyboardInterrupt):
        return _fail("interrupted", 130)
    return int(code or 0)


def _fail(message: str, exit_code: int) -> int:
    click.echo(f"error: {message}", err=True)
    return exit_code


def _reports_errors(command: Command) -> Command:
    """Gives a command `--verbose`, and turns what it raises into one line on stderr and an exit code."""

    @click.option("--verbose", is_flag=True, help="Show the traceback of an error.")
    @functools.wraps(command)
    def reporting(*args: Any, verbose: bool, **options: Any) -> int:
        try:
            command(*args, **options)
        except (click.ClickException, click.Abort):
            raise
        except Exception as error:
            if verbose:
                traceback.print_exc()
            known = recover(error)
            if known is None:
                first = next(iter(str(error).splitlines()), "")
                return _fail(f"{type(error).__name__}: {first} (--verbose shows where)", AssayError.exit_code)
            return _fail(str(known), known.exit_code)
        return 0

    return reporting  # type: ignore[return-value] # the options are click's; callers never see the signature


def _with_params(command: Command) -> Command:
    """Gives a command `--param`, as a dict under `params`."""
    return click.option(
        "--param",
        "params",
        multiple=True,
        metavar="NAME=VALUE",
        callback=_params,
        help="Value of a parameter of the file. May be repeated.",
    )(command)


def _params(context: click.Context, option: click.Parameter, given: tuple[str, ...]) -> dict[str, str]:
    params: dict[str, str] = {}
    for written in given:
        name, equals, value = written.partition("=")
        if not name or not equals:
            raise click.BadParameter(f"expected NAME=VALUE, found {written!r}")
        if name in params:
            raise click.BadParameter(f"{name} is given twice")
        params[name] = value
    return params


def _words(context: click.Context, option: click.Parameter, given: str | None) -> list[str] | None:
    return None if given is None else [word.strip() for word in given.split(",") if word.strip()]


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="assay")
def assay() -> None:
    """Evaluates a model on labelled data, sliced every way that matters, and says whether it may be released."""


@assay.command()
@click.argument("analysis", type=click.Path())
@_with_params
@click.option("--quiet", is_flag=True, help="Show neither progress nor tables.")
@_reports_errors
def run(analysis: str, params: dict[str, str], quiet: bool) -> None:
    """Runs an analysis file on this machine; shows metrics and verdict."""
    from assay import memory
    from assay.analysis_file import load_analysis

    memory.tune()
    plan = load_analysis(analysis, params)
    from assay import local

    result = local.run(plan, progress=None if quiet else sys.stderr)
    if not quiet:
        _show(result.output, None, None)
    click.echo(f"{result.verdict.status}  {result.output}")


@assay.command()
@click.argument("results", type=click.Path())
@click.option("--metrics", callback=_words, metavar="A,B", help="Only these metrics.")
@click.option("--slices", metavar="TEXT", help="Only slices whose name has this text, for example sex or sex:Female.")
@_reports_errors
def show(results: str, metrics: list[str] | None, slices: str | None) -> None:
    """Shows the metrics and the verdict in a folder of results."""
    _show(results, metrics, slices)


def _show(results: str, metrics: list[str] | None, slices: str | None) -> None:
    from rich.console import Console

    from assay.report import tables

    console = Console()
    console.print(tables.metrics_table(results, metrics, slices))
    console.print(tables.verdict_panel(results))


@assay.command()
@click.argument("analysis", type=click.Path())
@_with_params
@click.option(
    "--format",
    "form",
    type=click.Choice(["tree", "json", "mermaid"]),
    default="tree",
    show_default=True,
    help="An indented tree, the plan itself, or a flowchart.",
)
@_reports_errors
def plan(analysis: str, params: dict[str, str], form: str) -> None:
    """Prints the plan of an analysis file. Parameters stay open unless all that must be given are given."""
    from assay.analysis_file import load_analysis
    from assay.plan import to_json, with_defaults, with_params
    from assay.report.graph import as_mermaid, as_tree

    loaded = with_defaults(load_analysis(analysis), params)
    if params and None not in loaded.params.values():
        loaded = with_params(loaded, {})
    click.echo({"tree": as_tree, "json": to_json, "mermaid": as_mermaid}[form](loaded).rstrip("\n"))


@assay.command()
@click.argument("analysis", type=click.Path())
@_with_params
@click.option("--import", "import_code", is_flag=True, help="Import factories and callable models of your own as well.")
@_reports_errors
def check(analysis: str, params: dict[str, str], import_code: bool) -> None:
    """Checks an analysis file, its data and its models without running anything."""
    from assay.analysis_file import load_analysis

    loaded = load_analysis(analysis, params)
    from assay import local

    local.check(loaded, import_code=import_code)
    click.echo(f"{analysis}: ok")
