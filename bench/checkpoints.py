"""What checkpoints cost: CPU seconds of each stage, its fixed part and its slope by row, beside the numpy pass.

    python -m bench.checkpoints [--rows 1000000 --rows 5000000] [--repeats 3]

Each stage is a process, `assay stage`, less one that only imports what it imports anyway. The slope is between the two
numbers of rows, so that the start of processes does not count.
"""

from __future__ import annotations

import json
import statistics
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

import click

from assay.plan.analysis_file import load_analysis
from assay.plan.plan import Plan
from assay.plan.stored import publish_plan
from assay.plan.tasks import CUTS, kind_of, reshaped
from assay.run.call import Checkpoints, stage_arguments
from bench.analysis import analysis_of
from bench.cases import SLICINGS, Case
from bench.measure import measure
from bench.sides import SIDES, files_of

SCENARIO = "114 slices"
_ASSAY = str(Path(sys.executable).with_name("assay"))


@click.command()
@click.option("--rows", "sizes", multiple=True, default=(1_000_000, 5_000_000), show_default=True)
@click.option("--repeats", default=3, show_default=True)
def main(sizes: tuple[int, int], repeats: int) -> None:
    """Measures stages at two sizes, and prints the table."""
    small, large = sizes
    costs = {size: _costs(size, repeats) for size in sizes}
    passes = {size: _numpy_pass(size, repeats) for size in sizes}
    per_row = (passes[large] - passes[small]) / (large - small) * 1e6
    print(f"| stage | fixed, CPU s | a further row, µs CPU | / numpy pass ({per_row:.3f} µs) |")
    print("| --- | ---: | ---: | ---: |")
    for task in costs[small]:
        slope = (costs[large][task] - costs[small][task]) / (large - small) * 1e6
        fixed = costs[small][task] - slope * small / 1e6
        print(f"| {task} | {fixed:.2f} | {slope:.3f} | {slope / per_row:.2f} |")


def _costs(rows: int, repeats: int) -> dict[str, float]:
    """Task -> CPU seconds of its process less imports, median of the repeats."""
    imports = statistics.median(
        measure((sys.executable, "-c", SIDES["assay"].imports["parquet"]))[0].cpu_s for _ in range(repeats)
    )
    taken: dict[str, list[float]] = {}
    for _ in range(repeats):
        with tempfile.TemporaryDirectory(prefix="assay-bench-") as folder:
            for task, cpu_s in _run(rows, Path(folder)):
                taken.setdefault(task, []).append(cpu_s - imports)
    return {task: statistics.median(seconds) for task, seconds in taken.items()}


def _run(rows: int, folder: Path) -> Iterator[tuple[str, float]]:
    """Runs all stages, one after the other; yields the CPU seconds of each."""
    plan = _plan(rows, folder)
    root = str(folder / "root")
    plan_uri = publish_plan(plan, root)
    manifests: dict[str, str] = {}
    for task in plan.tasks:
        checkpoints = Checkpoints(root=root, inputs={name: manifests[name] for name in task.after})
        result = folder / f"{task.name}.json"
        cost, _ = measure(
            (_ASSAY, *stage_arguments(kind_of(plan, task), plan_uri, task.name, checkpoints, str(result)))
        )
        manifests[task.name] = json.loads(result.read_text())["manifest"]
        yield task.name, cost.cpu_s


def _plan(rows: int, folder: Path) -> Plan:
    case = Case("assay", SCENARIO, "parquet", rows)
    analysis: Mapping[str, object] = analysis_of(case, files_of(case), str(folder / "results"))
    file = folder / "analysis.json"
    file.write_text(json.dumps(analysis))
    return reshaped(load_analysis(file, {}), CUTS)


def _numpy_pass(rows: int, repeats: int) -> float:
    side = SIDES["numpy pass"]
    imports = measure((sys.executable, "-c", side.imports["parquet"]))[0].cpu_s
    command = side.command(Case("numpy pass", SCENARIO, "parquet", rows))
    return statistics.median(measure(command)[0].cpu_s - imports for _ in range(repeats))


if __name__ == "__main__":
    assert SCENARIO in SLICINGS
    main()
