"""Options that several commands have."""

from __future__ import annotations

import click

from assay.cli.reporting import Command


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


def with_workers(command: Command) -> Command:
    """Gives a command `--workers`, as flags of a pipeline under `machine`."""
    return click.option(
        "--workers",
        "machine",
        type=click.IntRange(min=1),
        metavar="N",
        callback=_workers_flag,
        help="Use at most N processes for a large input; 1 for none beside this one. By default, as many as there are "
        "cores. Results do not depend on N.",
    )(command)


def _workers_flag(context: click.Context, option: click.Parameter, value: int | None) -> tuple[str, ...]:
    return () if value is None else (f"--workers={value}",)


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
