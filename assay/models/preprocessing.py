"""Functions by which a SavedModel transforms features (`preprocessing_function_names`): signatures beside its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from assay.errors import ModelError
from assay.models.configured import specs_of
from assay.models.model import ModelRef
from assay.proto.config_pb2 import EvalConfig

_TYPE = "saved_model"


def preprocessing_of(config: EvalConfig, refs: Sequence[ModelRef]) -> dict[str, tuple[ModelRef, ...]]:
    """The functions that transform the features of each model: each is the model with that signature.

    `name@feature` feeds one feature to a function with one input, as in TFMA.

    Args:
        config: a resolved config.
        refs: the models to run.

    Returns:
        Model name -> its functions, in the order of the config. Models without any are left out.

    Raises:
        ModelError: a model is no SavedModel, and has no such functions.
    """
    functions = {
        ref.name: tuple(_function(ref, name) for name in spec.preprocessing_function_names)
        for ref, spec in specs_of(refs, config)
    }
    return {name: of_model for name, of_model in functions.items() if of_model}


def transforms_features(config: EvalConfig) -> bool:
    """Whether a model spec names functions."""
    return any(spec.preprocessing_function_names for spec in config.model_specs)


def transformed_names(functions: Mapping[str, Sequence[ModelRef]]) -> Mapping[str, frozenset[str]]:
    """The features that each model's functions give, by the names of their outputs: model name -> features.

    Args:
        functions: as `preprocessing_of` returns them.

    Raises:
        ModelError: a model lacks such a function.
    """
    if not functions:
        return {}
    from assay.models.tensorflow_signature import read_signature  # which no run without functions need import

    return {
        model: frozenset(name for ref in refs for name in read_signature(ref, ref.uri).outputs)
        for model, refs in functions.items()
    }


def _function(ref: ModelRef, name: str) -> ModelRef:
    if ref.type != _TYPE:
        raise ModelError(
            f"model {ref.name!r}: preprocessing_function_names: only a model of type {_TYPE} has functions beside its "
            f"own, found {ref.type!r}; remove the field, and give the features as the model takes them"
        )
    signature, _, feature = name.partition("@")
    if "@" in feature:
        raise ModelError(
            f"model {ref.name!r}: preprocessing_function_names: expected a function, or function@feature with one "
            f"feature, found {name!r}"
        )
    return replace(ref, signature=signature, features=(feature,) if feature else (), counterfactual={})
