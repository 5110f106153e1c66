"""The thresholds of an EvalConfig as rules: which values, in which slices, within which bounds."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import product
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from assay.config.metric_settings import settings_of
from assay.config.model_values import spec_of_output
from assay.metrics.keys import MetricKey
from assay.proto.config_pb2 import (
    CrossSlicingSpec,
    EvalConfig,
    GenericChangeThreshold,
    GenericValueThreshold,
    MetricConfig,
    MetricsSpec,
    MetricThreshold,
    SlicingSpec,
)
from assay.results.keys import Slices
from assay.text.words import snake_case

if TYPE_CHECKING:
    from assay.slicing.specs import Slicing

Threshold: TypeAlias = GenericValueThreshold | GenericChangeThreshold


class Scope(NamedTuple):
    """The slices that a threshold is for: all; or, with a slicing, those of it; or pairs, with comparisons too."""

    spec: bytes = b""
    slicing: Slicing | None = None
    comparisons: tuple[Slicing, ...] | None = None

    def covers(self, slices: Slices) -> bool:
        """Whether the slice (or pair of slices) is one of them."""
        from assay.slicing.specs import matches

        if len(slices) == 1:
            return self.comparisons is None and (self.slicing is None or matches(slices[0], self.slicing))

        if self.slicing is None or self.comparisons is None or not matches(slices[0], self.slicing):
            return False
        return not self.comparisons or any(matches(slices[1], comparison) for comparison in self.comparisons)

    @property
    def text(self) -> str:
        """The slices for people."""
        if self.slicing is None:
            return "all"
        if self.comparisons is None:
            return self.slicing.name
        others = " or ".join(slicing.name for slicing in self.comparisons)
        return f"{self.slicing.name} vs {others or 'any other slice'}"


class Rule(NamedTuple):
    """One threshold, for values of one key in the slices of one scope."""

    key: MetricKey
    """Without `example_weighted`: the value may be weighted or not."""
    metric: str
    """Default name of the metric, whatever it is called."""
    scope: Scope
    kind: str
    """`value_threshold` or `change_threshold`."""
    threshold: bytes
    """The message of that field, as bytes, so that equal rules are one."""

    def bounds(self) -> Threshold:
        """The threshold itself."""
        kind = GenericValueThreshold if self.kind == "value_threshold" else GenericChangeThreshold
        return kind.FromString(self.threshold)

    def is_for(self, key: MetricKey) -> bool:
        """Whether a value of this key is one that the threshold is for."""
        asked = self.key.example_weighted
        if asked is None or key.example_weighted is None:
            key = key._replace(example_weighted=asked)
        return key == self.key


def rules_of(config: EvalConfig) -> list[Rule]:
    """Every distinct threshold of a config, with the values that it is for; the baseline's own values have none."""
    baselines = {spec.name for spec in config.model_specs if spec.is_baseline}

    rules: list[Rule] = []
    for spec in config.metrics_specs:
        models = [name for name in spec.model_names or [""] if name not in baselines]
        outputs = [*(spec.output_names or [""]), *([""] if spec.output_weights else [])]
        for model, output in product(models, outputs):
            rules += _rules_by_name(spec, model, output, config)
            rules += _rules_of_metrics(spec, model, output, config)
    return list(dict.fromkeys(rules))


def _rules_by_name(spec: MetricsSpec, model: str, output: str, config: EvalConfig) -> Iterator[Rule]:
    """Thresholds of a MetricsSpec: by the metric's name, whatever its weighting."""
    names = sorted({*spec.thresholds, *spec.per_slice_thresholds, *spec.cross_slice_thresholds})
    columns = _names_of_columns(config) if names else set()
    for name in names:
        scoped = _scoped(
            spec.thresholds.get(name),
            spec.per_slice_thresholds[name].thresholds if name in spec.per_slice_thresholds else (),
            spec.cross_slice_thresholds[name].thresholds if name in spec.cross_slice_thresholds else (),
        )
        scoped = _where_they_are(name, scoped, config)
        if name in columns:
            yield from _rules(MetricKey(name), name, scoped)
            continue
        yield from _rules_of_name(
            spec, MetricKey(name, model, output), scoped, _classes_of(model, output, spec, config)
        )


def _where_they_are(
    name: str, scoped: list[tuple[Scope, MetricThreshold]], config: EvalConfig
) -> list[tuple[Scope, MetricThreshold]]:
    """A threshold on a disparity in all slices is for those that have it: the groups, or the overall slice."""
    from assay.slicing.disparities import disparities_of  # here, because it brings Arrow

    own: list[Scope] = []
    for disparity, message in zip(
        disparities_of(config) if config.disparities else (), config.disparities, strict=True
    ):
        of_groups = {each for metric in disparity.metrics for each in disparity.names_of_groups(metric)}
        of_extremes = {each for metric in disparity.metrics for each in disparity.names_of_extremes(metric)}
        own += [_scope(message.slicing_spec)] * (name in of_groups) + [_scope(SlicingSpec())] * (name in of_extremes)
    if not own:
        return scoped
    return [(place, limit) for scope, limit in scoped for place in (own if scope == Scope() else [scope])]


def _rules_of_name(
    spec: MetricsSpec, key: MetricKey, scoped: Iterable[tuple[Scope, MetricThreshold]], classes: int
) -> Iterator[Rule]:
    """For each part of which a spec has values of a name; as of any metric where the spec does not know the name."""
    from assay.metrics.binding.bound import compares_models, parts_of  # here, because it brings Arrow

    named = [metric for metric in _metrics(spec) if _name(metric) == key.name]
    for metric in named or [MetricConfig()]:
        for sub_key, aggregation in parts_of(metric, spec, classes):
            own = key._replace(sub_key=sub_key, aggregation_type=aggregation, compares=compares_models(metric))
            yield from _rules(own, key.name, scoped)


def _metrics(spec: MetricsSpec) -> list[MetricConfig]:
    """The metrics of a spec, also those that one name stands for."""
    from assay.metrics.binding.members import members_of  # here, because it brings Arrow

    return [member for metric in spec.metrics for member in members_of(metric, f"config of {metric.class_name}")]


def _classes_of(model: str, output: str, spec: MetricsSpec, config: EvalConfig) -> int:
    """How many classes of an output a model spec names; for the mean over outputs, of the first one."""
    first = output or next(iter(spec.output_names), "")
    specs = (spec_of_output(one, first) for one in config.model_specs if one.name == model)
    return next((len(one.classes) for one in specs), 0)


def _names_of_columns(config: EvalConfig) -> set[str]:
    """Names of the values that belong to a column of the data, and so to no model or output."""
    from assay.metrics.binding.bound import is_of_column  # here, because it brings Arrow

    metrics = [metric for spec in config.metrics_specs for metric in spec.metrics]
    return {_name(metric) for metric in metrics if is_of_column(metric)}


def _rules_of_metrics(spec: MetricsSpec, model: str, output: str, config: EvalConfig) -> Iterator[Rule]:
    """Thresholds of a MetricConfig: for its own values only."""
    from assay.metrics.binding import bound  # here, because it brings Arrow

    weightings, classes = _weightings(spec, model, config), _classes_of(model, output, spec, config)
    for metric in spec.metrics:
        overall = metric.threshold if metric.HasField("threshold") else None
        scoped = _scoped(overall, metric.per_slice_thresholds, metric.cross_slice_thresholds)
        if not scoped:
            continue
        default, name = _default_name(metric), _name(metric)
        if bound.is_of_column(metric):
            key = MetricKey(name, example_weighted=bound.has_weights_of_its_own(metric))
            yield from _rules(key, default, scoped)
            continue
        compares = bound.compares_models(metric)
        for sub_key, aggregation in bound.parts_of(metric, spec, classes):
            for weighted in weightings:
                key = MetricKey(name, model, output, sub_key, aggregation, weighted, compares=compares)
                yield from _rules(key, default, scoped)


def names_of_metrics(config: EvalConfig) -> set[str]:
    """The names of the values that the metrics of a config have, and its disparities."""
    from assay.slicing.disparities import disparities_of  # here, because it brings Arrow

    names = {_name(metric) for spec in config.metrics_specs for metric in _metrics(spec)}
    for disparity in disparities_of(config) if config.disparities else ():
        for metric in disparity.metrics:
            names.update(disparity.names_of_groups(metric), disparity.names_of_extremes(metric))
    return names


def names_of_thresholds(config: EvalConfig) -> set[str]:
    """The names that thresholds by name, and disparities, are for."""
    names = {metric for disparity in config.disparities for metric in disparity.metrics}
    for spec in config.metrics_specs:
        names |= {*spec.thresholds, *spec.per_slice_thresholds, *spec.cross_slice_thresholds}
    return names


def _scoped(overall: MetricThreshold | None, per_slice: Any, cross_slice: Any) -> list[tuple[Scope, MetricThreshold]]:
    scoped = [(Scope(), overall)] if overall is not None else []
    for entry in per_slice:
        scoped += [(_scope(spec), entry.threshold) for spec in entry.slicing_specs]
    for entry in cross_slice:
        scoped += [(_cross_scope(spec), entry.threshold) for spec in entry.cross_slicing_specs]
    return scoped


def _scope(spec: SlicingSpec) -> Scope:
    from assay.slicing.specs import slicing_of

    return Scope(spec.SerializeToString(deterministic=True), slicing_of(spec))


def _cross_scope(spec: CrossSlicingSpec) -> Scope:
    from assay.slicing.specs import slicing_of

    comparisons = tuple(slicing_of(comparison) for comparison in spec.slicing_specs)
    return Scope(spec.SerializeToString(deterministic=True), slicing_of(spec.baseline_spec), comparisons)


def _rules(key: MetricKey, metric: str, scoped: Iterable[tuple[Scope, MetricThreshold]]) -> Iterator[Rule]:
    for scope, threshold in scoped:
        for field, bounds in threshold.ListFields():
            own_key = key._replace(is_diff=field.name == "change_threshold" and not key.compares)
            yield Rule(own_key, metric, scope, field.name, bounds.SerializeToString(deterministic=True))


def _weightings(spec: MetricsSpec, model_name: str, config: EvalConfig) -> list[bool]:
    """Whether the values are weighted: as the spec says, else they are where the model has weights."""
    weightings = [True] * spec.example_weights.weighted + [False] * spec.example_weights.unweighted
    models = [model for model in config.model_specs if model.name == model_name]
    return weightings or [any(model.example_weight_key or model.example_weight_keys for model in models)]


def _name(metric: MetricConfig) -> str:
    settings = settings_of(metric.config, f"metrics_specs: config of {metric.class_name}")
    return settings.get("name") or _default_name(metric)


def _default_name(metric: MetricConfig) -> str:
    from assay.metrics.binding.bound import default_name

    return default_name(metric) or snake_case(metric.class_name)
