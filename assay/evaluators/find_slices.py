"""Slices that nobody listed: where the model, or the candidate against the baseline, does worst."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import apache_beam as beam
from apache_beam.transforms.window import GlobalWindow
from apache_beam.utils.windowed_value import WindowedValue

from assay.discovery.accumulate import added
from assay.discovery.record import record_of
from assay.discovery.settings import Search, search_of
from assay.discovery.tables import Tables, merged
from assay.engine import memory
from assay.proto.config_pb2 import EvalConfig
from assay.types import FIND_SLICES_EVALUATOR_STAGE_NAME, FOUND_SLICES_KEY, Evaluator, Extracts


def FindSlicesEvaluator(eval_config: EvalConfig, settings: Mapping[str, Any], *, run_after: str) -> Evaluator:
    """Evaluator with one output, `found_slices`: one JSON object, see `assay.discovery.record`.

    Args:
        eval_config: a resolved config.
        settings: those of the section `find_slices` of an analysis file, complete.
        run_after: the extractor whose Extracts hold features, labels and predictions.

    Raises:
        ConfigError: settings that do not fit the config.
    """
    return Evaluator(FIND_SLICES_EVALUATOR_STAGE_NAME, run_after, _FindSlices(search_of(settings, eval_config)))


class _FindSlices(beam.PTransform):
    """PCollection[Extracts] -> {"found_slices": PCollection of one JSON object}."""

    def __init__(self, search: Search) -> None:
        super().__init__()
        self._search = search

    def expand(self, extracts: beam.PCollection[Extracts]) -> dict[str, beam.PCollection[dict[str, Any]]]:
        nothing = beam.Create([(0, self._search.searched.empty)]).with_output_types(tuple[int, Tables])
        counted = extracts | "Count" >> beam.ParDo(_Count(self._search)).with_output_types(tuple[int, Tables])
        found = (
            (extracts.pipeline | "Nothing" >> nothing, counted)
            | "Together" >> beam.Flatten()
            | "Meet" >> beam.GroupByKey()
            | "Search" >> beam.Map(_found, search=self._search).with_output_types(dict[str, Any])
        )
        return {FOUND_SLICES_KEY: found}


class _Count(beam.DoFn):
    """Extracts -> the tables of each bundle."""

    def __init__(self, search: Search) -> None:
        self._searched = search.searched

    def start_bundle(self) -> None:
        self._held = self._searched.empty

    def process(self, extracts: Extracts) -> None:
        self._held = added(self._held, extracts, self._searched)
        memory.check_process()

    def finish_bundle(self) -> Iterator[WindowedValue]:
        window = GlobalWindow()
        yield WindowedValue((0, self._held), window.max_timestamp(), [window])
        self.start_bundle()


def _found(element: tuple[int, Iterable[Tables]], search: Search) -> dict[str, Any]:
    tables = search.searched.empty
    for part in element[1]:
        tables = merged(tables, part)
    return record_of(tables, search)
