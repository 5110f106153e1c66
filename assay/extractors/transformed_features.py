"""Adds `transformed_features` to the extracts, by functions that SavedModels carry."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

import apache_beam as beam

from assay.engine.counting import Counting
from assay.errors import ModelError
from assay.extractors.predictions import run_on_fit_rows
from assay.extracts.columns import Column
from assay.models import model as models_
from assay.models.model import LoadedModel, ModelRef
from assay.models.preprocessing import preprocessing_of
from assay.proto.config_pb2 import EvalConfig
from assay.types import (
    TRANSFORMED_FEATURES_EXTRACTOR_STAGE_NAME,
    TRANSFORMED_FEATURES_KEY,
    Extractor,
    Extracts,
)


def TransformedFeaturesExtractor(
    eval_config: EvalConfig,
    models: Sequence[ModelRef],
    *,
    features: Collection[str] | None = None,
    skip_bad_rows: bool = False,
) -> Extractor:
    """Extractor that adds `transformed_features`: what the `preprocessing_function_names` of model specs make of rows.

    Args:
        eval_config: a resolved config.
        models: the models to run; each worker process loads each of them once.
        features: the transformed features to keep; None for all.
        skip_bad_rows: drop and count rows whose values a function cannot take, instead of failing.

    Returns:
        Extractor whose batches have a dict of columns, (n,) or (n, k), by feature; if several models have functions, a
        dict of such by model name.

    Raises:
        ModelError: a model with such functions is no SavedModel.
    """
    functions = preprocessing_of(eval_config, models)
    kept = None if features is None else frozenset(features)
    by_model = len(eval_config.model_specs) > 1
    return Extractor(
        TRANSFORMED_FEATURES_EXTRACTOR_STAGE_NAME,
        Counting(beam.ParDo(_Transform(functions, by_model, kept, skip_bad_rows)).with_output_types(dict[str, Any])),
    )


class _Transform(beam.DoFn):
    def __init__(
        self,
        functions: Mapping[str, tuple[ModelRef, ...]],
        by_model: bool,
        kept: frozenset[str] | None,
        skip_bad_rows: bool,
    ) -> None:
        self._functions = functions
        self._by_model = by_model
        self._kept = kept
        self._skip_bad_rows = skip_bad_rows
        self._loaded: dict[str, tuple[LoadedModel, ...]] = {}

    def setup(self) -> None:
        self._loaded = {name: tuple(map(models_.load, refs)) for name, refs in self._functions.items()}

    def process(self, extracts: Extracts) -> Iterator[Any]:
        functions = [function for of_model in self._loaded.values() for function in of_model]
        yield from run_on_fit_rows(self._with_transformed, extracts, functions, self._skip_bad_rows)

    def _with_transformed(self, extracts: Extracts) -> Extracts:
        transformed = {name: _transformed(extracts, models, self._kept) for name, models in self._loaded.items()}
        if self._by_model:
            return {**extracts, TRANSFORMED_FEATURES_KEY: transformed}
        return {**extracts, TRANSFORMED_FEATURES_KEY: next(iter(transformed.values()), {})}


def _transformed(
    extracts: Extracts, functions: Sequence[LoadedModel], kept: frozenset[str] | None
) -> dict[str, Column]:
    """What the functions of one model make of a batch, by feature.

    Raises:
        ModelError: two functions give a feature of one name.
    """
    features: dict[str, Column] = {}
    for function in functions:
        for name, column in _outputs(function, extracts).items():
            if name in features:
                raise ModelError(
                    f"model {function.ref.name!r}: preprocessing_function_names: two functions give a feature "
                    f"{name!r}; name one of them"
                )
            features[name] = column
    return features if kept is None else {name: column for name, column in features.items() if name in kept}


def _outputs(function: LoadedModel, extracts: Extracts) -> dict[str, Column]:
    """What a function makes of a batch, by output; a lone output comes without its name."""
    output = function(extracts)
    return output if isinstance(output, dict) else {next(iter(function.runner.empty)): output}
