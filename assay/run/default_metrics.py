"""The metrics that models were compiled with, added to the eval config of a plan before anything else is made of it.

A plan is made before any model is read, so this is the work of whoever runs it: of the one task of a plan without
checkpoints, else of ReadInputs, which notes what it found for the tasks after it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from assay.config.resolved import parse_eval_config, to_canonical_json
from assay.errors import EvalConfigError
from assay.gate.thresholds import names_of_metrics, names_of_thresholds
from assay.metrics.binding.bound import metrics_of
from assay.metrics.compiled_metrics import DefaultMetric, Unknown, default_metrics
from assay.models import model as models
from assay.models.compiled import compiled_with
from assay.models.configured import specs_of
from assay.models.model import ModelRef
from assay.plan.plan import Plan
from assay.proto.config_pb2 import EvalConfig, MetricsSpec, ModelSpec
from assay.run.context import InMemory, models_of
from assay.text.counted import counted

Found = Mapping[str, Sequence[DefaultMetric | Unknown]]
"""Model -> what it was compiled with; models that were not are left out."""

_OPTION = "options.include_default_metrics"


class Added(NamedTuple):
    """A config with the metrics of models.

    Attributes:
        config: the metrics stand in metrics specs of their own, and `include_default_metrics` is false.
        left_out: what models were compiled with and no metric computes, a line for each.
    """

    config: EvalConfig
    left_out: tuple[str, ...] = ()


def found_in(refs: Sequence[ModelRef]) -> Found:
    """Reads what models were compiled with.

    Raises:
        ModelError: a model is not there, is of another kind, or is damaged.
    """
    found = {}
    for ref in refs:
        models.check(ref)
        with models.blamed(ref, "cannot be read"):  # its files may say anything
            compiled = compiled_with(ref)
            if compiled is not None:
                found[ref.name] = default_metrics(compiled)
    return found


def noted(found: Found) -> dict[str, Any]:
    """What was found as JSON."""
    return {model: [one._asdict() for one in of_model] for model, of_model in found.items()}


def from_noted(compiled: Mapping[str, Any]) -> Found:
    """What `noted` has noted."""
    return {
        model: [Unknown(**one) if "why" in one else DefaultMetric(**one) for one in of_model]
        for model, of_model in compiled.items()
    }


class WithMetrics(NamedTuple):
    """A plan whose eval config has the metrics of its models, and what is left out of them, a line for each."""

    plan: Plan
    left_out: tuple[str, ...] = ()


def plan_with_metrics(plan: Plan, in_memory: InMemory | None = None, found: Found | None = None) -> WithMetrics:
    """Adds the metrics of its models to a plan, as `with_default_metrics` does; reads the models unless it is told.

    Raises:
        EvalConfigError: as there; or evaluators that the caller holds, which have a config of their own.
        ModelError: as `found_in`.
    """
    config = parse_eval_config(plan.eval_config)
    if not asks_models(config):
        return WithMetrics(plan)
    in_memory = in_memory or InMemory()
    if in_memory.evaluators is not None:
        _refuse_own_evaluators(config)
        return WithMetrics(plan)
    refs = models_of(plan, in_memory)
    added = with_default_metrics(config, refs, found_in(refs) if found is None else found)
    return WithMetrics(replace(plan, eval_config=json.loads(to_canonical_json(added.config))), added.left_out)


def _refuse_own_evaluators(config: EvalConfig) -> None:
    if config.options.include_default_metrics.value:
        raise EvalConfigError(
            f"{_OPTION}: custom evaluators have a config of their own; set it to false, and give them the config that "
            "assay.run.default_metrics.with_default_metrics returns"
        )


def with_default_metrics(config: EvalConfig, refs: Sequence[ModelRef], found: Found) -> Added:
    """Adds the metrics that models were compiled with, where the config asks for them.

    It does so by `include_default_metrics: true`; or, where it does not say, by naming no metric at all, or by a
    threshold on the name of a metric that it does not have. A metric of the config that has the same name takes the
    place of the model's.

    Args:
        config: a resolved config.
        refs: the models that are run.
        found: what these were compiled with.

    Raises:
        EvalConfigError: no model was compiled with metrics; or, with `include_default_metrics: true`, one with what
            cannot be computed.
    """
    if not asks_models(config):
        return Added(config)
    if not found:
        _refuse_nothing(config, is_run=bool(refs))
        return Added(config)

    own = names_of_metrics(config)
    specs = {ref.name: spec for ref, spec in specs_of(refs, config) if ref.name in found}
    wanted, left_out = _chosen(config, specs, {m: [o for o in of if o.name not in own] for m, of in found.items()})
    computed = {one.metric.name for one in wanted}  # the loss of each output, in place of their sum
    _refuse_left_out(config, {name: line for name, line in left_out.items() if name not in computed})
    added = EvalConfig()
    added.CopyFrom(config)
    added.options.include_default_metrics.value = False
    added.metrics_specs.extend(_specs(wanted))
    return Added(added, tuple(left_out.values()))


def asks_models(config: EvalConfig) -> bool:
    """Whether a resolved config asks for the metrics that models were compiled with."""
    if config.options.HasField("include_default_metrics"):
        return config.options.include_default_metrics.value
    has_metric = any(spec.metrics for spec in config.metrics_specs)
    return not has_metric or not names_of_thresholds(config) <= names_of_metrics(config)


def _refuse_nothing(config: EvalConfig, *, is_run: bool) -> None:
    where = "no model was compiled with metrics" if is_run else "no model is run"
    if config.options.include_default_metrics.value:
        raise EvalConfigError(f"{_OPTION}: {where}; set it to false, or remove it")
    if is_run and not any(spec.metrics for spec in config.metrics_specs):
        raise EvalConfigError(
            f"metrics_specs: no metric is asked for, and {where}; expected at least one, for example "
            "{class_name: ExampleCount}"
        )


def _refuse_left_out(config: EvalConfig, left_out: Mapping[str, str]) -> None:
    """Refuses what is left out, if all is asked for, or a threshold needs it."""
    if config.options.include_default_metrics.value and left_out:
        line = next(iter(left_out.values()))
        raise EvalConfigError(
            f"{_OPTION}: {line}; set it to false, and name the metrics that you need in metrics_specs"
        )
    for name in sorted(left_out.keys() & names_of_thresholds(config)):
        raise EvalConfigError(f"metrics_specs: a threshold is for {name!r}, but {left_out[name]}")


class _Wanted(NamedTuple):
    """A metric and the models that it is computed for."""

    metric: DefaultMetric
    has_weights: bool
    model_names: tuple[str, ...]


def _chosen(config: EvalConfig, specs: Mapping[str, ModelSpec], found: Found) -> tuple[list[_Wanted], dict[str, str]]:
    """The metrics to compute; and of those that are not, name -> a line with the reason."""
    by_key: dict[tuple[str, str, bool], dict[str, DefaultMetric | Unknown]] = {}
    for model in specs:
        for one in found[model]:
            key = (one.name, *((one.output, one.weighted) if isinstance(one, DefaultMetric) else ("", False)))
            by_key.setdefault(key, {})[model] = one

    wanted: list[_Wanted] = []
    left_out: dict[str, str] = {}
    for (name, *_), of_models in by_key.items():
        first_model, first = next(iter(of_models.items()))
        why = _why_not(config, first, [specs[model] for model in of_models], is_same=_all_equal(of_models.values()))
        if why:
            left_out[name] = f"model {first_model!r} was compiled with {name!r}, which is not computed: {why}"
            continue
        assert isinstance(first, DefaultMetric)
        for has_weights in (False, True):
            names = tuple(specs[m].name for m in of_models if _has_weights(specs[m]) == has_weights)
            wanted += [_Wanted(first, has_weights, names)] if names else []
    return wanted, left_out


def _all_equal(values: Any) -> bool:
    first, *others = values
    return all(other == first for other in others)


def _why_not(config: EvalConfig, one: DefaultMetric | Unknown, specs: Sequence[ModelSpec], *, is_same: bool) -> str:
    """Why a metric is not computed; "" if it is."""
    if isinstance(one, Unknown):
        return one.why
    if not is_same:
        return f"the {counted(len(specs), 'model')} have other settings of it; name it in metrics_specs"
    alone = EvalConfig(model_specs=config.model_specs)
    alone.metrics_specs.extend(_specs([_Wanted(one, _has_weights(spec), (spec.name,)) for spec in specs]))
    try:
        metrics_of(alone)
    except EvalConfigError as error:
        return str(error).partition(": ")[2] or str(error)
    return ""


def _has_weights(spec: ModelSpec) -> bool:
    return bool(spec.example_weight_key or spec.example_weight_keys)


def _specs(wanted: Sequence[_Wanted]) -> Iterator[MetricsSpec]:
    """A metrics spec for each group of metrics of the same models, output and weighting."""
    groups: dict[tuple[Any, ...], list[DefaultMetric]] = {}
    for metric, has_weights, names in wanted:
        groups.setdefault((names, metric.output, has_weights, has_weights and metric.weighted), []).append(metric)
    for (names, output, has_weights, weighted), metrics in groups.items():
        spec = MetricsSpec(model_names=names, output_names=[output] if output else [])
        if has_weights:
            spec.example_weights.weighted, spec.example_weights.unweighted = weighted, not weighted
        for metric in metrics:
            settings = json.dumps({"name": metric.name, **metric.settings}, sort_keys=True)
            spec.metrics.add(class_name=metric.class_name, module=metric.module, config=settings)
        yield spec
