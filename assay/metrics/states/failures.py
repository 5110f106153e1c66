"""A metric of the user's own that fails while it computes a slice: first known by number, then named."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from assay.errors import MetricError
from assay.metrics.values import Ints
from assay.slicing.text import slice_text
from assay.types import SliceKey


class SliceFailure(Exception):
    """What went wrong, before anybody knows in which slice.

    Attributes:
        number: of the slice, or of one of its lanes.
        metric: the metric, with its module.
        what: what it did, and what to do about it.
    """

    def __init__(self, number: int, metric: str, what: str) -> None:
        super().__init__(f"{metric}: {what}")
        self.number, self.metric, self.what = number, metric, what


@contextmanager
def naming_slices(keys: Iterable[SliceKey], each: int = 1) -> Iterator[None]:
    """Raises MetricError for a failure in one of these slices, of which each has so many lanes in a row."""
    try:
        yield
    except SliceFailure as failure:
        key = list(keys)[failure.number // each]
        raise MetricError(f"{failure.metric}, slice {slice_text(key)}: {failure.what}") from failure.__cause__


@contextmanager
def of_number(number: int) -> Iterator[None]:
    """Gives a failure the number of the slice at hand."""
    try:
        yield
    except SliceFailure as failure:
        raise SliceFailure(number, failure.metric, failure.what) from failure.__cause__


@contextmanager
def of_lanes(each: int) -> Iterator[None]:
    """Turns the number of a lane into that of its slice, of which each has so many lanes in a row."""
    try:
        yield
    except SliceFailure as failure:
        raise SliceFailure(failure.number // each, failure.metric, failure.what) from failure.__cause__


@contextmanager
def in_group(lanes: Ints, each: int) -> Iterator[None]:
    """Turns a position among some lanes into the number of the lane's slice."""
    with of_lanes(each):
        try:
            yield
        except SliceFailure as failure:
            lane = int(lanes[failure.number])
            raise SliceFailure(lane, failure.metric, failure.what) from failure.__cause__


def described(error: Exception) -> str:
    """What code of the user's own has raised, with file and line."""
    lines = str(error).strip().splitlines()
    return f"raised {type(error).__name__}: {lines[0] if lines else ''}{_line_of(error)}"


def _line_of(error: Exception) -> str:
    frame = error.__traceback__
    while frame is not None and frame.tb_next is not None:
        frame = frame.tb_next
    return "" if frame is None else f" ({frame.tb_frame.f_code.co_filename.rsplit('/', 1)[-1]}, line {frame.tb_lineno})"
