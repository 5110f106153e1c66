"""How rows become entries: each row one, or one for each class, or those of the highest scores.

An entry belongs to a part: a class, or a k. The number of parts follows from the config alone, since the states of
different workers have to fit together. Computations know nothing of parts: each has states of its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Protocol

import numpy as np

from assay.metrics.entries.columns import Columns
from assay.metrics.entries.examples import Examples
from assay.metrics.entries.queries import Queries
from assay.metrics.values import Floats, Ints


class View(Protocol):
    """How rows become entries; a frozen dataclass, so that equal views share all state."""

    @property
    def parts(self) -> int:
        """Number of parts, 1 or more."""

    def misfit(self, width: int) -> str:
        """Why rows with `width` predictions, or more, cannot be seen so; "" where they can."""

    def entries(self, columns: Columns) -> Examples:
        """The entries of rows without faults."""


@dataclass(frozen=True)
class Flat:
    """Every number of a prediction is an entry, with the weight of its row."""

    parts: ClassVar[int] = 1

    def misfit(self, width: int) -> str:
        """Rows of any width can be seen so."""
        return ""

    def entries(self, columns: Columns) -> Examples:
        """One entry a row, or the numbers of each row after one another."""
        if columns.predictions.ndim == 1:
            return _of_rows(columns)
        count, width = columns.predictions.shape
        kept = slice(None) if columns.sizes is None else np.flatnonzero(columns.own.reshape(-1))
        rows = np.repeat(np.arange(count), width)[kept]
        labels, predictions = (values.reshape(-1)[kept] for values in columns[:2])
        return _shown(Examples(labels, predictions, columns.weights[rows], rows), columns)


FLAT = Flat()
"""How rows are seen where nothing else is asked for."""


@dataclass(frozen=True)
class Micro:
    """Every class of every row is an entry: what a micro average is computed from.

    Attributes:
        class_weights: (class, what the weights of its entries are multiplied by); classes that are not named have none.
            All count alike without any.
    """

    class_weights: tuple[tuple[int, float], ...] = ()
    parts: ClassVar[int] = 1

    def misfit(self, width: int) -> str:
        """A named class must be there."""
        return _no_class(max((class_id for class_id, _ in self.class_weights), default=0), width)

    def entries(self, columns: Columns) -> Examples:
        """The classes that have a weight."""
        if not self.class_weights:
            return FLAT.entries(columns)
        ids = [class_id for class_id, _ in self.class_weights]
        entries = _of_classes(columns, ids)
        factors = np.array([weight for _, weight in self.class_weights])
        return entries._replace(weights=entries.weights * np.tile(factors, len(columns.weights)))


@dataclass(frozen=True)
class Classes:
    """Each class against all others: a part for each class.

    Attributes:
        ids: the classes.
        top_k: how many of a row's predictions, the highest, are not below any threshold; 0 for all.
    """

    ids: tuple[int, ...]
    top_k: int = 0

    @property
    def parts(self) -> int:
        """Number of classes."""
        return len(self.ids)

    def misfit(self, width: int) -> str:
        """All classes must be there."""
        return _no_class(max(self.ids), width) or _too_few(self.top_k, width)

    def entries(self, columns: Columns) -> Examples:
        """One entry for each class."""
        if self.top_k:
            is_high = _ranks(columns.predictions) < self.top_k
            columns = columns._replace(predictions=np.where(is_high, columns.predictions, -np.inf))
        entries = _of_classes(columns, self.ids)
        return entries if self.parts == 1 else entries._replace(part=_parts(columns, self.parts))


@dataclass(frozen=True)
class Highest:
    """The k-th highest prediction and its label: a part for each k. Of equal predictions the first comes first."""

    ks: tuple[int, ...]

    @property
    def parts(self) -> int:
        """Number of ks."""
        return len(self.ks)

    def misfit(self, width: int) -> str:
        """There must be as many predictions."""
        return _too_few(max(self.ks), width)

    def entries(self, columns: Columns) -> Examples:
        """One entry for each k."""
        order = np.argsort(-columns.predictions, axis=1, kind="stable")
        at = order[:, np.array(self.ks) - 1]
        labels, predictions = (np.take_along_axis(values, at, 1).reshape(-1) for values in columns[:2])
        rows = None if self.parts == 1 else np.repeat(np.arange(len(at)), self.parts)
        weights = columns.weights if rows is None else columns.weights[rows]
        part = None if self.parts == 1 else _parts(columns, self.parts)
        return _shown(Examples(labels, predictions, weights, rows, part), columns)


@dataclass(frozen=True)
class TopK:
    """Every class of every row, where all but the k highest predictions are below any threshold: a part for each k.

    Of equal predictions the first are the highest.

    Attributes:
        ks: the numbers k.
        alone: whether the other classes are left out instead.
        of_query: whether rows of a query take the place of classes: the k highest are those of the query.
    """

    ks: tuple[int, ...]
    alone: bool = False
    of_query: bool = False

    @property
    def parts(self) -> int:
        """Number of ks."""
        return len(self.ks)

    def misfit(self, width: int) -> str:
        """There must be as many predictions; or one a row, where rows take the place of classes."""
        return _no_one_number(width) if self.of_query else _too_few(max(self.ks), width)

    def entries(self, columns: Columns) -> Examples:
        """For each k one entry for each class, -inf where it is not among the k highest."""
        by_class = [values if values.ndim > 1 else values[:, None] for values in columns[:2]]
        rank = _ranks_in_queries(columns)[:, None] if self.of_query else _ranks(by_class[1])

        # Of a row: all classes for the first k, then for the next one.
        (count, width), parts = rank.shape, self.parts
        is_high = rank[:, None, :] < np.array(self.ks)[:, None]
        predictions = np.where(is_high, by_class[1][:, None, :], -np.inf).reshape(-1)
        labels = np.broadcast_to(by_class[0][:, None, :], is_high.shape).reshape(-1)
        rows = np.repeat(np.arange(count), parts * width)
        part = np.tile(np.repeat(np.arange(parts), width), count)

        if self.alone or columns.sizes is not None:
            is_kept = is_high if self.alone else np.broadcast_to(columns.own[:, None, :], is_high.shape)
            kept = np.flatnonzero(is_kept.reshape(-1))
            labels, predictions, rows, part = labels[kept], predictions[kept], rows[kept], part[kept]
        one_part = None if parts == 1 else part
        return _shown(Examples(labels, predictions, columns.weights[rows], rows, one_part), columns)


@dataclass(frozen=True)
class Vectors:
    """Each row is an entry, with a number for each class.

    Attributes:
        least: how many classes there must be.
    """

    least: int = 2
    parts: ClassVar[int] = 1

    def misfit(self, width: int) -> str:
        """There must be several classes."""
        return _too_few(self.least, width) if width > 1 else "it needs a number for each class"

    def entries(self, columns: Columns) -> Examples:
        """The rows as they are."""
        return _of_rows(columns)


@dataclass(frozen=True)
class RowLists:
    """Each row is a list of documents, (n, c). What has no label, or a negative one, is no document."""

    parts: ClassVar[int] = 1

    def misfit(self, width: int) -> str:
        """There must be several documents."""
        return "" if width > 1 else "it ranks the numbers of a row; for rows of one query, use query_key and NDCG"

    def entries(self, columns: Columns) -> Examples:
        """The rows, their labels -1 where there is no document."""
        is_document = columns.labels >= 0
        for lengths in (columns.sizes, columns.labelled):
            if lengths is not None:
                is_document &= np.arange(columns.width) < lengths[:, None]
        return _of_rows(columns._replace(labels=np.where(is_document, columns.labels, -1.0)))


@dataclass(frozen=True)
class WholeRows:
    """What a row has stays together, whatever it is: numbers that a `Pairing` makes."""

    parts: ClassVar[int] = 1

    def misfit(self, width: int) -> str:
        """Rows of any width can be seen so."""
        return ""

    def entries(self, columns: Columns) -> Examples:
        """The entries as they are."""
        return _of_rows(columns)


WHOLE_ROWS = WholeRows()


@dataclass(frozen=True)
class Ranked:
    """Each query is an entry, with its rows by falling prediction."""

    parts: ClassVar[int] = 1

    def misfit(self, width: int) -> str:
        """A row has one prediction."""
        return _no_one_number(width)

    def entries(self, columns: Columns) -> Examples:
        """One entry a query, with the weight of its first row: all its rows have the same."""
        assert columns.query is not None
        order = _order_in_queries(columns)
        count = int(columns.query[-1]) + 1 if len(columns.query) else 0
        start = np.searchsorted(columns.query, np.arange(count + 1))
        gains = columns.labels if columns.gains is None else columns.gains
        return Examples(np.zeros(0), np.zeros(0), columns.weights[start[:-1]], queries=Queries(gains[order], start))


def _ranks(predictions: Floats) -> Ints:
    """The rank (n, c) of each prediction in its row, from 0 on; of equal ones the first comes first."""
    order = np.argsort(-predictions, axis=1, kind="stable")
    rank = np.empty_like(order)
    np.put_along_axis(rank, order, np.broadcast_to(np.arange(order.shape[1]), order.shape), 1)
    return rank


def _order_in_queries(columns: Columns) -> Ints:
    """Rows (n,) by query, then by falling prediction; of equal ones the first comes first."""
    assert columns.query is not None
    return np.lexsort((-columns.predictions.reshape(-1), columns.query))


def _ranks_in_queries(columns: Columns) -> Ints:
    """The rank (n,) of each row in its query, from 0 on."""
    assert columns.query is not None
    order = _order_in_queries(columns)
    rank = np.empty_like(order)
    rank[order] = np.arange(len(order)) - np.searchsorted(columns.query, columns.query)  # rows of a query are together
    return rank


def _of_rows(columns: Columns) -> Examples:
    return _shown(Examples(columns.labels, columns.predictions, columns.weights, columns.rows), columns)


def _of_classes(columns: Columns, ids: tuple[int, ...] | list[int]) -> Examples:
    """One entry for each of some classes, those of a row together."""
    chosen = np.array(ids)
    labels, predictions = (values[:, chosen].reshape(-1) for values in columns[:2])
    if len(ids) == 1:
        return _shown(Examples(labels, predictions, columns.weights), columns)
    rows = np.repeat(np.arange(len(columns.weights)), len(ids))
    return _shown(Examples(labels, predictions, columns.weights[rows], rows), columns)


def _shown(entries: Examples, columns: Columns) -> Examples:
    return entries._replace(
        shown=columns.shown, texts=columns.texts, hashes=columns.hashes, by_feature=columns.by_feature
    )


def _parts(columns: Columns, count: int) -> Ints:
    return np.tile(np.arange(count), len(columns.weights))


def _no_class(class_id: int, width: int) -> str:
    return "" if class_id < width else f"it asks for class {class_id}"


def _no_one_number(width: int) -> str:
    return "" if width == 1 else "it ranks rows by one number each"


def _too_few(k: int, width: int) -> str:
    return "" if k <= width else f"it asks for the {k} highest"
