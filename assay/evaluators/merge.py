"""Several evaluators may write metrics, plots and attributions: their records meet by slice key."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import apache_beam as beam
from apache_beam.pvalue import AsSingleton

from assay.engine.of_all import OfAll
from assay.errors import PipelineError
from assay.proto.metrics_for_slice_pb2 import AttributionsForSlice, MetricsForSlice, PlotsForSlice
from assay.results.records import head_size
from assay.types import (
    ATTRIBUTIONS_KEY,
    FIND_SLICES_EVALUATOR_STAGE_NAME,
    METRICS_KEY,
    PLOTS_KEY,
    SHARED_OUTPUTS,
    Evaluation,
)

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
    if key in SHARED_OUTPUTS and FIND_SLICES_EVALUATOR_STAGE_NAME in stages:
        others = _join(key, [stage for stage in stages if stage != FIND_SLICES_EVALUATOR_STAGE_NAME], evaluations)
        return _with_found(key, others, evaluations[FIND_SLICES_EVALUATOR_STAGE_NAME][key])
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


def _with_found(key: str, listed: beam.PCollection[bytes], found: beam.PCollection[bytes]) -> beam.PCollection[bytes]:
    """The records of slices that are listed, and of those that a search found and nobody listed."""
    heads = AsSingleton(listed | f"Heads({key})" >> beam.Map(_head) | f"Listed({key})" >> OfAll(frozenset))
    others = found | f"NotListed({key})" >> beam.Filter(_is_of_others, heads).with_output_types(bytes)
    return (listed, others) | f"WithFound({key})" >> beam.Flatten()


def _is_of_others(record: bytes, heads: frozenset[bytes]) -> bool:
    return _head(record) not in heads


def _head(record: bytes) -> bytes:
    """The field of a record that says its slice, which those of our own begin with."""
    return record[: head_size(record)] if record else record


def merge_records(key: str, records: Mapping[str, Sequence[bytes]]) -> list[bytes]:
    """The same for records in memory: evaluator -> its records of output `key`."""
    if len(records) == 1:
        return list(next(iter(records.values())))
    if FIND_SLICES_EVALUATOR_STAGE_NAME in records:
        found = records[FIND_SLICES_EVALUATOR_STAGE_NAME]
        others = {stage: some for stage, some in records.items() if stage != FIND_SLICES_EVALUATOR_STAGE_NAME}
        listed = merge_records(key, others)
        heads = frozenset(map(_head, listed))
        return [*listed, *(record for record in found if _is_of_others(record, heads))]
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
