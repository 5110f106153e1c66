"""A framework that assay has never heard of: a file of JSON, column -> weight; the prediction is the weighted sum."""

from __future__ import annotations

import json

from assay.errors import ModelError
from assay.extracts.columns import to_numpy
from assay.models import files
from assay.models.known import Framework
from assay.models.model import ModelNeeds, ModelRef, Runner
from assay.types import FEATURES_KEY

ROW = Framework(module="tests.linear_model", package="sklearn", image="linear:1")


def check(ref: ModelRef) -> None:
    if not files.exists(ref.uri):
        raise ModelError(f"model {ref.name!r}: nothing at {ref.uri}; expected a file of weights")


def needs(ref: ModelRef) -> ModelNeeds:
    with files.open_binary(ref.uri) as file:
        return ModelNeeds(raw=False, columns=tuple(json.load(file)))


def load(ref: ModelRef, path: str) -> Runner:
    with open(path, encoding="utf-8") as file:
        weights = json.load(file)

    def run(extracts):
        features = extracts[FEATURES_KEY]
        return sum(to_numpy(features[name], name) * weight for name, weight in weights.items())

    return Runner(run)
