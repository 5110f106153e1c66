"""The names that TFMA gives metrics in its results as nested dicts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from assay.metrics.keys import MetricKey, PlotKey
from assay.results.keys import aggregation_name


def names_of(keys: Iterable[MetricKey]) -> dict[MetricKey, str]:
    r"""The name of each metric of one model in `EvalResult.slicing_metrics`.

    It is TFMA's: the metric's own name; with `_diff` behind it for candidate minus baseline; else with the text of the
    aggregation before it, such as `micro_average: true\n_`. Where TFMA lets metrics of one name overwrite each other,
    one keeps it: that for which weighting has no meaning, else the weighted one; the others end in `_weighted` or
    `_unweighted`. Differences of several aggregations have these before them.
    """
    groups: dict[tuple[Any, ...], list[MetricKey]] = {}
    for key in keys:
        groups.setdefault((key.output_name, key.sub_key, _short_name(key)), []).append(key)
    names = {}
    for (*_, name), group in groups.items():
        several = len({key.aggregation_type for key in group}) > 1
        plain = plain_weighting(group)
        for key in group:
            names[key] = (_aggregation(key) if several else "") + name + weighting_suffix(key, plain)
    return names


def _short_name(key: MetricKey) -> str:
    return f"{key.name}_diff" if key.is_diff or key.compares else _aggregation(key) + key.name


def _aggregation(key: MetricKey) -> str:
    """The aggregation as TFMA has it in names: the text of its message, and an underscore."""
    name = aggregation_name(key.aggregation_type)
    return f"{name}: true\n_" if name else ""


def plain_weighting(keys: Sequence[MetricKey | PlotKey]) -> bool | None:
    """The weighting that needs no mention."""
    weightings = {key.example_weighted for key in keys}
    return next(weighting for weighting in (None, True, False) if weighting in weightings)


def weighting_suffix(key: MetricKey | PlotKey, plain: bool | None) -> str:
    """What is behind a name whose weighting is not the plain one."""
    if key.example_weighted is plain:
        return ""
    return "_weighted" if key.example_weighted else "_unweighted"
