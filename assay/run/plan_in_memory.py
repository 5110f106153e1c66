"""The plan of a call of Python: resolved, with the stages that the caller holds by name only."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from assay.config.resolved import to_canonical_json
from assay.models.model import ModelRef
from assay.plan.params import substitute
from assay.plan.plan import EVALUATE, EXTRACT, KINDS, Plan, Stage
from assay.plan.stages_of_file import stages_of
from assay.plan.tasks import NO_CHECKPOINTS, reshaped
from assay.proto.config_pb2 import EvalConfig
from assay.run.context import InMemory
from assay.run.settings import RunSettings


def plan_in_memory(
    config: EvalConfig,
    inputs: Mapping[str, Any],
    output: str,
    settings: RunSettings,
    models: Sequence[ModelRef] = (),
    in_memory: InMemory | None = None,
) -> Plan:
    """Makes a plan of one task.

    Args:
        config: a resolved config.
        inputs: as in an analysis file, with absolute paths or not; empty for rows in memory.
        output: below it the run has a folder of its own.
        settings: how bad rows are treated, when the run is judged.
        models: with parameters in their arguments, of which those that are secret stay.
        in_memory: stages that the caller holds, which the plan only names.
    """
    described = [_described(model, settings) for model in models]
    resolved = json.loads(to_canonical_json(config))
    default = stages_of(
        {
            "inputs": inputs,
            "models": described,
            "extractors": (),
            "evaluators": (),
            "writers": (),
            "analysis_table": False,
            "find_slices": settings.find_slices,
        },
        resolved,
    )
    plan = Plan(
        stages=_with_own(default, in_memory or InMemory()),
        tasks=(),
        inputs=inputs,
        models=tuple(described),
        eval_config=resolved,
        output=output,
        params={name: value for name, value in settings.params.items() if name not in settings.secrets},
        secrets=settings.secrets,
        resolved=True,
        on_bad_rows=settings.on_bad_rows,
        max_bad_rows=settings.max_bad_rows,
        min_rows=settings.min_rows,
        rubber_stamp=settings.rubber_stamp,
        seed=settings.seed,
        max_slices=settings.max_slices,
        output_file_format=settings.output_file_format,
        gate=settings.filled(settings.gate, "gate"),
    )
    return reshaped(plan, NO_CHECKPOINTS)


def _described(model: ModelRef, settings: RunSettings) -> dict[str, Any]:
    """A model as in a plan of an analysis file: references to secret parameters stay in its arguments."""
    references = {name: f"${{{name}}}" for name in settings.secrets}
    args = substitute(dict(model.args), {**settings.params, **references})

    described = {**asdict(model), "features": list(model.features), "args": args}
    del described["rubber_stamp"]  # which is a setting of the run
    return {key: value for key, value in described.items() if value or key in ("name", "uri", "type", "baseline")}


def _with_own(default: Sequence[Stage], in_memory: InMemory) -> tuple[Stage, ...]:
    """The stages kind by kind, in the order of a plan: those that the caller holds, else the default ones."""
    held = {EXTRACT: in_memory.extractors, EVALUATE: in_memory.evaluators}
    stages: list[Stage] = []
    for kind in KINDS:
        own = held.get(kind)
        if own is None:
            stages += [stage for stage in default if stage.kind == kind]
        else:
            stages += [
                Stage(name=stage.stage_name, kind=kind, run_after=getattr(stage, "run_after", "")) for stage in own
            ]
    return tuple(stages)
