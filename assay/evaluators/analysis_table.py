"""The final Extracts as they are, for tables of rows."""

from __future__ import annotations

from collections.abc import Sequence

import apache_beam as beam

from assay.errors import ColumnTypeError
from assay.metrics.entries.bad_rows import where
from assay.readers.lost_texts import first_lost
from assay.types import (
    ANALYSIS_KEY,
    ANALYSIS_TABLE_EVALUATOR_STAGE_NAME,
    FEATURES_KEY,
    INPUT_KEY,
    LAST_EXTRACTOR_STAGE_NAME,
    TEXTS_KEY,
    Evaluator,
    Extracts,
)


def AnalysisTableEvaluator(
    *,
    run_after: str = LAST_EXTRACTOR_STAGE_NAME,
    include: Sequence[str] | None = None,
    exclude: Sequence[str] = (INPUT_KEY,),
) -> Evaluator:
    """Evaluator with one output, `analysis`: the Extracts.

    Args:
        run_after: the extractor whose Extracts are wanted.
        include: the keys to keep; None keeps all but the private ones, whose names start with an underscore.
        exclude: keys to leave out.
    """
    kept = None if include is None else tuple(include)
    return Evaluator(ANALYSIS_TABLE_EVALUATOR_STAGE_NAME, run_after, _EvaluateExtracts(kept, tuple(exclude)))


class _EvaluateExtracts(beam.PTransform):
    """PCollection[Extracts] -> {"analysis": PCollection[Extracts]}."""

    def __init__(self, include: tuple[str, ...] | None, exclude: tuple[str, ...]) -> None:
        super().__init__()
        self._include, self._exclude = include, exclude

    def expand(self, extracts: beam.PCollection[Extracts]) -> dict[str, beam.PCollection[Extracts]]:
        kept = extracts | beam.Map(select, include=self._include, exclude=self._exclude).with_output_types(Extracts)
        return {ANALYSIS_KEY: kept}


def select(extracts: Extracts, *, include: tuple[str, ...] | None, exclude: tuple[str, ...]) -> Extracts:
    """The Extracts under the chosen keys.

    Raises:
        ColumnTypeError: a file has a text, such as `07001`, of which the column holds the number alone.
    """
    chosen = [key for key in extracts if not key.startswith("_")] if include is None else include
    kept = {key: extracts[key] for key in chosen if key in extracts and key not in exclude}
    lost = first_lost(kept.get(FEATURES_KEY, {}), extracts.get(TEXTS_KEY, {}))
    if lost is not None:
        raise ColumnTypeError(lost.told(where(extracts, lost.row), "the analysis table"))
    return kept
