"""The worker processes of one run, as the launcher has them: started, given work, watched, ended."""

from __future__ import annotations

import json
import logging
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from multiprocessing.connection import Connection, wait
from typing import Any, TypeAlias

from assay import errors
from assay.engine import memory, progress
from assay.engine.beam_log import LOGGER
from assay.engine.workers.link import Failed, Finished, Gone, Link, Next, Output, Parts, Progress, Work
from assay.engine.workers.process import Ended, Loaded, Start, serve
from assay.engine.workers.shares import runs
from assay.errors import AssayError, TransientError
from assay.text import redaction

_MAIN = (
    "import json, sys; sys.path[:] = json.loads(sys.argv[1]); "
    "from assay.engine.workers.process import main; main(int(sys.argv[2]))"
)
_UNFORKABLE = {
    *("tensorflow", "torch", "jax", "sklearn", "xgboost", "lightgbm", "catboost", "onnxruntime"),
    "assay.storage.gcs",
}
"""Modules that have threads of their own, or connections, once they are used."""
_OWN_THREADS = "assay-"
"""How the names of our threads begin, which hold nothing that a worker needs."""
_TICK = 0.01
_UNTIL_TOLD, _UNTIL_ENDED = 2.0, 0.5
"""Seconds in which the first process tells what became of a worker, and in which it ends itself."""

_Process: TypeAlias = "subprocess.Popen[bytes] | _Forked"
Part: TypeAlias = tuple[tuple[str, bytes], ...]
"""Encoded elements by the transform that reads them."""


class Pool:
    """Worker processes.

    Args:
        count: how many.
        cores: that they share.
        most_bytes: that they and this process may hold together; None for no limit.
    """

    def __init__(self, count: int, cores: int, most_bytes: int | None = None) -> None:
        self._most_bytes, self._held = most_bytes, dict[Link, int]()
        own, first = socket.socketpair()
        pairs = [socket.socketpair() for _ in range(count)]
        start = Start(
            links=tuple(end.fileno() for _, end in pairs),
            sizes=dict(progress.expected()),
            beam_level=logging.getLogger(LOGGER).level,
        )
        threads = _threads(max(1, cores // count))
        self._first = Connection(own.detach())
        self.links = [Link(Connection(end.detach())) for end, _ in pairs]
        if is_forkable():
            self._process: _Process = _Forked(
                first, [self._first, *(link.connection for link in self.links)], start, threads
            )
        else:
            self._process = _spawned(first.fileno(), start, threads)
            self._first.send(Loaded(tuple(name for name in sys.modules if name.startswith("assay.")), redaction.told()))
            self._first.send(start)
        for end in [first, *(end for _, end in pairs)]:
            end.close()

    def run(self, descriptor: bytes, parts: Sequence[Part]) -> Iterator[Output | Finished]:
        """Runs a bundle on all workers; yields what they send, until each has finished.

        Raises:
            AssayError: what a worker raised.
            TransientError: a worker was killed.
        """
        given = runs(len(parts), len(self.links))
        working: dict[Any, Link] = {link.connection: link for link in self.links}
        try:
            for link in self.links:
                link.send(Work(descriptor))
            while working:
                for connection in wait(list(working)):
                    link = working[connection]
                    message = link.receive()
                    yield from self._answered(link, message, parts, given)
                    if isinstance(message, Finished):
                        del working[connection]
        except Gone as error:
            raise self._killed() from error

    def _answered(
        self, link: Link, message: Any, parts: Sequence[Part], given: Iterator[range]
    ) -> Iterator[Output | Finished]:
        if isinstance(message, Next):
            link.send(Parts(tuple(element for part in next(given, range(0)) for element in parts[part])))
        elif isinstance(message, Progress):
            progress.add_done(message.done)
            if message.held != self._held.get(link):  # measured anew, which takes the system longer than to tell
                self._held[link] = message.held
                self._check_memory()
        elif isinstance(message, Failed):
            kind = getattr(errors, message.error, AssayError)
            raise kind(message.message) from RuntimeError(message.traceback)
        else:
            yield message

    def _check_memory(self) -> None:
        beside = sum(self._held.values())
        together = memory.share() + beside
        memory.beside(beside)
        progress.held(together, beside)
        memory.check(self._most_bytes, together)

    def _killed(self) -> TransientError:
        """The one line for a worker that is gone."""
        how = ""
        with suppress(EOFError, OSError):  # the first process is gone, too
            if self._first.poll(_UNTIL_TOLD):
                ended: Ended = self._first.recv()
                how = f" ({signal.Signals(-ended.code).name})" if ended.code < 0 else f" (exit code {ended.code})"
        return TransientError(
            f"a worker process was killed{how}, as the system does when memory runs out; run again with fewer "
            f"processes (--workers, now {len(self.links)}) or smaller batches (inputs.batch_rows)"
        )

    def close(self) -> None:
        """Ends all processes."""
        memory.beside(0)
        self._first.close()
        for link in self.links:
            link.connection.close()
        try:
            self._process.wait(_UNTIL_ENDED)
        except subprocess.TimeoutExpired:  # it still loads modules
            self._process.kill()
            self._process.wait()


def is_forkable() -> bool:
    """Whether this process can be forked: it has no thread or connection that a fork would lack or share."""
    others = (thread for thread in threading.enumerate() if thread is not threading.main_thread())
    has_own_threads = all(thread.name.startswith(_OWN_THREADS) for thread in others)
    return sys.platform == "linux" and has_own_threads and not _UNFORKABLE & sys.modules.keys()


def _spawned(descriptor: int, start: Start, threads: Mapping[str, str]) -> subprocess.Popen[bytes]:
    """A new process that serves."""
    return subprocess.Popen(
        [sys.executable, "-P", "-c", _MAIN, json.dumps(sys.path), str(descriptor)],
        pass_fds=(descriptor, *start.links),
        stdin=subprocess.DEVNULL,
        env={**os.environ, **threads},
    )


class _Forked:
    """A fork of this process that serves, with as much of `subprocess.Popen` as is needed."""

    def __init__(
        self, first: socket.socket, launchers: Sequence[Connection], start: Start, threads: Mapping[str, str]
    ) -> None:
        sys.stdout.flush()
        sys.stderr.flush()
        with warnings.catch_warnings(action="ignore", category=DeprecationWarning):  # about threads, see `is_forkable`
            self._id = os.fork()
        if not self._id:
            try:
                progress.forked()
                os.environ.update(threads)
                for connection in launchers:
                    connection.close()
                serve(Connection(first.detach()), start)
            finally:
                os._exit(0)

    def wait(self, timeout: float | None = None) -> None:
        """Waits until it has ended; subprocess.TimeoutExpired."""
        until = None if timeout is None else time.monotonic() + timeout
        while not os.waitpid(self._id, 0 if until is None else os.WNOHANG)[0]:
            if until is not None and time.monotonic() > until:
                raise subprocess.TimeoutExpired("workers", timeout or 0.0)
            time.sleep(_TICK)

    def kill(self) -> None:
        """Ends it."""
        os.kill(self._id, signal.SIGKILL)


def _threads(count: int) -> Mapping[str, str]:
    """Variables by which libraries that a model may use keep to so many threads."""
    names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS")
    return {name: str(count) for name in names if name not in os.environ}
