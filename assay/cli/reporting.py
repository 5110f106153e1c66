"""What commands print: text that cannot act on a terminal; and errors, as one line and an exit code."""

from __future__ import annotations

import functools
import traceback
from collections.abc import Callable
from typing import Any, TypeVar

import click

from assay.engine.beam_log import show_beam_log
from assay.engine.recovery import recover
from assay.errors import AssayError
from assay.text.printable import message_line, printable
from assay.text.redaction import redacted

Command = TypeVar("Command", bound=Callable[..., Any])


def fail(message: str, exit_code: int, tag: str = "error") -> int:
    """Prints an error on one line; returns its exit code."""
    say(f"{tag}: {message_line(redacted(message))}", err=True)
    return exit_code


def tag(error: type[AssayError]) -> str:
    """How the last line of the stage command begins, for orchestrators: with the type of the error."""
    return f"{error.__module__}.{error.__name__}"


def reports_errors(command: Command) -> Command:
    """Gives a command `--verbose`, and turns its errors into one line on stderr and an exit code.

    A command may return an exit code of its own; None is 0.
    """

    @click.option("--verbose", is_flag=True, help="Show Beam's log, and the traceback of an error.")
    @functools.wraps(command)
    def reporting(*args: Any, verbose: bool, **options: Any) -> int:
        if verbose:
            show_beam_log()
        try:
            code: int = command(*args, **options) or 0
            return code
        except (click.ClickException, click.Abort):
            raise
        except Exception as error:
            if verbose:
                _show_traceback(error)
            known = recover(error)
            if known is None:
                first = next(iter(str(error).splitlines()), "")
                return fail(f"{type(error).__name__}: {first} (--verbose shows where)", AssayError.exit_code)
            of_stage = click.get_current_context().info_name == "stage"
            return fail(str(known), known.exit_code, tag(type(known)) if of_stage else "error")

    return reporting  # type: ignore[return-value] # the options are click's; callers never see the signature


def _show_traceback(error: BaseException) -> None:
    """Prints the traceback, earlier errors included, even where an error hides those."""
    error.__suppress_context__ = False
    say(traceback.format_exc().rstrip("\n"), err=True)


def say(text: str, *, err: bool = False) -> None:
    """Prints text that cannot act on the terminal. Errors are printed without secrets; plans do not contain any."""
    click.echo(printable(redacted(text) if err else text), err=err)
