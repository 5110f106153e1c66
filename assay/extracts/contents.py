"""What may stand in Extracts and in the outputs of evaluators: only what can be written down without pickle."""

from __future__ import annotations

import math
import zlib
from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa
from google.protobuf.message import Message

from assay.errors import PipelineError
from assay.types import ROW_TYPES_KEY, Extracts

_NUMPY_KINDS = "biufSUmM"


def check_extracts(extracts: Extracts, stage: str) -> Extracts:
    """Returns the batch that `stage` gave, if every leaf is a numpy or Arrow column and all have the same rows.

    Raises:
        PipelineError: another leaf, or columns of different lengths; names stage and key.
    """
    if not isinstance(extracts, dict):
        raise PipelineError(f"stage {stage!r} gave a {type(extracts).__name__}; expected Extracts, a dict of columns")
    if ROW_TYPES_KEY in extracts:  # single examples, behind UnbatchExtractor
        return extracts
    lengths = {path: _length(leaf, stage, path) for path, leaf in _leaves(extracts, "")}
    first = next(iter(lengths), "")
    for path, length in lengths.items():
        if length != lengths[first]:
            raise PipelineError(
                f"stage {stage!r}: {path} has {length} rows and {first} has {lengths[first]}; expected the same"
            )
    return extracts


def checksum(extracts: Extracts) -> int:
    """A number that follows from what the columns of a batch hold."""
    total = 0
    for path, column in _leaves(extracts, ""):
        total = zlib.crc32(_content(column), zlib.crc32(path.encode(), total))
    return total


def _content(column: Any) -> bytes:
    if isinstance(column, np.ndarray):
        return column.tobytes()
    if isinstance(column, pa.DictionaryArray):
        column = column.dictionary_decode()
    whole = pa.concat_arrays([column])  # without what a slice leaves out
    content: bytes = pa.RecordBatch.from_arrays([whole], [""]).serialize().to_pybytes()
    return content


def _leaves(value: Mapping[Any, Any], path: str) -> list[tuple[str, Any]]:
    leaves: list[tuple[str, Any]] = []
    for key, inner in value.items():
        if not isinstance(key, str):
            raise PipelineError(f"{path or 'Extracts'}: the key {key!r} is a {type(key).__name__}; expected text")
        inner_path = f"{path}.{key}" if path else key
        leaves += _leaves(inner, inner_path) if isinstance(inner, Mapping) else [(inner_path, inner)]
    return leaves


def _length(leaf: Any, stage: str, path: str) -> int:
    if isinstance(leaf, np.ma.MaskedArray):
        raise PipelineError(
            f"stage {stage!r}: {path} is a masked array; expected an Arrow array where values are missing"
        )
    if isinstance(leaf, pa.Array) or (isinstance(leaf, np.ndarray) and leaf.ndim and leaf.dtype.kind in _NUMPY_KINDS):
        return len(leaf)
    what = f"an array of {leaf.dtype}, shape {leaf.shape}" if isinstance(leaf, np.ndarray) else type(leaf).__name__
    raise PipelineError(
        f"stage {stage!r}: {path} is {what}; expected a numpy array of numbers, text or bytes with a row axis, "
        f"or an Arrow array; wrap a transform of single examples in assay.per_row"
    )


def check_output(value: Any, stage: str, key: str) -> Any:
    """Returns an element of output `key`, if it is bytes, text, a JSON value, a proto message or Extracts.

    Raises:
        PipelineError: anything else; names stage, key and type.
    """
    if isinstance(value, bytes | Message) or _is_json(value):
        return value
    if isinstance(value, dict):
        return check_extracts(value, f"{stage}, output {key}")
    raise PipelineError(
        f"stage {stage!r}: output {key!r} has an element of type {_type_of(value)}; "
        f"expected bytes, text, a JSON value (lists, no tuples), a proto message or Extracts"
    )


def _is_json(value: Any) -> bool:
    if value is None or type(value) in (str, bool, int):
        return True
    if isinstance(value, float):
        return math.isfinite(value) or math.isnan(value)
    if isinstance(value, list):
        return all(map(_is_json, value))
    return isinstance(value, dict) and all(isinstance(k, str) and _is_json(v) for k, v in value.items())


def _type_of(value: Any) -> str:
    inner = next((item for item in value if not _is_json(item)), None) if isinstance(value, list) else None
    return type(value).__name__ if inner is None else f"list with {type(inner).__name__}"
