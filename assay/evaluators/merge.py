"""Several evaluators may write metrics, plots and attributions: their records meet by slice key."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import apache_beam as beam

from assay.errors import PipelineError
from assay.proto.metrics_for_slice_pb2 import AttributionsForSlice, MetricsForSlice, PlotsForSlice
from assay.types import ATTRIBUTIONS_KEY, METRICS_KEY, PLOTS_KEY, SHARED_OUTPUTS, Evaluation

_RECORDS: Mapping[str, Any] = {
    METRICS_KEY: MetricsForSlice,
    PLOTS_KEY: PlotsForSlice,
    ATTRIBUTIONS_KEY: AttributionsForSlice,
}
_VALUES = {
    METRICS_KEY: "metric_keys_and_values",
    PLOTS_KEY: "plot_keys_and_values",
    ATTRIBUTIONS_KEY: "attributions_keys_and_values",
}
"""Output -> the field of its records that holds the values, each with a key."""


def merge_evaluations(evaluations: Mapping[str, Evaluation]) -> Evaluation:
    """Joins the outputs of evaluators, given by stage name.

    Raises:
        PipelineError: two evaluators have the same output, and it is not one of `SHARED_OUTPUTS`.
    """
    owners: dict[str, list[str]] = {}
    for stage, evaluation in evaluations.items():
        for key in evaluation:
            owners.setdefault(key, []).append(stage)
    return {key: _join(key, stages, evaluations) for key, stages in owners.items()}


def _join(key: str, stages: list[str], evaluations: Mapping[str, Evaluation]) -> beam.PCollection[Any]:
    if len(stages) == 1:
        return evaluations[stages[0]][key]
    if key not in SHARED_OUTPUTS:
        raise PipelineError(f"output {key!r} has two owners, {stages[0]!r} and {stages[1]!r}; rename it in one of them")
    keyed = [
        evaluations[stage][key] | f"BySlice({key}, {stage})" >> beam.Map(_by_slice, key=key, stage=stage)
        for stage in stages
    ]
    return (
        keyed
        | f"Flatten({key})" >> beam.Flatten()
        | f"Group({key})" >> beam.GroupByKey()
        | f"Merge({key})" >> beam.Map(_merge, kind=key)
    )


def merge_records(key: str, records: Mapping[str, Sequence[bytes]]) -> list[bytes]:
    """The same for records in memory: evaluator -> its records of output `key`."""
    if len(records) == 1:
        return list(next(iter(records.values())))
    of_slice: dict[bytes, list[tuple[str, bytes]]] = {}
    for stage, of_stage in records.items():
        for record in of_stage:
            slice_key, value = _by_slice(record, key, stage)
            of_slice.setdefault(slice_key, []).append(value)
    return [_merge(item, key) for item in of_slice.items()]


def _by_slice(record: bytes, key: str, stage: str) -> tuple[bytes, tuple[str, bytes]]:
    message = _RECORDS[key].FromString(record)
    slice_key = message.cross_slice_key if message.HasField("cross_slice_key") else message.slice_key
    return slice_key.SerializeToString(deterministic=True), (stage, record)


def _merge(of_slice: tuple[bytes, Iterable[tuple[str, bytes]]], kind: str) -> bytes:
    """One record of all; its rows are those of the first evaluator that counted them."""
    merged = _RECORDS[kind]()
    owner: dict[bytes, str] = {}
    for stage, record in sorted(of_slice[1]):
        message = _RECORDS[kind].FromString(record)
        for item in getattr(message, _VALUES[kind]):
            name = item.key.SerializeToString(deterministic=True)
            if owner.setdefault(name, stage) != stage:
                raise PipelineError(
                    f"{kind}: {item.key.name!r} of one slice comes from both {owner[name]!r} and {stage!r}; "
                    f"rename it in one of them"
                )

        # MergeFrom takes the later of two numbers; the rows are to stay those of the first.
        rows = getattr(merged, "rows", 0) or getattr(message, "rows", 0)
        merged.MergeFrom(message)
        if kind == METRICS_KEY:
            merged.rows = rows

    encoded: bytes = merged.SerializeToString()
    return encoded
