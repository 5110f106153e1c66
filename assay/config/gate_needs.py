"""What thresholds that ask for evidence need of an eval config: intervals, a baseline, slices. No Arrow."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from assay.config.unmet_slices import refuse_unmade
from assay.errors import EvalConfigError
from assay.proto.config_pb2 import EvalConfig, SlicingSpec

COMPARISONS = ("non_inferior", "not_worse")
"""The questions that are about candidate minus baseline."""


def refuse_gate(config: EvalConfig, gate: Mapping[str, Any], *, rubber_stamp: bool) -> None:
    """Refuses thresholds that a config gives nothing to judge by, whatever the data is.

    Only for runs whose evaluators are all assay's own, as others may compute more.

    Args:
        config: a resolved and checked config.
        gate: of the plan; empty for none.
        rubber_stamp: whether comparisons are left out if there is no baseline.

    Raises:
        EvalConfigError: the message starts with the threshold's path.
    """
    thresholds = gate.get("thresholds", ())
    if thresholds and not config.options.compute_confidence_intervals.value:
        raise EvalConfigError(
            "gate.thresholds: they ask for evidence, and the eval config computes no confidence intervals; set "
            "options: {compute_confidence_intervals: {value: true}}, or use thresholds of the eval config"
        )

    has_baseline = any(spec.is_baseline for spec in config.model_specs)
    for at, threshold in enumerate(thresholds):
        asked = next((name for name in COMPARISONS if name in threshold), "")
        if asked and not has_baseline and not rubber_stamp:
            raise EvalConfigError(
                f"gate.thresholds[{at}].{asked}: there is no baseline to compare with; add a baseline model, a model "
                "spec with is_baseline and prediction_key, or rubber_stamp for a first run"
            )
        for i, spec in enumerate(slicing_specs(threshold)):
            refuse_unmade(config, spec, f"gate.thresholds[{at}].slices[{i}]")


def slicing_specs(threshold: Mapping[str, Any]) -> list[SlicingSpec]:
    """The slices that a threshold names; none for all."""
    from assay.config.resolved import parse_eval_config  # here, as that module brings every check of a config

    return list(parse_eval_config({"slicing_specs": threshold.get("slices", [])}).slicing_specs)
