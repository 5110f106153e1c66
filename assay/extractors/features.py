"""Adds `features` to Extracts that hold raw records only."""

from __future__ import annotations

import apache_beam as beam

from assay.errors import PipelineError
from assay.extractors.each_batch import EachBatch
from assay.types import FEATURES_EXTRACTOR_STAGE_NAME, FEATURES_KEY, INPUT_KEY, Extractor, Extracts


def FeaturesExtractor(*, always_there: bool = False) -> Extractor:
    """Extractor that parses serialised tf.Examples under `input` into `features`.

    Extracts that have `features` already, as all of assay's readers give them, stay as they are.

    Args:
        always_there: whether the reader is known to give `features`, so that there is nothing to do.
    """
    transform = Unchanged() if always_there else EachBatch(extract_features)
    return Extractor(FEATURES_EXTRACTOR_STAGE_NAME, transform)


class Unchanged(beam.PTransform):
    """PCollection -> the same PCollection, for a stage that is in the plan but has nothing to do."""

    def expand(self, extracts: beam.PCollection[Extracts]) -> beam.PCollection[Extracts]:
        return extracts


def extract_features(extracts: Extracts) -> Extracts:
    """Returns `extracts` with `features`.

    Raises:
        PipelineError: there is neither `features` nor `input`.
        CorruptFileError: a record is not a tf.Example.
    """
    if FEATURES_KEY in extracts:
        return extracts
    if INPUT_KEY not in extracts:
        raise PipelineError(
            f"{FEATURES_EXTRACTOR_STAGE_NAME}: expected {FEATURES_KEY!r} or {INPUT_KEY!r} in the Extracts, "
            f"found {sorted(extracts)}; a reader must give one of them"
        )
    from assay.readers.tf_example import parse_examples  # loads TensorFlow

    return {**extracts, FEATURES_KEY: parse_examples(extracts[INPUT_KEY])}
