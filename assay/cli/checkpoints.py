"""`assay checkpoints`: what lies under a root, and clearing it up."""

from __future__ import annotations

import re

import click

from assay.cli.reporting import reports_errors, say
from assay.text.counted import counted


@click.command()
@click.argument("root")
@click.option("--gc", "clear", is_flag=True, help="Delete checkpoints that no run younger than --min-age uses.")
@click.option("--min-age", default="30d", show_default=True, metavar="AGE", help="For --gc: such as 12h, 30d or 0s.")
@click.option("--dry-run", is_flag=True, help="For --gc: only list the files that it would delete.")
@reports_errors
def checkpoints(root: str, clear: bool, min_age: str, dry_run: bool) -> None:
    """List checkpoints, or delete old ones.

    ROOT is a folder or gs:// URI. Of each checkpoint its task, size, age and state are shown.
    """
    from assay import storage
    from assay.checkpoints import clearing, listing, runs

    if dry_run and not clear:
        raise click.UsageError("--dry-run says what --gc would delete; give both")
    root = storage.check_root(root)
    if clear:
        gone = clearing.clear(root, _seconds(min_age), dry_run=dry_run)
        for plan_uri in gone if dry_run else ():
            say(plan_uri)
        say(f"{'would delete' if dry_run else 'deleted'} {counted(len(gone), 'file')}")
    from rich.console import Console

    from assay.report.terminal.checkpoints_table import checkpoints_table

    Console().print(checkpoints_table(listing.checkpoints_of(root), runs.runs_of(root)))


def _seconds(age: str) -> float:
    units = {"s": 1, "m": 60, "h": 3600, "d": 86400}
    if not re.fullmatch(r"\d+[smhd]", age):
        raise click.BadParameter(f"--min-age: expected a number and one of s, m, h, d, such as 30d; found {age!r}")
    return float(int(age[:-1]) * units[age[-1]])
