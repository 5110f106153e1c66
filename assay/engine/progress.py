"""Rows done so far, counted for the whole process, and a line that shows them while a pipeline runs.

Stages count their rows with `add`; whoever started the run shows them with `shown`. Standard library only.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TextIO

from assay.text.printable import printable_line

TERMINAL_SECONDS = 0.2
LOG_SECONDS = 5.0
WINDOW = 16  # ticks over which the speed is measured: batches are large, single ticks would flicker

_lock = threading.Lock()
_rows: dict[str, int] = {}
_shards: dict[str, int] = {}
_streams: list[TextIO] = []
_STARTING = "starting"
_note = _STARTING


def add(stage: str, rows: int) -> None:
    """Counts `rows` more rows as done by `stage`. Called once for each batch, from any thread."""
    with _lock:
        _rows[stage] = _rows.get(stage, 0) + rows


def add_shard(stage: str) -> None:
    """Counts one more shard as written by `stage`."""
    with _lock:
        _shards[stage] = _shards.get(stage, 0) + 1


def note(text: str) -> None:
    """What is shown from now on, and until that ends, where no rows are counted here: the state of a job elsewhere."""
    global _note
    if _streams:
        _note = text


def say(text: str) -> bool:
    """Writes a line of its own wherever progress is shown; returns whether it is anywhere."""
    text, streams = printable_line(text), list(_streams)
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


def line(rows: Mapping[str, int], seconds: float, rows_per_second: float) -> str:
    """The line of text for the stage that started last: time, stage, rows, rows/s."""
    clock = f"{int(seconds) // 60}:{int(seconds) % 60:02}"
    if not rows:
        return f"{clock}  {_note}"
    stage = next(reversed(list(rows)))
    shards = f"  {_shards[stage]:,} shards done" if stage in _shards else ""
    return f"{clock}  {stage}  {rows[stage]:,} rows  {rows_per_second:,.0f} rows/s{shards}"


@contextmanager
def shown(stream: TextIO) -> Iterator[None]:
    """Shows the progress of what runs inside on `stream`.

    On a terminal one line is rewritten in place; elsewhere (a log) a line is written every few seconds. The total is
    written if the block succeeds: before an error it would look as if the work had been done.
    """
    stop = threading.Event()
    thread = threading.Thread(target=_show, args=(stream, stop), name="assay-progress", daemon=True)
    started, before = time.monotonic(), snapshot()

    thread.start()
    _streams.append(stream)
    try:
        yield
    except BaseException:
        _stop(stream, stop, thread)
        _clear(stream)
        raise
    _stop(stream, stop, thread)
    _clear(stream)
    _show_total(stream, since(before, snapshot()), time.monotonic() - started)


def _stop(stream: TextIO, stop: threading.Event, thread: threading.Thread) -> None:
    note(_STARTING)
    _streams.remove(stream)
    stop.set()
    thread.join()


def _clear(stream: TextIO) -> None:
    """Takes the line of progress off a terminal."""
    if stream.isatty():
        stream.write("\r\x1b[K")
        stream.flush()


def _show(stream: TextIO, stop: threading.Event) -> None:
    on_terminal = stream.isatty()
    interval = TERMINAL_SECONDS if on_terminal else LOG_SECONDS
    start, before = time.monotonic(), snapshot()
    ticks = deque([(start, before)], maxlen=WINDOW)
    while not stop.wait(interval):
        ticks.append((time.monotonic(), snapshot()))
        text = printable_line(line(since(before, ticks[-1][1]), ticks[-1][0] - start, _speed(ticks)))
        stream.write(f"\r{text}\x1b[K" if on_terminal else f"{text}\n")
        stream.flush()


def _show_total(stream: TextIO, rows: Mapping[str, int], seconds: float) -> None:
    total = max(rows.values(), default=0)
    if rows:
        stream.write(f"{total:,} rows in {seconds:.1f} s ({total / max(seconds, 1e-9):,.0f} rows/s)\n")
        stream.flush()


def _speed(ticks: deque[tuple[float, dict[str, int]]]) -> float:
    """Rows/s over the window, of the stage that started last."""
    (then, old), (now, new) = ticks[0], ticks[-1]
    stage = next(reversed(list(since(old, new))), None)
    return 0.0 if stage is None else (new[stage] - old.get(stage, 0)) / (now - then)
