"""The thresholds of an EvalConfig as rules: which values, in which slices, within which bounds."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from assay.config.metric_settings import settings_of
from assay.metrics.keys import AggregationType, MetricKey, SubKey
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
from assay.results.keys import Place

if TYPE_CHECKING:
    from assay.slicing.specs import Slicing

Threshold: TypeAlias = GenericValueThreshold | GenericChangeThreshold


class Scope(NamedTuple):
    """The slices that a threshold is for: all; or, with a slicing, those of it; or pairs, with comparisons too."""

    spec: bytes = b""
    slicing: Slicing | None = None
    comparisons: tuple[Slicing, ...] | None = None

    def covers(self, place: Place) -> bool:
        """Whether the slice (or pair of slices) is one of them."""
        from assay.slicing.specs import matches

        if len(place) == 1:
            return self.comparisons is None and (self.slicing is None or matches(place[0], self.slicing))
        if self.slicing is None or self.comparisons is None or not matches(place[0], self.slicing):
            return False
        return not self.comparisons or any(matches(place[1], comparison) for comparison in self.comparisons)

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
    """Every distinct threshold of a config with what it speaks of; those on the baseline's own values are left out."""
    baselines = {spec.name for spec in config.model_specs if spec.is_baseline}
    rules: dict[Rule, None] = {}
    for spec in config.metrics_specs:
        for model in [name for name in spec.model_names or [""] if name not in baselines]:
            for output in spec.output_names or [""]:
                rules.update(dict.fromkeys(_rules_by_name(spec, model, output)))
                rules.update(dict.fromkeys(_rules_of_metrics(spec, model, output, config)))
    columns = _names_of_columns(config) if rules else set()
    return list(dict.fromkeys(_without_model(rule) if rule.key.name in columns else rule for rule in rules))


def _names_of_columns(config: EvalConfig) -> set[str]:
    """Names of the values that belong to a column of the data, and so to no model."""
    from assay.metrics.binding.bound import is_of_column  # here, because it brings Arrow

    asked = [metric for spec in config.metrics_specs for metric in spec.metrics]
    return {_settings(metric).get("name") or _default_name(metric) for metric in asked if is_of_column(metric)}


def _without_model(rule: Rule) -> Rule:
    """The rule for the value of a column: it has no model or output, and weights of its own or none."""
    return rule._replace(key=MetricKey(rule.key.name, is_diff=rule.key.is_diff))


def _rules_by_name(spec: MetricsSpec, model: str, output: str) -> Iterator[Rule]:
    """Thresholds of a MetricsSpec: by the metric's name, whatever its weighting."""
    for name in sorted({*spec.thresholds, *spec.per_slice_thresholds, *spec.cross_slice_thresholds}):
        placed = _placed(
            spec.thresholds.get(name),
            spec.per_slice_thresholds[name].thresholds if name in spec.per_slice_thresholds else (),
            spec.cross_slice_thresholds[name].thresholds if name in spec.cross_slice_thresholds else (),
        )
        for sub_key, aggregation in _sub_keys(spec) or [(None, None)]:
            yield from _rules(MetricKey(name, model, output, sub_key, aggregation), name, placed)


def _rules_of_metrics(spec: MetricsSpec, model: str, output: str, config: EvalConfig) -> Iterator[Rule]:
    """Thresholds of a MetricConfig: for its own values only."""
    weightings = _weightings(spec, model, config)
    for metric in spec.metrics:
        overall = metric.threshold if metric.HasField("threshold") else None
        placed = _placed(overall, metric.per_slice_thresholds, metric.cross_slice_thresholds)
        if not placed:
            continue
        settings, default = _settings(metric), _default_name(metric)
        name = settings.get("name") or default
        for sub_key, aggregation in _sub_keys(spec) or _own_sub_keys(settings) or [(None, None)]:
            for weighted in weightings:
                yield from _rules(MetricKey(name, model, output, sub_key, aggregation, weighted), default, placed)


def _placed(overall: MetricThreshold | None, per_slice: Any, cross_slice: Any) -> list[tuple[Scope, MetricThreshold]]:
    placed = [(Scope(), overall)] if overall is not None else []
    for entry in per_slice:
        placed += [(_scope(spec), entry.threshold) for spec in entry.slicing_specs]
    for entry in cross_slice:
        placed += [(_cross_scope(spec), entry.threshold) for spec in entry.cross_slicing_specs]
    return placed


def _scope(spec: SlicingSpec) -> Scope:
    from assay.slicing.specs import slicing_of

    return Scope(spec.SerializeToString(deterministic=True), slicing_of(spec))


def _cross_scope(spec: CrossSlicingSpec) -> Scope:
    from assay.slicing.specs import slicing_of

    comparisons = tuple(slicing_of(comparison) for comparison in spec.slicing_specs)
    return Scope(spec.SerializeToString(deterministic=True), slicing_of(spec.baseline_spec), comparisons)


def _rules(key: MetricKey, metric: str, placed: Iterable[tuple[Scope, MetricThreshold]]) -> Iterator[Rule]:
    for scope, threshold in placed:
        for kind, one in threshold.ListFields():
            meant = key._replace(is_diff=kind.name == "change_threshold")
            yield Rule(meant, metric, scope, kind.name, one.SerializeToString(deterministic=True))


def _sub_keys(spec: MetricsSpec) -> list[tuple[SubKey | None, AggregationType | None]]:
    """What a spec's binarization and aggregation make of each metric."""
    found: list[tuple[SubKey | None, AggregationType | None]] = []
    found += [(SubKey(class_id=number), None) for number in spec.binarize.class_ids.values]
    found += [(SubKey(k=number), None) for number in spec.binarize.k_list.values]
    found += [(SubKey(top_k=number), None) for number in spec.binarize.top_k_list.values]
    if spec.HasField("aggregate"):
        chosen = spec.aggregate.WhichOneof("type")
        aggregation = AggregationType(**{chosen: True}) if chosen else None
        truncated: list[SubKey | None] = [SubKey(top_k=number) for number in spec.aggregate.top_k_list.values]
        found += [(sub_key, aggregation) for sub_key in truncated or [None]]
    return found


def _own_sub_keys(settings: Mapping[str, Any]) -> list[tuple[SubKey | None, AggregationType | None]]:
    """What a metric's own settings make of it."""
    given = {name: settings[name] for name in SubKey._fields if isinstance(settings.get(name), int)}
    if given:
        return [(SubKey(**given), None)]
    return [(SubKey(top_k=number), None) for number in settings.get("top_k_list") or []]


def _weightings(spec: MetricsSpec, model_name: str, config: EvalConfig) -> list[bool]:
    asked = [True] * spec.example_weights.weighted + [False] * spec.example_weights.unweighted
    models = [model for model in config.model_specs if model.name == model_name]
    return asked or [any(model.example_weight_key or model.example_weight_keys for model in models)]


def _settings(metric: MetricConfig) -> dict[str, Any]:
    return settings_of(metric.config, f"metrics_specs: config of {metric.class_name}")


def _default_name(metric: MetricConfig) -> str:
    from assay.metrics.binding.bound import default_name
    from assay.metrics.declare import snake_case  # here, because it brings Arrow

    return default_name(metric) or snake_case(metric.class_name)
