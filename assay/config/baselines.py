"""The models and their model specs must say the same: which there are, and which one is the baseline."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from assay.errors import ConfigError, EvalConfigError
from assay.proto.config_pb2 import EvalConfig
from assay.text.near_miss import one_of


def baseline_name(config: EvalConfig) -> str | None:
    """Name of the baseline's model spec, which may be ""; None if there is no baseline."""
    return next((spec.name for spec in config.model_specs if spec.is_baseline), None)


def has_baseline_model(config: EvalConfig, models: Mapping[str, bool]) -> bool | None:
    """Whether there is a baseline among the models that are run.

    Args:
        config: as read, because a model spec without its model is taken out when the config is resolved.
        models: name of each model, in order, and whether it says itself that it is the baseline.

    Returns:
        None if there are no models.

    Raises:
        ConfigError: the models and the model specs disagree; the message says which of the two says what.
    """
    if not models:
        return None
    if len(config.model_specs) == 1 and not config.model_specs[0].name:  # it is that of every model
        return any(models.values())

    specs = {spec.name: spec.is_baseline for spec in config.model_specs}
    check_baselines(models, specs)
    for i, (name, is_baseline) in enumerate(models.items()):
        if is_baseline and not any(specs.values()):
            raise ConfigError(
                f"models[{i}].baseline: found true, but no model spec has is_baseline: true; add the model spec "
                f"{{name: {name}, is_baseline: true}}, or leave baseline out"
            )
    _check_names(list(models), specs)
    return any(models.values())


def check_names_of_specs(config: EvalConfig) -> None:
    """Refuses two model specs of one name.

    Raises:
        EvalConfigError: the message starts with the field's path.
    """
    first: dict[str, int] = {}
    for i, spec in enumerate(config.model_specs):
        if spec.name and first.setdefault(spec.name, i) != i:
            raise EvalConfigError(
                f"model_specs[{i}].name: {spec.name!r} is the name of model_specs[{first[spec.name]}]; expected another"
            )


def check_names_of_models(names: Sequence[str]) -> None:
    """Refuses two models of one name.

    Raises:
        ConfigError: the message starts with the field's path.
    """
    for i, name in enumerate(names):
        if name in names[:i]:
            raise ConfigError(f"models[{i}].name: two models have the name {name!r}; expected a name for each")


def check_models(models: Mapping[str, bool], specs: Mapping[str, bool]) -> None:
    """Checks that every model has its model spec, every spec its model, and that they agree about the baseline.

    Args:
        models: name of each model, in order, and whether it is the baseline.
        specs: the same of the model specs.

    Raises:
        ConfigError: of a model; EvalConfigError: of a model spec. The message starts with the field's path.
    """
    for i, name in enumerate(models):
        if name not in specs:
            unnamed = "; the model specs have no names, expected that of its model in each"
            near = one_of(name, specs) if any(specs) else unnamed
            raise ConfigError(f"models[{i}].name: no model spec is named {name!r}{near}")
    check_baselines(models, specs)
    for i, name in enumerate(specs):
        if name not in models:
            raise EvalConfigError(f"model_specs[{i}].name: no model is named {name!r}{one_of(name, models)}")


def check_baselines(models: Mapping[str, bool], specs: Mapping[str, bool]) -> None:
    """Checks models that have a model spec.

    Args:
        models: name of each model, in order, and whether it is the baseline.
        specs: the same of the model specs.

    Raises:
        ConfigError: a model is the baseline, and its model spec is not, or the other way round.
    """
    for i, (name, is_baseline) in enumerate(models.items()):
        if specs.get(name, is_baseline) != is_baseline:
            raise ConfigError(
                f"models[{i}].baseline: expected what the model spec {name!r} says, found {json.dumps(is_baseline)} "
                f"here and is_baseline: {json.dumps(specs[name])} there; set both to true, or neither"
            )


def _check_names(models: list[str], specs: Mapping[str, bool]) -> None:
    """Refuses several models of which one lacks its model spec, while the baseline's model spec lacks its model."""
    unknown = [name for name in models if name not in specs]
    alone = [name for name, is_baseline in specs.items() if is_baseline and name not in models]
    if unknown and alone and len(models) > 1:
        raise ConfigError(
            f"models[{models.index(unknown[0])}].name: no model spec is named {unknown[0]!r}, and no model is named "
            f"{alone[0]!r} as the model spec with is_baseline: true; give both the same name, and the model "
            "baseline: true"
        )
