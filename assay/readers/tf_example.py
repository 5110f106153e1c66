"""Serialised tf.Examples -> Arrow columns. TensorFlow loads when the first batch is parsed."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from assay.errors import CorruptFileError
from assay.models.tensorflow import import_tensorflow
from assay.readers import bad_rows

Tensor: TypeAlias = Any

_TYPES = {"float_list": pa.float32(), "int64_list": pa.int64(), "bytes_list": pa.string()}
_TENSORFLOW_NOISE = re.compile(r"\{\{.*?\}\} ?|Name: <unknown>, |Key: |\[Op:.*", re.DOTALL)


def parse_examples(records: Any, columns: Mapping[str, pa.DataType] | None = None) -> dict[str, pa.Array]:
    """Parses a batch of records.

    Args:
        records: n serialised tf.Examples: a binary Arrow array, or a sequence of bytes.
        columns: feature -> float32, int64, string, or null if not known; None for every feature that occurs. Finding
            these takes several microseconds a record.

    Returns:
        feature -> array of n rows. A feature with at most one value in each row of the batch is flat, others are
        lists; a row without a value is null. Bytes are text if all are UTF-8, else binary.

    Raises:
        CorruptFileError: a record is not a tf.Example, or a feature changes its type.
    """
    values = records.to_pylist() if isinstance(records, pa.Array) else list(records)

    def refuse(row: int, why: str) -> None:
        raise CorruptFileError(f"record {row} of a batch of {len(values)}: {why}")

    parser = Parser(feature_types(values) if columns is None else columns)
    return parser.parse(values, refuse)[0]


def feature_types(records: Iterable[bytes]) -> dict[str, pa.DataType]:
    """Returns the features of the records and their types; null for a feature that has no value in any record."""
    tf = import_tensorflow()
    from google.protobuf.message import DecodeError

    types: dict[str, pa.DataType] = {}
    for record in records:
        try:
            features = tf.train.Example.FromString(record).features.feature
        except DecodeError:
            continue
        for name in features:
            if types.get(name, pa.null()) == pa.null():
                types[name] = _TYPES.get(features[name].WhichOneof("kind"), pa.null())
    return types


class Parser:
    """Parses batches of records, and learns the types of features when they first have values."""

    def __init__(self, columns: Mapping[str, pa.DataType]) -> None:
        """Takes feature -> float32, int64, string, or null if not known."""
        self._types = dict(columns)

    def parse(
        self, records: Sequence[bytes], refuse: Callable[[int, str], None]
    ) -> tuple[dict[str, pa.Array], npt.NDArray[np.int64]]:
        """Parses a batch of records.

        Args:
            records: n serialised tf.Examples.
            refuse: called with (position, what is wrong) of each record that cannot be parsed; if it returns, the
                record is left out.

        Returns:
            feature -> array of m rows, and the positions (m,) of these rows in `records`.
        """
        tf = import_tensorflow()

        everything = np.arange(len(records))
        try:
            return self._columns(records), everything
        except (tf.errors.InvalidArgumentError, UnicodeDecodeError):
            self._learn(records)

        bad = []
        for row, why in bad_rows.find(0, len(everything), lambda start, stop: self._problem(records[start:stop])):
            refuse(row, why)
            bad.append(row)

        kept = np.delete(everything, bad)
        return self._columns([records[row] for row in kept.tolist()]), kept

    def _learn(self, records: Sequence[bytes]) -> None:
        """Looks up types that are not known yet. Called only when parsing fails, as it goes through all records."""
        unknown = {name for name, kind in self._types.items() if kind == pa.null()}
        if unknown:
            types = feature_types(records)
            self._types |= {name: types[name] for name in unknown & types.keys()}

    def _problem(self, records: Sequence[bytes]) -> str | None:
        tf = import_tensorflow()

        try:
            self._ragged(records)
        except UnicodeDecodeError:  # TensorFlow's message holds the record as if it were text
            return "not a serialised tf.Example"
        except tf.errors.InvalidArgumentError as error:
            if "Could not parse" in str(error):
                return "not a serialised tf.Example"
            return "feature " + _TENSORFLOW_NOISE.sub("", str(error)).strip().replace(", Index: 0. ", ":")
        return None

    def _columns(self, records: Sequence[bytes]) -> dict[str, pa.Array]:
        return {
            name: _to_arrow(ragged.values.numpy(), ragged.row_splits.numpy(), self._types[name])
            for name, ragged in self._ragged(records).items()
        }

    def _ragged(self, records: Sequence[bytes]) -> dict[str, Tensor]:
        """Every feature as a ragged tensor: as fast as fixed lengths, and a missing value is seen."""
        tf = import_tensorflow()

        dtypes = {pa.float32(): tf.float32, pa.int64(): tf.int64}
        spec = {name: tf.io.RaggedFeature(dtypes.get(kind, tf.string)) for name, kind in self._types.items()}
        parsed: dict[str, Tensor] = tf.io.parse_example(tf.constant(records, tf.string), spec) if spec else {}
        return parsed


def _to_arrow(values: npt.NDArray[Any], splits: npt.NDArray[Any], kind: pa.DataType) -> pa.Array:
    """Rows [splits[i], splits[i + 1]) of `values` as one column: flat if no row has two values, else lists."""
    lengths = np.diff(splits)
    if kind == pa.null() and not len(values):
        return pa.nulls(len(lengths))
    flat = _texts(values) if values.dtype == object else pa.array(values)
    if (lengths == 1).all():
        return flat
    missing = pa.array(lengths == 0)
    if (lengths <= 1).all():
        return flat.take(pa.array(splits[:-1], mask=lengths == 0))
    return pa.ListArray.from_arrays(pa.array(splits, pa.int32()), flat, mask=missing)


def _texts(values: npt.NDArray[Any]) -> pa.Array:
    """Text if all values are UTF-8, else bytes."""
    raw = pa.array(values, pa.binary())
    try:
        return raw.cast(pa.string())
    except pa.ArrowInvalid:
        return raw
