"""Beam's log, which tells a failure in twenty lines that the one line of our error tells again."""

from __future__ import annotations

import logging
import re
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from assay.engine.job_errors import GONE, rpc_code
from assay.errors import AssayError

LOGGER = "apache_beam"
"""Whoever gives this logger a level, such as `--verbose`, sees Beam's log at that level."""

_NOTHING = logging.CRITICAL + 1

_JOB_MESSAGES = "portable_runner.py"
"""The module of Beam that logs by Python's root logger: what an engine says of a job, stack traces of Java among it."""

_OF_WORKERS = f"{LOGGER}.runners.worker.sdk_worker"
"""The module of Beam with the workers that run in this process."""

_OF_STREAMS = (f"{LOGGER}.runners.worker.data_plane", _OF_WORKERS, "grpc._channel")
"""Loggers that tell what becomes of the streams between a worker and its engine: of Beam, and of gRPC below it."""

_OF_BUNDLES = f"{LOGGER}.runners.common"
"""The logger that tells a failure of a bundle, and may do so after the job that the bundle was of has been given up."""

_OF_SERVERS = "utils.subprocess_server"
"""The module of Beam that warns when a server that it has started ends with this process, after our last line."""

_OUR_ERROR = re.compile(rf"^{re.escape(AssayError.__module__)}\.\w+: ", re.MULTILINE)
"""The end of a trace of an error of ours, which is told in one line, or belongs to a job that was given up."""

_ENDED_STREAM = re.compile(rf"grpc\._channel\..*StatusCode\.({'|'.join(GONE)})", re.DOTALL)

_lock = threading.Lock()
_runs = 0


def show_beam_log() -> None:
    """Lets warnings and errors of Beam through, for the rest of the process."""
    logging.getLogger(LOGGER).setLevel(logging.WARNING)


@contextmanager
def quiet_beam() -> Iterator[None]:
    """Keeps Beam's log back while a pipeline runs, unless its logger has been given a level."""
    _count(1)
    try:
        with _quiet_jobs():
            yield
    finally:
        _count(-1)


def _count(change: int) -> None:
    """Counts the pipelines that run; the first one silences the logger, the last one gives it back."""
    global _runs
    logger = logging.getLogger(LOGGER)
    with _lock:
        _runs += change
        if _runs and logger.level == logging.NOTSET:
            logger.setLevel(_NOTHING)
        elif not _runs and logger.level == _NOTHING:
            logger.setLevel(logging.NOTSET)


@contextmanager
def _quiet_jobs() -> Iterator[None]:
    """Keeps back what Beam prints of a job elsewhere, beside its own logger."""
    root = logging.getLogger()
    plain = None if root.handlers else logging.lastResort
    if plain is not None:  # or the first message of a job would give Python's log another form, for good
        root.addHandler(plain)
    root.addFilter(_is_wanted)
    logging.getLogger(f"{LOGGER}.{_OF_SERVERS}").addFilter(_is_no_warning)
    try:
        yield
    finally:
        root.removeFilter(_is_wanted)
        if plain is not None:
            root.removeHandler(plain)


def _is_wanted(record: logging.LogRecord) -> bool:
    return not record.pathname.endswith(_JOB_MESSAGES) or logging.getLogger(LOGGER).level != _NOTHING


def _is_no_warning(record: logging.LogRecord) -> bool:
    return record.levelno > logging.WARNING or _has_level()


def _has_level() -> bool:
    return logging.getLogger(LOGGER).level not in (logging.NOTSET, _NOTHING)


def _is_of_no_ended_stream(record: logging.LogRecord) -> bool:
    """False for what a worker says of a stream that has ended, unless Beam's logger has been given a level."""
    if _has_level():
        return True
    error = record.exc_info[1] if record.exc_info else None
    return not (error is not None and rpc_code(error) in GONE) and not _tells_an_ended_stream(record.getMessage())


def _is_of_no_error_of_ours(record: logging.LogRecord) -> bool:
    return _has_level() or record.exc_info is None or not isinstance(record.exc_info[1], AssayError)


def _tells_an_ended_stream(text: str) -> bool:
    return _ENDED_STREAM.search(text) is not None


def _tells_an_error_of_ours(trace: str) -> bool:
    """Whether the last exception of a chain is ours."""
    return _OUR_ERROR.search(trace.rpartition(":\n\n")[2]) is not None


def keep_back_ended_streams() -> None:
    """Has workers in this process tell nothing of streams that their engine ended, for good: some end after the job.

    Beam's worker does so in four ways: by loggers of its own, by gRPC's, by the end of a thread, and by `print`. Nor
    does it tell errors of ours again, such as that of a bundle that comes to its end when its job has been given up.
    To be called once the runner, which imports these modules, is there and before the job is.
    """
    for name in _OF_STREAMS:
        logging.getLogger(name).addFilter(_is_of_no_ended_stream)
    logging.getLogger(_OF_BUNDLES).addFilter(_is_of_no_error_of_ours)
    vars(sys.modules[_OF_WORKERS])["print"] = _print

    before = threading.excepthook
    if getattr(before, "is_quiet", False):
        return

    def hook(args: threading.ExceptHookArgs) -> None:
        if args.exc_value is None or rpc_code(args.exc_value) not in GONE:
            before(args)

    hook.is_quiet = True  # type: ignore[attr-defined]
    threading.excepthook = hook


def _print(*values: object, **settings: Any) -> None:
    """In place of the built-in one, in the module of Beam that prints the trace of each bundle that failed."""
    is_told = any(_tells_an_ended_stream(str(value)) or _tells_an_error_of_ours(str(value)) for value in values)
    if _has_level() or not is_told:
        print(*values, **settings)  # noqa: T201
