"""Stages of the user's own: made by their factories, and held to what the plan says of them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from importlib import import_module
from typing import Any

import apache_beam as beam

from assay.errors import ConfigError
from assay.extractors.per_row import per_row
from assay.plan.plan import Stage
from assay.plan.secret_params import revealed
from assay.types import (
    Evaluator,
    Extracts,
)


def own_stage(stage: Stage, kind: type[Any], secrets: Collection[str]) -> Any:
    """A stage of the user's own: what its factory makes, held to what the plan says of it."""
    own = from_factory(stage.settings, f"stage {stage.name!r}", secrets)
    transform = _transform(own, stage, kind)
    return kind(stage.name, per_row(transform) if stage.settings.get("per_row") else transform)


def own_evaluator(stage: Stage, secrets: Collection[str]) -> Evaluator:
    """An evaluator of the user's own, likewise."""
    own = from_factory(stage.settings, f"stage {stage.name!r}", secrets)
    transform = _transform(own, stage, Evaluator)
    if isinstance(own, Evaluator) and own.run_after != stage.run_after:
        raise ConfigError(
            f"stage {stage.name!r}: run_after is {stage.run_after!r} in the plan, and {own.run_after!r} "
            f"in {stage.settings['factory']}"
        )
    transform = per_row(transform) if stage.settings.get("per_row") else transform
    return Evaluator(stage.name, stage.run_after, _Declared(transform, stage))


def _transform(own: Any, stage: Stage, kind: type[Any]) -> Any:
    if isinstance(own, kind):
        if own.stage_name != stage.name:
            raise ConfigError(f"stage {stage.name!r}: {stage.settings['factory']} calls itself {own.stage_name!r}")
        return own.ptransform
    if isinstance(own, beam.PTransform) or (callable(own) and stage.settings.get("per_row")):
        return own
    raise ConfigError(
        f"stage {stage.name!r}: {stage.settings['factory']} gave a {type(own).__name__}; "
        f"expected {'an' if kind.__name__[0] == 'E' else 'a'} {kind.__name__} or a PTransform"
    )


class _Declared(beam.PTransform):
    """An evaluator of the user's own that has to have the outputs which the plan states."""

    def __init__(self, transform: beam.PTransform, stage: Stage) -> None:
        super().__init__()
        self._transform, self._name, self._outputs = transform, stage.name, stage.outputs

    def expand(self, extracts: beam.PCollection[Extracts]) -> Any:
        evaluation = extracts | self._transform
        if not isinstance(evaluation, Mapping) or set(evaluation) != set(self._outputs):
            found = sorted(evaluation) if isinstance(evaluation, Mapping) else type(evaluation).__name__
            raise ConfigError(
                f"stage {self._name!r}: outputs are {sorted(self._outputs)} in the plan, and {found} in fact"
            )
        return evaluation


def from_factory(settings: Mapping[str, Any], where: str, secrets: Collection[str]) -> Any:
    """Calls a factory `package.module:function` with its args, secret parameters filled in."""
    factory = settings["factory"]
    module, _, name = factory.partition(":")
    try:
        function = getattr(import_module(module), name)
    except ImportError as error:
        raise ConfigError(f"{where}: factory {factory!r} cannot be imported: {error}") from error
    except AttributeError as error:
        raise ConfigError(f"{where}: module {module!r} has no {name!r}") from error
    try:
        return function(**revealed(settings.get("args", {}), secrets))
    except TypeError as error:
        raise ConfigError(
            f"{where}: factory {factory!r} cannot take {dict(settings.get('args', {}))}: {error}"
        ) from error
