"""Adds `predictions` to the extracts, by running models."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, TypeAlias

import apache_beam as beam
import numpy as np

from assay.engine.counting import Counting, told
from assay.errors import BadRowError, ModelError, PipelineError
from assay.extracts.columns import Column, row_count, take, to_floats
from assay.models import model as models_
from assay.models.model import LoadedModel, ModelRef, Predictions
from assay.text.near_miss import hint
from assay.types import PREDICTIONS_EXTRACTOR_STAGE_NAME, PREDICTIONS_KEY, Extractor, Extracts
from assay.verdict import Counts

Key: TypeAlias = "str | Mapping[str, str] | tuple[str, ...]"
"""An output of a model; or names that metrics use for its outputs -> the outputs; or an output for each class."""


BAD_MODEL_INPUT = "value that a model cannot take"


def PredictionsExtractor(
    models: Sequence[ModelRef], prediction_keys: Mapping[str, Key] | None = None, *, skip_bad_rows: bool = False
) -> Extractor:
    """Extractor that adds `predictions` from one model or more.

    Args:
        models: the models to run; each worker process loads each of them once.
        prediction_keys: model name -> the output that is its prediction, for models with several outputs; or a dict of
            output names of the eval config -> outputs; or a tuple of the outputs of all classes, by class id. If there
            is only one model, its name may be empty, as in the eval config.
        skip_bad_rows: drop and count rows whose values a model cannot take, instead of failing.

    Returns:
        Extractor whose batches have `predictions`: (n,) or (n, k). If a model has several outputs and no prediction
        key, a dict of them by output name; with more than one model, a dict by model name.

    Raises:
        PipelineError: no models, two of the same name, or a prediction key for a model that does not exist.
    """
    refs, keys = tuple(models), dict(prediction_keys or {})
    if len(refs) == 1 and set(keys) == {""}:
        keys = {refs[0].name: keys[""]}
    _check(refs, keys)
    return Extractor(
        PREDICTIONS_EXTRACTOR_STAGE_NAME,
        Counting(beam.ParDo(_Predict(refs, keys, skip_bad_rows)).with_output_types(dict[str, Any])),
    )


def predict(
    extracts: Extracts, models: Mapping[str, LoadedModel], prediction_keys: Mapping[str, Key] | None = None
) -> Extracts:
    """Returns a copy of `extracts` with `predictions`; the input batch is not changed.

    Args:
        extracts: n rows with `features`, and with `input` if a model takes serialised records.
        models: name -> model.
        prediction_keys: as in `PredictionsExtractor`.

    Raises:
        ModelError: a model cannot take the rows, or lacks the output that a prediction key names.
        BadRowError: a model cannot take some of the rows.
    """
    keys = prediction_keys or {}
    by_model = {name: _chosen(model(extracts), keys.get(name, ""), name) for name, model in models.items()}
    return {**extracts, PREDICTIONS_KEY: by_model if len(by_model) > 1 else next(iter(by_model.values()))}


def without_unfit_rows(extracts: Extracts, models: Iterable[LoadedModel]) -> Extracts:
    """Returns the batch without the rows that one of the models cannot take."""
    unfit = np.zeros(row_count(extracts), bool)
    for model in models:
        unfit |= model.unfit(extracts)
    return take(extracts, ~unfit)


def run_on_fit_rows(
    run: Callable[[Extracts], Extracts], extracts: Extracts, models: Iterable[LoadedModel], skip_bad_rows: bool
) -> Iterator[Any]:
    """Yields what models make of a batch; where rows are left out that they cannot take, the number of these, too.

    Args:
        run: runs the models on a batch.
        extracts: the batch.
        models: that `run` runs.
        skip_bad_rows: leave such rows out instead of failing.

    Raises:
        BadRowError: a model cannot take some of the rows.
    """
    try:
        yield run(extracts)
    except BadRowError:
        if not skip_bad_rows:
            raise
        fit = without_unfit_rows(extracts, models)
        yield run(fit)
        yield told(Counts(0, {BAD_MODEL_INPUT: row_count(extracts) - row_count(fit)}))


class _Predict(beam.DoFn):
    def __init__(self, refs: Sequence[ModelRef], keys: Mapping[str, Key], skip_bad_rows: bool) -> None:
        self._refs = refs
        self._keys = keys
        self._skip_bad_rows = skip_bad_rows
        self._models: dict[str, LoadedModel] = {}

    def setup(self) -> None:
        self._models = {ref.name: models_.load(ref) for ref in self._refs}

    def process(self, extracts: Extracts) -> Iterator[Any]:
        run = partial(predict, models=self._models, prediction_keys=self._keys)
        yield from run_on_fit_rows(run, extracts, self._models.values(), self._skip_bad_rows)


def _chosen(predictions: Predictions, key: Key, name: str) -> Predictions:
    if not key:
        return predictions
    if isinstance(key, str):
        return _output(predictions, key, "prediction_key", name) if isinstance(predictions, dict) else predictions
    if not isinstance(predictions, dict) and isinstance(key, Mapping) and len(key) == 1:
        return {output: predictions for output in key}
    if not isinstance(predictions, dict):
        named = key.values() if isinstance(key, Mapping) else key
        raise ModelError(
            f"model {name!r} has one output without a name, and prediction_keys names {', '.join(named)}; "
            "remove prediction_keys"
        )

    if isinstance(key, tuple):
        return np.column_stack([_of_one_class(predictions, own_name, name) for own_name in key])
    return {
        output: _output(predictions, own_name, f"prediction_keys[{output!r}]", name) for output, own_name in key.items()
    }


def _of_one_class(predictions: Mapping[str, Column], key: str, name: str) -> Column:
    """An output that has the number of one class."""
    column = to_floats(_output(predictions, key, "prediction_keys", name), key)
    if column.ndim > 1:
        raise ModelError(
            f"model {name!r}: output {key!r} has {column.shape[1]} values a row; expected one, as prediction_keys "
            "name an output for each class"
        )
    return column


def _output(predictions: Mapping[str, Column], key: str, field: str, name: str) -> Column:
    if key not in predictions:
        raise ModelError(
            f"model {name!r} has no output {key!r} (its {field}); it has {', '.join(predictions)}"
            f"{hint(key, predictions)}"
        )
    return predictions[key]


def _check(refs: Sequence[ModelRef], keys: Mapping[str, Key]) -> None:
    names = [ref.name for ref in refs]
    if not refs:
        raise PipelineError(f"{PREDICTIONS_EXTRACTOR_STAGE_NAME}: no model to run; expected at least one")
    twice = [name for name, times in Counter(names).items() if times > 1]
    if twice:
        raise PipelineError(f"{PREDICTIONS_EXTRACTOR_STAGE_NAME}: two models are named {twice[0]!r}; names must differ")
    unknown = sorted(set(keys) - set(names))
    if unknown:
        raise PipelineError(
            f"{PREDICTIONS_EXTRACTOR_STAGE_NAME}: prediction key for model {unknown[0]!r}; there are {', '.join(names)}"
        )
