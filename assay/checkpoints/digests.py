"""What a checkpoint was made from, as one digest: a stage runs again if any of it changes, and only then."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterable, Mapping
from importlib.metadata import PackageNotFoundError, packages_distributions, version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from assay.checkpoints.manifest import Shard
from assay.config.own_modules import is_keras, modules_in
from assay.errors import ConfigError
from assay.models.known import framework_of, is_code
from assay.plan.find_slices import THRESHOLD
from assay.plan.plan import EVALUATE, EXTRACT, GATE, READ_INPUTS, Plan, Stage, Task
from assay.plan.secret_params import digests_of
from assay.types import (
    EXAMPLE_WEIGHTS_EXTRACTOR_STAGE_NAME,
    FIND_SLICES_EVALUATOR_STAGE_NAME,
    LABELS_EXTRACTOR_STAGE_NAME,
    MATERIALIZED_PREDICTIONS_EXTRACTOR_STAGE_NAME,
    METRICS_AND_PLOTS_EVALUATOR_STAGE_NAME,
    PREDICTIONS_EXTRACTOR_STAGE_NAME,
    SLICE_KEY_EXTRACTOR_STAGE_NAME,
    TRANSFORMED_FEATURES_EXTRACTOR_STAGE_NAME,
)

STAGE_VERSIONS = {READ_INPUTS: 6, EXTRACT: 3, EVALUATE: 8, GATE: 5}
"""Raised when a stage of that kind comes to make something else of the same input."""

_FORMAT = 1
_THRESHOLDS = ("threshold", "thresholds", "per_slice_thresholds", "cross_slice_thresholds")
_KEYS = {
    LABELS_EXTRACTOR_STAGE_NAME: ("label_key", "label_keys", "sparse_labels", "outputs", "padding_options"),
    EXAMPLE_WEIGHTS_EXTRACTOR_STAGE_NAME: ("example_weight_key", "example_weight_keys"),
    MATERIALIZED_PREDICTIONS_EXTRACTOR_STAGE_NAME: ("prediction_key", "prediction_keys", "classes", "padding_options"),
}
"""The fields of a model spec that an extractor goes by."""
_OF_MODELS = ("name", "prediction_key", "prediction_keys", "signature_name", "inference_batch_size")
"""The fields of a model spec that running its model goes by."""
_OF_FUNCTIONS = (
    *("name", "preprocessing_function_names", "inference_batch_size"),
    *("label_key", "label_keys", "example_weight_key", "example_weight_keys"),
)
"""The fields of a model spec that transforming features goes by: the functions, and the features to keep."""
_RUN_MODELS = (PREDICTIONS_EXTRACTOR_STAGE_NAME, TRANSFORMED_FEATURES_EXTRACTOR_STAGE_NAME)


def digest_of(value: Any) -> str:
    """SHA-256 of a JSON value, as 64 hexadecimal digits."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


def content_digest(plan: Plan, task: Task, inputs: Mapping[str, str], extra: Mapping[str, Any]) -> str:
    """Digest of what a task makes.

    Args:
        plan: with its parameters resolved.
        task: one of its tasks.
        inputs: task -> content digest of the checkpoint that it reads.
        extra: what else decides: pinned files, pinned models.
    """
    stages = [_stage(plan, plan.stage(name)) for name in task.stages]
    return digest_of({"format": _FORMAT, "stages": stages, "inputs": dict(inputs), **extra})


def of_shards(shards: Iterable[Shard]) -> str:
    """Digest of what was read by a reader of the user's own: the same rows need not go through all stages again."""
    return digest_of([[shard.crc32c, shard.rows, shard.split] for shard in shards])


def _stage(plan: Plan, stage: Stage) -> dict[str, Any]:
    return {"name": stage.name, "version": STAGE_VERSIONS[stage.kind], **settings_of(plan, stage)}


def settings_of(plan: Plan, stage: Stage) -> dict[str, Any]:
    """The settings that a stage uses, and no others; of secret parameters a digest."""
    used = {READ_INPUTS: plan.inputs, **dict.fromkeys(_RUN_MODELS, plan.models)}
    value = used.get(stage.kind) or used.get(stage.name) or stage.settings
    secrets = digests_of(value, plan.secrets)
    return {**_open_settings_of(plan, stage), **({"secrets": secrets} if secrets else {})}


def _open_settings_of(plan: Plan, stage: Stage) -> dict[str, Any]:
    if stage.kind == READ_INPUTS:
        code = code_digest(plan, plan.inputs["factory"], "inputs") if "factory" in plan.inputs else None
        return {"inputs": _without_limits(plan.inputs), "on_bad_rows": plan.on_bad_rows, "code": code}
    if stage.kind == GATE:
        limits = [plan.min_rows, plan.max_bad_rows, plan.inputs.get("join", {}).get("max_unmatched", 1.0)]
        settings = {"eval_config": dict(plan.eval_config), "limits": limits, "rubber_stamp": plan.rubber_stamp}
        of_found = [
            _only(one.settings, THRESHOLD) for one in plan.stages if one.name == FIND_SLICES_EVALUATOR_STAGE_NAME
        ]
        asked = [one for one in of_found if one.get("most_worse") is not None]
        more = {"gate": dict(plan.gate)} if plan.gate else {}
        return {**settings, **more, **({"found_slices": asked} if asked else {})}
    if "factory" in stage.settings:
        code = code_digest(plan, stage.settings["factory"], f"stage {stage.name!r}")
        return {"settings": dict(stage.settings), "adds": stage.adds, "outputs": stage.outputs, "code": code}
    return _own_settings(plan, stage)


def _without_limits(inputs: Mapping[str, Any]) -> dict[str, Any]:
    """Inputs without what only the gate reads."""
    join = _without(inputs.get("join", {}), ("max_unmatched",))
    return {**inputs, "join": join} if join else dict(inputs)


def _own_settings(plan: Plan, stage: Stage) -> dict[str, Any]:
    config = plan.eval_config
    specs = config.get("model_specs", [])
    if stage.name in _KEYS:
        keys = ("name", *_KEYS[stage.name])
        return {"model_specs": [_only(spec, keys) for spec in specs]}
    if stage.name == PREDICTIONS_EXTRACTOR_STAGE_NAME:
        chosen = [_only(spec, (*_OF_MODELS, *_classes_of_keys(spec))) for spec in specs]
        return {"models": [_of_model(plan, model) for model in plan.models], "model_specs": chosen}
    if stage.name == TRANSFORMED_FEATURES_EXTRACTOR_STAGE_NAME:
        return {
            "models": [_of_model(plan, model) for model in plan.models],
            "model_specs": [_only(spec, _OF_FUNCTIONS) for spec in specs],
            **_only(config, ("slicing_specs", "cross_slicing_specs")),
        }
    if stage.name == SLICE_KEY_EXTRACTOR_STAGE_NAME:
        return _only(config, ("slicing_specs", "cross_slicing_specs", "bins", "disparities"))
    if stage.name == METRICS_AND_PLOTS_EVALUATOR_STAGE_NAME:
        return {"max_slices": plan.max_slices, **_of_metrics(plan, without_thresholds(config))}
    if stage.name == FIND_SLICES_EVALUATOR_STAGE_NAME:
        return {"settings": _without(stage.settings, THRESHOLD), **_of_search(plan, stage)}
    return {}


def _of_metrics(plan: Plan, config: Mapping[str, Any]) -> dict[str, Any]:
    """What metrics go by, under an eval config or a part of it."""
    return {"eval_config": config, "on_bad_rows": plan.on_bad_rows, "seed": plan.seed, **_of_modules(plan)}


def _of_search(plan: Plan, stage: Stage) -> dict[str, Any]:
    """What a search for slices goes by beside its settings.

    Where it computes metrics, or counts the rows of listed slices to withhold what would tell of small ones, all of it.
    """
    config = without_thresholds(plan.eval_config)
    if stage.settings["metrics"] or plan.min_slice_size > 1:
        return {"max_slices": plan.max_slices, **_of_metrics(plan, config)}
    wanted = ("model_specs", "options", "bins", *(() if stage.settings["loss"] else ("metrics_specs",)))
    return {"eval_config": _only(config, wanted)}


def _of_modules(plan: Plan) -> dict[str, Any]:
    """The modules of the user's own that metrics come from; nothing where there are none."""
    modules = {module: path for path, module in reversed([*modules_in(plan.eval_config)])}
    digests = {m: _version("keras") if is_keras(m) else code_digest(plan, m, path) for m, path in modules.items()}
    return {"modules": digests} if modules else {}


def _classes_of_keys(spec: Mapping[str, Any]) -> tuple[str, ...]:
    """`classes`, where prediction keys may be names of classes: then they say in which order outputs are put."""
    return ("classes",) if "prediction_keys" in spec else ()


def _of_model(plan: Plan, model: Mapping[str, Any]) -> dict[str, Any]:
    """Settings of a model; who is the baseline makes no difference to its predictions."""
    settings = _without(model, ("baseline",))
    if is_code(model["type"]):
        return {**settings, "code": code_digest(plan, model["uri"], f"model {model['name']!r}")}
    return {**settings, "framework": _version(framework_of(model["name"], model["type"]).package)}


def _version(package: str) -> str:
    """Version of a package; "" where it is not installed, and for none."""
    try:
        return version(package) if package else ""
    except PackageNotFoundError:
        # sklearn is installed as scikit-learn, and TensorFlow under several names
        return ", ".join(f"{name} {version(name)}" for name in sorted(packages_distributions().get(package, ())))


def without_thresholds(config: Mapping[str, Any]) -> dict[str, Any]:
    """An eval config as JSON without what only the gate reads; settings of metrics are text and stay as they are."""
    specs = []
    for spec in config.get("metrics_specs", []):
        metrics = [_without(metric, _THRESHOLDS) for metric in spec.get("metrics", [])]
        specs.append({**_without(spec, _THRESHOLDS), "metrics": metrics})
    return {**config, "metrics_specs": specs}


def _only(settings: Mapping[str, Any], keys: Collection[str]) -> dict[str, Any]:
    return {key: settings[key] for key in keys if key in settings}


def _without(settings: Mapping[str, Any], keys: Collection[str]) -> dict[str, Any]:
    return {key: value for key, value in settings.items() if key not in keys}


def code_digest(plan: Plan, path: str, where: str) -> str:
    """Digest of the module behind an import path `module:function`; or the plan's `code_version`, if it has one.

    Raises:
        ConfigError: there is no such module.
    """
    if plan.code_version:
        return f"version {plan.code_version}"
    module = path.partition(":")[0]
    try:
        spec = find_spec(module)
    except (ImportError, ValueError) as error:
        raise ConfigError(f"{where}: {path!r} cannot be imported: {error}") from error
    if spec is None:
        raise ConfigError(f"{where}: {path!r} cannot be imported: there is no module {module!r}")
    source = Path(spec.origin or "")
    return hashlib.sha256(source.read_bytes()).hexdigest() if source.is_file() else f"module {module}"
