"""What a search for slices costs on top of a run: `python -m bench.found_slices`.

One million rows of 20 features in a Parquet file, ten of texts with ten values and ten of numbers; a run by one process
with the search and one without, each in a process of its own, by CPU seconds and the most memory. The least of three.
Then the same with metrics of the slices that are found, in one task and with checkpoints.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

ROWS, RUNS = 1_000_000, 3
_ONE = "from bench.found_slices import one; one()"


def write(file: Path, rows: int = ROWS) -> None:
    """The data: scores that are right on average, but for the rows of one value of two features."""
    rng = np.random.default_rng(3)
    words = np.array([f"value {i}" for i in range(10)])
    columns = {f"text{i}": words[rng.integers(0, 10, rows)] for i in range(10)}
    columns |= {f"count{i}": rng.integers(0, 10 ** (i + 1), rows) for i in range(5)}
    columns |= {f"real{i}": rng.lognormal(i, 1, rows) for i in range(5)}
    score = rng.uniform(0.02, 0.98, rows)
    is_bad = (columns["text0"] == words[0]) | (columns["text1"] == words[1])
    label = (rng.random(rows) < np.where(is_bad, 0.5, score)).astype(float)
    pq.write_table(pa.table({**columns, "score": score, "label": label}), file)


def one() -> None:
    """A run, and what this process needed for it; in a process of its own."""
    from assay.plan.analysis_file import compile_analysis
    from assay.plan.filled import with_params
    from assay.run.local import run

    folder, finds, checkpoints = Path(sys.argv[1]), json.loads(sys.argv[2]), sys.argv[3:]
    analysis = {
        "inputs": {"format": "parquet", "files": "data.parquet"},
        "eval_config": {
            "model_specs": [{"label_key": "label", "prediction_key": "score"}],
            "metrics_specs": [{"metrics": [{"class_name": "AUC"}, {"class_name": "BinaryCrossEntropy"}]}],
        },
        "output": "out",
        **({"find_slices": finds} if finds is not None else {}),
    }
    root = tempfile.mkdtemp(dir=folder) if checkpoints else None
    run(with_params(compile_analysis(analysis, folder), {}), checkpoints=root, options=("--workers=1",))
    used = resource.getrusage(resource.RUSAGE_SELF)
    print(json.dumps({"cpu": used.ru_utime + used.ru_stime, "memory": _most_memory()}))


def _most_memory() -> float:
    """MB that this process held at most. What `getrusage` says has the memory of its parent in it."""
    (line,) = [line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM")]
    return int(line.split()[1]) / 1024


def measured(folder: Path, *which: str) -> dict[str, float]:
    """The least CPU seconds and MB of some runs."""
    runs = []
    for _ in range(RUNS):
        done = subprocess.run(
            [sys.executable, "-c", _ONE, str(folder), *which], capture_output=True, text=True, check=True
        )
        runs.append(json.loads(done.stdout.splitlines()[-1]))
    return {what: min(run[what] for run in runs) for what in runs[0]}


def main() -> None:
    """Prints both, and the difference."""
    with tempfile.TemporaryDirectory(prefix="assay-bench-") as name:
        folder = Path(name)
        write(folder / "data.parquet")
        _tell("search", measured(folder, "null"), measured(folder, "{}"))
        for shape in ([], ["checkpoints"]):
            with_metrics = measured(folder, '{"metrics": true}', *shape)
            _tell(" ".join(["metrics", *shape]), measured(folder, "{}", *shape), with_metrics)


def _tell(what: str, without: dict[str, float], added: dict[str, float]) -> None:
    for key, unit in (("cpu", "CPU s"), ("memory", "MB")):
        more = added[key] - without[key]
        print(f"{what}, {unit}: {without[key]:.2f} without, {added[key]:.2f} with, {more:.2f} more", flush=True)


if __name__ == "__main__":
    main()
