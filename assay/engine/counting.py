"""Counts of rows as data of a pipeline: elements of outputs beside the main ones.

An engine may run a part of a pipeline twice, and then keeps the data of one time only. Beam's counters add up both.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import apache_beam as beam
from apache_beam.pipeline import AppliedPTransform, PipelineVisitor
from apache_beam.pvalue import TaggedOutput
from apache_beam.transforms.window import GlobalWindow
from apache_beam.utils.windowed_value import WindowedValue

from assay.verdict import Counts, total

COUNTS = "assay_counts"
"""Tag of the outputs whose elements are counts."""


class Counting(beam.PTransform):
    """PCollection -> the main output of a step that counts.

    Args:
        step: gives elements, and counts by `told` or by the `of_bundle` of a `Tally`.
    """

    def __init__(self, step: beam.ParDo) -> None:
        super().__init__()
        self._step = step

    def expand(self, elements: beam.PCollection[Any]) -> beam.PCollection[Any]:
        main, _ = elements | self._step.with_outputs(COUNTS, main="main")
        return main


def told(counts: Counts) -> TaggedOutput:
    """Counts as an output of a step."""
    return TaggedOutput(COUNTS, counts)


class Tally:
    """What a step counts in a bundle, one element in place of many."""

    def __init__(self) -> None:
        self._counts = Counts(0)

    def add(self, counts: Counts) -> None:
        """Adds counts, mostly none."""
        if counts != Counts(0):
            self._counts = total((self._counts, counts))

    def of_bundle(self) -> Iterator[TaggedOutput]:
        """The counts as an output at the end of the bundle, if there are any."""
        if self._counts != Counts(0):
            window = GlobalWindow()
            yield TaggedOutput(COUNTS, WindowedValue(self._counts, window.max_timestamp(), [window]))


def counted_in(pipeline: beam.Pipeline) -> list[beam.PCollection[Counts]]:
    """The outputs of counts that a pipeline has so far, without those that a step has taken along."""
    outputs = _Outputs()
    pipeline.visit(outputs)
    return [counts for counts in outputs.counts if counts not in outputs.read]


class _Outputs(PipelineVisitor):
    def __init__(self) -> None:
        self.counts: list[beam.PCollection[Counts]] = []
        self.read: set[Any] = set()

    def visit_transform(self, node: AppliedPTransform) -> None:
        self.read.update(node.inputs)
        if COUNTS in node.outputs:
            self.counts.append(node.outputs[COUNTS])
