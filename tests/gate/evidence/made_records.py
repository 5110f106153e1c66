"""Records of a run with two models, whose values have standard errors, and gates to hold them against."""

from __future__ import annotations

from functools import cache
from typing import Any

from assay.config.resolved import parse_eval_config, resolve_eval_config
from assay.gate.evidence.gate import lines_of
from assay.metrics.keys import MetricKey
from assay.plan.gate_section import gate_section
from assay.proto.config_pb2 import EvalConfig
from assay.proto.metrics_for_slice_pb2 import MetricsForSlice
from assay.results.keys import metric_key_to_proto, slice_key_to_proto
from assay.verdict import Line

ROWS = 10_000
ACCURACY = MetricKey("binary_accuracy", "new", example_weighted=False)
LOSS = MetricKey("mean_squared_error", "new", example_weighted=False)
OVERALL = ()
FRANCE = (("country", "fr"),)


def config(**more: Any) -> EvalConfig:
    """Two columns of predictions, two metrics."""
    keys = {"label_key": "label", "prediction_key": "new"}
    specs = [{"name": "new", **keys}, {"name": "old", **keys, "prediction_key": "old", "is_baseline": True}]
    metrics = [{"class_name": "BinaryAccuracy"}, {"class_name": "MeanSquaredError"}, {"class_name": "ExampleCount"}]
    content = {
        "model_specs": specs,
        "slicing_specs": [{}, {"feature_keys": ["country"]}],
        "metrics_specs": [{"model_names": ["new", "old"], "metrics": metrics}],
        "options": {"compute_confidence_intervals": True},
        **more,
    }
    return resolve_eval_config(parse_eval_config(content))


def record(
    value: float,
    error: float | None = None,
    *,
    change: float | None = None,
    key: MetricKey = ACCURACY,
    slice_key: Any = OVERALL,
    rows: int = ROWS,
    df: int = 19,
) -> MetricsForSlice:
    """The record of a slice: a value of the candidate, or of both models and their difference, which has the error."""
    message = MetricsForSlice(rows=rows, slice_key=slice_key_to_proto(slice_key))
    values = {key: value}
    if change is not None:
        values |= {key._replace(model_name="old"): value - change, key._replace(is_diff=True): change}
    for one, number in values.items():
        entry = message.metric_keys_and_values.add(key=metric_key_to_proto(one))
        entry.value.double_value.value = number
        if error is not None:
            entry.confidence_interval.standard_error.double_value.value = error
            entry.confidence_interval.degrees_of_freedom.value = df
    return message


def gate(*thresholds: dict[str, Any], **more: Any) -> dict[str, Any]:
    """The section, read as that of an analysis file."""
    return gate_section({"thresholds": list(thresholds), **more}, "gate")


def lines(records: list[MetricsForSlice], *thresholds: dict[str, Any], **more: Any) -> tuple[Line, ...]:
    """The lines of the verdict on some records."""
    return lines_of(records, _plain_config(), gate(*thresholds, **more))


@cache
def _plain_config() -> EvalConfig:
    return config()
