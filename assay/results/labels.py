"""Words for metrics and their values, in tables, on pages and in summaries."""

from __future__ import annotations

import math
from collections.abc import Sequence

from assay.metrics.keys import MetricKey
from assay.results.class_names import ClassNames, part_texts
from assay.results.keys import aggregation_name


def labels_of(keys: Sequence[MetricKey], classes: ClassNames) -> dict[str, MetricKey]:
    """Label -> key, for the columns of a table: behind the name stands only what tells metrics apart.

    `keys.label` says all of one key, for where no other stands beside it.

    Args:
        keys: of the metrics in the table.
        classes: names to stand beside class ids.
    """
    models = {key.model_name for key in keys if key.model_name}
    weightings: dict[str, set[bool | None]] = {}
    for key in keys:
        weightings.setdefault(key.name, set()).add(key.example_weighted)
    return {_label(key, classes, len(models) > 1, len(weightings[key.name]) > 1): key for key in keys}


def _label(key: MetricKey, classes: ClassNames, with_model: bool, with_weighting: bool) -> str:
    parts = [key.model_name if with_model and not key.is_diff else "", key.output_name]
    parts += part_texts(key, classes, " ")
    parts.append(aggregation_name(key.aggregation_type))
    if with_weighting and key.example_weighted is not None:
        parts.append("weighted" if key.example_weighted else "unweighted")
    return " ".join(filter(None, (name_of(key), *parts)))


def name_of(key: MetricKey) -> str:
    """The metric's name; a difference ends in `_diff`."""
    return f"{key.name}_diff" if key.is_diff else key.name


def number_text(value: float) -> str:
    """A number for people: `1,234`, `0.9376`, `1.2e-05`, `undefined`."""
    value = float(value)  # one that was read from JSON may be whole
    if math.isnan(value):
        return "undefined"
    if value.is_integer() and abs(value) < 1e12:
        return f"{value:,.0f}"
    return f"{value:.4f}" if 1e-3 <= abs(value) < 1e6 else f"{value:.3g}"


def change_text(change: float) -> str:
    """A difference for people, always with its sign: `+0.0357`."""
    return f"+{number_text(change)}" if change > 0 else number_text(change)
