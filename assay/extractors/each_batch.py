"""Extractors that change one batch at a time, and so can share a step of the pipeline with their neighbours."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import apache_beam as beam

from assay.engine.counting import Counting, Tally
from assay.types import Extracts
from assay.verdict import Counts


class Counted(NamedTuple):
    """What a function makes of a batch that also counts."""

    extracts: Extracts
    counts: Counts


Step = Callable[[Extracts], Extracts | Counted]


class EachBatch(beam.PTransform):
    """PCollection[Extracts] -> PCollection[Extracts]: applies functions to each batch, one after the other.

    Args:
        steps: functions Extracts -> Extracts, which must not change their argument.
        counts: whether one of them returns `Counted` in place of Extracts.
    """

    def __init__(self, *steps: Step, counts: bool = False) -> None:
        super().__init__()
        self._steps, self._counts = steps, counts

    def then(self, other: EachBatch) -> EachBatch:
        """This transform and the other as one; each step of a pipeline costs some 8 ms to set up."""
        return EachBatch(*self._steps, *other._steps, counts=self._counts or other._counts)

    def expand(self, extracts: beam.PCollection[Extracts]) -> beam.PCollection[Extracts]:
        step = beam.ParDo(_Apply(self._steps)).with_output_types(Extracts)
        return extracts | (Counting(step) if self._counts else step)


class _Apply(beam.DoFn):
    def __init__(self, steps: tuple[Step, ...]) -> None:
        self._steps = steps

    def start_bundle(self) -> None:
        self._tally = Tally()

    def process(self, extracts: Extracts) -> Iterator[Extracts]:
        for step in self._steps:
            made = step(extracts)
            if isinstance(made, Counted):
                self._tally.add(made.counts)
            extracts = made.extracts if isinstance(made, Counted) else made
        yield extracts

    def finish_bundle(self) -> Iterator[Any]:
        yield from self._tally.of_bundle()
