"""What the stages of a plan need to know of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from assay.config.own_modules import has_own_metrics
from assay.config.resolved import check_eval_config, parse_eval_config
from assay.gate.unmet import refuse_unmet
from assay.metrics.binding.bound import metrics_of
from assay.metrics.binding.metric import Metric
from assay.models.configured import as_configured
from assay.models.model import ModelRef
from assay.plan.plan import Plan, Stage
from assay.plan.secret_params import revealed
from assay.proto.config_pb2 import EvalConfig
from assay.readers.needed import Needs, needs_of, with_searched
from assay.types import FIND_SLICES_EVALUATOR_STAGE_NAME, Evaluator, Extractor, Writer

if TYPE_CHECKING:
    import apache_beam as beam


@dataclass(frozen=True)
class InMemory:
    """What a caller of Python holds in place of what a plan describes; None for what the plan describes.

    Attributes:
        reader: PBegin -> PCollection[Extracts], whose columns were looked at.
        models: with the values of secret parameters in their arguments.
        extractors: all of them, in order.
        evaluators: all of them.
        writers: all of them; they write wherever they were told to.
    """

    reader: beam.PTransform | None = None
    models: tuple[ModelRef, ...] | None = None
    extractors: tuple[Extractor, ...] | None = None
    evaluators: tuple[Evaluator, ...] | None = None
    writers: tuple[Writer, ...] | None = None


@dataclass(frozen=True)
class Context:
    """What the builders of stages need to know of their plan."""

    plan: Plan
    eval_config: EvalConfig
    models: tuple[ModelRef, ...]
    in_memory: InMemory = InMemory()
    own_metrics: bool = True
    """Whether modules of the user's own are imported for their metrics; other tasks may run where they are not."""

    @cached_property
    def metrics(self) -> tuple[Metric, ...]:
        """The metrics of the config, as far as modules are imported."""
        return metrics_of(self.eval_config, own_modules=self.own_metrics)

    @property
    def has_own_stages(self) -> bool:
        """Whether stages of the user's own may need any column."""
        in_plan = any("factory" in stage.settings for stage in self.plan.stages)
        return in_plan or self.in_memory.extractors is not None or self.in_memory.evaluators is not None

    @cached_property
    def needs(self) -> Needs:
        """What the config, the models and a search for slices need of the rows."""
        needs = needs_of(self.eval_config, self.models, own_metrics=self.own_metrics)
        return needs if self.finder is None else with_searched(needs, self.finder.settings["features"])

    @property
    def finder(self) -> Stage | None:
        """The stage that searches for slices, if there is one."""
        return next((stage for stage in self.plan.stages if stage.name == FIND_SLICES_EVALUATOR_STAGE_NAME), None)

    @property
    def skips_bad_rows(self) -> bool:
        """Whether bad rows are dropped and counted."""
        return self.plan.on_bad_rows == "skip"


def context_of(plan: Plan, in_memory: InMemory | None = None, *, own_metrics: bool = True) -> Context:
    """Reads the plan's eval config and models; with `own_metrics`, imports the modules of the user's own metrics."""
    in_memory = in_memory or InMemory()
    refs = models_of(plan, in_memory)
    config = parse_eval_config(plan.eval_config)
    check_eval_config(config)  # again, now that parameters are in its texts
    metrics_of(config, own_modules=own_metrics)  # an unknown metric is told before any work
    context = Context(plan, config, as_configured(refs, config), in_memory, own_metrics)
    if context.finder is not None:
        from assay.discovery.settings import search_of  # here, as few plans have a search

        search_of(context.finder.settings, config)  # and so is a search that does not fit the config
    are_known = own_metrics or not has_own_metrics(config)
    if are_known and in_memory.evaluators is None and in_memory.extractors is None and not plan.has_own_evaluators:
        refuse_unmet(config)  # and so is a threshold that nothing could meet
        if plan.gate:
            from assay.gate.evidence.answerable import refuse_unanswerable  # here, as few plans have a gate

            refuse_unanswerable(config, plan.gate, rubber_stamp=plan.rubber_stamp)
    return context


def models_of(plan: Plan, in_memory: InMemory) -> tuple[ModelRef, ...]:
    """The models of a plan, or those that the caller holds."""
    if in_memory.models is not None:
        return in_memory.models
    return tuple(_model_of(plan, model) for model in plan.models)


def _model_of(plan: Plan, model: Mapping[str, Any]) -> ModelRef:
    args = {"args": revealed(model["args"], plan.secrets)} if "args" in model else {}
    return ModelRef(**{**model, **args, "features": tuple(model.get("features", ()))})
