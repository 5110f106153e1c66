"""Masks as the data has them: encoded images or lists of class ids; and which rows have none that can be taken."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from assay.errors import ColumnTypeError, MissingColumnError
from assay.extracts.columns import Column, holds_text, is_list, plain, row_count
from assay.metrics.entries.lookup import named, not_named
from assay.metrics.entries.masks import Pixels
from assay.metrics.entries.row_faults import RowFault
from assay.metrics.entries.streams import Stream
from assay.metrics.values import Ints
from assay.types import LABELS_KEY, PREDICTIONS_KEY, Extracts

Image = npt.NDArray[Any]

BAD_MASK = "mask that is no image of class ids"
OTHER_SIZE = "masks of different sizes"
_FEW = 256
"""Class ids below are counted in a table of all pairs."""
_LARGEST = 1 << 31


class _NoMask(Exception):
    """What is wrong with the mask of a row."""


def pixels_of(extracts: Extracts, stream: Stream) -> Pixels:
    """Counts the pixels of a batch by true and predicted class, one image after another.

    Raises:
        MissingColumnError: there is no such column.
        ColumnTypeError: a column holds something else than masks.
    """
    keys = stream.reads.masks
    assert keys is not None
    truth = _column(extracts, stream, LABELS_KEY, keys.truth, "ground_truth_key")
    predicted = _column(extracts, stream, PREDICTIONS_KEY, keys.predicted, "prediction_key")
    _check_form(truth, keys.truth, "decode_ground_truth", keys.decodes_truth)
    _check_form(predicted, keys.predicted, "decode_prediction", keys.decodes_predicted)

    rows, pairs, found = row_count(extracts), [], dict[str, dict[int, str]]()
    for row, (own, other) in enumerate(zip(_cells(truth), _cells(predicted), strict=True)):
        try:
            images = _image(own, keys.truth), _image(other, keys.predicted)
        except _NoMask as error:
            found.setdefault(BAD_MASK, {})[row] = str(error)
            continue
        if images[0].shape == images[1].shape:
            pairs.append((row, *_counted(*images)))
        else:
            sizes = (f"{name!r} has {_size(image)}" for name, image in zip(keys.names, images, strict=True))
            found.setdefault(OTHER_SIZE, {})[row] = " and ".join(sizes)
    faults = {reason: _fault(by_row, rows) for reason, by_row in found.items()}
    return Pixels(*_columns(pairs), faults)


def _column(extracts: Extracts, stream: Stream, key: str, name: str, setting: str) -> Column:
    """An output of that name, or else a column of the data."""
    by_name = named(extracts, key, stream)
    column = by_name.get(name)
    if column is None or isinstance(column, Mapping):
        raise MissingColumnError(not_named(name, setting, by_name, stream))
    return plain(column) if isinstance(column, pa.Array) else column


def _check_form(column: Column, name: str, setting: str, is_encoded: bool) -> None:
    """Refuses encoded images where ids are said to be, and the other way round."""
    is_bytes = holds_text(column.type) if isinstance(column, pa.Array) else column.dtype.kind in "SUO"
    if isinstance(column, pa.Array) and pa.types.is_null(column.type):
        return
    if is_encoded and not is_bytes:
        raise ColumnTypeError(
            f"column {name!r} holds no encoded images; give bytes of PNG files, or set {setting}: false of the metric "
            "for lists of class ids"
        )
    is_ids = is_list(column.type) if isinstance(column, pa.Array) else column.ndim > 1
    if not is_encoded and (is_bytes or not is_ids):
        raise ColumnTypeError(
            f"column {name!r} holds no lists of class ids; give one list for each line of the image, or set {setting}: "
            "true of the metric for encoded images, such as PNG"
        )


def _cells(column: Column) -> Iterator[Any]:
    """What each row has: bytes, an image, or lists as Arrow has them; None where it is missing."""
    for cell in column:
        yield cell.values if isinstance(cell, pa.ListScalar) else cell.as_py() if isinstance(cell, pa.Scalar) else cell


def _image(cell: Any, name: str) -> Image:
    """The class ids (h, w) of a mask.

    Raises:
        _NoMask: it is something else.
    """
    if cell is None:
        raise _NoMask(f"column {name!r} has no value")
    try:
        image = _decoded(cell) if isinstance(cell, bytes) else _of_lines(cell)
    except (ValueError, OSError) as error:
        raise _NoMask(f"column {name!r} has no mask: {str(error)[:80]}") from error
    if image.ndim != 2:
        raise _NoMask(f"column {name!r} has an image of shape {image.shape}; expected (height, width), an id a pixel")
    if image.dtype.kind not in "buif" or not ((image >= 0) & (image < _LARGEST)).all() or (image % 1 != 0).any():
        raise _NoMask(f"column {name!r} has pixels that are no class ids; expected whole numbers, 0 or more")
    return image


def _decoded(encoded: bytes) -> Image:
    from PIL import Image as images

    with images.open(io.BytesIO(encoded)) as image:
        return np.asarray(image)


def _of_lines(lines: Any) -> Image:
    """Lists of numbers of one length, or an array."""
    if not isinstance(lines, pa.Array):
        return np.asarray(lines)
    if not is_list(lines.type):
        return lines.to_numpy(zero_copy_only=False)
    widths = pc.list_value_length(lines).fill_null(-1).to_numpy()
    if len(set(widths.tolist())) > 1:
        raise ValueError("lines of different lengths")
    numbers = lines.flatten().to_numpy(zero_copy_only=False)
    return numbers.reshape(len(lines), -1) if len(lines) and widths[0] else np.zeros((len(lines), 0))


def _size(image: Image) -> str:
    return f"{image.shape[0]} x {image.shape[1]} pixels"


def _counted(truth: Image, predicted: Image) -> tuple[Ints, Ints, Ints]:
    """True class, predicted class and number of pixels, of each pair that occurs."""
    own, other = truth.reshape(-1).astype(np.int64), predicted.reshape(-1).astype(np.int64)
    width = int(max(own.max(initial=0), other.max(initial=0))) + 1
    if width <= _FEW:
        counts = np.bincount(own * width + other, minlength=width * width)
        pairs = np.flatnonzero(counts)
        counts = counts[pairs]
    else:
        pairs, counts = np.unique(own * width + other, return_counts=True)
    return pairs // width, pairs % width, counts


def _columns(pairs: list[tuple[int, Ints, Ints, Ints]]) -> tuple[Ints, Ints, Ints, Ints]:
    """Rows, true classes, predicted classes and numbers of pixels, one image after another."""
    rows = np.array([row for row, *_ in pairs], np.int64)
    lengths = np.array([len(counts) for *_, counts in pairs], np.int64)
    nothing = np.zeros(0, np.int64)
    truth, predicted, counts = (np.concatenate([nothing, *(pair[at] for pair in pairs)]) for at in (1, 2, 3))
    return np.repeat(rows, lengths), truth, predicted, counts


def _fault(by_row: Mapping[int, str], rows: int) -> RowFault:
    is_bad = np.zeros(rows, bool)
    is_bad[list(by_row)] = True
    return RowFault(is_bad, by_row[min(by_row)])
