"""The pass over whole queries: their rows meet, whatever files they lie in. A query is in all slices of its rows.

Queries are spread over a fixed number of buckets by their keys, so that states do not depend on the number of workers.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import pyarrow as pa

from assay.errors import BadRowError
from assay.extracts.columns import Column, cut, map_leaves, row_count, take
from assay.extracts.contents import checksum
from assay.extracts.keys import key_of, together
from assay.metrics.analysis import Analysis
from assay.metrics.engine import slice_columns
from assay.metrics.entries.bad_rows import where
from assay.metrics.entries.columns import Columns
from assay.metrics.entries.entries import entries_of
from assay.metrics.entries.examples import Examples
from assay.metrics.entries.queries import bucket_of, numbered
from assay.metrics.entries.selection import columns_of
from assay.metrics.entries.streams import Stream
from assay.metrics.entries.views import Ranked
from assay.metrics.row_checks import RowChecks
from assay.metrics.split_states import BlockKey, SplitStates
from assay.metrics.states.forest import Node
from assay.metrics.states.partial import Partial
from assay.metrics.states.slices import Draw
from assay.metrics.values import Ints
from assay.slicing.codes import Codes, codes_of, joined, of_groups
from assay.types import (
    EXAMPLE_WEIGHTS_KEY,
    FEATURES_KEY,
    LABELS_KEY,
    PREDICTIONS_KEY,
    SLICE_KEY_TYPES_KEY,
    SOURCE_KEY,
    Extracts,
)

BUCKETS = 16
"""Parts of the queries that are in memory one at a time; and the most that can be worked on at once."""


def by_bucket(extracts: Extracts, analysis: Analysis, query_key: str) -> Iterator[tuple[int, Extracts]]:
    """Cuts a batch by query.

    Args:
        extracts: with slice keys.
        analysis: its bad rows are left out, or refused.
        query_key: the column that identifies queries.

    Yields:
        Bucket -> its rows, with the columns that metrics of queries read.
    """
    good = RowChecks(analysis).good_rows(extracts).extracts
    if not row_count(good):
        return
    needed = _needed(good, analysis, query_key)
    bucket = bucket_of(key_of(good, query_key), BUCKETS)
    in_order = take(needed, np.argsort(bucket, kind="stable"))
    ends = np.cumsum(np.bincount(bucket, minlength=BUCKETS)).tolist()
    for number, (start, stop) in enumerate(pairwise([0, *ends])):
        if start < stop:
            yield number, map_leaves(_compact, cut(in_order, start, stop))


def _compact(column: Column) -> Column:
    """A piece of an Arrow array without the rest of it, which would travel with the piece."""
    return column if isinstance(column, np.ndarray) else pa.concat_arrays([column])


def _needed(extracts: Extracts, analysis: Analysis, query_key: str) -> Extracts:
    names = {name for stream in analysis.pass_of(query_key).streams for name in stream.columns} | {query_key}
    if analysis.resampling is not None:
        names.add(analysis.resampling.column)
    kept = (LABELS_KEY, PREDICTIONS_KEY, EXAMPLE_WEIGHTS_KEY, SLICE_KEY_TYPES_KEY, SOURCE_KEY)
    features = {name: column for name, column in extracts[FEATURES_KEY].items() if name in names}
    return {key: extracts[key] for key in kept if key in extracts} | {FEATURES_KEY: features}


def states_of_bucket(
    bucket: int, batches: Sequence[Extracts], analysis: Analysis, query_key: str
) -> Iterator[tuple[BlockKey, tuple[Node, Partial]]]:
    """Computes the states of all queries of a bucket.

    Args:
        bucket: its number.
        batches: all its rows, as `by_bucket` cuts them, in any order.
        analysis: what is computed.
        query_key: the column that identifies queries.

    Raises:
        BadRowError: rows of one query have several weights, or several values of `resample_by`.
    """
    one = analysis.pass_of(query_key)
    batches = sorted(batches, key=_first_row)
    query = numbered(together([key_of(batch, query_key) for batch in batches]))
    order = np.argsort(query, kind="stable")
    start = np.searchsorted(query[order], np.arange(int(query.max()) + 2))

    sources = dict.fromkeys(source for stream in one.streams for source in stream.sources)
    columns = {source: _columns(batches, source, query, order) for source in sources}
    for stream in one.streams:
        if isinstance(stream.view, Ranked):
            _check_weights(batches, columns[stream.source], stream, order)
    examples = {stream: _of_queries(stream, columns) for stream in one.streams}

    states = SplitStates(analysis, one.layout)
    states.begin((0, bucket))
    codes = [_codes(batches, slicing.name, query) for slicing in analysis.slicings]
    draws = _draws(batches, analysis, order, start)
    states.add(codes, one.layout.contributions(examples), len(start) - 1, draws)
    yield from states.parts()


def _first_row(batch: Extracts) -> tuple[int, ...]:
    """Batches in the order of the data, whatever order they came in; of unknown origin, by what they hold."""
    source = batch.get(SOURCE_KEY)
    if source is None or "row" not in source:
        return (checksum(batch),)
    return int(source["split"][0]), int(source["row"][0])


def _columns(batches: Sequence[Extracts], source: Stream, query: Ints, order: Ints) -> Columns:
    """The columns of a source, the rows of a query together."""
    pieces = [columns_of(batch, source) for batch in batches]

    def in_order(name: str) -> Any:
        values = [getattr(piece, name) for piece in pieces]
        return None if values[0] is None else np.concatenate(values)[order]

    names = ["weights"] if source.only_weights else ["labels", "predictions", "weights", "gains", "ids"]
    return pieces[0]._replace(query=query[order], **{name: in_order(name) for name in names})


def _of_queries(stream: Stream, columns: Mapping[Stream, Columns]) -> Examples:
    """What a stream sees; entries that come from rows come from the rows' queries."""
    examples, query = entries_of(stream, columns), columns[stream.source].query
    assert query is not None
    if examples.queries is not None:
        return examples
    return examples._replace(rows=query if examples.rows is None else query[examples.rows])


def _check_weights(batches: Sequence[Extracts], columns: Columns, stream: Stream, order: Ints) -> None:
    """Refuses a query whose rows have several weights: it counts as a whole, so it has one."""
    assert columns.query is not None
    same_query = columns.query[1:] == columns.query[:-1]
    odd = np.flatnonzero(same_query & ~np.isclose(columns.weights[1:], columns.weights[:-1]))
    if not len(odd):
        return
    first, second = order[odd[0]], order[odd[0] + 1]
    name, role = stream.called(EXAMPLE_WEIGHTS_KEY)
    raise BadRowError(
        f"{_where(batches, second)}: column {name!r}{role} is {columns.weights[odd[0] + 1]:g}, but "
        f"{columns.weights[odd[0]]:g} in another row of the same {stream.query_key!r} ({_where(batches, first)}); a "
        "metric of ranked lists needs one weight for each query; or set example_weights: {unweighted: true}"
    )


def _where(batches: Sequence[Extracts], row: int) -> str:
    """The file and row number of a row, counted over all batches."""
    for batch in batches:
        if row < row_count(batch):
            return where(batch, int(row))
        row -= row_count(batch)
    raise IndexError(row)


def _codes(batches: Sequence[Extracts], slicing: str, query: Ints) -> Codes:
    """The slices of each query: those of its rows."""
    codes = joined([codes_of(slice_columns(batch)[slicing]) for batch in batches], [row_count(b) for b in batches])
    return of_groups(codes, query)


def _draws(batches: Sequence[Extracts], analysis: Analysis, order: Ints, start: Ints) -> list[Draw]:
    """How queries count in the resamples: as a whole, as the least of their rows' numbers says.

    Raises:
        BadRowError: rows of one query are to be drawn with different others.
    """
    resampling = analysis.resampling
    if resampling is None:
        return [Draw()]
    hashes = np.concatenate([resampling.hashes(batch, row_count(batch)) for batch in batches])[order]
    least = np.minimum.reduceat(hashes, start[:-1])
    odd = np.flatnonzero(hashes != np.repeat(least, np.diff(start))) if resampling.column else np.zeros(0, np.int64)
    if len(odd):
        raise BadRowError(
            f"{_where(batches, order[odd[0]])}: column {resampling.column!r} (resample_by) has another value than "
            "a row of the same query, which is drawn as a whole; resample by a column with one value in each query, "
            "such as the query_key itself"
        )
    return list(resampling.draws_of(least))
