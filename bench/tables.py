"""What was measured, as Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from bench.bars import Bar, Figure, Figures
from bench.cases import Case
from bench.measure import Measured, needs_tensorflow
from bench.sides import TENSORFLOW


def report(machine: str, cases: Sequence[Case], bars: Sequence[Bar], measured: Measured) -> str:
    """Bars, figures and checks, one table each."""
    figures = figures_of(cases, measured)
    parts = [
        machine,
        table(("what", "scenario", "rows", "shards", "", "bar", "holds"), "llrrrrl", bar_rows(bars, figures)),
        table(
            ("scenario", "format", "rows", "shards", "side", "CPU s", "repeats", "imports s", "rows/CPU s", "peak MB"),
            "llrrlrrrrr",
            (row_of(case, figures, measured) for case in cases),
        ),
        table(("AUC of each slice, against assay", ""), "ll", measured.agreement.items()),
        table(
            ("TFMA without reading its results back", "CPU s", "/ assay's"), "lrr", read_back_rows(figures, measured)
        ),
        table(("failed", ""), "ll", measured.failures.items()),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def figures_of(cases: Iterable[Case], measured: Measured) -> Figures:
    """What each case took, its imports taken off; without those that failed."""
    figures = {}
    for case in cases:
        name = str(case)
        if name in measured.costs:
            tensorflow_mb = measured.median(TENSORFLOW).peak_mb if needs_tensorflow(case) else 0.0
            figures[case] = Figure(measured.own_s(name), measured.median(name).peak_mb, tensorflow_mb)
    return figures


def bar_rows(bars: Iterable[Bar], figures: Figures) -> Iterable[tuple[str, ...]]:
    """One line a bar."""
    for bar in bars:
        case = bar.cases[0]
        bound = f"{'at least' if bar.at_least else 'at most'} {bar.bound:,g} {bar.unit}"
        value = bar.value(figures) if all(case in figures for case in bar.cases) else None
        shown = "not measured" if value is None else f"{value:,.{0 if bar.unit == 'MB' or value >= 20 else 2}f}"
        holds = "" if value is None else "yes" if bar.holds(value) else "**no**"
        yield bar.what, case.scenario, f"{case.rows:,}", str(case.shards), shown, bound, holds


def row_of(case: Case, figures: Figures, measured: Measured) -> tuple[str, ...]:
    """One line a case; several runs show as median (least to most)."""
    shape = (case.scenario, case.file_format, f"{case.rows:,}", str(case.shards), case.side)
    figure = figures.get(case)
    if figure is None:
        return *shape, "failed", "", "", "", ""
    runs = measured.costs[str(case)]
    low, high = (pick(run.own_s for run in runs) for pick in (min, max))
    spread = f" ({low:.2f} to {high:.2f})" if len(runs) > 1 else ""
    speed = f"{case.rows / figure.cpu_s:,.0f}" if figure.cpu_s > 0 else ""
    return (
        *shape,
        f"{figure.cpu_s:.2f}{spread}",
        str(len(runs)),
        f"{measured.median(str(case)).imports_s:.2f}",
        speed,
        f"{figure.peak_mb:,.0f}",
    )


def read_back_rows(figures: Figures, measured: Measured) -> Iterable[tuple[str, ...]]:
    """One line a case whose side also read its results back."""
    for case, figure in figures.items():
        if str(case) in measured.read_back_s:
            cpu_s = figure.cpu_s - measured.read_back_s[str(case)]
            ours = figures.get(replace(case, side="assay"))
            yield str(case), f"{cpu_s:.2f}", f"{cpu_s / ours.cpu_s:.0f}" if ours else ""


def table(head: Sequence[str], align: str, rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table, or nothing if there are no rows; `align` has a letter a column, l or r."""
    lines = ["| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in rows]
    rule = "| " + " | ".join("---" if side == "l" else "---:" for side in align) + " |"
    return "\n".join(["| " + " | ".join(head) + " |", rule, *lines]) if lines else ""
