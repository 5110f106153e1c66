"""A run whose worker processes take their time, in a process of its own; `python -m` is `assay run` of a file."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pyarrow as pa
import pyarrow.parquet as pq
import yaml

WORKERS = 2
FILES, ROWS = 40, 200


def slow(columns: Mapping[str, Any]) -> Any:
    """A model that sleeps."""
    time.sleep(0.5)
    return np.asarray(columns["x"], np.float64)


def unlucky(columns: Mapping[str, Any]) -> Any:
    """A model that cannot take the value 3.5."""
    values = np.asarray(columns["x"], np.float64)
    if (values == 3.5).any():
        raise ArithmeticError("three and a half")
    return values


def half(columns: Mapping[str, Any]) -> Any:
    """A model that takes anything."""
    return np.asarray(columns["x"], np.float64) / 4


def analysis_in(folder: Path, model: str = "slow") -> Path:
    """Writes files, of which the fourth has the value 3.5, and the analysis file."""
    for number in range(FILES):
        x = np.full(ROWS, 3.5 if number == 3 else 0.25)
        pq.write_table(pa.table({"x": x, "label": (np.arange(ROWS) % 2).astype(float)}), folder / f"{number}.parquet")
    analysis = {
        "inputs": {"format": "parquet", "files": ["*.parquet"]},
        "models": [{"name": "m", "type": "callable", "uri": f"{__name__}:{model}", "features": ["x"]}],
        "eval_config": {
            "model_specs": [{"label_key": "label"}],
            "metrics_specs": [{"metrics": [{"class_name": "ExampleCount"}, {"class_name": "MeanPrediction"}]}],
        },
        "output": "out",
    }
    file = folder / "analysis.yaml"
    file.write_text(yaml.safe_dump(analysis))
    return file


_SOON = 8
"""Seconds; the work would take ten."""


class SlowRun:
    """`assay run`, and the processes that it has started."""

    def __init__(self, folder: Path, *, forks: bool) -> None:
        command = [sys.executable, "-m", __name__, "forks" if forks else "spawns", str(analysis_in(folder))]
        self.process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, start_new_session=True)
        try:
            self.first, self.workers = self._started()
        except BaseException:
            self.process.kill()
            raise

    def _started(self) -> tuple[psutil.Process, list[psutil.Process]]:
        until = time.monotonic() + 60
        while time.monotonic() < until and self.process.poll() is None:
            for first in psutil.Process(self.process.pid).children():
                workers = first.children()
                if len(workers) == WORKERS:
                    time.sleep(0.7)  # so that they are at work
                    return first, workers
            time.sleep(0.02)
        raise AssertionError(f"no workers: {self.process.communicate(timeout=5)[1]}")

    def ended(self) -> tuple[int, str]:
        """Exit code and what the run said, soon: in less than a second where nothing else keeps the machine busy."""
        _, said = self.process.communicate(timeout=_SOON)
        return self.process.returncode, said

    def left(self) -> list[psutil.Process]:
        """The processes that still run then."""
        _, alive = psutil.wait_procs([self.first, *self.workers], timeout=_SOON)
        return [*alive]


if __name__ == "__main__":
    from assay.cli import main
    from assay.engine.workers import pool, runner
    from assay.readers import source

    source.SPLIT_BYTES = 0
    runner.PAYS_AFTER = runner.PAYS_AFTER_IMPORTS = 0.0
    if sys.argv[1] == "spawns":
        pool.is_forkable = lambda: False
    sys.exit(main(["run", "--workers", str(WORKERS), sys.argv[2]]))
