"""Slices that are compared: pairs of them become records, disparities join the records of slices."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple, TypeAlias

import apache_beam as beam
import numpy as np

from assay.errors import ConfigError
from assay.metrics.disparity import disparities
from assay.metrics.keys import MetricKey
from assay.metrics.no_intervals import with_cure
from assay.metrics.slice_pairs import Figures, of_pairs
from assay.metrics.states.resampling import Resampling
from assay.metrics.values import Interval
from assay.results.records import head_size, metric_records, too_small_records
from assay.slicing.disparities import Disparity
from assay.slicing.pairs import CrossSlicing
from assay.types import SliceKey, SlicePair

_PAIRS_AT_ONCE = 512

_Compared: TypeAlias = tuple[Figures[SliceKey], Any]
"""Values of slices, and what the columns say of them: `flat` and `classes` of `metric_records`."""


class CrossSlices(NamedTuple):
    """Which pairs of slices are compared, and how.

    Attributes:
        slicings: of the eval config.
        disparities: of the eval config.
        resampling: the resamples behind confidence intervals; None without.
        min_slice_size: rows that a slice must have to be shown.
        most: pairs that one cross slicing may make.
    """

    slicings: tuple[CrossSlicing, ...]
    disparities: tuple[Disparity, ...]
    resampling: Resampling | None
    min_slice_size: int
    most: int

    def positions(self, keys: Sequence[SliceKey]) -> list[int]:
        """Which of the slices may be compared with others."""
        return [i for i, key in enumerate(keys) if self._may_compare(key)]

    def _may_compare(self, key: SliceKey) -> bool:
        if any(slicing.may_compare(key) for slicing in self.slicings):
            return True
        return any(one.is_group(key) or one.is_reference(key) for one in self.disparities)


class CompareSlices(beam.PTransform):
    """PCollection[(Figures, told)] -> PCollection[bytes]: a serialised MetricsForSlice for each pair of slices."""

    def __init__(self, settings: CrossSlices) -> None:
        super().__init__()
        self._settings = settings

    def expand(self, figures: beam.PCollection[_Compared]) -> beam.PCollection[bytes]:
        return (
            figures
            | "Key" >> beam.WithKeys("")
            | "Together" >> beam.GroupByKey()
            | "Compare" >> beam.FlatMap(_records, self._settings).with_output_types(bytes)
        )


def _records(grouped: tuple[str, Iterable[_Compared]], settings: CrossSlices) -> Iterator[bytes]:
    held = list(grouped[1])
    figures, told = [one for one, _ in held], max((told for _, told in held), key=lambda told: sum(map(len, told)))
    _check_number([key for one in figures for key in one.keys], settings)
    for pairs in of_pairs(figures, settings.slicings):
        for first in range(0, len(pairs.keys), _PAIRS_AT_ONCE):
            some = pairs.take(np.arange(first, min(first + _PAIRS_AT_ONCE, len(pairs.keys))))
            yield from _records_of(some, settings, told)


class WithDisparities(beam.PTransform):
    """PCollections (records, (Figures, told)) -> the records with the disparities of their slices."""

    def __init__(self, settings: CrossSlices) -> None:
        super().__init__()
        self._settings = settings

    def expand(self, both: tuple[beam.PCollection[bytes], beam.PCollection[_Compared]]) -> beam.PCollection[bytes]:
        records, figures = both
        added = (
            figures
            | "Key" >> beam.WithKeys("")
            | "Together" >> beam.GroupByKey()
            | "Disparities" >> beam.FlatMap(_additions, self._settings)
        )
        return (
            (records | "Own" >> beam.Map(_own), added)
            | "Flatten" >> beam.Flatten()
            | "BySlice" >> beam.GroupByKey()
            | "Join" >> beam.Map(_joined).with_output_types(bytes)
        )


def _own(record: bytes) -> tuple[bytes, tuple[bool, bytes]]:
    """The head of a record, which is its slice, and the rest."""
    size = head_size(record)
    return record[:size], (False, record[size:])


def _additions(
    grouped: tuple[str, Iterable[_Compared]], settings: CrossSlices
) -> Iterator[tuple[bytes, tuple[bool, bytes]]]:
    for figures in disparities([one for one, _ in grouped[1]], settings.disparities):
        intervals = _intervals(figures, settings)
        bounds, why_none = figures.error_bounds, with_cure(figures.no_intervals)
        for record in metric_records(
            figures.keys, figures.rows, figures.values, intervals, error_bounds=bounds, no_intervals=why_none
        ):
            size = head_size(record)
            yield record[:size], (True, record[size:])


def _joined(of_slice: tuple[bytes, Iterable[tuple[bool, bytes]]]) -> bytes:
    """Messages after one another are one message with the fields of all."""
    head, parts = of_slice
    return b"".join([head, *(part for _, part in sorted(parts))])


def _intervals(figures: Figures[Any], settings: CrossSlices) -> dict[MetricKey, Interval]:
    if settings.resampling is None:
        of_values = figures.intervals.items()
        return {key: one.where(~np.isnan(np.asarray(figures.values[key]))) for key, one in of_values}
    interval = settings.resampling.interval
    return {key: interval(drawn).where(~np.isnan(figures.values[key])) for key, drawn in figures.drawn.items()}


def _records_of(pairs: Figures[SlicePair], settings: CrossSlices, told: Any) -> Iterator[bytes]:
    if not pairs.values:
        return too_small_records(pairs.keys, settings.min_slice_size, told.classes)
    intervals = _intervals(pairs, settings)
    reasons, bounds = pairs.reasons, pairs.error_bounds
    told = told._replace(no_intervals={**told.no_intervals, **with_cure(pairs.no_intervals)})
    return metric_records(pairs.keys, pairs.rows, pairs.values, intervals, reasons, bounds, *told)


def _check_number(keys: Sequence[SliceKey], settings: CrossSlices) -> None:
    """Raises ConfigError where a cross slicing makes more pairs than it may."""
    for slicing in settings.slicings:
        baselines, others = (sum(map(of, keys)) for of in (slicing.is_baseline, slicing.is_comparison))
        if baselines * others > settings.most:
            raise ConfigError(
                f"cross_slicing_specs: {baselines:,} slices by {slicing.baseline.name} and {others:,} others make more "
                f"than {settings.most:,} pairs; name fewer slices in the cross slicing spec, or raise max_slices"
            )
