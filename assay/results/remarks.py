"""Lines below the tables of values: which are undefined, which may be off, which have no interval, and why."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TypeVar

from assay.metrics.keys import MetricKey
from assay.metrics.values import TOLD_ERROR
from assay.proto import metrics_for_slice_pb2 as pb
from assay.proto.metrics_for_slice_pb2 import MetricsForSlice
from assay.results.class_names import ClassNames
from assay.results.keys import metric_key_from_proto, text_of
from assay.results.labels import labels_of
from assay.text.printable import printable_line

_MOST_NAMED = 3
_Why = TypeVar("_Why", int, str)


def remarks(records: Iterable[MetricsForSlice], classes: ClassNames) -> list[str]:
    """A line for each metric and reason, with its slices; and one for values of two classes where there are several.

    Differences are left out, as their models speak for them; so is what may be off by no more than `TOLD_ERROR`.
    Metrics that have no confidence interval for one reason have one line.
    """
    undefined: dict[tuple[MetricKey, str], list[str]] = {}
    inexact: dict[tuple[MetricKey, str], dict[str, float]] = {}
    kept = list(records)
    flat = _keys_by((one.classes, one.key) for record in kept for one in record.flat)
    no_interval = _keys_by((one.reason, one.key) for record in kept for one in record.no_intervals)
    for record in kept:
        for value in record.undefined:
            undefined.setdefault((metric_key_from_proto(value.key), value.reason), []).append(text_of(record))
        for bounded in record.inexact:
            key = metric_key_from_proto(bounded.key)
            if not key.is_diff and bounded.error_bound > TOLD_ERROR:
                inexact.setdefault((key, bounded.reason), {})[text_of(record)] = bounded.error_bound

    of_all_slices = [*flat.values(), *no_interval.values()]
    told = [key for key, _ in [*undefined, *inexact]] + [key for keys in of_all_slices for key in keys]
    labels = {key: label for label, key in labels_of(told, classes).items()}
    lines = [f"{labels[key]} is undefined in {_named(names)}: {why}" for (key, why), names in undefined.items()]
    for (key, why), bounds in inexact.items():
        lines.append(f"{labels[key]} may be off by {max(bounds.values()):.2g} in {_named(list(bounds))}: {why}")
    lines += [_flat([labels[key] for key in keys], count) for count, keys in flat.items()]
    for why, keys in no_interval.items():
        lines.append(f"{_named([labels[key] for key in keys])}: no confidence interval: {why}")
    return [printable_line(line) for line in lines]


def _keys_by(told: Iterable[tuple[_Why, pb.MetricKey]]) -> dict[_Why, dict[MetricKey, None]]:
    """What is told of metrics -> those metrics, each once, in their order."""
    keys: dict[_Why, dict[MetricKey, None]] = {}
    for why, key in told:
        keys.setdefault(why, {})[metric_key_from_proto(key)] = None
    return keys


def _flat(names: Sequence[str], classes: int) -> str:
    return (
        f"{_named(names)}: each of the {classes} numbers of a prediction counts as a row of its own, because the "
        "metrics spec asks for no class; set binarize: {class_ids: {values: [...]}} or aggregate: {micro_average: true}"
    )


def _named(slices: Sequence[str]) -> str:
    more = len(slices) - _MOST_NAMED
    return ", ".join(slices[:_MOST_NAMED]) + (f" and {more:,} more" if more > 0 else "")
