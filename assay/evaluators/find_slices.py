"""Slices that nobody listed: where the model, or the candidate against the baseline, does worst."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import reduce
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
from assay.evaluators.found_metrics import EvaluateFoundSlices
from assay.evaluators.listed_rows import CountListed, Rows, rows_of_slices
from assay.evaluators.metrics_and_plots import analysis_of
from assay.metrics.values import Ints
from assay.plan.plan import MOST_SLICES
from assay.proto.config_pb2 import EvalConfig
from assay.slicing.feature_bins import bins_of
from assay.types import FIND_SLICES_EVALUATOR_STAGE_NAME, FOUND_SLICES_KEY, Evaluator, Extracts


def FindSlicesEvaluator(
    eval_config: EvalConfig,
    settings: Mapping[str, Any],
    *,
    run_after: str,
    again: beam.PTransform | None = None,
    skip_bad_rows: bool = False,
    seed: int = 0,
    max_slices: int = MOST_SLICES,
) -> Evaluator:
    """Evaluator with the output `found_slices`: one JSON object, see `assay.discovery.record`.

    With `metrics` among the settings, it also has those of `MetricsAndPlotsEvaluator`, of the slices that were found.

    Args:
        eval_config: a resolved config.
        settings: those of the section `find_slices` of an analysis file, complete.
        run_after: the extractor whose Extracts hold features, labels and predictions.
        again: PBegin -> the same Extracts, for a second scan; None: those of the first are held for that long.
        skip_bad_rows: as for `MetricsAndPlotsEvaluator`.
        seed: likewise.
        max_slices: likewise.

    Raises:
        ConfigError: settings that do not fit the config.
    """
    search, metrics, listed = search_of(settings, eval_config), None, None
    if search.has_metrics:
        metrics = EvaluateFoundSlices(eval_config, search.top_k, skip_bad_rows=skip_bad_rows, seed=seed)
    if search.min_slice_size > 1:
        listed = CountListed(analysis_of(eval_config, skip_bad_rows, seed, max_slices), bins_of(eval_config))
    return Evaluator(FIND_SLICES_EVALUATOR_STAGE_NAME, run_after, _FindSlices(search, again, metrics, listed))


class _FindSlices(beam.PTransform):
    """PCollection[Extracts] -> {"found_slices": PCollection of one JSON object}, and records of metrics and plots."""

    def __init__(
        self,
        search: Search,
        again: beam.PTransform | None,
        metrics: EvaluateFoundSlices | None,
        listed: CountListed | None,
    ) -> None:
        super().__init__()
        self._search, self._again, self._metrics, self._listed = search, again, metrics, listed

    def expand(self, extracts: beam.PCollection[Extracts]) -> dict[str, beam.PCollection[Any]]:
        record = self._found(extracts)
        if self._metrics is None:
            return {FOUND_SLICES_KEY: record}
        again = self._second_scan(extracts, "AgainForMetrics")
        return {FOUND_SLICES_KEY: record, **((again, record) | "Metrics" >> self._metrics)}

    def _second_scan(self, extracts: beam.PCollection[Extracts], label: str) -> beam.PCollection[Extracts]:
        """The same Extracts, from where they lie if they do."""
        return extracts if self._again is None else extracts.pipeline | label >> self._again

    def _found(self, extracts: beam.PCollection[Extracts]) -> beam.PCollection[dict[str, Any]]:
        nothing = beam.Create([(0, self._search.searched.empty)]).with_output_types(tuple[int, Tables])
        counted = extracts | "Count" >> beam.ParDo(_Count(self._search)).with_output_types(tuple[int, Tables])
        tables = (
            (extracts.pipeline | "Nothing" >> nothing, counted)
            | "Together" >> beam.Flatten()
            | "Meet" >> beam.GroupByKey()
            | "Merge" >> beam.Map(_merged, search=self._search).with_output_types(Tables)
        )
        beside = self._triples(extracts, tables) if self._search.searched.level == 3 else {}
        if self._listed is not None:
            beside["listed"] = AsIter(extracts | "CountListed" >> beam.ParDo(self._listed).with_output_types(Rows))
        return tables | "Search" >> beam.Map(_record, search=self._search, **beside).with_output_types(dict[str, Any])

    def _triples(self, extracts: beam.PCollection[Extracts], tables: beam.PCollection[Tables]) -> dict[str, Any]:
        """A second scan, which begins when the first one has found what is to be counted."""
        want = tables | "Bound" >> beam.Map(wanted_of, search=self._search).with_output_types(Wanted)
        again = self._second_scan(extracts, "Again")
        counted = again | "CountTriples" >> beam.ParDo(
            _CountTriples(self._search), AsSingleton(want)
        ).with_output_types(TripleTables)
        return {"want": AsSingleton(want), "counted": AsIter(counted)}


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


def _record(
    tables: Tables,
    search: Search,
    want: Wanted | None = None,
    counted: Iterable[TripleTables] = (),
    listed: Iterable[Rows] = (),
) -> dict[str, Any]:
    together = None if want is None else reduce(TripleTables.joined_on_arrival, counted, TripleTables())
    return record_of(tables, search, want, together, rows_of_slices(listed))
