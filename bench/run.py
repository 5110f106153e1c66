"""Prints what evaluations cost: CPU seconds and peak memory of whole processes.

    python -m bench.run [--repeats 3] [--only parquet]

CPU seconds are user + system of a process and its children, less those of a process that only imports what that side
needs, so that they speak of the work. Each figure is the median of the repeats; sides take turns, so that a busy
spell hits all of them. The numpy pass does the same sums without writing anything: the practical limit.
"""

from __future__ import annotations

import json
import os
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import click

from bench import CARDINALITY

OUT = Path("out/bench")
SLICES = [*CARDINALITY]
SLICE_COUNT = 1 + sum(CARDINALITY.values())

IMPORTS = {
    "parquet": "import assay.cli, assay.local, assay.stages, pandas, pyarrow.parquet, rich.table",
    "tfrecord": "import assay.cli, assay.local, assay.stages, pandas, rich.table, tensorflow",
    "numpy": "import bench.numpy_pass, pandas",  # Arrow imports pandas when it first converts a column
}


class Cost(NamedTuple):
    """What one process took."""

    cpu_s: float
    wall_s: float
    peak_mb: float


@dataclass(frozen=True)
class Side:
    """One line of the table: a command, and what it imports at least."""

    name: str
    rows: int
    imports: str
    command: tuple[str, ...]


@click.command()
@click.option("--repeats", default=3, show_default=True)
@click.option("--only", default="", help="Only the lines whose name holds this text.")
def main(repeats: int, only: str) -> None:
    """Generates the data if need be, measures, prints the table."""
    sides = [side for side in all_sides() if only in side.name]
    imports = {side.imports: (sys.executable, "-c", IMPORTS[side.imports]) for side in sides}
    commands = {**imports, **{side.name: side.command for side in sides}}
    costs: dict[str, list[Cost]] = {name: [] for name in commands}
    for _ in range(repeats):
        for name, command in commands.items():
            costs[name].append(measure(command))
    show(sides, {name: median(measured) for name, measured in costs.items()})


def all_sides() -> list[Side]:
    """The lines of the table; their data is there when this returns."""
    limit = (sys.executable, "-m", "bench.numpy_pass", files_of("parquet", 1_000_000), *SLICES)
    return [
        assay_side("parquet", 1_000_000),
        Side("numpy pass, parquet", 1_000_000, "numpy", limit),
        assay_side("tfrecord", 100_000),
    ]


def assay_side(file_format: str, rows: int) -> Side:
    """`assay run` on generated data."""
    OUT.mkdir(parents=True, exist_ok=True)
    analysis = OUT / f"{file_format}-{rows}.json"
    output = OUT / "results" / f"{file_format}-{rows}"
    analysis.write_text(json.dumps(analysis_of(file_format, files_of(file_format, rows), output), indent=2))
    shutil.rmtree(output, ignore_errors=True)
    command = (str(Path(sys.executable).with_name("assay")), "run", str(analysis))
    return Side(f"assay, {file_format}", rows, file_format, command)


def files_of(file_format: str, rows: int) -> str:
    """Glob of a generated data set, which another process makes: what this one has loaded counts as its children's."""
    subprocess.run([sys.executable, "-m", "bench.generate", str(OUT.resolve()), file_format, str(rows)], check=True)
    return str(OUT.resolve() / f"{file_format}-{rows}" / f"*.{file_format}")


def analysis_of(file_format: str, files: str, output: Path) -> dict[str, Any]:
    """An analysis with the usual metrics, both classic plots and fairness rates in 114 slices."""
    plain = "ExampleCount AUC AUCPrecisionRecall BinaryAccuracy Precision Recall MeanLabel MeanPrediction Calibration"
    rates = "FPR FNR TPR TNR FalseDiscoveryRate"
    return {
        "inputs": {"format": file_format, "files": [files]},
        "eval_config": {
            "model_specs": [{"label_key": "label", "prediction_key": "prediction", "example_weight_key": "weight"}],
            "slicing_specs": [{}, *({"feature_keys": [name]} for name in SLICES)],
            "metrics_specs": [{
                "metrics": [
                    *({"class_name": name} for name in plain.split()),
                    *({"class_name": name, "config": '"thresholds": [0.25, 0.5, 0.75]'} for name in rates.split()),
                    {"class_name": "CalibrationPlot"},
                    {"class_name": "ConfusionMatrixPlot"},
                ]
            }],
        },
        "output": str(output.resolve()),
    }  # fmt: skip


def measure(command: Sequence[str]) -> Cost:
    """Runs a command; its output is shown only if it fails."""
    start = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    output = process.stdout.read() if process.stdout else ""
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise click.ClickException(f"{' '.join(command)} ended with {process.returncode}:\n{output}")
    return Cost(usage.ru_utime + usage.ru_stime, time.perf_counter() - start, usage.ru_maxrss / 1024)


def median(costs: list[Cost]) -> Cost:
    """Median of each figure."""
    return Cost(*(statistics.median(figures) for figures in zip(*costs, strict=True)))


def show(sides: list[Side], costs: dict[str, Cost]) -> None:
    """Prints the table; the last column compares with the numpy pass where it saw the same rows."""
    net = {side.name: costs[side.name].cpu_s - costs[side.imports].cpu_s for side in sides}
    limits = {side.rows: net[side.name] for side in sides if side.imports == "numpy"}
    print(f"{SLICE_COUNT} slices; CPU seconds less imports; medians")
    print(f"{'':<24}{'rows':>10}{'CPU s':>8}{'rows/CPU s':>12}{'peak MB':>9}{'imports s':>11}{'x numpy':>9}")
    for side in sides:
        cost, work = costs[side.name], net[side.name]
        ratio = f"{work / limits[side.rows]:.2f}" if side.rows in limits and side.imports != "numpy" else ""
        figures = f"{side.rows:>10,}{work:>8.2f}{side.rows / work:>12,.0f}{cost.peak_mb:>9.0f}"
        print(f"{side.name:<24}{figures}{costs[side.imports].cpu_s:>11.2f}{ratio:>9}")


if __name__ == "__main__":
    main()
