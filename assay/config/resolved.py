"""The EvalConfig: filling in defaults, checks, canonical JSON, and the columns that it needs."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping

from google.protobuf import json_format

from assay.config.baselines import check_names_of_specs
from assay.config.comparisons import remove_comparisons
from assay.config.disparities import check_disparities
from assay.config.fields import messages_in, refuse_unused_fields
from assay.config.intervals import check_intervals
from assay.config.model_values import check_model_values, has_column_for_each_class
from assay.config.source import parse_eval_config
from assay.config.thresholds import (
    check_threshold,
    check_thresholds,
    refuse_thresholds_of_baseline,
    remove_change_thresholds,
)
from assay.errors import EvalConfigError
from assay.proto.config_pb2 import (
    ConfidenceIntervalOptions,
    EvalConfig,
    MetricThreshold,
    ModelSpec,
    SlicingSpec,
)
from assay.slicing.feature_bins import bins_of, check_bins, wrong_bin
from assay.slicing.sql_text import parse_query
from assay.text.near_miss import one_of
from assay.types import BASELINE_KEY, CANDIDATE_KEY, MISSING

__all__ = ["check_eval_config", "columns_of", "parse_eval_config", "resolve_eval_config", "to_canonical_json"]

_SLICE = "slice"
"""What `missing` of a slicing spec may say."""
_COLUMN_KEYS = ("label_key", "example_weight_key", "prediction_key")


def resolve_eval_config(
    config: EvalConfig, *, has_baseline_model: bool | None = None, rubber_stamp: bool = False
) -> EvalConfig:
    """Returns a copy of the config with its defaults filled in.

    - If there is no baseline, model specs with `is_baseline`, metrics specs of the baseline alone and all change
      thresholds are removed, and for a first run the metrics that compare with the baseline. A spec whose
      `prediction_key` (or keys) names columns of the data is a baseline that needs no model.
    - If there is a baseline model and only one spec, without a name, the spec becomes `candidate`, and a copy of it
      `baseline`.
    - If there is no model spec, an empty one is added; the name of a single model spec becomes "". Metrics specs get
      the names of their models.
    - Confidence intervals without a method are by JACKKNIFE.

    Args:
        config: the config as read; it is not changed.
        has_baseline_model: whether there is a baseline model; None if there are no models, so that the config decides.
        rubber_stamp: allow change thresholds without a baseline, for a first run.

    Raises:
        EvalConfigError: a change threshold without a baseline to compare with, or a threshold for the baseline alone.
    """
    refuse_thresholds_of_baseline(config)
    resolved = EvalConfig()
    resolved.CopyFrom(config)
    if has_baseline_model:
        _add_baseline(resolved)
    if not _has_baseline(resolved, has_baseline_model):
        _remove_baseline(resolved, rubber_stamp=rubber_stamp)
    _name_models(resolved)

    options = resolved.options
    if options.compute_confidence_intervals.value and not options.confidence_intervals.method:
        options.confidence_intervals.method = ConfidenceIntervalOptions.JACKKNIFE
    return resolved


def _add_baseline(config: EvalConfig) -> None:
    specs = config.model_specs
    if len(specs) == 1 and not specs[0].name:
        specs.add().CopyFrom(specs[0])
        specs[0].name = CANDIDATE_KEY
        specs[1].name, specs[1].is_baseline = BASELINE_KEY, True


def _has_baseline(config: EvalConfig, has_baseline_model: bool | None) -> bool:
    baselines = [spec for spec in config.model_specs if spec.is_baseline]
    if has_baseline_model is False:
        return any(spec.prediction_key or spec.prediction_keys for spec in baselines)
    return bool(baselines)


def _remove_baseline(config: EvalConfig, *, rubber_stamp: bool) -> None:
    for path, threshold in messages_in(config, MetricThreshold):
        if not threshold.HasField("change_threshold"):
            continue
        check_threshold(threshold, path)  # or a run without a baseline would pass what the next one refuses
        if not rubber_stamp:
            raise EvalConfigError(
                f"{path}.change_threshold: there is no baseline to compare with; give a baseline model, "
                f"a model spec with is_baseline and prediction_key, or rubber_stamp for a first run"
            )
    remove_change_thresholds(config)
    if rubber_stamp:
        remove_comparisons(config)

    gone = {spec.name for spec in config.model_specs if spec.is_baseline}
    kept = [spec for spec in config.model_specs if not spec.is_baseline]
    del config.model_specs[:]
    config.model_specs.extend(kept)

    # Metrics of the baseline alone go with it: without names they would be those of the candidate.
    specs = [spec for spec in config.metrics_specs if not spec.model_names or not gone.issuperset(spec.model_names)]
    del config.metrics_specs[:]
    config.metrics_specs.extend(specs)
    for spec in config.metrics_specs:
        spec.model_names[:] = [name for name in spec.model_names if name not in gone]


def _name_models(config: EvalConfig) -> None:
    if not config.model_specs:
        config.model_specs.add()
    if len(config.model_specs) == 1:
        config.model_specs[0].name = ""
    names = [spec.name for spec in config.model_specs]
    for metrics_spec in config.metrics_specs:
        if len(names) == 1 or not metrics_spec.model_names:
            metrics_spec.model_names[:] = names


def check_eval_config(config: EvalConfig) -> None:
    """Checks a resolved config. Names and settings of metrics are checked where metrics are bound, not here.

    Raises:
        EvalConfigError: a field that nothing uses; model specs that are missing, have no name or the same name, or
            more than one baseline; a key in both singular and plural; a metrics spec of an unknown model or output;
            impossible bins, slicings or intervals; thresholds without slices, without bounds, or with bounds that no
            value meets.
    """
    refuse_unused_fields(config)
    _check_model_specs(config)
    check_model_values(config)
    _check_baseline(config)
    _check_model_names(config)
    _check_output_names(config)

    check_bins(config)
    for path, spec in messages_in(config, SlicingSpec):
        _check_slicing(spec, path)
        _check_values_of_bins(spec, path, config)
    _check_queries(config)
    check_disparities(config)
    check_intervals(config)
    check_thresholds(config)


def _check_model_specs(config: EvalConfig) -> None:
    specs = config.model_specs
    if not specs:
        raise EvalConfigError("model_specs: expected at least one, found none")
    check_names_of_specs(config)
    for i, spec in enumerate(specs):
        path = f"model_specs[{i}]"
        if not spec.name and len(specs) > 1:
            raise EvalConfigError(
                f"{path}.name: expected a name, because there are {len(specs)} model specs; found none"
            )
        for field in ("label_key", "prediction_key", "example_weight_key"):
            if getattr(spec, field) and getattr(spec, f"{field}s"):
                raise EvalConfigError(f"{path}.{field}: {field}s is set too; expected one of the two")


def _check_baseline(config: EvalConfig) -> None:
    baselines = [f"model_specs[{i}].is_baseline" for i, spec in enumerate(config.model_specs) if spec.is_baseline]
    if len(baselines) > 1:
        raise EvalConfigError(f"{baselines[1]}: {baselines[0]} is set too; expected one baseline")
    if baselines and len(config.model_specs) == 1:
        raise EvalConfigError(f"{baselines[0]}: the only model is the baseline; expected a candidate as well")


def _check_model_names(config: EvalConfig) -> None:
    names = [spec.name for spec in config.model_specs]
    for i, metrics_spec in enumerate(config.metrics_specs):
        for j, name in enumerate(metrics_spec.model_names):
            if name not in names:
                path = f"metrics_specs[{i}].model_names[{j}]"
                raise EvalConfigError(f"{path}: no model spec has the name {name!r}{one_of(name, names)}")


def _check_output_names(config: EvalConfig) -> None:
    """Outputs must be those that model specs name. Those of a model without prediction keys show when it runs."""
    for i, metrics_spec in enumerate(config.metrics_specs):
        asked = [(f"metrics_specs[{i}].output_names[{j}]", name) for j, name in enumerate(metrics_spec.output_names)]
        for k, spec in enumerate(config.model_specs):
            if metrics_spec.model_names and spec.name not in metrics_spec.model_names:
                continue
            for path, name in asked:
                _check_output_name(name, path, spec, f"model_specs[{k}]")


def _check_output_name(name: str, path: str, spec: ModelSpec, model: str) -> None:
    if spec.prediction_key:
        raise EvalConfigError(
            f"{path}: found {name!r}, but {model} has no outputs with names, only the prediction_key "
            f"{spec.prediction_key!r}; name its outputs in prediction_keys, such as {{{name}: {spec.prediction_key}}}, "
            "or remove output_names"
        )
    if has_column_for_each_class(spec):
        raise EvalConfigError(
            f"{path}: found {name!r}, but the prediction_keys of {model} are its classes, and name no outputs; remove "
            "output_names, and ask for one class by class_ids of binarize"
        )
    if spec.prediction_keys and name not in spec.prediction_keys:
        near = one_of(name, sorted(spec.prediction_keys))
        raise EvalConfigError(f"{path}: {model} has no {name!r} among its prediction_keys{near}")


def _check_slicing(spec: SlicingSpec, path: str) -> None:
    for i, key in enumerate(spec.feature_keys):
        inner_path = f"{path}.feature_keys[{i}]"
        if not key:
            raise EvalConfigError(f"{inner_path}: expected the name of a feature, found ''")
        if key in spec.feature_values:
            raise EvalConfigError(f"{inner_path}: {key!r} is in feature_values too; expected one of the two")
    if spec.slice_keys_sql:
        _check_query(spec, path)
    if spec.missing not in ("", _SLICE):
        raise EvalConfigError(f"{path}.missing: expected {_SLICE!r}, found {spec.missing!r}")
    if spec.missing and not spec.feature_keys and MISSING not in spec.feature_values.values():
        raise EvalConfigError(
            f"{path}.missing: no feature of the spec can be missing; name one in feature_keys, or remove the field"
        )
    if "" in spec.feature_values:
        raise EvalConfigError(f"{path}.feature_values: expected names of features as keys, found ''")


def _check_query(spec: SlicingSpec, path: str) -> None:
    others = [field.name for field, _ in spec.ListFields() if field.name != "slice_keys_sql"]
    if others:
        raise EvalConfigError(f"{path}.{others[0]}: slice_keys_sql is set too; expected one of the two")
    try:
        parse_query(spec.slice_keys_sql)
    except EvalConfigError as error:
        raise EvalConfigError(f"{path}.{error}") from error


def _check_queries(config: EvalConfig) -> None:
    """Slices of a query must not be taken for those of the features themselves, which have other rows."""
    makers: dict[tuple[str, ...], tuple[str, str]] = {}
    for path, spec in messages_in(_slices_of(config), SlicingSpec):
        sql = spec.slice_keys_sql
        query = parse_query(sql) if sql else None
        features = query.names if query else tuple(sorted({*spec.feature_keys, *spec.feature_values}))
        other_sql, other = makers.setdefault(features, (sql, path))
        if sql != other_sql:
            raise EvalConfigError(
                f"{path}: {other} makes slices of {', '.join(features)} too, and SQL makes those of one of the two, so "
                "that they could not be told apart; name the fields of the query otherwise: STRUCT(... AS other_name)"
            )


def _slices_of(config: EvalConfig) -> EvalConfig:
    """What of a config forms slices. Thresholds only refer to them."""
    return EvalConfig(
        slicing_specs=config.slicing_specs,
        cross_slicing_specs=config.cross_slicing_specs,
        disparities=config.disparities,
    )


def _check_values_of_bins(spec: SlicingSpec, path: str, config: EvalConfig) -> None:
    """A text with a parameter that is not filled in may be any."""
    bins = bins_of(config)
    for name, text in sorted(spec.feature_values.items()):
        wrong = wrong_bin(text, bins[name]) if name in bins and text != MISSING and "${" not in text else ""
        if wrong:
            raise EvalConfigError(f"{path}.feature_values[{name!r}]: {wrong}")


def to_canonical_json(config: EvalConfig) -> str:
    """JSON with sorted keys, the proto's own field names, unset fields left out; equal configs give equal text.

    `parse_eval_config` gives the same message back.
    """
    plain = json_format.MessageToDict(config, preserving_proto_field_name=True)
    return json.dumps(plain, sort_keys=True, separators=(",", ":"), allow_nan=False)


def columns_of(
    config: EvalConfig,
    *,
    models: Collection[str] = (),
    transformed: Mapping[str, Collection[str]] | None = None,
) -> dict[str, str]:
    """Columns of the data that the config needs, each with the first field that needs it.

    Args:
        config: a resolved config.
        models: names of the model specs whose predictions are made by a model: their `prediction_key` names an output
            of the model, not a column.
        transformed: model name -> the features that its own functions make, which need no column of the data.

    Returns:
        Column -> what needs it, such as "label_key of model 'candidate'" or "slicing_specs[2]".
    """
    needed: dict[str, str] = {}
    made = transformed or {}
    made_by_any = {name for features in made.values() for name in features}
    of_slices = ((name, who) for name, who in _columns_of_slices(config) if name not in made_by_any)
    for column, who in (*_columns_of_models(config, models, made), *of_slices, *_columns_of_rows(config)):
        needed.setdefault(column, who)
    return needed


def _columns_of_models(
    config: EvalConfig, models: Collection[str], transformed: Mapping[str, Collection[str]]
) -> Iterator[tuple[str, str]]:
    of_a_lone_model = set[str]().union(*transformed.values())  # which may have no name in the config
    for i, model in enumerate(config.model_specs):
        own = transformed.get(model.name, ()) if len(config.model_specs) > 1 else of_a_lone_model
        yield from (pair for pair in _columns_of_model(model, i, model.name in models) if pair[0] not in own)


def _columns_of_model(model: ModelSpec, number: int, is_run: bool) -> Iterator[tuple[str, str]]:
    name = f"model {model.name!r}" if model.name else f"model_specs[{number}]"
    for key in ("label_key", "example_weight_key") if is_run else _COLUMN_KEYS:
        if getattr(model, key):
            yield getattr(model, key), f"{key} of {name}"
        by_output = getattr(model, f"{key}s")
        yield from ((by_output[output], f"{key}s[{output!r}] of {name}") for output in sorted(by_output))


def _columns_of_slices(config: EvalConfig) -> Iterator[tuple[str, str]]:
    """The columns of slicing specs. Thresholds only refer to slices, and need no columns."""
    for path, spec in messages_in(_slices_of(config), SlicingSpec):
        columns = parse_query(spec.slice_keys_sql).columns if spec.slice_keys_sql else ()
        yield from ((feature, path) for feature in [*spec.feature_keys, *sorted(spec.feature_values), *columns])


def _columns_of_rows(config: EvalConfig) -> Iterator[tuple[str, str]]:
    for i, spec in enumerate(config.metrics_specs):
        if spec.query_key:
            yield spec.query_key, f"metrics_specs[{i}].query_key"
    resample_by = config.options.confidence_intervals.resample_by
    if resample_by:
        yield resample_by, "options.confidence_intervals.resample_by"
