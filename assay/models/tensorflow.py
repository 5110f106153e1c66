"""What SavedModels and Keras models share: importing TensorFlow quietly, specs in, tensors out."""

from __future__ import annotations

import importlib
import os
import re
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np

from assay.errors import ModelError
from assay.extras import require
from assay.models.inputs import TEXT, Array, InputSpec
from assay.models.model import ModelRef

_NOTES = re.compile(rb"(?:[IWE]0000 00:00:|WARNING: All log messages before absl::InitializeLog\(\))[^\n]*\n?")
"""They may stand behind a line of progress, which has no end yet."""


def import_tensorflow() -> Any:
    """Imports TensorFlow, without its log of notes, and so that it takes no more of a GPU than it uses.

    Raises:
        MissingPackageError: it is not installed.
    """
    if "tensorflow" not in sys.modules:
        require("tensorflow")
        with _importing, _quiet(os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")):
            os.environ.setdefault("TF_FORCE_GPU_ALLOW_GROWTH", "true")
            importlib.import_module("tensorflow")
    return importlib.import_module("tensorflow")  # waits for another thread that is at it


_importing = threading.Lock()


@contextmanager
def _quiet(level: str) -> Iterator[None]:
    """Keeps the notes out of stderr that TensorFlow writes before it has read its log level; all else comes through."""
    if level == "0" or sys.stderr is None:
        yield
        return
    sys.stderr.flush()
    kept = os.dup(2)
    with tempfile.TemporaryFile() as written:
        os.dup2(written.fileno(), 2)
        try:
            yield
        finally:
            sys.stderr.flush()
            os.dup2(kept, 2)
            os.close(kept)
            written.seek(0)
            os.write(2, _NOTES.sub(b"", written.read()))


def input_spec(name: str, dtype: str, shape: Any, ref: ModelRef) -> InputSpec:
    """Returns the spec of a dense input.

    Raises:
        ModelError: no column can feed an input of that type.
    """
    if dtype not in (TEXT, "bfloat16") and np.dtype(dtype).kind not in "fiub":
        raise ModelError(f"model {ref.name!r}: input {name!r} takes {dtype}; expected numbers, booleans or text")
    return InputSpec(name, dtype, None if shape is None else tuple(shape))


def tensor(array: Array, spec: InputSpec) -> Any:
    """Returns an array as the tensor that `spec` wants."""
    tf = import_tensorflow()
    fed = tf.convert_to_tensor(array, tf.string if spec.dtype == TEXT else None)
    return tf.cast(fed, tf.bfloat16) if spec.dtype == "bfloat16" else fed


def numpy_outputs(tensors: Mapping[str, Any], ref: ModelRef) -> dict[str, Array]:
    """Returns a model's outputs as numpy arrays.

    Raises:
        ModelError: an output is ragged or sparse.
    """
    tf = import_tensorflow()
    for name, value in tensors.items():
        if not isinstance(value, tf.Tensor):
            raise ModelError(
                f"model {ref.name!r}: output {name!r} is a {type(value).__name__}; expected a dense tensor"
            )
    return {name: value.numpy() for name, value in tensors.items()}


def empty_output(dtype: str, shape: Any) -> Array:
    """Returns no rows of an output of that type and shape (with the rows first, or None)."""
    inner = () if shape is None or getattr(shape, "rank", 0) is None else tuple(shape)[1:]
    kept = inner if None not in inner else ()
    return np.zeros((0, *kept), object if dtype == TEXT else "float32" if dtype == "bfloat16" else dtype)
