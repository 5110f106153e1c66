"""The scripts and styles of the page: its own, and a library that draws charts of many points."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from importlib.resources import files

_OF_RUN = (
    "unpack",
    "text",
    "state",
    "condition",
    "slices",
    "table",
    "axes",
    "slice_chart",
    "curves",
    "plot_data",
    "confusion",
    "plots",
    "groups",
    "main",
)
"""The parts of the script of a run's page, in script/; the later ones use the earlier ones."""

_OF_RUNS = ("unpack", "text", "axes", "runs")
"""Those of the script of the page of many runs."""


@cache
def script_of_run() -> str:
    """The script of the page of a run."""
    return _joined(_OF_RUN)


@cache
def script_of_runs() -> str:
    """The script of the page of many runs."""
    return _joined(_OF_RUNS)


def _joined(modules: Sequence[str]) -> str:
    """Modules as one script, which leaves no name behind."""
    parts = "\n".join(_asset(f"script/{name}.js") for name in modules)
    return f'(() => {{\n"use strict";\n{parts}}})();\n'


@cache
def chart_script() -> str:
    """uPlot, under its licence."""
    return f"/*!\n{_asset('uplot/LICENSE.txt')}\n*/\n{_asset('uplot/uplot.js')}"


@cache
def style(*, with_charts: bool = False) -> str:
    """The style sheet, and where the page draws charts by script that of uPlot."""
    return _asset("page.css") + (_asset("uplot/uplot.css") if with_charts else "")


def _asset(name: str) -> str:
    return files("assay.report.html").joinpath(name).read_text(encoding="utf-8")
