"""A sample with the facts of its columns, and what two columns of it have to do with each other."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from assay.extracts.columns import Floats, arrow_floats, is_list, is_text
from assay.proposal.facts import BOOLEAN, TEXT, Facts, facts_of
from assay.proposal.sample import Sample

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Data:
    """A sample of n rows.

    Attributes:
        sample: the rows.
        facts: column -> what it holds.
    """

    sample: Sample
    facts: Mapping[str, Facts]

    def rows_with(self, name: str, value: Any) -> Mask:
        """Which rows (n,) have this value in a column, in a flat cell or in a list."""
        column = self.sample.columns[name]
        if pa.types.is_dictionary(column.type):
            column = column.dictionary_decode()
        if not is_list(column.type):
            return _equal(column, value)
        is_value = _equal(column.flatten(), value)
        rows = pc.list_parent_indices(column).to_numpy()[is_value]
        return np.bincount(rows, minlength=len(column)) > 0

    def masks(self, name: str, values: Sequence[Any]) -> Iterator[Mask]:
        """The rows (n,) with each of these values, which are few in lists, and may be many in flat cells."""
        column = self.sample.columns[name]
        if is_list(column.type):
            yield from (self.rows_with(name, value) for value in values)
            return
        encoded = column if pa.types.is_dictionary(column.type) else column.dictionary_encode()
        known = encoded.dictionary.cast(pa.large_string()) if is_text(encoded.dictionary.type) else encoded.dictionary
        code_of = {value: code for code, value in enumerate(known.to_pylist())}
        codes = self.codes(name)
        yield from (codes == code_of[value] for value in values)

    def codes(self, name: str) -> npt.NDArray[np.int64]:
        """A number (n,) for each value of a flat column, -1 where there is none."""
        column = self.sample.columns[name]
        encoded = column if pa.types.is_dictionary(column.type) else column.dictionary_encode()
        return encoded.indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64)

    def decides(self, name: str, other: str) -> bool:
        """Whether each value of a flat column goes with one value only of another one."""
        if is_list(self.sample.columns[other].type) or self.facts[name].distinct > self.sample.rows // 2:
            return False
        one, two = self.codes(name), self.codes(other)
        known = (one >= 0) & (two >= 0)
        pairs = np.unique(one[known] * (two.max(initial=0) + 1) + two[known])
        return bool(known.any()) and len(pairs) == len(np.unique(one[known]))


def _equal(column: pa.Array, value: Any) -> Mask:
    """Which of the values of a flat column are this one."""
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    if is_text(column.type):
        equal = pc.equal(column.cast(pa.large_string()), pa.scalar(value, pa.large_string()))
        return equal.fill_null(False).to_numpy(zero_copy_only=False)
    numbers = arrow_floats(column)
    assert numbers is not None
    return numbers.to_numpy(zero_copy_only=False) == float(value)


def look_at(sample: Sample) -> Data:
    """Gathers the facts of all columns."""
    return Data(sample, {name: facts_of(name, column) for name, column in sample.columns.items()})


def auc(scores: Floats, positives: Mask) -> float:
    """Area under the ROC curve of scores (n,), by ranks; NaN where there is one class.

    Rows without a score do not count. Source: Hanley and McNeil (1982).
    """
    known = np.isfinite(scores)
    scores, positives = scores[known], positives[known]
    count = int(positives.sum())
    others = len(positives) - count
    if not count or not others:
        return float("nan")
    _, at, times = np.unique(scores, return_inverse=True, return_counts=True)
    ranks = np.cumsum(times) - (times - 1) / 2
    return float((ranks[at][positives].sum() - count * (count + 1) / 2) / (count * others))


def class_of_each_column(data: Data, label: str, scores: Floats) -> list[Any]:
    """The label that goes with each column of scores (n, k): in its rows, that column is higher than in others.

    Empty if the columns do not tell the labels apart so that each has one of its own.
    """
    values = [value for value in data.facts[label].values if value != ""]
    if scores.ndim < 2 or len(values) != scores.shape[1]:
        return []
    filled = np.where(np.isfinite(scores), scores, 0.0)
    means = np.array([filled[mask].mean(axis=0) for mask in data.masks(label, values)])
    best = means.argmax(axis=0)
    return [values[i] for i in best] if len(set(best.tolist())) == len(values) else []


def is_flag(facts: Facts) -> bool:
    """Whether a column has nothing but 0 and 1, or true and false."""
    return facts.kind == BOOLEAN or (bool(facts.counts) and facts.kind != TEXT and set(facts.counts) <= {0, 1})
