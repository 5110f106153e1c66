"""Prints what evaluations cost: CPU seconds and peak memory of whole processes, side by side, and whether bars hold.

    python -m bench.run [--only TFMA] [--repeats 3] [--rows-limit 1000000] [--out FILE.json] [--write PAGE.md]
    python -m bench.run --from FILE.json --write PAGE.md
    python -m bench.run --smoke 10000

CPU seconds are user + system of a process and its children, less those of a process right before it that only imports
what that side imports anyway. Each figure is the median of the repeats. This process stays small, since a child's peak
memory is at least what its parent has.
"""

from __future__ import annotations

import dataclasses
import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

import click

from bench.bars import BARS, UNBOUND, Bar
from bench.cases import Case
from bench.measure import Cost, Measured, measure_all
from bench.sides import files_of
from bench.tables import report

BEGIN, END = "<!-- figures: begin -->", "<!-- figures: end -->"
PACKAGES = ("apache-beam", "duckdb", "numpy", "pandas", "polars", "pyarrow", "tensorflow", "tensorflow-model-analysis")


@click.command()
@click.option("--only", default="", help="Only bars whose line, sides included, holds this text.")
@click.option("--repeats", default=3, show_default=True, help="Runs of each process; TFMA runs once.")
@click.option("--rows-limit", default=10_000_000, show_default=True, help="Leave out bars that need more rows.")
@click.option("--smoke", default=0, metavar="ROWS", help="Only see that all sides run and agree, on so few rows.")
@click.option("--out", type=click.Path(path_type=Path), help="Also write what was measured as JSON.")
@click.option("--from", "source", type=click.Path(path_type=Path), help="Show such a file; measure nothing.")
@click.option("--write", type=click.Path(path_type=Path), help="Put the tables between the markers of this page.")
def main(
    only: str, repeats: int, rows_limit: int, smoke: int, out: Path | None, source: Path | None, write: Path | None
) -> None:
    """Generates data if need be, measures, shows the tables."""
    bars, cases = chosen(only, rows_limit)
    if smoke:
        bars, cases, repeats = (), at_rows(cases, smoke), 1
    machine, measured = loaded(source) if source else measured_now(cases, repeats)
    if source:
        cases = [case for case in cases if str(case) in measured.costs or str(case) in measured.failures]
    text = report(machine, cases, bars, measured)
    click.echo(text)
    if out:
        out.write_text(json.dumps({"machine": machine, **dataclasses.asdict(measured)}, indent=1))
    if write:
        write.write_text(filled(write.read_text(), text))
    sys.exit(any(measured.failures) or any(line.startswith("DIFFERS") for line in measured.agreement.values()))


def chosen(only: str, rows_limit: int) -> tuple[Sequence[Bar], list[Case]]:
    """The bars asked for and the cases to measure, each once."""
    bars = [bar for bar in BARS if only in str(bar) and max(case.rows for case in bar.cases) <= rows_limit]
    unbound = [case for case in UNBOUND if only in str(case) and case.rows <= rows_limit]
    return bars, list(dict.fromkeys([*(case for bar in bars for case in bar.cases), *unbound]))


def at_rows(cases: Sequence[Case], rows: int) -> list[Case]:
    """The same sides and scenarios on few rows."""
    return list(dict.fromkeys(dataclasses.replace(case, rows=rows, shards=4) for case in cases))


def measured_now(cases: Sequence[Case], repeats: int) -> tuple[str, Measured]:
    """Makes the data, then measures."""
    for case in cases:
        files_of(case)
    return this_machine(), measure_all(cases, repeats, lambda line: click.echo(line, err=True))


def loaded(file: Path) -> tuple[str, Measured]:
    """What an earlier run wrote by `--out`."""
    content = json.loads(file.read_text())
    machine = content.pop("machine")
    costs = {name: [Cost(*run) for run in runs] for name, runs in content.pop("costs").items()}
    return machine, Measured(costs=costs, **content)


def this_machine(packages: Sequence[str] = PACKAGES) -> str:
    """When, what and on what, in a sentence, with the versions of packages."""
    commit = subprocess.run(["git", "describe", "--always", "--dirty"], capture_output=True, text=True, check=False)
    info = Path("/proc/cpuinfo")
    models = [line.partition(": ")[2] for line in info.read_text().splitlines() if line.startswith("model name")]
    versions = ", ".join([f"Python {platform.python_version()}", *(f"{name} {version(name)}" for name in packages)])
    return (
        f"Measured on {time.strftime('%Y-%m-%d')} at commit {commit.stdout.strip() or 'unknown'}: "
        f"{os.cpu_count()} cores ({models[0] if models else platform.processor()}), load {os.getloadavg()[0]:.1f} "
        f"at the start; {versions}."
    )


def filled(page: str, text: str, begin: str = BEGIN, end: str = END) -> str:
    """The page with `text` between the markers `begin` and `end`.

    Raises:
        click.ClickException: the page has no such markers.
    """
    before, has_begin, rest = page.partition(begin)
    _, has_end, after = rest.partition(end)
    if not has_begin or not has_end:
        raise click.ClickException(f"expected the lines {begin} and {end} in the page to write; found no such pair")
    return f"{before}{begin}\n\n{text.strip()}\n\n{end}{after}"


if __name__ == "__main__":
    main()
