"""Rows and columns that metrics cannot take: refused, or left out and counted, before anything is computed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from assay.extracts.columns import row_count, take
from assay.extracts.keys import key_of
from assay.metrics.analysis import Analysis
from assay.metrics.entries.bad_rows import (
    MISSING_QUERY,
    MISSING_UNIT,
    faults,
    first_fault,
    first_without_key,
    where,
)
from assay.metrics.entries.columns import Columns
from assay.metrics.entries.domains import Asked, common
from assay.metrics.entries.misfits import (
    refuse_absent_label,
    refuse_other_classes,
    refuse_other_lengths,
    refuse_other_shapes,
    refuse_other_values,
)
from assay.metrics.entries.selection import columns_of
from assay.metrics.entries.streams import Stream
from assay.metrics.entries.tallies import Tally, merged, tally_of
from assay.types import Extracts

Tallies: TypeAlias = Mapping[Stream, Tally]
"""What the columns of each source hold."""


class GoodRows(NamedTuple):
    """The rows of a batch that every metric can take.

    Attributes:
        extracts: the rows.
        columns: source -> its columns of these rows; none without rows.
        bad_rows: reason -> rows that were left out for it, each under the first one.
    """

    extracts: Extracts
    columns: Mapping[Stream, Columns]
    bad_rows: Mapping[str, int]


class RowChecks:
    """Checks batches.

    Attributes:
        tallies: what the columns of each source have held so far, for `judge_columns`.
    """

    def __init__(self, analysis: Analysis) -> None:
        self._analysis = analysis
        self.tallies: dict[Stream, Tally] = {}

    def good_rows(self, extracts: Extracts) -> GoodRows:
        """Looks at all columns that metrics read; see `Accumulator.add` for what is refused."""
        rows = row_count(extracts)
        columns = {source: columns_of(extracts, source) for source in self._analysis.asked}
        good, bad_rows = np.ones(rows, bool), dict[str, int]()
        for reason, mask in [*self._without_key(extracts), *self._faulty(extracts, columns, rows)]:
            bad_rows[reason] = bad_rows.get(reason, 0) + int((mask & good).sum())
            good &= ~mask
        if good.all():
            return GoodRows(extracts, columns, bad_rows)
        extracts = take(extracts, good)
        if good.any():
            columns = {source: columns_of(extracts, source) for source in columns}
        return GoodRows(extracts, columns if good.any() else {}, bad_rows)

    def _faulty(
        self, extracts: Extracts, columns: Mapping[Stream, Columns], rows: int
    ) -> list[tuple[str, npt.NDArray[np.bool_]]]:
        """Reasons and the rows (n,) that have them, source by source."""
        skip = self._analysis.skip_bad_rows
        masks: list[tuple[str, npt.NDArray[np.bool_]]] = []
        for source, seen in columns.items():
            asked = self._analysis.asked[source]
            refuse_other_shapes(seen, source, asked)
            by_reason = faults(seen, source, common(asked), rows=rows)
            tally = tally_of(seen, by_reason, rows=rows, where=where(extracts, 0), values=bool(by_reason) or skip)
            if by_reason and not skip:
                refuse_other_values(tally, source, asked)
                raise first_fault(by_reason, extracts, seen, source, asked)
            self.tallies[source] = merged([self.tallies.get(source, Tally()), tally])
            masks += by_reason.items()
        return masks

    def _without_key(self, extracts: Extracts) -> list[tuple[str, npt.NDArray[np.bool_]]]:
        """Rows that belong to no query, or to nothing that is resampled."""
        masks, resampling = [], self._analysis.resampling
        asked = [(one.query_key, MISSING_QUERY, "query_key") for one in self._analysis.passes[1:]]
        if resampling is not None and resampling.column:
            asked.append((resampling.column, MISSING_UNIT, "resample_by"))
        for column, reason, field in asked:
            keys = key_of(extracts, column, field)
            if keys.null_count and not self._analysis.skip_bad_rows:
                raise first_without_key(extracts, keys, column, reason)
            if keys.null_count:
                masks.append((reason, keys.is_null().to_numpy(zero_copy_only=False)))
        return masks


def together(tallies: Iterable[Tallies]) -> Tallies:
    """What the columns of each source hold in several parts of a run."""
    total: dict[Stream, Tally] = {}
    for of_streams in tallies:
        total |= {stream: merged([total.get(stream, Tally()), tally]) for stream, tally in of_streams.items()}
    return total


def judge_columns(
    tallies: Iterable[Tallies], asked: Mapping[Stream, Sequence[Asked]], *, are_all: bool = True
) -> Tallies:
    """Adds up what the columns hold over the whole run.

    Args:
        tallies: of all accumulators of the run.
        asked: the metrics that each stream serves.
        are_all: whether there are no other rows, in which a label may occur that is absent in these.

    Raises:
        ColumnTypeError: a column holds something else than a metric is for.
    """
    total = together(tallies)
    for stream, metrics in asked.items():
        tally = total.get(stream, Tally())
        refuse_other_lengths(tally, stream, metrics)
        refuse_other_values(tally, stream, metrics)
        refuse_other_classes(tally, stream)
        if are_all:
            refuse_absent_label(tally, stream)
    return total
