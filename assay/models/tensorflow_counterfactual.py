"""Counterfactual predictions of a model that takes serialised tf.Examples: the examples with other values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from assay.errors import ModelError
from assay.models.inputs import Array
from assay.models.replacements import VALUE, Replacement
from assay.models.tensorflow import import_tensorflow


def with_replacements(records: Array, replacements: Mapping[str, Replacement], model: str) -> Array:
    """Returns serialised tf.Examples in which features have other values; those of each row are replaced at once.

    A row without the feature that is fed in another's place has neither then: it stays missing.

    Args:
        records: object (n,) of bytes.
        replacements: feature -> what is fed in its place.
        model: the model's name, for errors.

    Raises:
        ModelError: a record is no tf.Example, or no row of the batch has a feature that is named.
    """
    tf = import_tensorflow()
    examples = [_example(tf, record, model) for record in records]
    for feature, replacement in replacements.items():
        source = replacement if isinstance(replacement, str) else feature
        if examples and not any(source in example.features.feature for example in examples):
            raise ModelError(
                f"model {model!r}: counterfactual.{feature}: no tf.Example of a batch of {len(examples)} has a feature "
                f"{source!r}; there are {', '.join(sorted({f for e in examples for f in e.features.feature}))}"
            )

    others = np.empty(len(records), object)
    for i, example in enumerate(examples):
        others[i] = _replaced(tf, example, replacements, model).SerializeToString()
    return others


def _example(tf: Any, record: bytes, model: str) -> Any:
    try:
        return tf.train.Example.FromString(record)
    except Exception as error:  # protobuf's DecodeError, whichever of its implementations is there
        raise ModelError(
            f"model {model!r}: counterfactual: a record is no tf.Example ({error}); features of other records "
            "cannot be replaced"
        ) from error


def _replaced(tf: Any, example: Any, replacements: Mapping[str, Replacement], model: str) -> Any:
    features = example.features.feature
    sources = {
        feature: tf.train.Feature.FromString(features[source].SerializeToString())
        if (source := replacement if isinstance(replacement, str) else feature) in features
        else None
        for feature, replacement in replacements.items()
    }
    for feature, replacement in replacements.items():
        other = sources[feature]
        if not isinstance(replacement, str):
            other = _constant(tf, other, replacement[VALUE], f"model {model!r}: counterfactual.{feature}.{VALUE}")
        if feature in features:
            del features[feature]
        if other is not None:
            features[feature].CopyFrom(other)
    return example


def _constant(tf: Any, feature: Any, value: Any, where: str) -> Any:
    """One value of the kind that a feature has; a row that lacks the feature gets one of the value's own kind."""
    kind = (feature.WhichOneof("kind") if feature is not None else None) or _kind_of(value)
    values = {
        "bytes_list": lambda: tf.train.Feature(bytes_list=tf.train.BytesList(value=[value.encode()])),
        "int64_list": lambda: tf.train.Feature(int64_list=tf.train.Int64List(value=[value])),
        "float_list": lambda: tf.train.Feature(float_list=tf.train.FloatList(value=[value])),
    }
    try:
        return values[kind]()
    except (TypeError, ValueError, AttributeError) as error:
        raise ModelError(
            f"{where}: found {value!r}, but the tf.Examples have a {kind}; expected a value of that type"
        ) from error


def _kind_of(value: Any) -> str:
    if isinstance(value, str):
        return "bytes_list"
    return "int64_list" if isinstance(value, int) else "float_list"
