"""Who evaluates: the command of each side, and a script that imports what that side imports anyway and no more."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from bench.analysis import analysis_of
from bench.cases import SLICINGS, Case

OUT = Path("out/bench")

Command = tuple[str, ...]


@dataclass(frozen=True)
class Side:
    """One who evaluates.

    Attributes:
        command: case -> command of a whole process.
        imports: file format -> Python code that imports what that process imports.
        environment: variables of the process.
        writes_results: whether AUCs are in a folder of results; else the process prints them.
        once: whether a single run must do, since it is slow.
    """

    command: Callable[[Case], Command]
    imports: dict[str, str]
    environment: dict[str, str] = field(default_factory=dict)
    writes_results: bool = False
    once: bool = False


def assay(case: Case) -> Command:
    """`assay run`."""
    return assay_run(analysis_file(case))


def assay_run(file: Path) -> Command:
    """`assay run` of an analysis file."""
    return str(Path(sys.executable).with_name("assay")), "run", str(file), "--quiet"


def tfma(case: Case) -> Command:
    """TFMA on the same analysis."""
    return sys.executable, "-m", "bench.tfma_peer", str(analysis_file(case))


def slicing_peer(module: str) -> Callable[[Case], Command]:
    """A module that takes files and slicings."""

    def command(case: Case) -> Command:
        slicings = ["+".join(columns) for columns in SLICINGS[case.scenario] if columns]
        return sys.executable, "-m", f"bench.{module}", files_of(case), *slicings

    return command


def analysis_file(case: Case) -> Path:
    """Writes the analysis and removes results of an earlier run."""
    file = OUT / "analyses" / f"{case}.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    shutil.rmtree(results_of(case), ignore_errors=True)
    file.write_text(json.dumps(analysis_of(case, files_of(case), str(results_of(case))), indent=2))
    return file


def results_of(case: Case) -> Path:
    """Folder of the results."""
    return (OUT / "results" / str(case)).resolve()


def files_of(case: Case) -> str:
    """Glob of the data; another process makes it if need be, as a child's peak is at least what its parent has."""
    shape = (case.file_format, str(case.rows), str(case.shards))
    if not (OUT / case.data / "done").exists():
        subprocess.run([sys.executable, "-m", "bench.generate", str(OUT), *shape], check=True)
    return str(OUT.resolve() / case.data / f"*.{case.file_format}")


_ASSAY = (
    "from assay.engine import memory, core_of_beam; from assay.extracts import without_pandas; "
    "from assay.cli import own_process; memory.tune(); import assay.plan.analysis_file; "
    "without_pandas.keep_pandas_out(); core_of_beam.import_core_of_beam(); import assay.run.local"
)
_LEAVE = "; own_process.leave(0)"  # as the command ends
_ONE_THREAD = {"POLARS_MAX_THREADS": "1", "DUCKDB_THREADS": "1"}

TENSORFLOW = "import tensorflow"
"""The bare import that memory is compared with."""

SIDES = {
    "assay": Side(
        assay,
        {"parquet": f"{_ASSAY}, pyarrow.parquet{_LEAVE}", "tfrecord": f"{_ASSAY}, tensorflow{_LEAVE}"},
        writes_results=True,
    ),
    "TFMA": Side(tfma, {"tfrecord": "import bench.tfma_peer"}, writes_results=True, once=True),
    "numpy pass": Side(slicing_peer("numpy_pass"), {"parquet": "import bench.numpy_pass, pandas"}),
    "polars exact": Side(slicing_peer("polars_exact"), {"parquet": "import bench.polars_exact"}, _ONE_THREAD),
    "polars bucketed": Side(slicing_peer("polars_bucketed"), {"parquet": "import bench.polars_bucketed"}, _ONE_THREAD),
    "polars sorted once": Side(
        slicing_peer("polars_sorted_once"), {"parquet": "import bench.polars_sorted_once"}, _ONE_THREAD
    ),
    "DuckDB bucketed": Side(slicing_peer("duckdb_bucketed"), {"parquet": "import bench.duckdb_bucketed"}, _ONE_THREAD),
}
