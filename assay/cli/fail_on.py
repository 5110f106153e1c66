"""`--fail-on`: a verdict as an exit code, for scripts and CI."""

from __future__ import annotations

from collections.abc import Mapping

import click

from assay.cli.reporting import Command
from assay.verdict import Status

FAILED = 1
"""Exit code of a command that was asked to fail on a verdict."""

_FAILS_ON: Mapping[str, frozenset[Status]] = {
    "not-blessed": frozenset([Status.NOT_BLESSED, Status.NOT_EVALUATED]),
    "not-evaluated": frozenset([Status.NOT_EVALUATED]),
}


def with_fail_on(command: Command) -> Command:
    """Gives a command `--fail-on`."""
    return click.option(
        "--fail-on",
        type=click.Choice([*_FAILS_ON]),
        help="End with exit code 1 unless the verdict is BLESSED (not-blessed), or only if it is NOT_EVALUATED "
        "(not-evaluated). Without this, every verdict ends with exit code 0.",
    )(command)


def exit_code(status: Status | None, fail_on: str | None) -> int:
    """The exit code of a command that tells a verdict.

    Args:
        status: of the verdict; None where there is none, which counts as not evaluated.
        fail_on: what the caller asked for; None for nothing.
    """
    failing = _FAILS_ON[fail_on] if fail_on else frozenset()
    return FAILED if (status or Status.NOT_EVALUATED) in failing else 0
