"""The rows of the slices that slicing specs list, counted as the evaluator of their metrics counts them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence

import apache_beam as beam
from apache_beam.transforms.window import GlobalWindow
from apache_beam.utils.windowed_value import WindowedValue

from assay.extractors.slice_keys import extract_slice_keys
from assay.extracts.columns import row_count
from assay.metrics.analysis import Analysis
from assay.metrics.engine import slice_columns
from assay.metrics.row_checks import RowChecks
from assay.slicing.codes import codes_of
from assay.slicing.feature_bins import Bins
from assay.types import Extracts, SliceKey

Rows = Sequence[Counter[SliceKey]]
"""For each slicing, the rows of its slices: two slicings may have some slices in common."""


class CountListed(beam.DoFn):
    """Extracts -> the rows of each bundle.

    Args:
        analysis: the slicings, and the metrics that rows have to be good for.
        bins: feature -> its bins.
    """

    def __init__(self, analysis: Analysis, bins: Mapping[str, Bins]) -> None:
        self._analysis, self._bins = analysis, bins

    def start_bundle(self) -> None:
        self._checks = RowChecks(self._analysis)
        self._rows: list[Counter[SliceKey]] = [Counter() for _ in self._analysis.slicings]

    def process(self, extracts: Extracts) -> None:
        if not row_count(extracts):
            return
        good = self._checks.good_rows(extracts).extracts
        sliced = extract_slice_keys(good, slicings=tuple(self._analysis.slicings), bins=self._bins)
        columns = slice_columns(sliced.extracts)
        for at, (slicing, rows) in enumerate(zip(self._analysis.slicings, self._rows, strict=True)):
            codes = codes_of(columns[slicing.name])
            counts = [row_count(good)] if codes.counts is None else codes.counts.tolist()
            rows.update(dict(zip(codes.keys, counts, strict=True)))
            self._analysis.limit.check(at, len(rows))

    def finish_bundle(self) -> Iterator[WindowedValue]:
        window = GlobalWindow()
        yield WindowedValue(self._rows, window.max_timestamp(), [window])
        self.start_bundle()


def rows_of_slices(counted: Iterable[Rows]) -> dict[SliceKey, int]:
    """The rows of each slice, of all bundles."""
    of_slicings = [sum(parts, Counter[SliceKey]()) for parts in zip(*counted, strict=True)]
    return {key: rows for of_one in of_slicings for key, rows in of_one.items()}
