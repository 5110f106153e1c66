"""A transform for writers of a single output."""

from __future__ import annotations

from typing import Any

import apache_beam as beam

from assay.errors import PipelineError
from assay.text.near_miss import one_of
from assay.types import Evaluation


class Write(beam.PTransform):
    """Evaluation -> written files: applies a transform to the output of one key.

    Example:
        Writer("WriteDrift", Write("drift", beam.io.WriteToText("out/drift")))

    Args:
        key: the output to write.
        ptransform: transform of the PCollection of that output.

    Raises:
        PipelineError: no evaluator has that output; raised when the pipeline is built.
    """

    def __init__(self, key: str, ptransform: beam.PTransform) -> None:
        super().__init__()
        self._key, self._ptransform = key, ptransform

    def expand(self, evaluation: Evaluation) -> Any:
        if self._key not in evaluation:
            raise PipelineError(
                f"Write: no evaluator has the output {self._key!r}{one_of(self._key, sorted(evaluation))}"
            )
        return evaluation[self._key] | self._ptransform
