"""The command `assay`: a module for each command, imported when it is called or its help is shown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import NoReturn

import click

from assay.cli import own_process
from assay.cli.reporting import fail, tag
from assay.errors import ConfigError, UsageError

COMMANDS: Mapping[str, Mapping[str, str]] = {
    "Commands": {
        "init": "assay.cli.init:init",
        "bins": "assay.cli.bins:bins",
        "check": "assay.cli.check:check",
        "run": "assay.cli.run:run",
        "show": "assay.cli.show:show",
        "diff": "assay.cli.diff:diff",
        "power": "assay.cli.power:power",
        "history": "assay.cli.history:history",
        "report": "assay.cli.report:report",
        "metrics": "assay.cli.metrics:metrics",
    },
    "Commands for orchestrators": {
        "plan": "assay.cli.plan:plan",
        "stage": "assay.cli.stage:stage",
        "compile": "assay.pipelines.command:compile_",
        "checkpoints": "assay.cli.checkpoints:checkpoints",
    },
}
"""Section of the help -> command -> its module and name. These modules import nothing heavy before they are called."""

_LONGEST_SUMMARY = 200
"""A summary is folded to the width of the terminal, and never cut."""


def main(args: Sequence[str] | None = None) -> int:
    """Runs the command line and returns the exit code.

    0: done, whether the model is blessed or not. 64: a wrong call, file, config or input; a retry cannot help. 75: a
    retry may help. 130: interrupted. 1: any other failure, or a verdict that `--fail-on` asked to fail on.
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


def command() -> NoReturn:
    """The program `assay`: runs the command line and ends the process."""
    own_process.claim()
    own_process.leave(main())


class _Commands(click.Group):
    """The commands of `COMMANDS`, in its order."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [name for section in COMMANDS.values() for name in section]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        place = next((section[cmd_name] for section in COMMANDS.values() if cmd_name in section), None)
        if place is None:
            return None
        module, _, name = place.partition(":")
        command: click.Command = getattr(import_module(module), name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        for title, section in COMMANDS.items():
            commands = [(name, self.get_command(ctx, name)) for name in section]
            rows = [(name, command.get_short_help_str(_LONGEST_SUMMARY)) for name, command in commands if command]
            with formatter.section(title):
                formatter.write_dl(rows)


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="assay")
def assay() -> None:
    """Evaluates a model on labelled data, sliced every way that matters, and says whether it may be released."""
