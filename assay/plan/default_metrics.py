"""Whether a plan needs to know which metrics its models were compiled with. Standard library only."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from assay.models.known import FRAMEWORKS
from assay.plan.blessed import BLESSED
from assay.plan.plan import Plan
from assay.text.words import snake_case

if TYPE_CHECKING:
    from assay.proto.config_pb2 import EvalConfig

_BY_NAME = ("thresholds", "per_slice_thresholds", "cross_slice_thresholds")


def may_ask_models(plan: Plan) -> bool:
    """Whether metrics of a plan may come from what its models were compiled with."""
    return may_ask(plan.models, plan.eval_config)


def leaves_metrics_to(types: Iterable[str | None], config: EvalConfig) -> bool:
    """Whether a config names no metric, and a model may have been compiled with some, so that nothing can be checked.

    Args:
        types: of the models.
        config: a resolved config.
    """
    options = config.options
    is_left = not options.HasField("include_default_metrics") or options.include_default_metrics.value
    return is_left and not any(spec.metrics for spec in config.metrics_specs) and any(map(_is_compiled, types))


def may_ask(models: Sequence[Mapping[str, Any]], config: Mapping[str, Any]) -> bool:
    """The same of models and a resolved eval config as a plan has them."""
    return any(_is_compiled(model["type"]) for model in models) and may_lack_metrics(config)


def _is_compiled(kind: str | None) -> bool:
    """Whether a model of a type may have been compiled; an analysis file gives the blessed one no type."""
    return kind in (None, BLESSED) or (kind in FRAMEWORKS and FRAMEWORKS[kind].is_compiled)


def may_lack_metrics(config: Mapping[str, Any]) -> bool:
    """Whether a config asks for the metrics of models; or says nothing, and may need them.

    Args:
        config: a resolved eval config as JSON.
    """
    included = config.get("options", {}).get("include_default_metrics")
    if included is not None:
        return bool(included)
    return not any(spec.get("metrics") for spec in config.get("metrics_specs", ())) or _names_others(config)


def _names_others(config: Mapping[str, Any]) -> bool:
    """Whether a threshold, or a disparity, may be for a metric that the config does not name."""
    specs = config.get("metrics_specs", ())
    own = {name for spec in specs for metric in spec.get("metrics", ()) for name in _names_of(metric)}
    bound = {name for spec in specs for field in _BY_NAME for name in spec.get(field, {})}
    return not own.issuperset(bound) or bool(config.get("disparities"))


def _names_of(metric: Mapping[str, Any]) -> Iterator[str]:
    text = metric.get("config", "").strip()
    with suppress(ValueError):
        settings = json.loads(text if text.startswith("{") else f"{{{text}}}")
        yield settings["name"] if "name" in settings else snake_case(metric.get("class_name", ""))
