"""For custom evaluators that want the rows of each slice."""

from __future__ import annotations

from collections.abc import Iterator

import apache_beam as beam
import numpy as np

from assay.errors import PipelineError
from assay.extracts.columns import take
from assay.slicing.codes import codes_of
from assay.types import SLICE_KEY_EXTRACTOR_STAGE_NAME, SLICE_KEY_TYPES_KEY, Extracts, SliceKey


class FanoutSlices(beam.PTransform):
    """PCollection[Extracts] -> PCollection[(slice key, Extracts)]: one pair for each slice that occurs in a batch."""

    def expand(self, extracts: beam.PCollection[Extracts]) -> beam.PCollection[tuple[SliceKey, Extracts]]:
        return extracts | beam.FlatMap(fan_out).with_output_types(tuple[SliceKey, Extracts])


def fan_out(extracts: Extracts) -> Iterator[tuple[SliceKey, Extracts]]:
    """Yields (slice key, the rows of the batch that are in it).

    Raises:
        PipelineError: the Extracts have no slice keys.
    """
    if SLICE_KEY_TYPES_KEY not in extracts:
        raise PipelineError(
            f"FanoutSlices: the Extracts have no slice keys; expected it after {SLICE_KEY_EXTRACTOR_STAGE_NAME!r}"
        )
    rest = {key: value for key, value in extracts.items() if key != SLICE_KEY_TYPES_KEY}
    for column in extracts[SLICE_KEY_TYPES_KEY].values():
        codes = codes_of(column)
        if codes.codes is None:
            yield (), rest
            continue
        order = np.argsort(codes.codes, kind="stable")
        bounds = np.searchsorted(codes.codes[order], np.arange(len(codes.keys) + 1))
        for i, key in enumerate(codes.keys):
            entries = order[bounds[i] : bounds[i + 1]]
            yield key, take(rest, entries if codes.rows is None else codes.rows[entries])
