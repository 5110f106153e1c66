"""Predictions by any Python function: "pkg.module:function", or a factory of one if `args` are given."""

from __future__ import annotations

import importlib
import re
from typing import Any

import numpy as np

from assay.errors import ColumnTypeError, ModelError
from assay.extracts.columns import Column, to_numpy
from assay.models.inputs import no_column
from assay.models.model import ModelNeeds, ModelRef, Runner
from assay.text.near_miss import hint
from assay.types import FEATURES_KEY, Extracts

_IMPORT_PATH = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*:[^\W\d]\w*(\.[^\W\d]\w*)*")


def check(ref: ModelRef) -> None:
    """Checks the shape of the import path; nothing is imported.

    Raises:
        ModelError: it is not "module:function", or a signature is asked for.
    """
    if not _IMPORT_PATH.fullmatch(ref.uri):
        raise ModelError(
            f"model {ref.name!r}: uri {ref.uri!r} is not an import path; expected 'package.module:function'"
        )
    if ref.signature:
        raise ModelError(f"model {ref.name!r} has no signature {ref.signature!r}: a function has none; remove it")


def needs(ref: ModelRef) -> ModelNeeds:
    """Returns the columns in `ref.features`, or all: a function does not tell what it reads."""
    return ModelNeeds(raw=False, columns=ref.features or None)


def load(ref: ModelRef, path: str) -> Runner:
    """Imports the function, or calls the factory with `ref.args`.

    The function takes a dict of numpy columns, (n,) or (n, k), and returns an array (n,) or (n, k), or a dict of such
    by output name. Text comes as objects (str, or bytes if it was binary) with None for a missing value; missing
    numbers are NaN; lists of different lengths are objects (n,) of arrays. Several threads may call it at once.

    Raises:
        ModelError: there is no such module or function, or it cannot be called.
    """
    function = _imported(path, ref)
    predict = function(**ref.args) if ref.args else function
    if not callable(predict):
        raise ModelError(
            f"model {ref.name!r}: {path} gave a {type(predict).__name__}; expected a function of a dict of columns"
        )
    return Runner(lambda extracts: predict(_columns(extracts, ref)))


def _imported(path: str, ref: ModelRef) -> Any:
    module_name, _, attributes = path.partition(":")
    try:
        value: Any = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        raise ModelError(f"model {ref.name!r}: cannot import {module_name!r}: {error}; is it on PYTHONPATH?") from error
    for attribute in attributes.split("."):
        if not hasattr(value, attribute):
            near = hint(attribute, dir(value))
            raise ModelError(f"model {ref.name!r}: {module_name!r} has no {attribute!r}{near}")
        value = getattr(value, attribute)
    return value


def _columns(extracts: Extracts, ref: ModelRef) -> dict[str, np.ndarray[Any, Any]]:
    features = extracts[FEATURES_KEY]
    for name in ref.features:
        if name not in features:
            raise ModelError(no_column(name, sorted(features), ref))
    return {name: _numpy(features[name], name) for name in ref.features or features}


def _numpy(column: Column, name: str) -> np.ndarray[Any, Any]:
    try:
        return to_numpy(column, name)
    except ColumnTypeError:  # lists of different lengths: the function may know what to do with them
        return np.asarray(column, dtype=object)
