"""Slices that nobody listed: where the model, or the candidate against the baseline, does worst."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import apache_beam as beam
from apache_beam.pvalue import AsIter, AsSingleton
from apache_beam.transforms.window import GlobalWindow
from apache_beam.utils.windowed_value import WindowedValue

from assay.discovery.accumulate import add_triples, added
from assay.discovery.record import record_of, wanted_of
from assay.discovery.settings import Search, search_of
from assay.discovery.tables import Tables, merged
from assay.discovery.triples import Triple, TripleTables, Wanted
from assay.engine import memory
from assay.metrics.values import Ints
from assay.proto.config_pb2 import EvalConfig
from assay.types import FIND_SLICES_EVALUATOR_STAGE_NAME, FOUND_SLICES_KEY, Evaluator, Extracts


def FindSlicesEvaluator(
    eval_config: EvalConfig, settings: Mapping[str, Any], *, run_after: str, again: beam.PTransform | None = None
) -> Evaluator:
    """Evaluator with one output, `found_slices`: one JSON object, see `assay.discovery.record`.

    Args:
        eval_config: a resolved config.
        settings: those of the section `find_slices` of an analysis file, complete.
        run_after: the extractor whose Extracts hold features, labels and predictions.
        again: PBegin -> the same Extracts, for a second scan; None: those of the first are held for that long.

    Raises:
        ConfigError: settings that do not fit the config.
    """
    return Evaluator(FIND_SLICES_EVALUATOR_STAGE_NAME, run_after, _FindSlices(search_of(settings, eval_config), again))


class _FindSlices(beam.PTransform):
    """PCollection[Extracts] -> {"found_slices": PCollection of one JSON object}."""

    def __init__(self, search: Search, again: beam.PTransform | None) -> None:
        super().__init__()
        self._search, self._again = search, again

    def expand(self, extracts: beam.PCollection[Extracts]) -> dict[str, beam.PCollection[dict[str, Any]]]:
        nothing = beam.Create([(0, self._search.searched.empty)]).with_output_types(tuple[int, Tables])
        counted = extracts | "Count" >> beam.ParDo(_Count(self._search)).with_output_types(tuple[int, Tables])
        tables = (
            (extracts.pipeline | "Nothing" >> nothing, counted)
            | "Together" >> beam.Flatten()
            | "Meet" >> beam.GroupByKey()
            | "Merge" >> beam.Map(_merged, search=self._search).with_output_types(Tables)
        )
        if self._search.searched.level < 3:
            search = beam.Map(record_of, search=self._search).with_output_types(dict[str, Any])
            return {FOUND_SLICES_KEY: tables | "Search" >> search}
        return {FOUND_SLICES_KEY: self._with_triples(extracts, tables)}

    def _with_triples(
        self, extracts: beam.PCollection[Extracts], tables: beam.PCollection[Tables]
    ) -> beam.PCollection[dict[str, Any]]:
        """A second scan, which begins when the first one has found what is to be counted."""
        want = tables | "Bound" >> beam.Map(wanted_of, search=self._search).with_output_types(Wanted)
        again = extracts if self._again is None else extracts.pipeline | "Again" >> self._again
        counted = again | "CountTriples" >> beam.ParDo(
            _CountTriples(self._search), AsSingleton(want)
        ).with_output_types(TripleTables)
        return tables | "Search" >> beam.Map(
            _with_triples, search=self._search, want=AsSingleton(want), counted=AsIter(counted)
        ).with_output_types(dict[str, Any])


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


class _CountTriples(beam.DoFn):
    """Extracts -> the tables of triples of each bundle."""

    def __init__(self, search: Search) -> None:
        self._searched = search.searched

    def start_bundle(self) -> None:
        self._held: dict[Triple, Ints] = {}

    def process(self, extracts: Extracts, want: Wanted) -> None:
        add_triples(self._held, extracts, self._searched, want)
        memory.check_process()

    def finish_bundle(self) -> Iterator[WindowedValue]:
        window = GlobalWindow()
        yield WindowedValue(TripleTables(self._held), window.max_timestamp(), [window])
        self.start_bundle()


def _merged(element: tuple[int, Iterable[Tables]], search: Search) -> Tables:
    tables = search.searched.empty
    for part in element[1]:
        tables = merged(tables, part)
    return tables


def _with_triples(tables: Tables, search: Search, want: Wanted, counted: Iterable[TripleTables]) -> dict[str, Any]:
    together = TripleTables()
    for part in counted:
        together = together.joined_on_arrival(part)
    return record_of(tables, search, want, together)
