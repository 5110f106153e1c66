"""Thresholds with evidence that no run could judge, told before it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from assay.config.baselines import baseline_name
from assay.config.gate_needs import refuse_gate
from assay.errors import EvalConfigError
from assay.gate.evidence.asked import Threshold, asked_of
from assay.gate.evidence.facts import MetricFacts, facts_of
from assay.gate.unmet import keys_of
from assay.metrics.keys import MetricKey
from assay.proto.config_pb2 import ConfidenceIntervalOptions, EvalConfig
from assay.results.class_names import class_names
from assay.results.keys import label
from assay.text.near_miss import one_of


def refuse_unanswerable(config: EvalConfig, gate: Mapping[str, Any], *, rubber_stamp: bool) -> None:
    """Refuses what the gate could not judge, whatever the data is: what `refuse_gate` does, and unknown metrics.

    Only for runs whose evaluators are all assay's own, as others may compute more.

    Args:
        config: a resolved and checked config.
        gate: of the plan.
        rubber_stamp: whether comparisons are left out if there is no baseline.

    Raises:
        EvalConfigError: the message starts with the threshold's path.
    """
    refuse_gate(config, gate, rubber_stamp=rubber_stamp)
    asked = asked_of(gate)
    if not asked.thresholds:
        return
    keys, facts = keys_of(config), facts_of(config)
    for at, threshold in enumerate(asked.thresholds):
        path = f"gate.thresholds[{at}]"
        _refuse_unknown(threshold, keys, path, config)
        _refuse_facts(threshold, path, facts.get(threshold.metric))
        _refuse_no_formula(threshold, path, config)


def _refuse_unknown(threshold: Threshold, keys: Sequence[MetricKey], path: str, config: EvalConfig) -> None:
    """Refuses a metric that nothing computes, or not for the model, output or part that is named."""
    name = threshold.metric
    names = {key.name for key in keys}
    if name not in names:
        raise EvalConfigError(
            f"{path}.metric: no metric has the name {name!r}{one_of(name, sorted(names))}; add the metric to metrics, "
            "or remove the threshold"
        )
    if any("${" in text for text in (threshold.model, threshold.output)):
        return
    baselines = {spec.name for spec in config.model_specs if spec.is_baseline}
    own = [key for key in keys if key.name == name and key.model_name not in baselines]
    if not any(threshold.is_for(key._replace(is_diff=threshold.compares)) for key in own):
        found = ", ".join(sorted({label(key, class_names(config)) for key in own})) or "only that of the baseline"
        raise EvalConfigError(
            f"{path}: nothing computes {name!r} for the model, output and class that it names; there is {found}"
        )


def _refuse_facts(threshold: Threshold, path: str, facts: MetricFacts | None) -> None:
    if facts is not None and not facts.is_estimate:
        raise EvalConfigError(
            f"{path}.metric: {threshold.metric} is no estimate, so it has no confidence interval; use a threshold of "
            "the eval config"
        )
    if not threshold.compares:
        return
    if facts is not None and facts.compares:
        raise EvalConfigError(
            f"{path}.{threshold.question}: {threshold.metric} compares both models already, so it has no change; use "
            "at_most or at_least"
        )
    if not threshold.better and (facts is None or facts.better is None):
        raise EvalConfigError(
            f"{path}.{threshold.question}: nothing says whether higher or lower values of {threshold.metric} are "
            "better; add better: higher or better: lower"
        )


def _refuse_no_formula(threshold: Threshold, path: str, config: EvalConfig) -> None:
    """Refuses metrics of which no value has an interval, where intervals are by formula."""
    from assay.metrics.binding.bound import metrics_of  # here, because it brings Arrow
    from assay.metrics.binding.spreads import why_no_pair, why_none

    if config.options.confidence_intervals.method != ConfidenceIntervalOptions.ANALYTIC:
        return
    metrics = metrics_of(config, own_modules=False)
    baseline = baseline_name(config)
    own = {metric.key: why_none(metric) for metric in metrics if isinstance(metric.key, MetricKey)}
    pairs = {key._replace(is_diff=True): "" for key in own} | why_no_pair(metrics, baseline)
    reasons = pairs if threshold.compares else own
    found = [why for key, why in reasons.items() if threshold.is_for(key) and key.model_name != baseline]
    if found and all(found):
        change = "changes of " if threshold.compares else ""
        raise EvalConfigError(
            f"{path}.metric: {change}{threshold.metric} have no confidence interval by ANALYTIC: {found[0]}; use the "
            "method JACKKNIFE or POISSON_BOOTSTRAP of confidence_intervals"
        )
