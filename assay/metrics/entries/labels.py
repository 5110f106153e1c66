"""Labels as people have them: texts, numbers and lists become shares of classes, as the model spec says."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from assay.errors import ColumnTypeError
from assay.extracts.columns import Column, holds_text, is_list, plain, to_floats
from assay.metrics.entries.meaning import Meaning
from assay.metrics.values import Floats, Ints
from assay.text.near_miss import nearest

_MOST = 5
"""Different labels that are listed where none is the positive one."""

_BOOLEANS = {"true": 1.0, "false": 0.0}
_LIKELY_POSITIVE = ("1", "1.0", "yes", "y", "true", "t", "positive", "pos")


class Labels(NamedTuple):
    """Labels of n rows.

    Attributes:
        values: (n,) or (n, k); NaN is missing, infinite is what no label can be.
        others: where a positive label is named: () if a row has it, else the first of the labels that there are.
            None if none is named, or there are no labels.
    """

    values: Floats
    others: tuple[str, ...] | None = None


def labels_of(column: Column, meaning: Meaning, name: str, role: str) -> Labels:
    """Labels that are no lists of classes, as numbers.

    Args:
        column: n rows of texts, numbers or booleans, or of lists of such.
        meaning: which text is positive, or the names of the classes.
        name: of the column, for errors.
        role: what stands behind the name in errors.

    Raises:
        ColumnTypeError: texts that nobody gives a meaning to.
    """
    column = as_arrow_text(column)
    is_text = isinstance(column, pa.Array) and holds_text(column.type)
    if meaning.positive_label:
        return _positives(column, meaning.positive_label, is_text, name, role)
    if meaning.classes and is_text:
        ids = to_floats(_each(column, lambda texts: _ids_of_texts(texts, meaning.classes)), name, role)
        if ids.ndim > 1:
            raise ColumnTypeError(
                f"column {name!r}{role} has lists of texts; expected one class a row; if each row has several classes, "
                "set sparse_labels: true of the model spec"
            )
        return Labels(ids)

    numbers = to_floats(column, name, role)
    return Labels(_by_number(numbers, meaning.classes) if numbers.ndim == 1 else numbers)


def sparse_labels_of(column: Column, meaning: Meaning, width: int, name: str, role: str) -> Floats:
    """Lists of the classes that each row has, as (n, width) of 0 and 1.

    -1 and empty text stand for no class, as lists of one length need it. A missing list is a row of NaN; a class that
    is not there makes a row of infinite numbers.

    Raises:
        ColumnTypeError: what is no class, or texts without names of classes.
    """
    column = as_arrow_text(column)
    lengths, flat = flattened(column)
    if isinstance(flat, pa.Array) and holds_text(flat.type) and meaning.classes:
        ids = ids_of_texts(flat, (*meaning.classes, ""))
        ids = np.where(ids == len(meaning.classes), -1, ids)
    else:
        ids = ids_of_numbers(flat, meaning.classes, name, role)

    rows = np.repeat(np.arange(len(lengths)), np.maximum(lengths, 0))
    several = np.zeros((len(lengths), width))
    is_class = (ids >= 0) & (ids < width) & (ids == np.floor(ids))
    several[rows[is_class], ids[is_class].astype(np.intp)] = 1
    several[rows[~is_class & (ids != -1)]] = np.inf
    several[rows[np.isnan(ids)]] = np.nan
    several[lengths < 0] = np.nan
    return several


def text_without_meaning(texts: Sequence[str | bytes]) -> str:
    """What to do with a column of these texts, with a line to paste."""
    named = sorted({text.decode("utf-8", "replace") if isinstance(text, bytes) else text for text in texts})
    positive = next((text for text in named if text.casefold() in _LIKELY_POSITIVE), "")
    if len(named) > 2:
        shown = ", ".join(f'"{text}"' for text in named[:3])
        return (
            f"if these are classes, name all of them in the model spec, in the order of the predictions: "
            f"classes: [{shown}{', ...' * (len(named) > 3)}]; if one of them is the positive class, name it: "
            f'positive_label: "{positive or "..."}"'
        )
    positive = positive or named[-1]
    return f'say in the model spec which of them is the positive class, such as positive_label: "{positive}"'


def not_among(label: Any, classes: Sequence[str]) -> str:
    """The label of a row that is none of the classes; of a text also the class that was probably meant."""
    values = label if isinstance(label, list) else [label]
    texts = [value.decode("utf-8", "replace") if isinstance(value, bytes) else value for value in values]
    strange = [text for text in texts if isinstance(text, str) and text not in classes]
    if strange:
        near = nearest(strange[0], classes)
        return f"{strange[0]!r}{f' (did you mean {near!r}?)' if near else ''}"
    shown = [f"{value:g}" if isinstance(value, int | float) else repr(value) for value in values]
    return f"[{', '.join(shown)}]" if isinstance(label, list) else shown[0]


def _positives(column: Column, positive: str, is_text: bool, name: str, role: str) -> Labels:
    """1 where a label is the positive one, else 0."""
    if is_text:
        values = to_floats(_each(column, lambda texts: _equal(texts, positive)), name, role)
    else:
        number = _number(positive)
        if number is None:
            raise ColumnTypeError(
                f"column {name!r}{role} holds numbers, and positive_label of the model spec is {positive!r}; expected "
                'the text of the number that labels of the positive class are, such as positive_label: "1"'
            )
        numbers = to_floats(column, name, role)
        values = np.where(np.isfinite(numbers), numbers == number, numbers)
    return Labels(values, () if (values == 1).any() else _different(column, is_text) or None)


def _different(column: Column, is_text: bool) -> tuple[str, ...]:
    """The first of the different labels."""
    if is_text:
        texts = pa.array(flattened(column)[1]).unique().drop_null().to_pylist()
        return tuple(sorted(t.decode("utf-8", "replace") if isinstance(t, bytes) else t for t in texts)[:_MOST])
    numbers = np.unique(to_floats(column, ""))
    return tuple(f"{number:g}" for number in numbers[np.isfinite(numbers)][:_MOST])


def _equal(texts: pa.Array, text: str) -> Floats:
    """1 and 0, NaN where a text is missing."""
    wanted = pa.scalar(text.encode()).cast(texts.type) if _is_binary(texts.type) else pa.scalar(text, texts.type)
    return _floats(pc.equal(texts, wanted).cast(pa.float64()))


def _ids_of_texts(texts: pa.Array, classes: Sequence[str]) -> Floats:
    """Class ids; NaN where a text is missing, infinite where it is no class."""
    names = pa.array([name.encode() for name in classes]) if _is_binary(texts.type) else pa.array(classes)
    ids = _floats(pc.index_in(texts, value_set=names.cast(texts.type)).cast(pa.float64()))
    ids[np.isnan(ids) & ~texts.is_null().to_numpy(zero_copy_only=False)] = np.inf
    return ids


def _by_number(numbers: Floats, classes: Sequence[str]) -> Floats:
    named = [_number(name) for name in classes]
    values = np.array([value for value in named if value is not None])
    if not len(values) or len(values) < len(named) or (values == np.arange(len(values))).all():
        return numbers
    order = np.argsort(values)
    at = np.minimum(np.searchsorted(values[order], numbers), len(values) - 1)
    stays = np.isnan(numbers) | (numbers == -1)
    return np.where(values[order][at] == numbers, order[at], np.where(stays, numbers, np.inf))


def ids_of_texts(column: Column, classes: Sequence[str]) -> Floats:
    """Class ids of texts (n,), in a dictionary or not; NaN where one is missing, infinite where it is no class."""
    return to_floats(_each(column, lambda texts: _ids_of_texts(texts, classes)), "")


def ids_of_numbers(column: Column, classes: Sequence[str], name: str, role: str = "") -> Floats:
    """Class ids of numbers (n,): as they are, unless the classes are named by numbers. Missing ones and -1 stay."""
    return _by_number(to_floats(column, name, role), classes)


def _number(text: str) -> float | None:
    """The number that a text is; booleans are 1 and 0 in columns of labels."""
    try:
        number = _BOOLEANS.get(text.casefold(), math.nan)
        number = float(text) if math.isnan(number) else number
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _is_binary(kind: pa.DataType) -> bool:
    return bool(pa.types.is_binary(kind) or pa.types.is_large_binary(kind))


def as_arrow_text(column: Column) -> Column:
    """Texts in numpy, and bytes of a fixed size, as Arrow has texts and bytes; all else of Arrow plain."""
    if isinstance(column, np.ndarray):
        return pa.array(column) if column.dtype.kind in "OUS" and column.ndim == 1 else column
    column = plain(column)
    return column.cast(pa.binary()) if pa.types.is_fixed_size_binary(column.type) else column


def _each(column: pa.Array, function: Callable[[pa.Array], Floats]) -> pa.Array:
    """A column with each text, in lists or not, replaced by a number."""
    if pa.types.is_dictionary(column.type):
        return _each(column.dictionary, function).take(column.indices)
    if not is_list(column.type):
        return pa.array(function(column))
    lengths, flat = flattened(column)
    offsets = np.concatenate([[0], np.cumsum(np.maximum(lengths, 0))])
    return pa.LargeListArray.from_arrays(pa.array(offsets), _each(flat, function), mask=pa.array(lengths < 0))


def flattened(column: Column) -> tuple[Ints, Column]:
    """Lengths of lists, -1 of a missing one, and all their values; a single value is a list of one."""
    if isinstance(column, np.ndarray):
        width = 1 if column.ndim == 1 else column.shape[1]
        lengths = np.full(len(column), width)
        if column.ndim == 1 and column.dtype.kind == "f":
            lengths[np.isnan(column)] = -1
            return lengths, column[lengths > 0]
        return lengths, column.reshape(-1)
    if pa.types.is_dictionary(column.type) and is_list(column.type.value_type):
        column = column.dictionary_decode()
    if is_list(column.type):
        return pc.list_value_length(column).fill_null(-1).to_numpy().astype(np.int64), column.flatten()
    is_null = column.is_null().to_numpy(zero_copy_only=False)
    return np.where(is_null, -1, 1), column.drop_null()


def _floats(numbers: pa.Array) -> Floats:
    """A copy in numpy, with NaN for what is missing."""
    floats: Floats = numbers.to_numpy(zero_copy_only=False)
    return floats.copy()
