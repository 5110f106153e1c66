"""Prints grids: as tables that fit the terminal, or for other programs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import click

from assay.cli.reporting import Command, say

if TYPE_CHECKING:
    from assay.report.grids.grid import Grid
    from assay.report.grids.printed import Fit, Section

FORMATS = ("table", "json", "csv", "markdown")


def with_format(command: Command) -> Command:
    """Gives a command `--format`, under `form`."""
    return click.option(
        "--format",
        "form",
        type=click.Choice(FORMATS),
        default=FORMATS[0],
        show_default=True,
        help="Tables for people, or for programs; json and csv have every value with all digits.",
    )(command)


def print_grid(grid: Grid, form: str) -> None:
    """Prints a grid.

    Args:
        grid: where a table is wider than the terminal, it is cut into several, with the first column in each.
        form: one of `FORMATS`.
    """
    from assay.report.grids import formats

    if form == "table":
        print_sections(lambda fit: [[*fit(grid, 1)]], form)
    else:
        contents = {"csv": formats.as_csv, "json": formats.as_json, "markdown": formats.as_markdown}
        click.echo(contents[form](grid), nl=False)


def print_sections(sections: Callable[[Fit], Sequence[Section]], form: str, heading: str = "") -> None:
    """Prints sections: with colours on a terminal, unless NO_COLOR is set; plain elsewhere.

    A table is as wide as COLUMNS says, or else as the terminal; where there is neither, 80 columns.

    Args:
        sections: makes them for the room that there is.
        form: "table" or "markdown".
        heading: a line before tables; nothing is printed where the sections raise an error.
    """
    from rich.console import Console

    from assay.report.grids import printed

    if form == "markdown":
        click.echo(printed.for_markdown(sections(printed.unlimited)), nl=False)
        return
    console = Console(highlight=False, markup=False, emoji=False, soft_wrap=True)
    texts = list(printed.for_terminal(sections(printed.to_width(console.width)), console))
    if heading:
        say(heading)
    for text in texts:
        console.print(text)
