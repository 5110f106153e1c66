"""A part of an engine, its job server, a Python worker or the launching process is killed in mid-job."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable, Iterator
from enum import Enum
from pathlib import Path
from typing import Any

import pytest

from assay.errors import TransientError
from tests.engines.attacks import ENGINES, VICTIMS, Attack
from tests.faults.small_run import SmallRun, Undisturbed, nothing_half_written_looks_whole, small_run

KILLS = int(os.environ.get("ASSAY_KILLS", "20"))
"""On each engine; `ASSAY_KILLS=200` takes some two hours for each."""

QUICK = {("Flink", "task manager"), ("Flink", "job server"), ("Spark", "executors"), ("Spark", "job server")}
QUICK |= {("Prism", victim) for victim in VICTIMS["Prism"]}
"""What `make engines` kills, once; the rest is slow."""

ATTACKED = "EvaluateMetricsAndPlots"
"""The task that runs on the engine. Those before it have left checkpoints, which a retry goes on from."""

_RETRIES = 3
_SIGKILL = -9


def kills() -> Iterator[Any]:
    for engine, victims in VICTIMS.items():
        for number in range(KILLS):
            seed, victim = number // len(victims), victims[number % len(victims)]
            marks = () if seed == 0 and (engine, victim) in QUICK else pytest.mark.slow
            yield pytest.param(engine, victim, seed, marks=marks, id=f"{engine}-{victim}-{seed}")


@pytest.mark.parametrize(("engine", "victim", "seed"), list(kills()))
def test_a_kill_in_mid_job_ends_with_the_right_bits_or_one_line_and_a_retry_that_goes_on(
    engine: str,
    victim: str,
    seed: int,
    undisturbed: Undisturbed,
    tmp_path: Path,
    request: pytest.FixtureRequest,
    record_property: Callable[[str, object], None],
):
    moment = random.Random(f"{engine} {victim} {seed}").uniform(0.05, 1.0)
    code: int | Missed = Missed.TOO_LATE
    for attempt in range(8):
        attack = ENGINES[engine](request)[victim]
        code = survives(tmp_path / str(attempt), undisturbed, attack, moment * attack.seconds)
        if not isinstance(code, Missed):
            break
        moment *= 0.7 if code is Missed.TOO_LATE else 1.3
    record_property("code", code)
    assert not isinstance(code, Missed), f"every kill was missed, the last one because it was {code.value}"


class Missed(Enum):
    """Why nothing was killed: the task had ended, or what was to be killed had not started."""

    TOO_LATE = "too late"
    TOO_EARLY = "too early"


def survives(folder: Path, undisturbed: Undisturbed, attack: Attack, seconds: float) -> int | Missed:
    """Kills something some seconds after the attacked task began, and checks what comes of it.

    Args:
        folder: empty.
        undisturbed: a run of the same data.
        attack: what is killed, and how it is put back.
        seconds: from the start to the kill.

    Returns:
        The exit code of the attacked try; or why nothing was killed.
    """
    run = small_run(folder, data=undisturbed.data)
    run.go_on(before=ATTACKED)
    run.options = attack.options
    process = run.started(ATTACKED)
    time.sleep(seconds)
    assert process.pid is not None
    if not process.is_alive():
        assert process.exitcode == 0, run.printed(ATTACKED)
        return Missed.TOO_LATE
    has_killed = attack.kill(process.pid)
    process.join(attack.most_seconds)
    code, said = process.exitcode, run.printed(ATTACKED)
    if code is None:
        process.kill()
        attack.heal()
    assert code is not None, f"still runs\n{said[-3000:]}"
    nothing_half_written_looks_whole(run, undisturbed)
    if not has_killed:
        assert code == 0, said
        return Missed.TOO_EARLY

    if code == 0:
        attack.heal()
        run.remember(ATTACKED)
    else:
        assert code in (_SIGKILL, TransientError.exit_code), said
        if code != _SIGKILL:
            check_one_line(said)
        goes_on(run, attack.heal)
    run.options = ()
    run.go_on()
    undisturbed.assert_same(run)
    return code


def goes_on(run: SmallRun, heal: Callable[[], object]) -> None:
    """Runs the task again as an orchestrator does: once more if the engine is still busy with what was left over."""
    for _ in range(_RETRIES):
        heal()
        code = run.run(ATTACKED)
        if code != TransientError.exit_code:
            break
        time.sleep(5)
    assert code == 0, run.printed(ATTACKED)


def check_one_line(said: str) -> None:
    """Whatever else was printed, the last line is the error, and there is no stack of calls."""
    assert said.strip().splitlines()[-1].startswith("assay.errors.TransientError: "), said
    assert "Traceback" not in said, said
