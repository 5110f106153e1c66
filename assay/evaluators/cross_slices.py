"""Pairs of slices: values meet once all slices have theirs, and become records of their own."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple, TypeAlias

import apache_beam as beam
import numpy as np

from assay.errors import ConfigError
from assay.metrics.slice_pairs import Figures, of_pairs
from assay.metrics.states.resampling import Resampling
from assay.results.records import metric_records, too_small_records
from assay.slicing.pairs import CrossSlicing
from assay.types import SliceKey, SlicePair

_PAIRS_AT_ONCE = 512

_Compared: TypeAlias = tuple[Figures[SliceKey], Any]
"""Values of slices, and what the columns say of them: `flat` and `classes` of `metric_records`."""


class CrossSlices(NamedTuple):
    """Which pairs of slices are compared, and how.

    Attributes:
        slicings: of the eval config.
        resampling: the resamples behind confidence intervals; None without.
        min_slice_size: rows that a slice must have to be shown.
        most: pairs that one cross slicing may make.
    """

    slicings: tuple[CrossSlicing, ...]
    resampling: Resampling | None
    min_slice_size: int
    most: int

    def positions(self, keys: Sequence[SliceKey]) -> list[int]:
        """Which of the slices can be part of a pair."""
        return [i for i, key in enumerate(keys) if any(slicing.may_compare(key) for slicing in self.slicings)]


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


def _records_of(pairs: Figures[SlicePair], settings: CrossSlices, told: Any) -> Iterator[bytes]:
    if not pairs.values:
        return too_small_records(pairs.keys, pairs.rows, settings.min_slice_size, told.classes)
    intervals = {}
    for key, drawn in pairs.drawn.items():
        assert settings.resampling is not None
        intervals[key] = settings.resampling.interval(drawn).where(~np.isnan(pairs.values[key]))
    reasons, bounds = pairs.reasons, pairs.error_bounds
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
