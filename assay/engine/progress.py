"""What a run is doing and how far it is, for the whole process, and a line that shows it.

Whoever runs a stage says by `phase` what happens; readers say which files there are, and how much of each they have
read; stages count rows with `add`; whoever started the run shows all of it with `shown`. Standard library only.
"""

from __future__ import annotations

import os
import shutil
import threading
import time
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TextIO

from assay.engine import memory
from assay.text.counted import counted
from assay.text.multiples import to_multiple
from assay.text.printable import printable_line

TERMINAL_SECONDS = 0.2
LOG_SECONDS = 5.0
WINDOW = 16  # ticks over which the speed is measured: batches are large, single ticks would flicker

_LEAST_SHARE, _LEAST_SECONDS = 0.02, 2.0
"""Before that, nobody can tell how long the rest will take."""

STARTING = "Starting"


@dataclass
class _Phase:
    """What is done now, and the files that it reads.

    Attributes:
        text: for people.
        then: what is done once all files are read.
        sizes: file -> bytes.
        shares: file -> the share of it that has been read.
        reading_since: when the first part of a file had been read.
        before: rows that were done before it, by stage.
        shards: shards that were written in it, by stage.
    """

    text: str = STARTING
    then: str = ""
    sizes: dict[str, int] = field(default_factory=dict)
    shares: dict[str, float] = field(default_factory=dict)
    reading_since: float | None = None
    before: Mapping[str, int] = field(default_factory=dict)
    shards: dict[str, int] = field(default_factory=dict)

    def share(self) -> float | None:
        """How much of all files has been read, 0 to 1; None if nobody knows what there is to read."""
        total = sum(self.sizes.values())
        return sum(self.sizes[file] * share for file, share in self.shares.items()) / total if total else None


@dataclass(frozen=True)
class Done:
    """What a worker process has done, for the process that shows progress.

    Attributes:
        rows: by stage.
        shares: file -> the share of it that has been read.
        shards: shards that were written, by stage.
    """

    rows: Mapping[str, int]
    shares: Mapping[str, float]
    shards: Mapping[str, int]


_lock = threading.Lock()
_rows: dict[str, int] = {}
_streams: dict[TextIO, TextIO] = {}
"""Where progress is shown -> how it is written there."""

_together, _beside = 0, 0
"""The most bytes that this process and others have held together, and what these others held last."""

_multiple = 1
"""What rows are told as multiples of."""

_phase = _Phase()
_noted: _Phase | None = None
"""In a worker process: what has been done since the launcher was told; None in others."""


def phase(text: str, then: str = "") -> None:
    """Says what is done from now on.

    Args:
        text: for people: "Reading and evaluating"; the state of a job elsewhere.
        then: what is done once all files are read, until the next phase.
    """
    global _phase
    if _streams:
        _phase = _Phase(text, then, before=snapshot())


def round_rows_to(multiple: int) -> None:
    """Says that rows are told as multiples of a number from now on, until progress is shown no more."""
    global _multiple
    _multiple = multiple


def expect(sizes: Mapping[str, int]) -> None:
    """Says which files the phase reads: name -> bytes."""
    if _streams:
        with _lock:
            _phase.sizes.update(sizes)


def reached(file: str, share: float) -> None:
    """Says that a share of a file has been read, 0 to 1. Called now and then, from any thread."""
    with _lock:
        if _noted is not None:
            _noted.shares[file] = share
        elif file in _phase.sizes:
            _phase.shares[file] = max(share, _phase.shares.get(file, 0.0))
            _phase.reading_since = _phase.reading_since or time.monotonic()


def read_to(file: str, position: int) -> None:
    """Says how many bytes of a file have been read."""
    size = _phase.sizes.get(file)
    if size:
        reached(file, position / size)


def add(stage: str, rows: int) -> None:
    """Counts `rows` more rows as done by `stage`. Called once for each batch, from any thread."""
    with _lock:
        _rows[stage] = _rows.get(stage, 0) + rows


def add_shard(stage: str) -> None:
    """Counts one more shard as written by `stage`."""
    if _streams or _noted:
        with _lock:
            shards = (_noted or _phase).shards
            shards[stage] = shards.get(stage, 0) + 1


def forked() -> None:
    """Lets go of what threads hold, of which a forked process has none, and of where progress is shown."""
    global _lock
    _lock = threading.Lock()
    _streams.clear()


def note(sizes: Mapping[str, int]) -> None:
    """Notes from now on what this process does, for `noted`: it is a worker process.

    Args:
        sizes: file -> bytes, of the files that the phase reads.
    """
    global _noted
    _phase.sizes.update(sizes)
    _noted = _Phase(before=snapshot())


def expected() -> Mapping[str, int]:
    """The files that the phase reads: name -> bytes."""
    return dict(_phase.sizes)


def noted() -> Done:
    """What this worker process has done since the last call."""
    global _noted
    now = snapshot()
    with _lock:
        last, _noted = _noted or _Phase(), _Phase(before=now)
    return Done(since(last.before, now), last.shares, last.shards)


def add_done(done: Done) -> None:
    """Adds what a worker process has done to what this process shows."""
    for stage, rows in done.rows.items():
        add(stage, rows)
    for file, share in done.shares.items():
        reached(file, share)
    for stage, shards in done.shards.items():
        for _ in range(shards):
            add_shard(stage)


def held(together: int, beside: int) -> None:
    """Says how many bytes all processes of the run hold together, and how many of them others than this one."""
    global _together, _beside
    _together, _beside = max(_together, together), beside


def say(text: str) -> bool:
    """Writes a line of its own wherever progress is shown; returns whether it is anywhere."""
    text, streams = printable_line(text), list(_streams.values())
    for stream in streams:
        stream.write(f"\r\x1b[K{text}\n" if stream.isatty() else f"{text}\n")
        stream.flush()
    return bool(streams)


def snapshot() -> dict[str, int]:
    """Rows done by each stage since the process started, in the order in which the stages first counted."""
    with _lock:
        return dict(_rows)


def since(before: Mapping[str, int], now: Mapping[str, int]) -> dict[str, int]:
    """Rows done between two snapshots; stages that did nothing are left out."""
    return {stage: rows - before.get(stage, 0) for stage, rows in now.items() if rows != before.get(stage, 0)}


def line(rows: Mapping[str, int], seconds: float, rows_per_second: float, width: int | None = None) -> str:
    """The line of text: time, phase, percent and time left, rows of the stage that counted last.

    Where nobody knows how much there is to read, the speed stands in place of percent and time left.

    Args:
        rows: by stage.
        seconds: since the start.
        rows_per_second: of late.
        width: parts that do not fit are left out, from the last on; None for any width.
    """
    with _lock:
        now, share, reading_since = _phase, _phase.share(), _phase.reading_since
    is_read = share is not None and share >= 1
    parts = [_clock(seconds), now.then if is_read and now.then else now.text]
    if share is not None and not is_read:
        left = _left(share, 0.0 if reading_since is None else time.monotonic() - reading_since)
        parts.append(f"{100 * share:.0f}%{left}")

    stage = next(reversed(list(rows)), None)
    if stage is not None:
        parts.append(counted(to_multiple(rows[stage], _multiple), "row"))
        parts += [f"{rows_per_second:,.0f} rows/s"] if share is None and rows_per_second else []
        shards = now.shards.get(stage, 0)
        parts += [f"{counted(shards, 'shard')} done"] if shards else []
    while width is not None and len(parts) > 2 and len("  ".join(parts)) > width:
        parts.pop()
    return "  ".join(parts)[:width]


def _clock(seconds: float) -> str:
    return f"{int(seconds) // 60}:{int(seconds) % 60:02}"


def _left(share: float, seconds: float) -> str:
    """How long the rest of the files will take, if reading goes on as it did."""
    if share < _LEAST_SHARE or seconds < _LEAST_SECONDS:
        return ""
    return f", about {_clock(seconds * (1 - share) / share + 0.5)} left"


@contextmanager
def shown(stream: TextIO) -> Iterator[None]:
    """Shows the progress of what runs inside on `stream`, unless that is done already.

    On a terminal one line is rewritten in place; elsewhere (a log) a line is written every few seconds. The total is
    written if the block succeeds: before an error it would look as if the work had been done.
    """
    global _together, _beside, _multiple
    if stream in _streams:
        yield
        return
    stop, own = threading.Event(), _own(stream)
    thread = threading.Thread(target=_show, args=(own, stop), name="assay-progress", daemon=True)
    started, before = time.monotonic(), snapshot()

    _streams[stream], _together, _beside, _multiple = own, 0, 0, 1
    phase(STARTING)
    thread.start()
    try:
        yield
    except BaseException:
        _stop(stream, stop, thread)
        raise
    _stop(stream, stop, thread)
    _show_total(stream, since(before, snapshot()), time.monotonic() - started)


def _own(stream: TextIO) -> TextIO:
    """The stream by a descriptor of its own, as TensorFlow's import puts that of stderr aside for some seconds."""
    try:
        stream.flush()
        return open(os.dup(stream.fileno()), "w", encoding=stream.encoding, errors="backslashreplace")
    except (OSError, ValueError, AttributeError):  # it has none, or is closed
        return stream


def _stop(stream: TextIO, stop: threading.Event, thread: threading.Thread) -> None:
    """Ends the line of progress, and takes it off a terminal."""
    phase(STARTING)
    own = _streams.pop(stream)
    stop.set()
    thread.join()
    if own.isatty():
        own.write("\r\x1b[K")
        own.flush()
    if own is not stream:
        own.close()


def _show(stream: TextIO, stop: threading.Event) -> None:
    on_terminal = stream.isatty()
    interval = TERMINAL_SECONDS if on_terminal else LOG_SECONDS
    start, before = time.monotonic(), snapshot()
    ticks = deque([(start, before)], maxlen=WINDOW)
    while not stop.wait(interval):
        ticks.append((time.monotonic(), snapshot()))
        width = shutil.get_terminal_size().columns - 1 if on_terminal else None
        speed = _speed(ticks) if since(_phase.before, ticks[-1][1]) else 0.0
        text = line(since(before, ticks[-1][1]), ticks[-1][0] - start, speed, width)
        stream.write(f"\r{printable_line(text)}\x1b[K" if on_terminal else f"{printable_line(text)}\n")
        stream.flush()


def _show_total(stream: TextIO, rows: Mapping[str, int], seconds: float) -> None:
    """Without a speed: the time is that of the whole run, its start included."""
    if rows:
        most = max(_together, memory.peak() + _beside) / 1e6
        told = counted(to_multiple(max(rows.values()), _multiple), "row")
        stream.write(f"{told} in {seconds:.1f} s, at most {most:,.0f} MB\n")
        stream.flush()


def _speed(ticks: deque[tuple[float, dict[str, int]]]) -> float:
    """Rows/s over the window, of the stage that started last."""
    (then, old), (now, new) = ticks[0], ticks[-1]
    stage = next(reversed(list(since(old, new))), None)
    return 0.0 if stage is None else (new[stage] - old.get(stage, 0)) / (now - then)
