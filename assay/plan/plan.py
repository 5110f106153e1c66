"""What will be run, as plain data: the middle between an analysis file and whatever runs it. Standard library only.

A `Plan` holds JSON values and nothing else, so it can be stored, compared, hashed and sent anywhere. Parameters
(`${date}`) stay in its values until `with_params`; names, kinds and edges never depend on them.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, NamedTuple

from assay.config.own_modules import is_keras, modules_in
from assay.errors import PipelineError
from assay.models.known import is_code
from assay.text.near_miss import one_of
from assay.types import (
    FIND_SLICES_EVALUATOR_STAGE_NAME,
    FOUND_SLICES_KEY,
    LAST_EXTRACTOR_STAGE_NAME,
    METRICS_KEY,
    TFRECORD,
    VALIDATIONS_KEY,
)

READ_INPUTS, EXTRACT, EVALUATE, GATE, WRITE_RESULTS = "read-inputs", "extract", "evaluate", "gate", "write-results"
KINDS = (READ_INPUTS, EXTRACT, EVALUATE, GATE, WRITE_RESULTS)
"""The kinds of stages, in the order in which they stand in a plan."""

CORE_IMAGE, TENSORFLOW_IMAGE = "core", "tensorflow"
ANALYSE_TASK = "Analyse"

FOLDERS_OF_ROOT = ("plans", "runs", "scratch")
"""What lies under a root of checkpoints beside the folders of tasks."""

MOST_SLICES = 1_000_000
"""Slices that one slicing spec may make, where nothing else is said: with a few metrics, some 2 GB."""


@dataclass(frozen=True, kw_only=True)
class Stage:
    """One step of an evaluation.

    Attributes:
        name: unique in the plan.
        kind: one of `KINDS`.
        run_after: of an evaluator: the extractor whose Extracts it sees, `LAST_EXTRACTOR_STAGE_NAME`, or "" (as read).
        outputs: of an evaluator: the keys of its Evaluation.
        adds: of an extractor: the keys of Extracts that it adds or changes.
        image: the image in which it can run: "core", "tensorflow", or one of the user's own.
        settings: JSON values. A stage of the user's own has `factory`, `args`, `per_row`; WriteResults has `writers`.
    """

    name: str
    kind: str
    run_after: str = ""
    outputs: tuple[str, ...] = ()
    adds: tuple[str, ...] = ()
    image: str = CORE_IMAGE
    settings: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "settings", plain(self.settings, f"stage {self.name!r}: settings"))


@dataclass(frozen=True, kw_only=True)
class Task:
    """Stages that run in one process, one Beam job: what an orchestrator schedules."""

    name: str
    stages: tuple[str, ...]
    after: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Plan:
    """An evaluation, ready to be run once its parameters are given.

    Attributes:
        stages: in order: ReadInputs, extractors, evaluators, Gate, WriteResults.
        tasks: which stages run together; every stage is in one task.
        inputs: `format`, `files`, `options`, ..., `join` (of a second source); or `factory`, `args`, `per_row`.
        models: one mapping for each model: `name`, `uri`, `type`, `baseline`, ...; none: predictions are in the data.
        eval_config: the resolved EvalConfig as JSON with the field names of the proto.
        output: folder of the results: absolute, or a URI.
        params: parameter -> default (None: must be given), or once resolved its value.
        secrets: parameters whose values are never in a plan: references to them stay, in arguments of own code only.
        resolved: whether parameters have been put into the values.
        on_bad_rows: "fail" or "skip".
        max_bad_rows: share of rows, 0 to 1; above it the verdict is NOT_EVALUATED.
        min_rows: below this number of rows the verdict is NOT_EVALUATED.
        rubber_stamp: there is no baseline yet, so change thresholds are not checked.
        seed: of the resamples behind confidence intervals.
        max_slices: slices that one slicing spec may make; more are an error.
        output_file_format: of metrics, plots, attributions and validations; one of `OUTPUT_FILE_FORMATS`.
        gate: thresholds that ask for evidence, with all of their defaults; empty for none.
        code_version: version of the user's own code, where it should count instead of its source.
        options: flags of Beam pipeline options, before those of the caller: where the plan runs.
    """

    stages: tuple[Stage, ...]
    tasks: tuple[Task, ...]
    inputs: Mapping[str, Any]
    models: tuple[Mapping[str, Any], ...] = ()
    eval_config: Mapping[str, Any]
    output: str
    params: Mapping[str, str | None] = field(default_factory=dict)
    secrets: tuple[str, ...] = ()
    resolved: bool = False
    on_bad_rows: str = "fail"
    max_bad_rows: float = 0.0
    min_rows: int = 1
    rubber_stamp: bool = False
    seed: int = 0
    max_slices: int = MOST_SLICES
    output_file_format: str = TFRECORD
    gate: Mapping[str, Any] = field(default_factory=dict)
    code_version: str = ""
    options: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for name in ("inputs", "eval_config", "params", "gate"):
            object.__setattr__(self, name, plain(getattr(self, name), name))
        object.__setattr__(self, "max_bad_rows", float(self.max_bad_rows))
        object.__setattr__(self, "models", tuple(plain(list(self.models), "models")))

    def of_kind(self, kind: str) -> tuple[Stage, ...]:
        """The stages of one kind, in order."""
        return tuple(stage for stage in self.stages if stage.kind == kind)

    @property
    def min_slice_size(self) -> int:
        """Rows below which nothing is told of a slice."""
        return int(self.eval_config.get("options", {}).get("min_slice_size", 0))

    @property
    def round_counts_to(self) -> int:
        """What counts of rows are told as multiples of; 1 if they are told as they are."""
        return int(self.eval_config.get("options", {}).get("round_counts_to", 1))

    @property
    def has_own_code(self) -> bool:
        """Whether it names code of the user's own: readers, extractors, evaluators, writers, models or metrics."""
        writers = [writer for stage in self.of_kind(WRITE_RESULTS) for writer in stage.settings.get("writers", ())]
        own = [self.inputs, self.inputs.get("join") or {}, *(stage.settings for stage in self.stages), *writers]
        has_code = any("factory" in settings for settings in own) or any(
            is_code(model["type"]) for model in self.models
        )
        return has_code or any(not is_keras(module) for _, module in modules_in(self.eval_config))

    @property
    def has_own_evaluators(self) -> bool:
        """Whether evaluators of the user's own may compute metrics and slices of which the config says nothing."""
        return any("factory" in stage.settings for stage in self.of_kind(EVALUATE))

    def stage(self, name: str) -> Stage:
        """The stage of that name.

        Raises:
            PipelineError: there is none.
        """
        for stage in self.stages:
            if stage.name == name:
                return stage
        raise PipelineError(f"the plan has no stage {name!r}{one_of(name, (s.name for s in self.stages))}")

    def extractor_before(self, evaluator: Stage) -> str:
        """Name of the stage whose Extracts an evaluator sees: that of its `run_after`, spelled out."""
        if evaluator.run_after == LAST_EXTRACTOR_STAGE_NAME:
            return [stage for stage in self.stages if stage.kind in (READ_INPUTS, EXTRACT)][-1].name
        return evaluator.run_after or self.of_kind(READ_INPUTS)[0].name


class Edge(NamedTuple):
    """`after` starts from what `before` left; `label` says why."""

    before: str
    after: str
    label: str = ""


def edges(plan: Plan) -> tuple[Edge, ...]:
    """What every stage waits for."""
    chain = [stage.name for stage in plan.stages if stage.kind in (READ_INPUTS, EXTRACT)]
    edges = [Edge(before, after) for before, after in pairwise(chain)]
    evaluators, gates, writes = (plan.of_kind(kind) for kind in (EVALUATE, GATE, WRITE_RESULTS))
    edges += [Edge(plan.extractor_before(stage), stage.name, "run_after") for stage in evaluators]
    judged = [s for s in evaluators if METRICS_KEY in s.outputs and s.name != FIND_SLICES_EVALUATOR_STAGE_NAME]
    edges += [Edge(stage.name, gate.name, METRICS_KEY) for gate in gates for stage in judged]
    finders = [stage for stage in evaluators if stage.settings.get("most_worse") is not None]
    edges += [Edge(stage.name, gate.name, FOUND_SLICES_KEY) for gate in gates for stage in finders]
    edges += [Edge(s.name, write.name, ", ".join(s.outputs)) for write in writes for s in evaluators]
    edges += [Edge(gate.name, write.name, VALIDATIONS_KEY) for gate in gates for write in writes]
    return tuple(edges)


def plain(value: Any, path: str) -> Any:
    """Returns `value` as JSON has it: dicts with text keys, lists, text, finite numbers, bool, None.

    Raises:
        PipelineError: anything else, named by its key path.
    """
    if isinstance(value, Mapping):
        for key in value:
            if not isinstance(key, str):
                raise PipelineError(f"{path}: expected text as key, found {key!r}")
        return {key: plain(inner, f"{path}.{key}") for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [plain(inner, f"{path}[{i}]") for i, inner in enumerate(value)]
    if value is None or isinstance(value, str | int) or (isinstance(value, float) and math.isfinite(value)):
        return value
    raise PipelineError(
        f"{path}: expected a JSON value (text, finite number, bool, null, list, mapping), found {value!r}"
    )
