"""The reader of a plan's inputs."""

from __future__ import annotations

from typing import Any

import apache_beam as beam

from assay.engine.counting import Counting
from assay.errors import ConfigError
from assay.extractors.per_row import batches_of
from assay.readers.read_inputs import CountRows, ReadInputs
from assay.readers.read_joined import ReadJoined
from assay.run.context import Context
from assay.run.inputs import join_of, source_of
from assay.run.own_code import from_factory
from assay.types import Extracts


def reader_of(context: Context, *, everything: bool = False) -> beam.PTransform:
    """The reader of the plan's inputs.

    Args:
        context: of the plan.
        everything: read all declared columns, whoever needs them, and not in the form in which they are needed: so
            that a checkpoint serves other configs too.
    """
    inputs = context.plan.inputs
    if context.in_memory.reader is not None:
        return context.in_memory.reader
    if "factory" not in inputs:
        join = join_of(context, everything=everything)
        return ReadInputs(source_of(context, everything=everything)) if join is None else ReadJoined(join)
    reader = from_factory(inputs, "inputs", context.plan.secrets)
    if not isinstance(reader, beam.PTransform):
        raise ConfigError(f"inputs.factory: {inputs['factory']} gave a {type(reader).__name__}; expected a PTransform")
    return _CustomReader(reader, bool(inputs.get("per_row")))


class _CustomReader(beam.PTransform):
    """A reader of the user's own, its rows counted."""

    def __init__(self, reader: beam.PTransform, rows: bool) -> None:
        super().__init__()
        self._reader, self._rows = reader, rows

    def expand(self, pbegin: Any) -> beam.PCollection[Extracts]:
        batches = pbegin | "Custom" >> self._reader
        if self._rows:
            batches = batches | "Batch" >> batches_of()
        return batches | "Count" >> Counting(beam.ParDo(CountRows()).with_output_types(Extracts))
