"""SIGKILL at any moment of any stage, and the next try makes what an undisturbed run makes, bit for bit."""

from __future__ import annotations

import itertools
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from assay import storage
from assay.checkpoints.clearing import clear
from assay.checkpoints.commit import load
from assay.checkpoints.listing import checkpoints_of
from assay.plan.stored import publish_plan
from tests.faults.small_run import COMMITTED, TASKS, SmallRun, manifests, nothing_half_written_looks_whole, small_run

QUICK, ALL = 8, 500
DAY = 86_400.0


def attempts(root: str) -> set[str]:
    """The attempts that left anything."""
    parts = (uri.removeprefix(f"{root}/").split("/") for uri, _ in storage.list(root))
    return {"/".join(part[:3]) for part in parts if len(part) > 3}


def committed(root: str) -> set[str]:
    """The attempts that made a shard of a checkpoint."""
    return {
        "/".join((manifest.task, *shard.name.split("/")[:2]))
        for manifest in map(load, manifests(root))
        for shard in manifest.shards
    }


def killed_after(run: SmallRun, name: str, seconds: float) -> int:
    """Starts a task and kills it; returns its exit code."""
    process = run.started(name)
    time.sleep(seconds)
    process.kill()
    process.join()
    assert process.exitcode is not None
    return process.exitcode


@pytest.mark.parametrize(
    "seed", [pytest.param(seed, marks=pytest.mark.slow if seed >= QUICK else ()) for seed in range(ALL)]
)
def test_stages_killed_at_random_moments_and_run_again_give_the_same_bits(seed, undisturbed, tmp_path):
    moments = random.Random(seed)
    run, killed = small_run(tmp_path, data=undisturbed.data), 0
    for name in TASKS:
        code = killed_after(run, name, moments.uniform(0.02, undisturbed.seconds[name]))
        killed += code == -signal.SIGKILL
        nothing_half_written_looks_whole(run, undisturbed)
        assert run.run(name) == 0, run.printed(name)
    assert killed > 0
    assert committed(run.root) <= attempts(run.root)
    nothing_half_written_looks_whole(run, undisturbed)
    undisturbed.assert_same(run)


# At every step of its writing -----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class KilledAtStep:
    """Kills its process right before the given call, counted from 0, that changes what is on the disk."""

    step: int

    def __call__(self) -> None:
        calls = itertools.count()
        for name in ("fsync", "replace", "link", "remove"):
            setattr(os, name, self._deadly(getattr(os, name), calls))

    def _deadly(self, function: Callable[..., Any], calls: Iterator[int]) -> Callable[..., Any]:
        def counted(*args: Any, **settings: Any) -> Any:
            if next(calls) == self.step:
                os.kill(os.getpid(), signal.SIGKILL)
            return function(*args, **settings)

        return counted


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=() if name == "Gate" else pytest.mark.slow) for name in TASKS]
)
def test_a_stage_killed_at_each_step_of_its_writing_in_turn_comes_through(name, undisturbed, tmp_path):
    run = small_run(tmp_path, data=undisturbed.data)
    run.go_on(before=name)
    for step in itertools.count():
        code = run.run(name, seam=KilledAtStep(step))
        nothing_half_written_looks_whole(run, undisturbed)
        if code == 0:
            break
        assert code == -signal.SIGKILL, run.printed(name)
    assert step >= 8
    run.go_on()
    undisturbed.assert_same(run)


def test_a_stage_command_that_is_killed_as_orchestrators_do_leaves_no_checkpoint_and_is_run_again(
    undisturbed, tmp_path
):
    run = small_run(tmp_path, data=undisturbed.data)
    command = (sys.executable, "-m", "assay", *run.command("ReadInputs"))
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 300
    while not attempts(run.root) and time.monotonic() < deadline:  # until it writes
        time.sleep(0.002)
    process.kill()
    assert process.wait() == -signal.SIGKILL
    assert len(attempts(run.root)) == 1
    assert manifests(run.root) == []
    assert subprocess.run(command, capture_output=True, check=False).returncode == 0
    assert not run.remember("ReadInputs").reused
    run.go_on()
    undisturbed.assert_same(run)


# What is left of it ---------------------------------------------------------------------------------------------------


def test_what_a_killed_attempt_left_is_listed_and_cleared_away(undisturbed, tmp_path):
    run = small_run(tmp_path, data=undisturbed.data)
    assert run.run("ReadInputs", seam=KilledAtStep(20)) == -signal.SIGKILL
    (found,) = checkpoints_of(run.root)
    assert (found.task, found.state, found.rows) == ("ReadInputs", "running", 0)
    assert found.size > 0
    assert clear(run.root, 0) == []  # it may be alive
    later = time.time() + DAY
    (found,) = checkpoints_of(run.root, later)
    assert found.state == "abandoned"
    assert clear(run.root, 2 * DAY, now=later) == []  # it is young
    assert clear(run.root, 0.5 * DAY, now=later) != []
    assert [path for path in Path(run.root).rglob("*") if path.is_file()] == []
    publish_plan(run.plan, run.root)
    run.go_on()
    undisturbed.assert_same(run)


def test_attempts_that_were_killed_are_cleared_away_beside_the_one_that_came_through(undisturbed, tmp_path):
    run = small_run(tmp_path, data=undisturbed.data)
    for name in COMMITTED:
        assert run.run(name, seam=KilledAtStep(14)) == -signal.SIGKILL
        assert run.run(name) == 0
    assert len(attempts(run.root) - committed(run.root)) == len(COMMITTED)
    for record in Path(run.root, "runs").rglob("*.json"):
        os.utime(record, (time.time() + 9 * DAY,) * 2)  # the run is used still
    gone = clear(run.root, 2 * DAY, now=time.time() + 10 * DAY)
    assert gone != []
    publish_plan(run.plan, run.root)
    assert attempts(run.root) == committed(run.root)
    assert [uri for uri, _ in storage.list(run.root) if uri.endswith(".tmp")] == []
    assert {found.state for found in checkpoints_of(run.root)} == {"done"}
    results = [run.remember(name) for name in COMMITTED if run.run(name) == 0]
    assert [result.reused for result in results] == [True] * len(COMMITTED)
