"""A small run by stage commands, each in a warm process of its own, which can be killed."""

from __future__ import annotations

import atexit
import multiprocessing
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from assay import storage
from assay.checkpoints import transforms
from assay.checkpoints.commit import fault_of, load
from assay.checkpoints.layout import MANIFEST_FILE
from assay.checkpoints.manifest import Manifest
from assay.checkpoints.transforms import read_shard
from assay.cli import main
from assay.plan.analysis_file import compile_analysis
from assay.plan.filled import with_params
from assay.plan.plan import Plan, Task
from assay.plan.stored import publish_plan
from assay.plan.tasks import CUTS, kind_of, reshaped, task_named
from assay.run.call import Checkpoints, stage_arguments
from assay.run.outcome import StageResult
from tests.parity.results import differing, parts_of

ROWS = 400
TASKS = (
    "ReadInputs",
    "ExtractPredictions",
    "ExtractSliceKeys",
    "EvaluateMetricsAndPlots",
    "EvaluateExtracts",
    "Gate",
    "WriteResults",
)
COMMITTED = TASKS[:-1]
"""Those that leave a checkpoint."""

SHARD_BYTES = 8 << 10
"""So that even a small checkpoint has several shards."""

_warm = multiprocessing.get_context("forkserver")
_warm.set_forkserver_preload(["tests.faults.loaded_by_stages"])


def write_data(folder: Path) -> None:
    """Two small Parquet files."""
    folder.mkdir(parents=True)
    for number in range(2):
        rng = np.random.default_rng(number)
        label = (rng.random(ROWS) < 0.4).astype(float)
        table = pa.table(
            {
                "label": label,
                "score": np.clip(rng.normal(0.4 + 0.3 * label, 0.2), 0, 1),
                "group": rng.choice(["a", "b"], ROWS),
            }
        )
        pq.write_table(table, folder / f"part-{number}.parquet")


def analysis_of(data: Path, output: Path) -> dict[str, Any]:
    """An analysis of that data by a model that is code."""
    return {
        "inputs": {"format": "parquet", "files": [f"{data}/part-*.parquet"], "batch_rows": 64},
        "models": [{"name": "m", "type": "callable", "uri": "tests.end_to_end.scores:score"}],
        "eval_config": {
            "model_specs": [{"label_key": "label"}],
            "slicing_specs": [{}, {"feature_keys": ["group"]}],
            "metrics_specs": [
                {"metrics": [{"class_name": "AUC", "threshold": {"value_threshold": {"lower_bound": 0.5}}}]}
            ],
        },
        "analysis_table": True,
        "output": str(output),
    }


@dataclass
class SmallRun:
    """A run, task by task, as an orchestrator makes it.

    Attributes:
        plan: its plan, cut into tasks.
        root: of its checkpoints.
        folder: for the results of commands and what they print.
        environment: variables of the processes.
        options: of Beam pipelines.
        done: task -> its result.
    """

    plan: Plan
    root: str
    folder: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    options: tuple[str, ...] = ()
    done: dict[str, StageResult] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        self.plan_uri = publish_plan(self.plan, self.root)

    def task(self, name: str) -> Task:
        return task_named(self.plan, name)

    def command(self, name: str, suffix: str = "") -> list[str]:
        """The arguments of `assay` that run a task."""
        task = self.task(name)
        given = Checkpoints(root=self.root, inputs={n: self.done[n].manifest for n in task.after}, run="run")
        result = str(self.result_file(name, suffix))
        return list(stage_arguments(kind_of(self.plan, task), self.plan_uri, name, given, result, options=self.options))

    def result_file(self, name: str, suffix: str = "") -> Path:
        return self.folder / f"{name}{suffix}.json"

    def log_file(self, name: str, suffix: str = "") -> Path:
        return self.folder / f"{name}{suffix}.log"

    def started(self, name: str, suffix: str = "", seam: Any = None) -> BaseProcess:
        """A process that runs a task; `seam()` is called in it before it begins."""
        log = str(self.log_file(name, suffix))
        args = (self.command(name, suffix), log, {**self.environment}, seam)
        process = _warm.Process(target=_work, args=args)
        process.start()
        return process

    def run(self, name: str, suffix: str = "", seam: Any = None) -> int:
        """Runs a task in a process; returns its exit code, and remembers the result if it has one."""
        process = self.started(name, suffix, seam)
        process.join(120)
        assert process.exitcode is not None
        if process.exitcode == 0:
            self.remember(name, suffix)
        return process.exitcode

    def remember(self, name: str, suffix: str = "") -> StageResult:
        self.done[name] = StageResult.from_json(self.result_file(name, suffix).read_text())
        return self.done[name]

    def go_on(self, before: str = "") -> None:
        """Runs all tasks that are not done, or only those before one of them."""
        for name in TASKS[: TASKS.index(before)] if before else TASKS:
            if name not in self.done:
                assert self.run(name) == 0, self.printed(name)

    def printed(self, name: str, suffix: str = "") -> str:
        return self.log_file(name, suffix).read_text()

    def last_line(self, name: str, suffix: str = "") -> str:
        return self.printed(name, suffix).strip().splitlines()[-1]

    def manifest(self, name: str) -> Manifest:
        return load(self.done[name].manifest)


def small_run(folder: Path, *, data: Path | None = None, root: str | None = None, **settings: Any) -> SmallRun:
    """A run whose root, results and data lie in `folder`, unless other folders are given."""
    if data is None:
        data = folder / "data"
        write_data(data)
    analysis = {**analysis_of(data, folder / "out" / "results"), **settings}
    plan = reshaped(with_params(compile_analysis(analysis, folder), {}), CUTS)
    return SmallRun(plan, root or str(folder / "root"), folder / "commands")


@dataclass(frozen=True)
class Undisturbed:
    """A run that nobody disturbs: its data, what it gave, and how long each task took."""

    data: Path
    parts: dict[str, Any]
    seconds: dict[str, float]

    def assert_same(self, run: SmallRun) -> None:
        """The run came to the same end, bit for bit."""
        assert differing(parts_of(Path(run.plan.output).parent), self.parts) == {}


def manifests(root: str) -> list[str]:
    return [uri for uri, _ in storage.list(root) if uri.endswith(f"/{MANIFEST_FILE}")]


def nothing_half_written_looks_whole(run: SmallRun, expected: Undisturbed) -> None:
    """Shards of checkpoints are bit for bit as they were committed; results are all there or look unfinished."""
    for uri in manifests(run.root):
        manifest = load(uri)
        assert fault_of(run.root, manifest) is None
        for shard in manifest.shards:
            read_shard(run.root, manifest.task, shard)
    if Path(run.plan.output, "verdict.json").exists():
        expected.assert_same(run)


def _work(command: list[str], log: str, environment: Mapping[str, str], seam: Any) -> None:
    os.environ.update(environment)
    descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(descriptor, 1)
    os.dup2(descriptor, 2)
    transforms.SHARD_BYTES = SHARD_BYTES
    if seam is not None:
        seam()
    code = main(command)
    atexit._run_exitfuncs()  # as at the end of a program, but not of such a process: Beam ends its Prism there
    sys.exit(code)
