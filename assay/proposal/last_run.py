"""The values of a run that was blessed, to propose thresholds from."""

from __future__ import annotations

import math
from typing import Any, cast

from assay.errors import AssayError, InputError
from assay.metrics.declare import definitions
from assay.notebook.eval_result import load_eval_result
from assay.proposal.measured import Value
from assay.storage.file_paths import FilePath
from assay.types import SliceKey
from assay.verdict import Status


def values_of_blessed(results: FilePath, class_name: str) -> list[Value]:
    """The values of a metric in all slices of a run that was blessed.

    Args:
        results: an output, whose latest run is opened, or the folder of a run.
        class_name: of the metric.

    Raises:
        ResultsError: no results.
        InputError: that run was not blessed, or does not have the metric.
    """
    result = load_eval_result(results)
    if result.verdict is None or result.verdict.status != Status.BLESSED:
        found = "no verdict" if result.verdict is None else result.verdict.status
        raise InputError(f"{results}: expected a run that is {Status.BLESSED}, found {found}")

    name = definitions()[class_name].name
    values = [
        Value(cast(SliceKey, key), 0, class_name, result.model_name, number)
        for key, outputs in result.slicing_metrics
        for sub_keys in outputs.values()
        for metrics in sub_keys.values()
        if (number := _number(metrics.get(name))) is not None and all(isinstance(part[0], str) for part in key)
    ]
    if not values:
        raise InputError(
            f"{results}: has no {name}, which thresholds are proposed for; found {result.get_metric_names()}"
        )
    return values


def blessed_in(results: str, class_name: str) -> list[Value]:
    """The same; nothing where there are no results, or none that say anything about the metric."""
    try:
        return values_of_blessed(results, class_name)
    except AssayError:
        return []


def _number(value: Any) -> float | None:
    """A value of protobuf's JSON as a number; None of what is none."""
    known = value or {}
    found = known.get("doubleValue", known.get("boundedValue", {}).get("value"))
    return float(found) if isinstance(found, int | float) and math.isfinite(found) else None
