"""Options that several commands have."""

from __future__ import annotations

import click

from assay.cli.reporting import Command
from assay.engine.memory import bytes_of


def with_params(command: Command) -> Command:
    """Gives a command `--param`, as a dict under `params`."""
    return click.option(
        "--param",
        "params",
        multiple=True,
        metavar="NAME=VALUE",
        callback=pairs,
        help="Value of a parameter of the file. May be repeated.",
    )(command)


def with_base(command: Command) -> Command:
    """Gives a command `--base`."""
    return click.option(
        "--base",
        metavar="URI",
        help="Folder or gs:// URI that relative paths of data, models and output start from; by default, the folder of "
        "ANALYSIS.",
    )(command)


def with_machine(command: Command) -> Command:
    """Gives a command `--workers` and `--memory`, as flags of a pipeline under `workers` and `most_memory`."""
    workers = click.option(
        "--workers",
        type=click.IntRange(min=1),
        metavar="N",
        callback=_flag,
        help="Share a large input among at most N processes; 1 for no other process. By default, one for each core. "
        "Results do not depend on N.",
    )
    memory = click.option(
        "--memory",
        "most_memory",
        metavar="SIZE",
        callback=_flag,
        help="End with exit code 75 before all processes of the run hold more memory together, such as 4GiB. "
        "By default, 90 % of what the container may have.",
    )
    return workers(memory(command))


def _flag(context: click.Context, option: click.Parameter, value: int | str | None) -> tuple[str, ...]:
    if isinstance(value, str):
        try:
            bytes_of(value)
        except ValueError as error:
            raise click.BadParameter(str(error)) from error
    return () if value is None else (f"{option.opts[0]}={value}",)


def pairs(context: click.Context, option: click.Parameter, values: tuple[str, ...]) -> dict[str, str]:
    """NAME=VALUE, repeated, as a dict."""
    params: dict[str, str] = {}
    for text in values:
        name, equals, value = text.partition("=")
        if not name or not equals:
            raise click.BadParameter(f"expected NAME=VALUE, found {text!r}")
        if name in params:
            raise click.BadParameter(f"{name} is given twice")
        params[name] = value
    return params


def words(context: click.Context, option: click.Parameter, value: str | None) -> list[str] | None:
    """The words of a text with commas between them."""
    return None if value is None else [word.strip() for word in value.split(",") if word.strip()]
