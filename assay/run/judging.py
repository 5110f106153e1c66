"""The verdict of a plan on the metrics of a run, wherever these are."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from assay.gate import validate as gate
from assay.gate.evidence.asked import asked_of
from assay.gate.found_slices import FoundSlices, found_threshold
from assay.plan.plan import Plan
from assay.proto.config_pb2 import EvalConfig
from assay.proto.metrics_for_slice_pb2 import MetricsForSlice
from assay.proto.validation_result_pb2 import ValidationResult
from assay.results.class_names import class_names
from assay.verdict import Counts, Limits, Verdict


def verdict_of(
    plan: Plan,
    config: EvalConfig,
    result: ValidationResult,
    metrics: Callable[[], Iterable[MetricsForSlice]],
    found: Callable[[], Mapping[str, Any] | None],
    counts: Counts,
) -> Verdict:
    """The verdict, which tells no number of rows below `min_slice_size`, and all others as `round_counts_to` has them.

    Args:
        plan: with its limits, its `gate` and its threshold on found slices.
        config: a resolved config.
        result: of `gate.validate` on the same metrics.
        metrics: reads them, each time it is called.
        found: reads the record of a search for slices; called if there is a threshold for these.
        counts: rows of the run.
    """
    threshold = found_threshold(plan)
    lines = gate.lines_of(metrics(), config, plan.gate, rubber_stamp=plan.rubber_stamp)
    if threshold is not None:
        lines += FoundSlices(threshold, found()).lines()
    return gate.verdict(
        result,
        metrics(),
        counts=counts,
        shown=counts.shown(plan.min_slice_size, plan.round_counts_to),
        limits=_limits_of(plan),
        checks=gate.checks_of(metrics(), config, rubber_stamp=plan.rubber_stamp),
        classes=class_names(config),
        lines=lines,
        force=asked_of(plan.gate).force,
    )


def _limits_of(plan: Plan) -> Limits:
    """What the plan wants of a run before it is judged."""
    return Limits(
        min_rows=plan.min_rows,
        max_bad_rows=plan.max_bad_rows,
        max_unmatched=plan.inputs.get("join", {}).get("max_unmatched", 1.0),
    )
