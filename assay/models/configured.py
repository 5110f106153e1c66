"""What the model specs of an eval config say of models: signature, rows in one call, and of what type they are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from assay.errors import EvalConfigError
from assay.models.known import FRAMEWORKS, model_types, types_called
from assay.models.model import ModelRef
from assay.proto.config_pb2 import EvalConfig, ModelSpec

_MATERIALIZED = "materialized_prediction"
_NEED_A_MODEL = ("signature_name", "inference_batch_size", "preprocessing_function_names")


def as_configured(refs: Sequence[ModelRef], config: EvalConfig) -> tuple[ModelRef, ...]:
    """Returns the models with what their model specs say of them filled in; doing so twice changes nothing.

    Args:
        refs: the models to run; none if the predictions are in the data.
        config: its model specs belong to the models by name, or because there is one of each.

    Raises:
        EvalConfigError: a spec says what its model contradicts, or what means nothing without a model.
    """
    if not refs:
        for i, spec in enumerate(config.model_specs):
            _check_without_model(spec, f"model_specs[{i}]")
        return ()
    numbers = _numbers_of_specs(refs, config)
    return tuple(
        _configured(ref, config.model_specs[numbers[ref.name]], f"model_specs[{numbers[ref.name]}]")
        if ref.name in numbers
        else ref
        for ref in refs
    )


def specs_of(refs: Sequence[ModelRef], config: EvalConfig) -> list[tuple[ModelRef, ModelSpec]]:
    """The models that have a model spec, each with it."""
    numbers = _numbers_of_specs(refs, config)
    return [(ref, config.model_specs[numbers[ref.name]]) for ref in refs if ref.name in numbers]


def _numbers_of_specs(refs: Sequence[ModelRef], config: EvalConfig) -> dict[str, int]:
    """Model name -> the number of its spec, which has its name, or is the only one for the only model."""
    if len(refs) == 1 and len(config.model_specs) == 1:
        return {refs[0].name: 0}
    return {spec.name: i for i, spec in enumerate(config.model_specs)}


def _check_without_model(spec: ModelSpec, path: str) -> None:
    for field in _NEED_A_MODEL:
        if getattr(spec, field):
            found = getattr(spec, field)
            shown = found if isinstance(found, str | int) else list(found)
            raise EvalConfigError(
                f"{path}.{field}: found {shown!r}, but no model is run, because the predictions are in "
                "the data; remove the field, or name the model"
            )
    if spec.model_type not in ("", _MATERIALIZED):
        raise EvalConfigError(
            f"{path}.model_type: found {spec.model_type!r}, but no model is run; expected {_MATERIALIZED!r} or nothing "
            "where the predictions are in the data"
        )


def _configured(ref: ModelRef, spec: ModelSpec, path: str) -> ModelRef:
    if ref.type not in FRAMEWORKS:  # whoever loads it says so
        return ref
    _check_type(ref, spec.model_type, path)
    signature, rows = spec.signature_name, spec.inference_batch_size
    if signature and ref.signature not in ("", signature):
        raise EvalConfigError(
            f"{path}.signature_name: found {signature!r}, but the model {ref.name!r} itself says {ref.signature!r}; "
            "expected one of the two"
        )
    if rows < 0:
        raise EvalConfigError(f"{path}.inference_batch_size: expected a number of rows, 1 or more, found {rows}")
    if rows and ref.batch_rows not in (ModelRef.batch_rows, rows):
        raise EvalConfigError(
            f"{path}.inference_batch_size: found {rows}, but the model {ref.name!r} itself says {ref.batch_rows} "
            "(batch_rows); expected one of the two"
        )
    return replace(ref, signature=signature or ref.signature, batch_rows=rows or ref.batch_rows)


def _check_type(ref: ModelRef, model_type: str, path: str) -> None:
    fitting = types_called(model_type)
    if not model_type or ref.type in fitting:
        return
    if fitting:
        raise EvalConfigError(
            f"{path}.model_type: {model_type!r} is a model of type {' or '.join(fitting)}, but the model {ref.name!r} "
            f"is given as {ref.type}; correct one of them, or remove the field"
        )
    raise EvalConfigError(
        f"{path}.model_type: models of the type {model_type!r} cannot be run; expected nothing, or one of "
        f"{', '.join(model_types())}"
    )
