"""Thresholds that no value of a run can be held against, told before it: such a model could never be blessed."""

from __future__ import annotations

from collections.abc import Iterator

from assay.config.unmet_slices import refuse_unmet_slices
from assay.errors import EvalConfigError
from assay.gate.thresholds import Rule, rules_of
from assay.metrics.keys import MetricKey
from assay.proto.config_pb2 import EvalConfig
from assay.results.class_names import class_names
from assay.results.keys import label
from assay.text.near_miss import one_of


def refuse_unmet(config: EvalConfig) -> None:
    """Refuses thresholds on metrics that nothing computes, or for slices that nothing makes.

    Only for runs whose evaluators are all assay's own, as others may compute more.

    Args:
        config: a resolved and checked config.

    Raises:
        EvalConfigError: the message starts with the threshold's path.
    """
    refuse_unmet_slices(config)
    rules = rules_of(config)
    if not rules and not config.disparities:
        return
    keys = keys_of(config)
    for rule in rules:
        own = rule._replace(key=rule.key._replace(is_diff=False))
        if not any(own.is_for(key) for key in keys):
            raise _unmet(own, keys, config)


def keys_of(config: EvalConfig) -> list[MetricKey]:
    """The keys of all values of a slice that a config asks for, but for differences of models.

    Raises:
        EvalConfigError: a disparity of a metric that nothing computes.
    """
    from assay.metrics.binding.bound import metrics_of, output_means_of  # here, because it brings Arrow

    keys = [metric.key for metric in metrics_of(config) if isinstance(metric.key, MetricKey)]
    keys += [mean.key for mean in output_means_of(config)]
    return keys + list(_of_disparities(keys, config))


def _of_disparities(keys: list[MetricKey], config: EvalConfig) -> Iterator[MetricKey]:
    """The keys of differences and ratios of groups, and of their extremes."""
    from assay.slicing.disparities import disparities_of  # here, because it brings Arrow

    names = {key.name for key in keys}
    for i, disparity in enumerate(disparities_of(config)):
        for j, metric in enumerate(disparity.metrics):
            if metric not in names:
                raise EvalConfigError(
                    f"disparities[{i}].metrics[{j}]: no metric has the name {metric!r}{one_of(metric, sorted(names))}; "
                    "add the metric to metrics, or remove the name"
                )
            for name in (*disparity.names_of_groups(metric), *disparity.names_of_extremes(metric)):
                yield from (key._replace(name=name) for key in keys if key.name == metric)


def _unmet(rule: Rule, keys: list[MetricKey], config: EvalConfig) -> EvalConfigError:
    """What is said of a threshold by name whose metric is not asked for, or not in that form."""
    name, path = rule.key.name, _path_of(rule, config)
    others = {key.name for key in keys}
    if name not in others:
        return EvalConfigError(
            f"{path}: no metric has the name {name!r}{one_of(name, sorted(others))}; add the metric to metrics, or "
            "remove the threshold"
        )
    classes = class_names(config)
    found = sorted({label(key, classes) for key in keys if key.name == name})
    return EvalConfigError(
        f"{path}: nothing computes {label(rule.key, classes)}; there are {', '.join(found)}; put the threshold into "
        "the metrics spec that has the metric, or remove it"
    )


def _path_of(rule: Rule, config: EvalConfig) -> str:
    """Where the threshold stands, the first if there are several."""
    for i, spec in enumerate(config.metrics_specs):
        for field in ("thresholds", "per_slice_thresholds", "cross_slice_thresholds"):
            if rule.key.name in getattr(spec, field) and rule.key.model_name in [*spec.model_names, ""]:
                return f"metrics_specs[{i}].{field}[{rule.key.name!r}]"
    return "metrics_specs"
