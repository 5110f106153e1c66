"""What must hold of a plan before any of it runs."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

from assay.errors import ConfigError, PipelineError
from assay.models.known import is_code
from assay.plan.gate_section import gate_section
from assay.plan.params import check_parameters
from assay.plan.plan import (
    EVALUATE,
    EXTRACT,
    FOLDERS_OF_ROOT,
    GATE,
    KINDS,
    READ_INPUTS,
    WRITE_RESULTS,
    Plan,
    Stage,
)
from assay.plan.secret_params import refuse_references, variable_of
from assay.storage.uris import is_uri
from assay.text.near_miss import one_of
from assay.types import ANALYSIS_KEY, LAST_EXTRACTOR_STAGE_NAME, SHARED_OUTPUTS, VALIDATIONS_KEY

_LONGEST_NAME = 100
"""Files and folders are called after stages."""


_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_.-]*")


def check(plan: Plan) -> None:
    """Refuses a plan whose stages do not fit together.

    Raises:
        PipelineError: two stages of one name, an unknown kind or `run_after`, an output key with two owners, tasks that
            do not hold every stage once; the message names the stage.
        ConfigError: an undeclared parameter, or a relative path.
    """
    _check_stages(plan.stages)
    for evaluator in plan.of_kind(EVALUATE):
        _check_run_after(evaluator, [stage.name for stage in plan.of_kind(EXTRACT)])
    _check_outputs(plan.of_kind(EVALUATE))
    _check_disabled(plan)
    _check_writers(plan)
    _check_tasks(plan)
    check_uris(plan)

    for name, value in plan.params.items():
        if not isinstance(value, str) and (value is not None or plan.resolved):
            raise ConfigError(f"params.{name}: expected text{'' if plan.resolved else ' or null'}, found {value!r}")
    _check_secrets(plan)
    if plan.gate:
        gate_section(plan.gate, "gate")

    # A resolved plan may have `${` in its values: a parameter's own text, or `$${` as it was written.
    if not plan.resolved:
        for name in ("inputs", "models", "eval_config", "output", "options", "gate"):
            check_parameters(getattr(plan, name), plan.params, name)
        for stage in plan.stages:
            check_parameters(stage.settings, plan.params, f"stage {stage.name!r}: settings")


def _check_secrets(plan: Plan) -> None:
    for name in plan.secrets:
        if name not in plan.params or plan.params[name] not in (None, f"${{{name}}}"):
            raise ConfigError(
                f"params.{name}: a secret has no value in a file; write null and set {variable_of(name)}, "
                f"or {{secret: false, default: ...}} if it is none"
            )
    uris = {
        "inputs": {key: value for key, value in plan.inputs.items() if key != "args"},
        "models": [{key: value for key, value in model.items() if key != "args"} for model in plan.models],
        "eval_config": plan.eval_config,
        "output": plan.output,
        "options": plan.options,
        "gate": plan.gate,
    }
    for path, value in uris.items():
        refuse_references(value, plan.secrets, path)


def check_name(name: str, path: str) -> None:
    """Raises PipelineError unless `name` can name a stage."""
    if len(name) > _LONGEST_NAME:
        raise PipelineError(f"{path}: expected at most {_LONGEST_NAME} characters, found the name {name[:20]!r}...")
    if not _NAME.fullmatch(name):
        raise PipelineError(f"{path}: expected a letter, then letters, digits, _ . or -; found the name {name!r}")
    if name.lower() in FOLDERS_OF_ROOT:
        raise PipelineError(f"{path}: a root of checkpoints has a folder {name!r} of its own; choose another name")


def _check_stages(stages: tuple[Stage, ...]) -> None:
    for stage in stages:
        check_name(stage.name, "stage name")
        if stage.kind not in KINDS:
            raise PipelineError(f"stage {stage.name!r}: unknown kind {stage.kind!r}{one_of(stage.kind, KINDS)}")
        if stage.kind != EVALUATE and (stage.run_after or stage.outputs):
            raise PipelineError(
                f"stage {stage.name!r}: only evaluators have run_after and outputs; it is of kind {stage.kind}"
            )
        own = [key for key in stage.adds if key.startswith("_") and "factory" in stage.settings]
        if own:
            raise PipelineError(
                f"stage {stage.name!r}: adds {own[0]!r}; keys that start with _ are assay's own: choose another name"
            )

    _check_unique([stage.name for stage in stages])
    kinds = [stage.kind for stage in stages]
    if kinds != sorted(kinds, key=KINDS.index):
        raise PipelineError(f"stages: expected the order {', '.join(KINDS)}; found {', '.join(kinds)}")
    for kind in (READ_INPUTS, GATE, WRITE_RESULTS):
        if kinds.count(kind) != 1:
            raise PipelineError(f"stages: expected one stage of kind {kind}, found {kinds.count(kind)}")


def _check_unique(names: Iterable[str]) -> None:
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        raise PipelineError(f"two stages have the name {twice[0]!r}; expected every stage to have a name of its own")


def _check_run_after(evaluator: Stage, extractors: list[str]) -> None:
    allowed = ["", *extractors, LAST_EXTRACTOR_STAGE_NAME]
    if evaluator.run_after not in allowed:
        raise PipelineError(
            f"evaluator {evaluator.name!r}: run_after names no extractor: {evaluator.run_after!r}"
            f'{one_of(evaluator.run_after, allowed[1:])} ("" is directly after reading)'
        )


def _check_disabled(plan: Plan) -> None:
    """The table of rows is made by a stage of its own, which is there only where somebody asks for it."""
    disabled = plan.eval_config.get("options", {}).get("disabled_outputs", {}).get("values", ())
    if ANALYSIS_KEY in disabled and any(ANALYSIS_KEY in stage.outputs for stage in plan.of_kind(EVALUATE)):
        raise ConfigError(
            f"analysis_table: found true, but options.disabled_outputs of the eval config has {ANALYSIS_KEY!r}; remove "
            "one of the two"
        )


def _check_outputs(evaluators: tuple[Stage, ...]) -> None:
    owners = {VALIDATIONS_KEY: "the gate"}
    for stage in evaluators:
        if not stage.outputs:
            raise PipelineError(f"evaluator {stage.name!r}: expected at least one output key, found none")
        for key in stage.outputs:
            owner = owners.setdefault(key, f"evaluator {stage.name!r}") if key not in SHARED_OUTPUTS else ""
            if owner and owner != f"evaluator {stage.name!r}":
                raise PipelineError(f"evaluator {stage.name!r}: output key {key!r} belongs to {owner}; choose another")


def _check_writers(plan: Plan) -> None:
    names = [stage.name for stage in plan.stages]
    for stage in plan.of_kind(WRITE_RESULTS):
        for i, writer in enumerate(stage.settings.get("writers", [])):
            path = f"stage {stage.name!r}: settings.writers[{i}]"
            if not isinstance(writer, dict) or not isinstance(writer.get("name"), str):
                raise PipelineError(f"{path}: expected a mapping with a name, found {writer!r}")
            check_name(writer["name"], f"{path}.name")
            names.append(writer["name"])
    _check_unique(names)


def _check_tasks(plan: Plan) -> None:
    task_count = Counter(name for task in plan.tasks for name in task.stages)
    names = {stage.name for stage in plan.stages}
    for name in sorted(names | set(task_count)):
        if task_count[name] != (name in names):
            raise PipelineError(
                f"tasks: expected every stage of the plan in one task; {name!r} is in {task_count[name]}"
            )

    # Tasks stand in an order in which they can run.
    earlier: set[str] = set()
    for task in plan.tasks:
        check_name(task.name, "task name")
        unknown = [name for name in task.after if name not in earlier]
        if unknown:
            raise PipelineError(f"task {task.name!r}: expected after to name earlier tasks, found {unknown[0]!r}")
        if task.name in earlier:
            raise PipelineError(f"two tasks have the name {task.name!r}; expected every task to have a name of its own")
        earlier.add(task.name)


def check_uris(plan: Plan) -> None:
    """Files, models and output are absolute, or URIs."""
    for path, uri in uris(plan):
        if not isinstance(uri, str) or not _is_absolute(uri) or (plan.resolved and uri.startswith("${")):
            raise ConfigError(
                f"{path}: expected an absolute path or a URI in a plan, found {uri!r}; a parameter at the start must "
                f"bring one (./${{name}} in an analysis file is relative to the file)"
            )
        if "\0" in uri:
            raise ConfigError(f"{path}: expected a name that a file can have, found {uri!r}")


def _is_absolute(uri: str) -> bool:
    """Whether it says where it is by itself, or starts with a parameter that will."""
    return uri.startswith(("/", "${")) or is_uri(uri)


def uris(plan: Plan) -> Iterator[tuple[str, Any]]:
    """Field and URI of each file or folder that a plan names: data, labels, models, results."""
    for i, file in enumerate(plan.inputs.get("files", [])):
        yield f"inputs.files[{i}]", file
    for i, file in enumerate(plan.inputs.get("join", {}).get("files", [])):
        yield f"inputs.join.files[{i}]", file
    for i, model in enumerate(plan.models):
        if not is_code(model.get("type")):
            yield f"models[{i}].uri", model.get("uri")
    yield "output", plan.output
