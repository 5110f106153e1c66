"""Something is killed while a task runs on an engine: right results, or one clear line and a retry that heals it."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from assay.errors import TransientError
from tests.faults.small_run import Undisturbed, nothing_half_written_looks_whole, small_run

ATTACKED = "EvaluateMetricsAndPlots"
"""The task that runs on the engine. Those before it have left checkpoints, which a retry goes on from."""

_MOST_SECONDS = 240
_ENDED = -signal.SIGKILL


def survives(
    folder: Path,
    undisturbed: Undisturbed,
    options: Sequence[str],
    kill: Callable[[int], None],
    heal: Callable[[], None],
    *,
    seed: int,
    seconds: float,
) -> int:
    """Kills something within the seconds that the attacked task takes, and checks what comes of it.

    Args:
        folder: empty.
        undisturbed: a run of the same data.
        options: of Beam pipelines that run on the engine.
        kill: called with the id of the launching process.
        heal: puts back what was killed, before the retry.
        seed: decides when.
        seconds: that the task takes if nothing is killed.

    Returns:
        The exit code of the attacked try.
    """
    run = small_run(folder, data=undisturbed.data)
    run.go_on(before=ATTACKED)
    run.options = tuple(options)
    process = run.started(ATTACKED)
    time.sleep(random.Random(seed).uniform(0.05, 1.0) * seconds)
    assert process.pid is not None
    if process.is_alive():
        kill(process.pid)
    process.join(_MOST_SECONDS)
    code, said = process.exitcode, run.printed(ATTACKED)
    assert code is not None, f"still runs\n{said[-3000:]}"
    nothing_half_written_looks_whole(run, undisturbed)

    heal()
    if code == 0:
        run.remember(ATTACKED)
    else:
        assert code in (_ENDED, TransientError.exit_code), said
        if code != _ENDED:
            assert said.strip().splitlines()[-1].startswith("assay.errors.TransientError: "), said
            assert "Traceback" not in said, said
        assert run.run(ATTACKED) == 0, run.printed(ATTACKED)
    run.options = ()
    run.go_on()
    undisturbed.assert_same(run)
    return code


def sigkill(*pids: int) -> None:
    """Kills processes, if they still run; of the launching process with LOOPBACK that is also the worker in it."""
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def nothing() -> None:
    """Puts nothing back."""
