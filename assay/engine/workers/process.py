"""The first of the worker processes: forks the others, tells which have ended, and ends with the launcher.

It is a fork of the launcher where that is safe; else a new process, which loads what all need, once.
"""

from __future__ import annotations

import ctypes
import gc
import importlib
import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection

from assay.engine import memory, progress
from assay.engine.beam_log import LOGGER
from assay.engine.workers.link import Gone, Link, Progress, Work
from assay.text import redaction

_TOLD_EVERY = 0.2
_MEASURED_EVERY = 1.0
"""Seconds; the system looks at each page for it, and a process with a gigabyte waits meanwhile."""
_PR_SET_PDEATHSIG = 1  # prctl's


@dataclass(frozen=True)
class Start:
    """What the launcher says to the first process.

    Attributes:
        links: descriptors of sockets, one for each worker.
        sizes: file -> bytes, of what is read.
        beam_level: of Beam's log.
    """

    links: tuple[int, ...]
    sizes: dict[str, int]
    beam_level: int


@dataclass(frozen=True)
class Ended:
    """From the first process: a worker has ended.

    Attributes:
        worker: which.
        code: exit code; the negative number of the signal that ended it.
    """

    worker: int
    code: int


@dataclass(frozen=True)
class Loaded:
    """What a new process lacks and a fork has.

    Attributes:
        modules: to load; those that cannot be loaded are left to the workers.
        secrets: value -> name, of what no message may show.
    """

    modules: tuple[str, ...]
    secrets: dict[str, str]


def main(descriptor: int) -> None:
    """A new process: takes a `Loaded` and a `Start` from the launcher's socket, and serves."""
    memory.tune()
    launcher = Connection(descriptor)
    loaded: Loaded = launcher.recv()
    for value, name in loaded.secrets.items():
        redaction.redact(name, value)
    for module in loaded.modules:
        with suppress(ImportError):
            importlib.import_module(module)
    serve(launcher, launcher.recv())


def serve(launcher: Connection, start: Start) -> None:
    """Forks the workers, and tells which have ended, until all have. Has no other thread when it forks."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the launcher ends its workers
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    gc.freeze()  # what is there stays, and is shared
    workers = {_forked(start, number, launcher): number for number in range(len(start.links))}
    for link in start.links:
        os.close(link)
    threading.Thread(target=_end_with, args=(launcher, workers), daemon=True).start()
    while workers:
        process, status = os.wait()
        with suppress(OSError):
            launcher.send(Ended(workers.pop(process), os.waitstatus_to_exitcode(status)))


def _end_with(launcher: Connection, workers: Mapping[int, int]) -> None:
    """Ends all workers once the launcher is gone, whatever became of it."""
    with suppress(EOFError, OSError):
        launcher.recv()
    for process in list(workers):
        with suppress(ProcessLookupError):
            os.kill(process, signal.SIGKILL)


def _forked(start: Start, number: int, launcher: Connection) -> int:
    """Forks a worker; returns its process id."""
    parent, process = os.getpid(), os.fork()
    if process:
        return process
    code = 1
    try:
        _end_with_parent(parent)
        launcher.close()
        for link in start.links:
            if link != start.links[number]:
                os.close(link)
        _work(Link(Connection(start.links[number])), start)
    except Gone:
        code = 0  # the launcher is gone, or needs no more
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _end_with_parent(parent: int) -> None:
    """Has the system end this process when its parent is killed, where it can (Linux)."""
    prctl = getattr(ctypes.CDLL(None), "prctl", None)
    if prctl is not None:
        prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        raise Gone


def _work(link: Link, start: Start) -> None:
    """Works until the launcher closes its end."""
    bundle = importlib.import_module("assay.engine.workers.bundle")  # Beam, which `memory.tune` has to precede
    logging.getLogger(LOGGER).setLevel(start.beam_level)
    progress.note(start.sizes)
    threading.Thread(target=_tell, args=(link,), daemon=True).start()
    while True:
        work: Work = link.receive()
        done = bundle.run_bundles(link, work.descriptor)
        memory.give_back()
        link.send(Progress(progress.noted(), memory.share()))
        link.send(done)


def _tell(link: Link) -> None:
    """Tells what has been done, now and then; so it also finds that the launcher is gone."""
    held, measured = memory.share(), time.monotonic()
    while True:
        time.sleep(_TOLD_EVERY)
        if time.monotonic() - measured >= _MEASURED_EVERY:
            held, measured = memory.share(), time.monotonic()
        try:
            link.send(Progress(progress.noted(), held))
        except Gone:
            os._exit(0)
