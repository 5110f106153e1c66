"""Runs of one analysis on one root and one output, killed at random moments, several at once.

Whoever comes through has the results of an undisturbed run, bit for bit. Clearing takes all that they left, and nothing
that is not theirs.
"""

from __future__ import annotations

import multiprocessing
import os
import random
import signal
import sys
import time
from dataclasses import dataclass
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import pytest
import yaml

from assay.checkpoints.clearing import clear
from assay.cli import main
from assay.results.latest import read_latest
from tests.faults.small_run import analysis_of, write_data
from tests.parity.results import differing, parts_in

OWN = "tests.faults.own_stages"
DAY = 86_400.0
ROUNDS = 5
"""Of kills, each on what the one before left, before all come through."""

_warm = multiprocessing.get_context("forkserver")
_warm.set_forkserver_preload([__name__, "tests.faults.loaded_by_stages"])


@dataclass(frozen=True)
class Scene:
    """A root and an output in which files of others lie."""

    folder: Path

    @property
    def root(self) -> Path:
        return self.folder / "root"

    @property
    def output(self) -> Path:
        return self.folder / "out"

    def prepare(self, data: Path) -> None:
        analysis = analysis_of(data, self.output)
        analysis["extractors"] = [
            {"name": "AddBand", "factory": f"{OWN}:add_band", "after": "ExtractFeatures", "adds": ["features"]}
        ]
        analysis["evaluators"] = [
            {
                "name": "HighestScore",
                "factory": f"{OWN}:highest_score",
                "run_after": "ExtractSliceKeys",
                "outputs": ["metrics"],
            }
        ]
        analysis["eval_config"]["slicing_specs"] += [{"feature_keys": ["band"]}]
        self.folder.mkdir(parents=True)
        (self.folder / "analysis.yaml").write_text(yaml.safe_dump(analysis))
        for uri, text in self.of_others().items():
            uri.parent.mkdir(parents=True, exist_ok=True)
            uri.write_text(text)

    def of_others(self) -> dict[Path, str]:
        """Files of others, where ours lie as well."""
        beside = ("notes.txt", "ReadInputs/notes.txt", "Gate/backup/part-00000.zst", "plans/plan.json", "runs/run.txt")
        uris = [*(self.root / name for name in beside), self.output / "notes.txt", self.output / "old" / "auc.csv"]
        return {uri: f"of others: {uri.name}" for uri in uris}

    def run(self, number: int) -> BaseProcess:
        log = self.folder / f"{number}.log"
        process = _warm.Process(target=_run, args=(str(self.folder), str(self.root), str(log)))
        process.start()
        return process

    def runs(self) -> list[Path]:
        """Folders of results that are whole."""
        return [file.parent for file in self.output.glob("*/results.json")]


def _run(folder: str, root: str, log: str) -> None:
    os.setsid()
    descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(descriptor, 1)
    os.dup2(descriptor, 2)
    sys.exit(main(["run", f"{folder}/analysis.yaml", "--checkpoints", root, "--quiet"]))


def same_bits(runs: list[Path], expected: dict[str, Any]) -> None:
    assert [differing(parts_in(run), expected) for run in runs] == [{} for _ in runs]


def kill(process: BaseProcess, whole_group: bool) -> bool:
    """Kills a run, with or without the processes that it has started; whether it still ran."""
    assert process.pid is not None
    try:
        os.killpg(process.pid, signal.SIGKILL) if whole_group else os.kill(process.pid, signal.SIGKILL)
    except ProcessLookupError:  # it has ended, or is no group yet
        process.kill()
    process.join()
    return process.exitcode == -signal.SIGKILL


@pytest.fixture(scope="module")
def alone(tmp_path_factory):
    """Data, results and seconds of a run that nothing disturbs."""
    data = tmp_path_factory.mktemp("data") / "day"
    write_data(data)
    for number in range(2):  # the first one warms up
        scene = Scene(tmp_path_factory.mktemp("alone") / str(number))
        scene.prepare(data)
        started = time.monotonic()
        process = scene.run(0)
        process.join()
        assert process.exitcode == 0, (scene.folder / "0.log").read_text()
    (results,) = scene.runs()
    return data, parts_in(results), time.monotonic() - started


@pytest.mark.parametrize(
    ("together", "seed"),
    [
        pytest.param(together, seed, marks=pytest.mark.slow if seed or together == 5 else ())
        for together, seeds in ((1, 12), (2, 14), (5, 8))
        for seed in range(seeds)
    ],
)
def test_runs_at_once_that_are_killed_at_random_moments_end_with_the_same_bits(
    tmp_path, alone, record_property, together, seed
):
    data, expected, seconds = alone
    moments = random.Random(f"{together} {seed}")
    scene, killed = Scene(tmp_path / "scene"), 0
    scene.prepare(data)

    for _ in range(ROUNDS):
        processes = [scene.run(number) for number in range(together)]
        for process in processes:
            time.sleep(moments.uniform(0, seconds) / together)
            in_time = kill(process, moments.random() < 0.7)
            seconds = seconds if in_time else 0.7 * seconds  # it was quicker than the run that was timed
            killed += in_time
        same_bits(scene.runs(), expected)
    record_property("killed", killed)
    assert killed > 0

    processes = [scene.run(number) for number in range(together)]
    for number, process in enumerate(processes):
        process.join(300)
        assert process.exitcode == 0, (scene.folder / f"{number}.log").read_text()
    assert len(scene.runs()) >= together
    same_bits(scene.runs(), expected)
    latest = read_latest(str(scene.output))
    assert latest is not None
    assert scene.output / latest.run in scene.runs()

    assert clear(str(scene.root), DAY) == []  # all of it is young
    assert clear(str(scene.root), DAY, now=time.time() + 3 * DAY) != []
    left = {path: path.read_text() for path in scene.root.rglob("*") if path.is_file()}
    assert left == {path: text for path, text in scene.of_others().items() if scene.root in path.parents}
    assert all(path.read_text() == text for path, text in scene.of_others().items())
    assert {path.name for path in scene.output.iterdir() if path.is_file()} == {"verdict.json", "notes.txt"}
