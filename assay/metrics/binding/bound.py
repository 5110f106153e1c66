"""EvalConfig -> the metrics and plots to compute: each bound to its key, its state and its settings."""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from assay.config.fields import refuse_unused_fields
from assay.config.metric_settings import chosen_settings
from assay.config.model_values import check_model_values
from assay.config.own_modules import has_own_metrics, module_of
from assay.config.thresholds import check_thresholds
from assay.errors import ConfigError, EvalConfigError
from assay.metrics.binding.members import members_of
from assay.metrics.binding.metric import Key, Metric
from assay.metrics.binding.output_means import OutputMean, check_output_weights, output_means
from assay.metrics.binding.parts import own_parts, placements, placements_of, settings_of_parts, without_parts
from assay.metrics.binding.rounding import multiple_of, refuse_telling
from assay.metrics.binding.settings import OF_TYPE
from assay.metrics.binding.spreads import with_spreads
from assay.metrics.binding.streams import candidates_of, stream_for, streams_of
from assay.metrics.binding.value_ranges import refuse_beyond_range
from assay.metrics.computations.attributions import Attributions
from assay.metrics.computations.own_objects import OfObjects, takes_weights
from assay.metrics.computations.ranking import QueryMean
from assay.metrics.computations.scores import Confusion
from assay.metrics.computations.table import Computation, Configured, Prepared
from assay.metrics.declare import CHOSEN, Definition, definitions, groups
from assay.metrics.entries.matched import Matched
from assay.metrics.entries.streams import Stream
from assay.metrics.entries.views import Classes, TopK, View
from assay.metrics.keys import AggregationType, AttributionsKey, MetricKey, PlotKey, SubKey
from assay.metrics.own_modules import definition_of, known_definition
from assay.metrics.picks import MeanOfDefined
from assay.metrics.states.resampling import is_analytic
from assay.proto.config_pb2 import EvalConfig, MetricConfig, MetricsSpec, Options
from assay.text.near_miss import hint, one_of

_OUTPUTS = ("analysis", "plots", "attributions", "eval_config")
"""Outputs that a config may disable; without metrics there is nothing to judge by."""


class _Path(NamedTuple):
    """Path of a metric in the config, for errors."""

    spec: int
    metric: int

    def __str__(self) -> str:
        return f"metrics_specs[{self.spec}].metrics[{self.metric}]"


def metrics_of(config: EvalConfig, *, own_modules: bool = True) -> tuple[Metric, ...]:
    """Binds every metric of a resolved config, once in a process, however many ask.

    Args:
        config: a resolved config.
        own_modules: whether metrics of modules of the user's own are among them, which imports these modules.

    Raises:
        EvalConfigError: an unknown metric or setting, one key twice, or what assay does not compute (yet).
    """
    return _bound_of(config, own_modules=own_modules).metrics


def output_means_of(config: EvalConfig) -> tuple[OutputMean, ...]:
    """The means over outputs of a resolved config; as `metrics_of`."""
    return _bound_of(config, own_modules=True).output_means


class _Bound(NamedTuple):
    metrics: tuple[Metric, ...]
    output_means: tuple[OutputMean, ...]


def _bound_of(config: EvalConfig, *, own_modules: bool) -> _Bound:
    if own_modules and has_own_metrics(config):
        return _bind_config(config, own_modules=True)  # anew each time: a notebook may have declared them again
    return _bound(config.SerializeToString(deterministic=True))


@lru_cache(maxsize=16)
def _bound(serialized: bytes) -> _Bound:
    return _bind_config(EvalConfig.FromString(serialized), own_modules=False)


def _bind_config(config: EvalConfig, *, own_modules: bool) -> _Bound:
    refuse_unsupported(config)
    all_bound = list(_bind_all(config, own_modules=own_modules))
    bound: dict[tuple[Key, str], Metric] = {}
    for metric, path in all_bound:
        shares_key = isinstance(metric.key, PlotKey) and not metric.key.name  # the classic plots share one record
        twin = bound.setdefault((metric.key, metric.class_name if shares_key else ""), metric)
        if twin != metric:
            raise EvalConfigError(
                f"{path}: the name {metric.key.name!r} is already taken by {twin.class_name} with other settings; "
                f"set another name in its config"
            )
    _refuse_names_of_columns(all_bound)
    if multiple_of(config.options) > 1:
        for metric, path in all_bound:
            refuse_telling(metric, str(path))
    means = []
    for i, spec in enumerate(config.metrics_specs):
        check_output_weights(spec, f"metrics_specs[{i}]")
        of_spec = [metric for metric, path in all_bound if path.spec == i]
        named = {metric.key.name: metric.definition for metric in of_spec}
        refuse_beyond_range(spec, f"metrics_specs[{i}]", named)
        means += output_means(spec, of_spec)
    metrics = with_spreads(bound.values()) if is_analytic(config) else bound.values()
    return _Bound(tuple(metrics), tuple(dict.fromkeys(means)))


def _refuse_names_of_columns(bound: Sequence[tuple[Metric, _Path]]) -> None:
    """Refuses a metric that has the name of a column's: a threshold on the one could be held against the other.

    The value of a column belongs to no model or output, so that their keys differ all the same.
    """
    metrics = [(metric, path) for metric, path in bound if isinstance(metric.key, MetricKey)]
    of_columns = {metric.key.name: (metric, path) for metric, path in metrics if metric.stream.reads.feature}
    for metric, path in metrics:
        twin, twin_path = of_columns.get(metric.key.name, (metric, path))
        if metric.stream.reads.feature != twin.stream.reads.feature:
            raise EvalConfigError(
                f"{path}: {metric.class_name} has the name {metric.key.name!r}, which is that of {twin.class_name} of "
                f"the column {'.'.join(twin.stream.reads.feature)!r} ({twin_path}), too; set another name in the "
                "config of one of them"
            )


def refuse_unsupported(config: EvalConfig) -> None:
    """Raises EvalConfigError for settings that would otherwise be ignored in silence."""
    refuse_unused_fields(config)
    check_model_values(config)
    check_thresholds(config)
    _check_options(config.options)
    if not any(spec.metrics for spec in config.metrics_specs):
        raise EvalConfigError(
            "metrics_specs: no metric is asked for; expected at least one, for example {class_name: ExampleCount}"
        )


def _check_options(options: Options) -> None:
    least = options.min_slice_size.value
    if least < 0:
        raise EvalConfigError(f"options.min_slice_size: expected a number of rows, 0 or more, found {least}")
    multiple_of(options)
    for name in options.disabled_outputs.values:
        if name not in _OUTPUTS:
            raise EvalConfigError(f"options.disabled_outputs: {name!r} cannot be disabled{one_of(name, _OUTPUTS)}")


def _bind_all(config: EvalConfig, *, own_modules: bool) -> Iterator[tuple[Metric, _Path]]:
    for i, spec in enumerate(config.metrics_specs):
        for asked, path in _members(spec, i):
            if module_of(asked) and not own_modules:
                continue
            definition = _find(asked, path)
            _refuse_change(asked, path)
            models = spec.model_names or [""]
            if definition.needs.reads.baseline:
                models = candidates_of(asked, config, spec, str(path))
            for model_name in models:
                for stream in streams_of(config, spec, model_name, f"metrics_specs[{i}]"):
                    for metric in _bind(asked, definition, spec, stream, path):
                        yield metric, path


def _members(spec: MetricsSpec, number: int) -> Iterator[tuple[MetricConfig, _Path]]:
    """The metrics of a metrics spec; for a group of metrics, each of it."""
    for j, asked in enumerate(spec.metrics):
        path = _Path(number, j)
        for member in members_of(asked, str(path)):
            yield member, path


def _find(asked: MetricConfig, path: _Path) -> Definition:
    if not asked.class_name:
        raise EvalConfigError(f"{path}.class_name: expected the name of a metric, for example AUC; found nothing")
    try:
        definition = definition_of(asked.class_name, module_of(asked))
    except ConfigError as error:
        raise EvalConfigError(f"{path}: {error}") from error
    if definition is None:
        meant = hint(asked.class_name, {**definitions(), **groups()}) or "; choose one that `assay metrics` lists"
        raise EvalConfigError(f"{path}.class_name: there is no metric {asked.class_name!r}{meant}")
    return definition


def _bind(
    asked: MetricConfig, definition: Definition, spec: MetricsSpec, stream: Stream, path: _Path
) -> Iterator[Metric]:
    """The metric for each part that is asked for."""
    settings = chosen_settings(asked, f"{path}.config")
    _refuse_unknown(definition, settings, path)
    name = settings.pop("name", None)
    if name is not None and not isinstance(name, str):
        raise EvalConfigError(f"{path}.config: name: expected text, found {name!r}")
    placed = placements_of(
        definition, asked.class_name, spec, settings, path.spec, str(path), len(stream.meaning.classes)
    )
    settings = without_parts(settings, definition)
    if settings.get("from_logits") and stream.meaning.link:
        raise EvalConfigError(
            f"{path}.config: from_logits is true, but link of the model spec makes probabilities of logits already; "
            "remove one of the two"
        )
    own = tuple(sorted(_own_settings(definition, settings, path).items()))
    needs = _adapt(definition, settings, path)

    default = definition.name_of(needs) if definition.kept_name else ""
    kind = PlotKey if definition.is_plot else AttributionsKey if definition.is_by_feature else MetricKey
    _refuse_no_weights(needs, stream, path)
    for sub_key, aggregation, view, pick in placed:
        of_view = _seen_so(needs, sub_key, view)
        seen = stream_for(of_view, dataclasses.replace(stream, view=needs.domain.view or view))
        key = kind(name or default, seen.model_name, seen.output_name, sub_key, example_weighted=seen.weighted)
        if isinstance(key, MetricKey):
            key = key._replace(aggregation_type=aggregation, compares=needs.reads.baseline)
        if isinstance(seen.view, Matched) and seen.view.parts > 1:
            pick = MeanOfDefined(seen.view.shares)
        yield Metric(key, asked.class_name, of_view, seen, own, pick, module_of(asked))


def _refuse_no_weights(needs: Computation, stream: Stream, path: _Path) -> None:
    """Refuses weighted values of a class that would not see the weights."""
    if stream.weighted and isinstance(needs, OfObjects) and not takes_weights(needs.kind.own_class):
        raise EvalConfigError(
            f"{path}: update of {needs.kind.class_name} takes no weights, but the model spec has an "
            "example_weight_key; expected update(labels, predictions, weights), or a metrics spec with "
            "example_weights: {unweighted: true}"
        )


def _seen_so(needs: Computation, sub_key: SubKey | None, view: View) -> Computation:
    """The state behind one part, where it depends on the part."""
    of_highest = isinstance(view, TopK) or (isinstance(view, Classes) and view.top_k > 0)
    if of_highest and isinstance(needs, Confusion):
        return needs.of_highest()
    if isinstance(needs, Attributions) and sub_key is not None:
        return dataclasses.replace(needs, part=sub_key)
    if isinstance(needs, QueryMean) and sub_key is not None:
        return dataclasses.replace(needs, top_k=sub_key.top_k or 0)
    return needs


def parts_of(
    asked: MetricConfig, spec: MetricsSpec, classes: int
) -> list[tuple[SubKey | None, AggregationType | None]]:
    """What names the values of a metric in a metrics spec, beside the metric; of a class that is not known, too.

    Args:
        asked: the metric.
        spec: its metrics spec.
        classes: how many the model spec names; 0 if it names none.
    """
    definition, path = known_definition(asked), _Path(0, 0)
    settings = chosen_settings(asked, f"{path}.config")
    if definition is None:
        placed = placements(spec, own_parts(settings, str(path)), str(path), classes)
    else:
        placed = placements_of(definition, asked.class_name, spec, settings, path.spec, str(path), classes)
    return [(placement.sub_key, placement.aggregation) for placement in placed]


def default_name(asked: MetricConfig) -> str:
    """Output name of a metric whose config sets none; "" for a class that is not known."""
    definition, path = known_definition(asked), _Path(0, 0)
    if definition is None or "{" not in definition.name:
        return definition.name if definition else ""

    settings = without_parts(chosen_settings(asked, f"{path}.config"), definition)
    settings.pop("name", None)
    _own_settings(definition, settings, path)
    return definition.name_of(_adapt(definition, settings, path))


def is_of_column(asked: MetricConfig) -> bool:
    """Whether the value is one of a column of the data, which belongs to no model; false for an unknown class."""
    definition = known_definition(asked)
    return definition is not None and definition.is_of_column


def compares_models(asked: MetricConfig) -> bool:
    """Whether the value is one of a model's predictions beside the baseline's; false for an unknown class."""
    definition = known_definition(asked)
    return definition is not None and definition.needs.reads.baseline


def has_weights_of_its_own(asked: MetricConfig) -> bool:
    """Whether the value of a column is weighted by another column.

    Args:
        asked: for which `is_of_column` is true.
    """
    definition, path = known_definition(asked), _Path(0, 0)
    assert definition is not None
    settings = chosen_settings(asked, f"{path}.config")
    settings.pop("name", None)
    return bool(_adapt(definition, settings, path).reads.weights)


def _refuse_change(asked: MetricConfig, path: _Path) -> None:
    """Refuses thresholds on the change of a value that has none."""
    thresholds = [asked.threshold, *(entry.threshold for entry in asked.per_slice_thresholds)]
    thresholds += [entry.threshold for entry in asked.cross_slice_thresholds]
    changes = [threshold.change_threshold for threshold in thresholds if threshold.HasField("change_threshold")]
    if changes and is_of_column(asked):
        raise EvalConfigError(
            f"{path}: {asked.class_name} has a change_threshold, but a column is the same for every model; "
            "expected a value_threshold"
        )
    if compares_models(asked) and any(change.HasField("relative") for change in changes):
        raise EvalConfigError(
            f"{path}: {asked.class_name} has a relative change_threshold, but it compares a model with the baseline, "
            "which has no value of its own; expected a value_threshold, or the absolute of a change_threshold"
        )


def _own_settings(definition: Definition, settings: dict[str, Any], path: _Path) -> dict[str, Any]:
    """The settings of the metric's function, taken out of `settings`."""
    own = {}
    for name, default in definition.settings.items():
        if name in settings:
            value = settings.pop(name)
            own[name] = _checked(definition, name, definition.checks.get(name, _frozen), value, path)
        elif default is inspect.Parameter.empty:
            raise _missing(definition, name, path)
    return own


def _adapt(definition: Definition, settings: Mapping[str, Any], path: _Path) -> Computation:
    """The definition's state with these settings."""
    _refuse_unknown(definition, settings, path)
    if isinstance(definition.needs, Configured):
        return _configured(definition.needs, settings, path)
    fields = {field.name: str(field.type) for field in dataclasses.fields(definition.needs)}
    changed: dict[str, Any] = {}
    for name, value in settings.items():
        field = definition.renames.get(name, name)
        changed[field] = _checked(definition, name, OF_TYPE[fields[field]], value, path)

    to_config = {field: name for name, field in definition.renames.items()}
    for name in definition.required:
        if name not in changed:
            raise _missing(definition, to_config.get(name, name), path)

    if CHOSEN in fields:
        changed[CHOSEN] = tuple(changed)
    try:
        return dataclasses.replace(definition.needs, **changed)
    except ValueError as error:
        raise EvalConfigError(f"{path}.config: {definition.class_name}: {error}; found {dict(settings)}") from error


def _configured(needs: Configured, settings: Mapping[str, Any], path: _Path) -> Computation:
    try:
        return needs.with_settings(settings)
    except ValueError as error:
        raise EvalConfigError(f"{path}.config: {error}; found {dict(settings)}") from error


def _refuse_unknown(definition: Definition, settings: Iterable[str], path: _Path) -> None:
    if isinstance(definition.needs, Prepared):
        return  # another library says what it takes
    known = {"name", *definition.settings, *definition.state_settings, *settings_of_parts(definition)}
    for name in settings:
        if name not in known:
            near = one_of(name, sorted(known))
            raise EvalConfigError(f"{path}.config: {definition.class_name} has no setting {name!r}{near}")


def _checked(definition: Definition, name: str, check: Callable[[Any], Any], value: Any, path: _Path) -> Any:
    try:
        return check(value)
    except ValueError as error:
        raise EvalConfigError(f"{path}.config: {name} of {definition.class_name}: {error}") from error


def _missing(definition: Definition, name: str, path: _Path) -> EvalConfigError:
    return EvalConfigError(
        f"{path}.config: {definition.class_name} needs the setting {name!r}; set it, for example {definition.example}"
    )


def _frozen(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value
