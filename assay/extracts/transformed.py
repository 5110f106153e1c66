"""Transformed features in the Extracts: of the only model, or by model name."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import pyarrow as pa

from assay.errors import PipelineError
from assay.extracts.columns import Column
from assay.types import TRANSFORMED_FEATURES_KEY, Extracts


def transformed_by_model(extracts: Extracts, models: Sequence[str]) -> dict[str, Mapping[str, Column]]:
    """The transformed features of each model that has any.

    Args:
        extracts: with `transformed_features`, or without.
        models: the names of all model specs.
    """
    features: Mapping[str, Any] = extracts.get(TRANSFORMED_FEATURES_KEY, {})
    by_model = {name: of_model for name, of_model in features.items() if isinstance(of_model, Mapping)}
    return by_model or {model: features for model in models if features}


def transformed_of_rows(extracts: Extracts, names: Collection[str]) -> dict[str, Column]:
    """The transformed features that rows have, whatever the model.

    Args:
        extracts: with `transformed_features`, or without.
        names: the features to be had.

    Raises:
        PipelineError: two models make different features of one name.
    """
    features: dict[str, Column] = {}
    owners: dict[str, str] = {}
    for model, of_model in transformed_by_model(extracts, ("",)).items():
        for name in (name for name in of_model if name in names):
            if name in features and not pa.array(features[name]).equals(pa.array(of_model[name])):
                raise PipelineError(
                    f"transformed feature {name!r}: the models {owners[name]!r} and {model!r} make different values of "
                    "the same rows, so that rows cannot be sliced by it; slice by a feature of the data"
                )
            owners.setdefault(name, model)
            features.setdefault(name, of_model[name])
    return features
