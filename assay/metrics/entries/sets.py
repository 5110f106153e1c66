"""A set of classes as label of a row, and predicted classes with their scores."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import numpy as np
import pyarrow as pa

from assay.errors import MissingColumnError
from assay.extracts.columns import Column
from assay.metrics.entries.bad_rows import BAD_PREDICTION, MISSING_LABEL, MISSING_PREDICTION, ODD_LENGTHS
from assay.metrics.entries.columns import Columns
from assay.metrics.entries.lookup import outputs_of, select
from assay.metrics.entries.ragged import Called, Mask, Ragged, of_one_type, ragged
from assay.metrics.entries.streams import Stream
from assay.metrics.values import Floats, Ints
from assay.types import FEATURES_KEY, LABELS_KEY, PREDICTIONS_KEY, Extracts


class _Scored(NamedTuple):
    """Classes of n rows, each with a number: a score, or a weight.

    Attributes:
        called: name and role of the column of classes.
        classes: those of each row.
        numbers: (m,) one for each of them, NaN in rows of `is_odd`.
        is_odd: (n,) rows that do not have as many numbers as classes.
    """

    called: Called
    classes: Ragged
    numbers: Floats
    is_odd: Mask


@dataclass(frozen=True)
class SetMatch:
    """An entry for each class of a row that is a label or predicted: whether it is a label, and its score.

    A class that is not predicted has a score below every threshold.

    Attributes:
        class_output: the output of the model that holds the classes.
        score_output: the output that holds as many scores; "" if each is 1.
        top_k: how many classes count, the first of a row.
        class_key: column of the data with the classes that have weights of their own; "" for those of the label.
        weight_key: column with as many weights, which multiply those of the row; "" without.
    """

    class_output: str = "classes"
    score_output: str = "scores"
    top_k: int | None = None
    class_key: str = ""
    weight_key: str = ""
    described: ClassVar[Mapping[str, str]] = {
        "labels": "lists of classes, texts or numbers",
        "predictions": "two outputs: lists of classes, and lists of their scores",
    }

    @property
    def features(self) -> tuple[str, ...]:
        """The columns with weights of classes."""
        return tuple(filter(None, (self.class_key, self.weight_key)))

    def columns(self, extracts: Extracts, stream: Stream, weights: Floats) -> Columns:
        """The entries of all rows, those of a row together; see `Pairing`."""
        called = stream.called(LABELS_KEY)
        label = ragged(select(extracts, LABELS_KEY, stream), called)
        predicted = self._predicted(extracts, stream)
        weighted = self._weighted(extracts, called, label)
        faults = {
            MISSING_LABEL: _lacks_one(label),
            MISSING_PREDICTION: _lacks_one(predicted.classes),
            ODD_LENGTHS: predicted.is_odd | weighted.is_odd,
            BAD_PREDICTION: _any(predicted.classes.rows, ~np.isfinite(predicted.numbers), len(weights)),
        }
        named = [(called, label), *((one.called, one.classes) for one in (predicted, weighted))]
        of_label, of_predicted, of_weighted, width = _keys_of(named)

        # Of a class that a row has twice, the last one counts.
        counts = slice(None) if self.top_k is None else _ranks(predicted.classes) < self.top_k
        own, scores = _last_of_each(of_predicted[counts], predicted.numbers[counts])
        true = np.unique(of_label)
        entries = np.union1d(true, own)
        factors = _found(entries, *_last_of_each(of_weighted, weighted.numbers), otherwise=1.0)
        rows = entries // width
        return Columns(
            np.isin(entries, true).astype(np.float64),
            _found(entries, own, scores, otherwise=-np.inf),
            weights[rows] * factors,
            rows,
            bad_rows=faults,
        )

    def _predicted(self, extracts: Extracts, stream: Stream) -> _Scored:
        called = (self.class_output, "")
        classes = ragged(_output(extracts, stream, self.class_output), called)
        if not self.score_output:
            return _Scored(called, classes, np.ones(len(classes.values)), np.zeros(len(classes.lengths), bool))
        scores = ragged(_output(extracts, stream, self.score_output), (self.score_output, ""))
        return _scored(called, classes, scores, (self.score_output, ""))

    def _weighted(self, extracts: Extracts, called: Called, label: Ragged) -> _Scored:
        if not self.weight_key:
            none = Ragged(pa.nulls(0), np.zeros(len(label.lengths), np.int64), np.zeros(len(label.lengths), bool))
            return _Scored(("", ""), none, np.zeros(0), none.is_missing)
        of_weights = (self.weight_key, " (weight_key)")
        weights = ragged(_feature(extracts, self.weight_key), of_weights)
        if not self.class_key:
            return _scored(called, label, weights, of_weights)
        own = (self.class_key, " (class_key)")
        return _scored(own, ragged(_feature(extracts, self.class_key), own), weights, of_weights)


def _scored(called: Called, classes: Ragged, numbers: Ragged, of_numbers: Called) -> _Scored:
    """Classes and their numbers; NaN in rows that have more of one than of the other."""
    is_odd = classes.lengths != numbers.lengths
    values = np.full(len(classes.values), np.nan)
    fits = ~is_odd
    values[fits[classes.rows]] = numbers.floats(of_numbers)[fits[numbers.rows]]
    return _Scored(called, classes, values, is_odd)


def _output(extracts: Extracts, stream: Stream, name: str) -> Column:
    """An output of the model by name.

    Raises:
        MissingColumnError: there is none of that name.
    """
    outputs = outputs_of(extracts, PREDICTIONS_KEY, stream)
    if isinstance(outputs, Mapping) and name in outputs:
        column: Column = outputs[name]
        return column
    there = f"there are {sorted(outputs)}" if isinstance(outputs, Mapping) else "there is one, without a name"
    raise MissingColumnError(
        f"no output {name!r} of the predictions of model {stream.model_name!r}; {there}; set prediction_keys of the "
        "model spec, which name outputs, or prediction_class_key and prediction_score_key of the metric"
    )


def _feature(extracts: Extracts, name: str) -> Column:
    if name not in extracts[FEATURES_KEY]:
        raise MissingColumnError(f"no {name!r} in the data; there are {sorted(extracts[FEATURES_KEY])}")
    column: Column = extracts[FEATURES_KEY][name]
    return column


def _lacks_one(cells: Ragged) -> Mask:
    """(n,) rows with a class that is missing. A row without a list has no classes."""
    return _any(cells.rows, cells.values.is_null().to_numpy(zero_copy_only=False), len(cells.lengths))


def _any(rows: Ints, is_bad: Mask, count: int) -> Mask:
    return np.bincount(rows, is_bad, minlength=count) > 0


def _keys_of(columns: list[tuple[Called, Ragged]]) -> tuple[Ints, Ints, Ints, int]:
    """A number for each class of each row, the same for the same class of a row: row * width + class; and width."""
    values = of_one_type(columns)
    whole = pa.concat_arrays(values).dictionary_encode()
    codes = whole.indices.fill_null(0).to_numpy(zero_copy_only=False).astype(np.int64)
    width = len(whole.dictionary) or 1
    rows = np.concatenate([cells.rows for _, cells in columns])
    label, predicted, weighted = np.split(rows * width + codes, np.cumsum([len(one) for one in values])[:-1])
    return label, predicted, weighted, width


def _ranks(cells: Ragged) -> Ints:
    """(m,) the place of each value in its row, from 0 on."""
    return np.arange(len(cells.values)) - np.repeat(np.cumsum(cells.lengths) - cells.lengths, cells.lengths)


def _last_of_each(keys: Ints, values: Floats) -> tuple[Ints, Floats]:
    """The different keys, ascending, and the last value of each."""
    different, first = np.unique(keys[::-1], return_index=True)
    return different, values[::-1][first]


def _found(wanted: Ints, keys: Ints, values: Floats, otherwise: float) -> Floats:
    """The values of wanted keys, which are different and ascending."""
    found = np.full(len(wanted), otherwise)
    is_there = np.isin(keys, wanted)
    found[np.searchsorted(wanted, keys[is_there])] = values[is_there]
    return found
