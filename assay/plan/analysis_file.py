"""The analysis file: what a person writes (YAML or JSON), checked once and turned into a plan.

No code of the user's own is imported here: a stage states what it adds or puts out, and is held to it when it runs.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from assay.errors import ConfigError, EvalConfigError, MissingFileError, ModelError
from assay.models.known import FRAMEWORKS, types_to_trust
from assay.models.replacements import check_replacements
from assay.plan import plan as plans
from assay.plan.blessed import BLESSED
from assay.plan.checks import check, check_name
from assay.plan.default_metrics import leaves_metrics_to
from assay.plan.fields import (
    Field,
    choice,
    count,
    factory,
    flag,
    flags,
    json_mapping,
    keys,
    list_of,
    natural,
    parameters,
    secrets,
    section,
    share,
    text,
    texts,
    word,
    words,
)
from assay.plan.filled import with_params
from assay.plan.find_slices import find_slices
from assay.plan.gate_section import check_gate, gate_section
from assay.plan.params import check_parameters
from assay.plan.plan import Plan
from assay.plan.tasks import CHECKPOINTS, NO_CHECKPOINTS, reshaped
from assay.storage.file_paths import path_text
from assay.storage.regular_files import check_regular
from assay.types import LABELS_KEY, OUTPUT_FILE_FORMATS, TFRECORD
from assay.yaml_text import parse_json, parse_yaml

if TYPE_CHECKING:
    from assay.proto.config_pb2 import EvalConfig
from assay.plan.known import FORMATS
from assay.plan.relative_paths import inputs_below, model_below, uri_below
from assay.plan.stages_of_file import adds_predictions, metric_modules, stages_of

_MOST_BYTES = 64 << 20


def _stage_name(value: Any, path: str) -> str:
    name = word(value, path)
    check_name(name, path)
    return name


def _counterfactual(value: Any, path: str) -> dict[str, Any]:
    replacements = json_mapping(value, path)
    try:
        check_replacements(replacements, path)
    except ModelError as error:
        raise ConfigError(str(error)) from error
    return replacements


_FILES: Mapping[str, Field] = {
    "format": Field(choice(*FORMATS)),
    "files": Field(texts),
    "columns": Field(words, None),
    "batch_rows": Field(count, None),
    "options": Field(json_mapping, {}),
    "join": Field(lambda value, path: section(value, path, _JOIN), None),
}
_JOIN: Mapping[str, Field] = {
    "format": Field(choice(*FORMATS), None),
    "files": Field(texts),
    "on": Field(keys),
    "columns": Field(words, None),
    "options": Field(json_mapping, {}),
    "max_unmatched": Field(share, 1.0),
}
_CUSTOM: Mapping[str, Field] = {
    "factory": Field(factory),
    "args": Field(json_mapping, {}),
    "per_row": Field(flag, False),
    "image": Field(word, plans.CORE_IMAGE),
}
_MODEL: Mapping[str, Field] = {
    "name": Field(word),
    "uri": Field(text),
    "type": Field(lambda value, path: choice(*FRAMEWORKS)(value, path), None),
    "baseline": Field(lambda value, path: value if value == BLESSED else flag(value, path), False),
    "signature": Field(text, None),
    "features": Field(words, None),
    "batch_rows": Field(count, None),
    "args": Field(json_mapping, None),
    "trusted": Field(flag, None),
    "counterfactual": Field(_counterfactual, None),
}
_EXTRACTOR: Mapping[str, Field] = {
    "name": Field(_stage_name),
    **_CUSTOM,
    "after": Field(word, None),
    "adds": Field(words),
}
_EVALUATOR: Mapping[str, Field] = {
    "name": Field(_stage_name),
    **_CUSTOM,
    "run_after": Field(word),
    "outputs": Field(words),
}
_WRITER: Mapping[str, Field] = {"name": Field(_stage_name), "factory": _CUSTOM["factory"], "args": _CUSTOM["args"]}

_SAME_IN_PYTHON = (
    *("on_bad_rows", "max_bad_rows", "min_rows", "rubber_stamp", "seed", "max_slices"),
    *("output_file_format", "gate"),
)
_SAME_IN_PLAN = (*_SAME_IN_PYTHON, "code_version", "options")


def _inputs(value: Any, path: str) -> dict[str, Any]:
    return section(value, path, _CUSTOM if isinstance(value, Mapping) and "factory" in value else _FILES)


def read_join(value: Any, main_format: str) -> dict[str, Any]:
    """Checks what stands, or could stand, under `inputs.join`, and fills in what it leaves open.

    Raises:
        ConfigError: an unknown key, one that is missing, or a value that cannot be.
    """
    join = section(value, "inputs.join", _JOIN)
    return {**join, "format": join["format"] or main_format}


def read_settings(values: Mapping[str, Any]) -> dict[str, Any]:
    """Checks settings of a run that Python takes by the names of their keys; what is left out has its default.

    Raises:
        ConfigError: an unknown key, or a value that cannot be.
    """
    return section(values, "", {name: _ANALYSIS[name] for name in ("params", "find_slices", *_SAME_IN_PYTHON)})


def read_source(values: Mapping[str, Any]) -> dict[str, Any]:
    """Checks a description of files, as it stands or could stand under `inputs`.

    Raises:
        ConfigError: an unknown key, one that is missing, or a value that cannot be.
    """
    return section(values, "inputs", {name: field for name, field in _FILES.items() if name != "join"})


def _sections(fields: Mapping[str, Field]) -> Field:
    return Field(list_of(lambda value, path: section(value, path, fields)), [])


def _config(value: Any, path: str) -> Any:
    return text(value, path) if isinstance(value, str) else json_mapping(value, path)


_ANALYSIS: Mapping[str, Field] = {
    "params": Field(parameters, {}),
    "inputs": Field(_inputs),
    "on_bad_rows": Field(choice("fail", "skip"), "fail"),
    "max_bad_rows": Field(share, 0.0),
    "min_rows": Field(count, 1),
    "models": _sections(_MODEL),
    "rubber_stamp": Field(flag, False),
    "seed": Field(natural, 0),
    "max_slices": Field(count, plans.MOST_SLICES),
    "eval_config": Field(_config, None),
    "eval_config_file": Field(lambda value, path: word(text(value, path), path), None),
    "metrics_image": Field(word, None),
    "extractors": _sections(_EXTRACTOR),
    "evaluators": _sections(_EVALUATOR),
    "writers": _sections(_WRITER),
    "analysis_table": Field(flag, False),
    "find_slices": Field(find_slices, None),
    "code_version": Field(text, ""),
    "checkpoint": Field(choice(*CHECKPOINTS), NO_CHECKPOINTS),
    "options": Field(flags, ()),
    "output": Field(text),
    "output_file_format": Field(choice(*OUTPUT_FILE_FORMATS), TFRECORD),
    "gate": Field(gate_section, {}),
}


def load_analysis(
    path: str | os.PathLike[str],
    values: Mapping[str, str] | None = None,
    base: str | os.PathLike[str] | None = None,
) -> Plan:
    """Reads an analysis file and checks all of it.

    Args:
        path: a YAML or (by its ending) JSON file.
        values: parameter -> text; None leaves the parameters open.
        base: folder or URI that relative paths of data, models and output start from; None is the folder of the file.

    Returns:
        The plan: with `given`, resolved and ready to run.

    Raises:
        MissingFileError: the file, or its `eval_config_file`, is not there.
        ConfigError: it is wrong; the message has file, key path, what was expected and found. Of its subclasses,
            EvalConfigError is for the eval config and PipelineError for stages that do not fit together.
    """
    file = Path(path).expanduser()
    try:
        start = "" if base is None else path_text(base, "base")
        plan = compile_analysis(_parse(_read(file), file), file.parent, start)
        return plan if values is None else with_params(plan, values)
    except (ConfigError, MissingFileError) as error:
        raise type(error)(f"{file}: {error}") from error


def compile_analysis(analysis: Mapping[str, Any], folder: Path, base: str = "") -> Plan:
    """Turns the content of an analysis file that lies in `folder` into a plan with its parameters left open.

    Relative paths of data, models and output start from `base`, a folder or a URI; by default from `folder`.
    """
    read = section(analysis, "", _ANALYSIS)
    read["secrets"] = secrets(analysis.get("params") or {})
    open_values = {key: value for key, value in analysis.items() if key != "params"}
    check_parameters(open_values, read["params"], "")
    config = _eval_config(read, folder)
    _check_models(read, config)
    check_gate(read, config)
    read["metric_modules"] = metric_modules(read, config)
    plan = reshaped(_plan(read, base or str(folder), config), NO_CHECKPOINTS)
    check(plan)
    return reshaped(plan, read["checkpoint"])


def _plan(read: Mapping[str, Any], base: str, config: dict[str, Any]) -> Plan:
    return Plan(
        stages=stages_of(read, config),
        tasks=(),
        inputs=inputs_below(read["inputs"], base),
        models=tuple(model_below(model, base) for model in read["models"]),
        eval_config=config,
        output=uri_below(read["output"], base),
        params=read["params"],
        secrets=read["secrets"],
        **{key: read[key] for key in _SAME_IN_PLAN},
    )


def _read(file: Path) -> str:
    check_regular(str(file))
    if file.is_file() and file.stat().st_size > _MOST_BYTES:
        raise ConfigError(f"expected at most {_MOST_BYTES >> 20} MB, found {file.stat().st_size >> 20} MB")

    try:
        return file.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise MissingFileError(f"expected a file that can be read; {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"expected UTF-8 text, found the byte {error.object[error.start]:#x}") from error


def _parse(written: str, file: Path) -> Any:
    return parse_json(written) if file.suffix == ".json" else parse_yaml(written)


def _eval_config(read: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """The resolved and checked EvalConfig as JSON."""
    inline, file = read["eval_config"], read["eval_config_file"]
    if (inline is None) == (file is None):
        found = "none" if file is None else "both"
        raise ConfigError(f"eval_config: expected either eval_config or eval_config_file, found {found}")
    from assay.config.baselines import check_names_of_models, check_names_of_specs, has_baseline_model
    from assay.config.resolved import parse_eval_config

    with _named_errors(read):
        path = None if file is None else Path(uri_below(path_text(file, "eval_config_file"), str(folder)))
        config = parse_eval_config(inline if path is None else _config_in(path))
        check_names_of_specs(config)
    check_names_of_models([model["name"] for model in read["models"]])
    has_baseline = has_baseline_model(config, _baselines(read))
    with _named_errors(read):
        return _resolved(config, has_baseline, read)


@contextmanager
def _named_errors(read: Mapping[str, Any]) -> Iterator[None]:
    """Errors about the eval config say where it is."""
    try:
        yield
    except (ConfigError, MissingFileError) as error:
        hint = "; a parameter can stand only in fields of text" if "${" in str(error) else ""
        raise type(error)(f"{_at_config(read, str(error))}{hint}") from error


def _at_config(read: Mapping[str, Any], message: str) -> str:
    """A message about the eval config that says where that is: in a file, or inline, where paths of fields go on."""
    from assay.config.paths import WHOLE

    message = message.removeprefix(f"{WHOLE}: ")
    if read["eval_config_file"] is not None:
        return f"eval_config_file {read['eval_config_file']}: {message}"
    return f"eval_config{'.' if re.match(r'[a-z_]+[.:[]', message) else ': '}{message}"


def _config_in(file: Path) -> Any:
    written = _read(file)
    return parse_yaml(written) if file.suffix in (".yaml", ".yml") else written


def _resolved(config: EvalConfig, has_baseline: bool | None, read: Mapping[str, Any]) -> dict[str, Any]:
    from assay.config.resolved import check_eval_config, resolve_eval_config, to_canonical_json
    from assay.config.unmet_slices import refuse_unmet_slices

    config = resolve_eval_config(config, has_baseline_model=has_baseline, rubber_stamp=read["rubber_stamp"])
    check_eval_config(config)
    if not read["evaluators"]:
        refuse_unmet_slices(config)
    _check_metrics(config, read)
    resolved: dict[str, Any] = json.loads(to_canonical_json(config))
    return resolved


def _check_metrics(config: EvalConfig, read: Mapping[str, Any]) -> None:
    """Checks names, settings and needs of our metrics; a scheduler's light environment leaves that to the stage."""
    if leaves_metrics_to([model["type"] for model in read["models"]], config) or not find_spec("apache_beam"):
        return
    from assay.metrics.binding.bound import metrics_of
    from assay.metrics.binding.label_keys import refuse_no_labels

    metrics_of(config, own_modules=False)
    own = {key for extra in read["extractors"] for key in extra["adds"]}
    if "factory" not in read["inputs"] and LABELS_KEY not in own:  # custom code may give labels as they are
        refuse_no_labels(config, own_modules=False)


def _check_models(read: Mapping[str, Any], config: Mapping[str, Any]) -> None:
    models, specs = read["models"], config.get("model_specs", [{}])
    if not models:
        _check_predictions(read, config, specs)
        return
    for i, model in enumerate(models):
        _check_type(model, f"models[{i}]")
    if len(models) > 1 or len(specs) > 1:
        _check_specs(read, specs)


def _check_type(model: Mapping[str, Any], path: str) -> None:
    """A model has a type, unless it is the one that is blessed: `blessed.json` tells all about that."""
    if model["baseline"] != BLESSED:
        if model["type"] is None:
            raise ConfigError(f"{path}.type: expected one of {', '.join(FRAMEWORKS)}, found nothing")
        if model["trusted"] and model["type"] not in types_to_trust():
            alone = " or ".join(types_to_trust())
            raise ConfigError(f"{path}.trusted: it applies only to type {alone}; remove it")
        return
    settings = ("type", "signature", "features", "batch_rows", "args", "counterfactual")
    present = [key for key in settings if model[key] is not None]
    if present:
        raise ConfigError(f"{path}.{present[0]}: expected nothing, as {model['uri']} says which model is blessed")


def _check_specs(read: Mapping[str, Any], specs: Sequence[Mapping[str, Any]]) -> None:
    from assay.config.baselines import check_models

    specified = {spec.get("name", ""): spec.get("is_baseline", False) for spec in specs}
    try:
        check_models(_baselines(read), specified)
    except EvalConfigError as error:
        raise EvalConfigError(_at_config(read, str(error))) from error


def _baselines(read: Mapping[str, Any]) -> dict[str, bool]:
    """Name of each model, and whether it is the baseline."""
    return {model["name"]: bool(model["baseline"]) for model in read["models"]}


def _check_predictions(read: Mapping[str, Any], config: Mapping[str, Any], specs: Sequence[Mapping[str, Any]]) -> None:
    """Without models the predictions must come from columns or from an extractor of the user's own."""
    from assay.config.images import names_predictions

    if adds_predictions(read) or names_predictions(config):
        return
    for i, spec in enumerate(specs):
        if not spec.get("prediction_key") and not spec.get("prediction_keys"):
            message = "expected the column with the predictions, as there are no models; found nothing"
            raise EvalConfigError(_at_config(read, f"model_specs[{i}].prediction_key: {message}"))
