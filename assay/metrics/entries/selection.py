"""Which labels, predictions and weights of a batch a stream names, as numbers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

from assay.errors import ColumnTypeError, MissingColumnError
from assay.extracts.columns import Column, is_list, is_text, plain, row_count, to_floats
from assay.metrics.entries.box_columns import boxes_of
from assay.metrics.entries.columns import Columns
from assay.metrics.entries.labels import Labels, sparse_labels_of, text_without_meaning
from assay.metrics.entries.labels import labels_of as class_labels_of
from assay.metrics.entries.lookup import outputs_of, select
from assay.metrics.entries.mask_columns import pixels_of
from assay.metrics.entries.model_classes import Ordered, in_order_of_classes
from assay.metrics.entries.padding import Lists, filled_up, lists_of, padded, sized
from assay.metrics.entries.probabilities import probabilities
from assay.metrics.entries.streams import Stream
from assay.metrics.row_hashes import row_hashes
from assay.metrics.values import Floats
from assay.types import ATTRIBUTIONS_KEY, EXAMPLE_WEIGHTS_KEY, LABELS_KEY, PREDICTIONS_KEY, TEXTS_KEY, Extracts

BAD_ATTRIBUTION = "attribution missing or not finite"


def columns_of(extracts: Extracts, stream: Stream) -> Columns:
    """Selects what `stream` names.

    Raises:
        MissingColumnError: labels, predictions, weights or a column that are not there.
        ColumnTypeError: labels that do not fit the predictions, or a column that does not hold numbers.
    """
    reads = stream.reads
    if stream.output_name:
        _check_output(extracts, stream)
    if stream.only_weights:
        weights = weights_of(extracts, stream)
        return Columns(np.zeros(0), np.zeros(0), weights)
    if reads.feature:
        return _feature_of(extracts, stream)
    other = _other_columns(extracts, stream)
    if other is not None:
        return other

    chosen = _chosen(extracts, stream)
    (predictions, classes), (labels, others) = _values(chosen, extracts, stream)
    lengths = {PREDICTIONS_KEY: _length_of(predictions), LABELS_KEY: _length_of(labels) if reads.labels else 0}
    weights = weights_of(extracts, stream)

    # Where no row has a label, or none a prediction, nobody can say how long the lists are.
    if 0 in (lengths[PREDICTIONS_KEY], lengths[LABELS_KEY] or not reads.labels):
        columns = _without_values(labels, predictions, weights)
    else:
        columns = _fitted(labels, predictions, weights, stream)
        padding = stream.meaning.padding
        columns = sized(columns, chosen.lists, padding) if chosen.lists is not None and padding else columns
    columns = columns._replace(lengths=lengths, others=others, classes=classes)
    if reads.gains:
        columns = columns._replace(gains=_numbers_at(extracts, reads.gains))
    return _showing(columns, extracts, reads.shown) if reads.shown else columns


def _other_columns(extracts: Extracts, stream: Stream) -> Columns | None:
    """What is not read as labels and predictions that are numbers; None of those."""
    reads = stream.reads
    if reads.boxes is not None or reads.masks is not None:
        return _of_images(extracts, stream)
    if reads.pairing is not None:
        return reads.pairing.columns(extracts, stream, weights_of(extracts, stream))
    if reads.attributions:
        return _attributions_of(extracts, stream)
    return _rows_themselves(extracts, stream) if reads.origins else None


def _attributions_of(extracts: Extracts, stream: Stream) -> Columns:
    """What each feature contributed, of a model and output."""
    weights = weights_of(extracts, stream)
    features = outputs_of(extracts, ATTRIBUTIONS_KEY, stream)
    if not isinstance(features, Mapping) or any(isinstance(column, Mapping) for column in features.values()):
        there = sorted(features) if isinstance(features, Mapping) else sorted(extracts)
        raise MissingColumnError(
            f"no {ATTRIBUTIONS_KEY} for model {stream.model_name!r}, output {stream.output_name!r}; there are {there}; "
            f"add a custom extractor whose batches have {ATTRIBUTIONS_KEY}: feature -> one number or one list a row, "
            "under the names of model and output where there are several"
        )
    by_feature = {name: to_floats(column, f"{ATTRIBUTIONS_KEY}.{name}") for name, column in features.items()}
    is_bad = np.zeros(len(weights), bool)
    for values in by_feature.values():
        is_bad |= ~np.isfinite(values.reshape(len(values), -1)).all(axis=1)
    nothing = _zeros(weights)
    return Columns(nothing, nothing, weights, by_feature=by_feature, bad_rows={BAD_ATTRIBUTION: is_bad})


def _rows_themselves(extracts: Extracts, stream: Stream) -> Columns:
    """Rows of which neither label nor prediction is read, but where they come from."""
    weights = weights_of(extracts, stream)
    nothing = _zeros(weights)
    columns = Columns(nothing, nothing, weights, hashes=row_hashes(extracts, len(weights), 0))
    return _showing(columns, extracts, stream.reads.shown)


def _showing(columns: Columns, extracts: Extracts, path: tuple[str, ...]) -> Columns:
    """The same with a column of which values are shown."""
    return columns._replace(shown=_column_at(extracts, path), texts=extracts.get(TEXTS_KEY, {}).get(path[1]))


def _check_output(extracts: Extracts, stream: Stream) -> None:
    """Refuses an output that the predictions do not have; they are never taken for an output that has another name.

    Labels and weights may be the same for all outputs, so they do not tell.
    """
    outputs: Any = extracts.get(PREDICTIONS_KEY)
    if isinstance(outputs, Mapping) and stream.model_name in outputs:
        outputs = outputs[stream.model_name]
    if outputs is None or (isinstance(outputs, Mapping) and stream.output_name in outputs):
        return

    there = f"there are {sorted(outputs)}" if isinstance(outputs, Mapping) else "there is one, without a name"
    raise MissingColumnError(
        f"no predictions for model {stream.model_name!r}, output {stream.output_name!r}; {there}; "
        "set prediction_keys of the model spec, which name its outputs, or correct output_names of the metrics spec"
    )


def _length_of(values: Floats) -> int:
    """Numbers a row, 0 where all rows are missing or empty: these fit lists of any length."""
    is_known = values.ndim == 2 and values.shape[1] > 1
    if is_known or (len(values) and not np.isnan(values.flat[0])):
        return values.shape[1] if values.ndim == 2 else 1
    return 0 if np.isnan(values).all() else 1


def _without_values(labels: Floats, predictions: Floats, weights: Floats) -> Columns:
    """A batch in which no row has a label, or none a prediction: one number a row, which is missing."""
    labels, predictions = (values if values.ndim == 1 else values[:, 0] for values in (labels, predictions))
    return Columns(labels, predictions, weights)


class _Chosen(NamedTuple):
    """What serves as predictions and, where they are read, as labels.

    Attributes:
        predictions: lists of one length, if they were filled up.
        labels: likewise.
        lists: how long their lists were before, if the model spec says what fills them up.
    """

    predictions: Column
    labels: Column | None
    lists: Lists | None = None


def _chosen(extracts: Extracts, stream: Stream) -> _Chosen:
    predictions = select(extracts, PREDICTIONS_KEY, stream)
    labels = select(extracts, LABELS_KEY, stream) if stream.reads.labels else None
    if stream.meaning.padding is None:
        return _Chosen(predictions, labels)

    lists = lists_of(predictions, labels, stream)
    if lists.width < 2:
        return _Chosen(predictions, labels)
    if labels is not None and lists.labels is not None:
        labels = filled_up(labels, lists.width)
    return _Chosen(filled_up(predictions, lists.width), labels, lists)


def _values(chosen: _Chosen, extracts: Extracts, stream: Stream) -> tuple[Ordered, Labels]:
    """Predictions and labels as numbers; zeros in the place of labels that nobody reads."""
    predictions, classes = _predictions(chosen, extracts, stream)
    labels = Labels(_zeros(predictions))
    if stream.reads.labels:
        labels = _labels(chosen, stream, predictions, classes)
    if chosen.lists is None:
        return Ordered(predictions, classes), labels
    filled, predictions = padded(labels.values, predictions, chosen.lists, stream)
    return Ordered(predictions, classes), labels._replace(values=filled)


def _predictions(chosen: _Chosen, extracts: Extracts, stream: Stream) -> Ordered:
    """Predictions of n rows by class id, as probabilities where the model spec says how."""
    numbers = _floats(chosen.predictions, PREDICTIONS_KEY, stream)
    _check_shape(numbers, PREDICTIONS_KEY, stream)
    scores = probabilities(numbers, stream.meaning)
    beside = outputs_of(extracts, PREDICTIONS_KEY, stream)
    if not isinstance(beside, Mapping):
        return Ordered(scores, stream.meaning.classes)
    return in_order_of_classes(scores, beside, stream.meaning, *stream.called(PREDICTIONS_KEY))


def _labels(chosen: _Chosen, stream: Stream, predictions: Floats, classes: tuple[str, ...]) -> Labels:
    """Labels of n rows as numbers: one each, or one for each class."""
    meaning = stream.meaning if stream.meaning.positive_label else replace(stream.meaning, classes=classes)
    column, called = chosen.labels, stream.called(LABELS_KEY)
    assert column is not None
    with _texts_shown(column, LABELS_KEY):
        if meaning.sparse_labels:
            width = predictions.shape[1] if predictions.ndim > 1 else len(meaning.classes) or 1
            return Labels(sparse_labels_of(column, meaning, width, *called))
        labels = class_labels_of(column, meaning, *called)
    _check_shape(labels.values, LABELS_KEY, stream)
    return labels


def _check_shape(values: Floats, key: str, stream: Stream) -> None:
    if values.ndim > 2 or 0 in values.shape[1:]:
        raise _wrong_shape(values, key, stream, "one number a row, or one list of numbers")


def _floats(column: Column, key: str, stream: Stream) -> Floats:
    with _texts_shown(column, key):
        return to_floats(column, *stream.called(key))


@contextmanager
def _texts_shown(column: Column, key: str) -> Iterator[None]:
    """Adds to the error about texts in the place of numbers which they are, and what to do."""
    try:
        yield
    except ColumnTypeError as error:
        texts = _texts(column) if isinstance(column, pa.Array) and str(error).endswith("expected numbers") else []
        if not texts:
            raise
        raise ColumnTypeError(f"{error}, found {_text_is_no_number(texts, key)}") from None


def _texts(column: pa.Array) -> list[str | bytes]:
    """The different texts of a column, in lists or not; none if it holds something else."""
    column = plain(column)
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    if is_list(column.type):
        return _texts(column.flatten())
    return column.unique().drop_null().to_pylist() if is_text(column.type) else []


def _text_is_no_number(texts: Sequence[str | bytes], key: str) -> str:
    """The texts, and what to do: which of them is the positive class, nobody has said."""
    listed = ", ".join(repr(text)[:40] for text in texts[:5]) + ", ..." * (len(texts) > 5)
    if key == LABELS_KEY:
        return f"{listed}; {text_without_meaning(texts)}"
    wanted = ", or an output of the model, that holds scores" if key == PREDICTIONS_KEY else " of numbers"
    return f"{listed}; name a column{wanted}"


def _wrong_shape(values: Floats, key: str, stream: Stream, expected: str) -> ColumnTypeError:
    name, role = stream.called(key)
    return ColumnTypeError(f"column {name!r}{role} has shape {values.shape}; expected {expected}")


def _fitted(labels: Floats, predictions: Floats, weights: Floats, stream: Stream) -> Columns:
    """Labels as wide as predictions; labels of one number a row are class ids where there are several predictions."""
    if predictions.ndim == 1 and labels.ndim == 1:
        return Columns(labels, predictions, weights)
    predictions = predictions.reshape(len(predictions), -1)
    width = predictions.shape[1]
    labels = labels.reshape(len(labels), -1)
    ids = labels[:, 0] if labels.shape[1] == 1 < width else None
    return Columns(_fit(labels, width, stream), predictions, weights, ids=ids)


def _feature_of(extracts: Extracts, stream: Stream) -> Columns:
    """A column of numbers in the place of predictions; rows without a value are left out."""
    values = _numbers_at(extracts, stream.reads.feature)
    weights = _numbers_at(extracts, stream.reads.weights) if stream.reads.weights else np.ones(len(values))
    rows = np.flatnonzero(~np.isnan(values))
    return Columns(np.zeros(len(rows)), values[rows], weights[rows], rows)


def _of_images(extracts: Extracts, stream: Stream) -> Columns:
    """Boxes or masks in the place of labels and predictions; a row may have any number of boxes, or pixels."""
    weights, nothing = weights_of(extracts, stream), np.zeros(row_count(extracts))
    lengths = {PREDICTIONS_KEY: 0, LABELS_KEY: 0}
    columns = Columns(nothing, nothing, weights, lengths=lengths)
    if stream.reads.masks is not None:
        return columns._replace(pixels=pixels_of(extracts, stream))
    return columns._replace(boxes=boxes_of(extracts, stream))


def _numbers_at(extracts: Extracts, path: tuple[str, ...]) -> Floats:
    values = to_floats(_column_at(extracts, path), ".".join(path))
    if values.ndim != 1:
        raise ColumnTypeError(f"column {'.'.join(path)!r} has shape {values.shape}; expected one number a row")
    return values


def _column_at(extracts: Extracts, path: tuple[str, ...]) -> Column:
    node: Any = extracts
    for i, key in enumerate(path):
        if not isinstance(node, Mapping) or key not in node:
            known = sorted(node) if isinstance(node, Mapping) else f"a column under {path[i - 1]!r}"
            raise MissingColumnError(f"no {'.'.join(path[: i + 1])!r} in the data; there are {known}")
        node = node[key]
    if isinstance(node, Mapping):
        raise MissingColumnError(f"{'.'.join(path)!r} is no column; it holds {sorted(node)}")
    column: Column = node
    return column


def _zeros(like: Floats) -> Floats:
    return np.broadcast_to(0.0, like.shape)


def weights_of(extracts: Extracts, stream: Stream) -> Floats:
    """Example weights, float64 (n,); ones where the stream is unweighted.

    Raises:
        MissingColumnError: the stream is weighted and there are no weights.
        ColumnTypeError: more than one weight a row.
    """
    if not stream.weighted:
        return np.ones(row_count(extracts))
    weights = _floats(select(extracts, EXAMPLE_WEIGHTS_KEY, stream), EXAMPLE_WEIGHTS_KEY, stream)
    if weights.ndim != 1:
        raise _wrong_shape(weights, EXAMPLE_WEIGHTS_KEY, stream, "one weight a row")
    return weights


def _fit(labels: Floats, width: int, stream: Stream) -> Floats:
    """Labels (n, k) as wide as the predictions: as they are, or class ids turned into one-hot rows.

    -1 becomes all zeros; what is no class id becomes infinite, which makes it a bad row.
    """
    if labels.shape[1] == width:
        return labels
    if labels.shape[1] != 1:
        (label, of_label), (prediction, of_prediction) = stream.called(LABELS_KEY), stream.called(PREDICTIONS_KEY)
        raise ColumnTypeError(
            f"column {label!r}{of_label} has {labels.shape[1]} values a row and {prediction!r}{of_prediction} has "
            f"{width}; expected the same number, or one class id as label; if these are ids of the classes of a row, "
            "set sparse_labels: true of the model spec"
        )

    one_hot = (labels == np.arange(width)).astype(np.float64)
    no_class = (labels >= width) | (labels < -1) | (labels != np.floor(labels))
    return np.where(np.isnan(labels), np.nan, np.where(no_class, np.inf, one_hot))
