"""What an engine says of a job that failed: many lines of Java and Python, and one line of ours."""

from __future__ import annotations

import re
import sys
from contextlib import suppress

from assay.errors import AssayError, BusyError, ConfigError, TransientError

GONE = frozenset({"UNAVAILABLE", "CANCELLED", "DEADLINE_EXCEEDED"})
"""gRPC's codes for a server that no longer answers."""

_OF_A_JOB = re.compile(r"^Pipeline (?P<job>\S+) failed in state \w+: |^Pipeline failed\.$")
_JAVA_CLASSES = re.compile(r"^(?:(?:[a-z][\w$]*\.)+[A-Z][\w$]*: )+")
_MODULE = re.compile(r"ModuleNotFoundError: No module named '(?P<name>[^']+)'")
_STEP = re.compile(r" \[while running '(?P<step>[^']*)'\]")
_FRAME = re.compile(r'^ +File "(?P<file>[^"]+)", line (?P<line>\d+)', re.MULTILINE)
_RAISED = re.compile(r"^(?P<error>[A-Za-z_][\w.]*(?:: .*)?)$", re.MULTILINE)
_TRACEBACK = "Traceback (most recent call last):"

_LOST = re.compile(
    r"TaskManager with id \S+ (?:is no longer reachable|timed out)"
    r"|Heartbeat of TaskManager"
    r"|(?:Remote|Local)TransportException|Connection unexpectedly closed by remote task manager"
    r"|ExecutorLostFailure|Slave lost|worker lost"
    r"|SDK worker disconnected|didn't get control connection"
    r"|Multiplexer hanging up|SDK harness .*(?:disconnected|exited)|Socket closed|cancelled before receiving half close"
    r"|Could not retrieve JobResult|JobInitializationException|Connection refused|Broken pipe"
    r"|Waited \d+ minutes .*Future@"  # for a worker that has reported, and was killed then
    r"|(?:StatusRuntimeException|StatusException): (?:UNAVAILABLE|CANCELLED)\b"
    r"|failed to connect to all addresses|recvmsg:Connection reset by peer"
)
"""What engines say of processes that are gone."""

_NO_SLOTS = re.compile(
    r"NoResourceAvailableException|Could not acquire the minimum required resources|Timeout has occurred: \d+ ms"
)
"""What Flink says after it has waited for slots in vain: the last is all that a job server tells of it."""


def of_job(error: BaseException) -> AssayError | None:
    """The one line for a job that failed elsewhere; None for an error that no engine has told."""
    text = str(error)
    if not _OF_A_JOB.match(text):
        return None
    text = _OF_A_JOB.sub("", text, count=1)
    module = _MODULE.search(text)
    if module:
        return ConfigError(
            f"the workers cannot import {module['name']!r}: install it where they run (in their image, or the "
            f"environment of the worker pool), or put its folder on their PYTHONPATH"
        )
    if _NO_SLOTS.search(text):
        return TransientError(
            "the engine had too few free slots for the job, or lost those that it had; lower --parallelism, or start "
            "more of its workers, then run again: committed checkpoints are used again"
        )
    if "Only one SparkContext should be running" in text:
        return BusyError(
            "the job server for Spark runs one job at a time, and was busy with another; run again: committed "
            "checkpoints are used again"
        )
    lost = _LOST.search(text)
    if lost:
        line = next(line for line in text.splitlines() if lost[0] in line)
        return TransientError(
            f"the engine lost a part of itself during the job ({_plain(line)}); run again: committed checkpoints are "
            f"used again"
        )
    if _TRACEBACK in text:
        return AssayError(_raised_in(text))
    return AssayError(f"the job failed: {first_line(text) or 'its engine does not say why'}")


def _raised_in(text: str) -> str:
    """What a worker's traceback ends with: step, error, file and line."""
    step = _STEP.search(text)
    last = _STEP.sub("", text.rpartition(_TRACEBACK)[2])
    raised, frames = _RAISED.search(last), list(_FRAME.finditer(last))
    where = f" ({frames[-1]['file'].rpartition('/')[2]}, line {frames[-1]['line']})" if frames else ""
    of_step = f"in the step {step['step']}: " if step else "in a worker: "
    return f"{of_step}{raised['error'] if raised else first_line(last)}{where}"


def first_line(text: str) -> str:
    """The first line that says anything, without the classes of Java before it."""
    return _plain(next((line for line in text.splitlines() if line.strip()), ""))


def _plain(line: str) -> str:
    return _JAVA_CLASSES.sub("", line.strip())[:300]


def rpc_code(error: BaseException) -> str:
    """The code of an error of gRPC, such as UNAVAILABLE; "" for any other error."""
    grpc = sys.modules.get("grpc")
    if grpc is not None and isinstance(error, grpc.FutureTimeoutError):
        return "DEADLINE_EXCEEDED"
    if grpc is not None and isinstance(error, grpc.RpcError):
        with suppress(Exception):
            return str(error.code().name)
        return "UNKNOWN"
    return ""
