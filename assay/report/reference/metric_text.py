"""Metrics for a terminal: the list of all, all about one, and both as JSON."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, NamedTuple

import click

from assay.errors import UsageError
from assay.metrics.declare import Group, definitions, groups
from assay.report.reference.described_metrics import DescribedMetric, Family, families_of, first_sentence
from assay.text.near_miss import hint

_QUOTED_NAME = re.compile(r'"(\w+)":')
"""A name in JSON, which needs no quotes in YAML."""


class Found(NamedTuple):
    """A metric that somebody asked for, and its family."""

    metric: DescribedMetric
    family: Family


def metric_list(width: int) -> str:
    """All metrics and plots by family, with a line each.

    Args:
        width: of the terminal, in characters.
    """
    text = click.HelpFormatter(width=width)
    for family in families_of(definitions()):
        _section(text, family.title, [_line(one, width // 2) for one in family.metrics])
    _section(text, "Names that stand for several metrics", [(n, ", ".join(g.members)) for n, g in groups().items()])
    text.write_text("assay metrics NAME describes one of them: settings, range, undefined cases, an example.")
    return text.getvalue()


def _line(metric: DescribedMetric, room: int) -> tuple[str, str]:
    """Names and value of a metric; names for which there is no room stand behind the value."""
    first, *others = metric.class_names
    names, value = ", ".join(metric.class_names), first_sentence(metric.value)
    return (names, value) if len(names) <= room else (first, f"{value} Also: {', '.join(others)}")


def _section(text: click.HelpFormatter, title: str, rows: list[tuple[str, str]]) -> None:
    text.write_text(title)
    text.indent()
    text.write_dl(rows, col_max=text.width // 2)
    text.dedent()
    text.write_paragraph()


def metric_text(name: str, width: int) -> str:
    """All about one metric, or about a name that stands for several.

    Args:
        name: see `find`.
        width: of the terminal, in characters.

    Raises:
        UsageError: there is no such metric.
    """
    text, group = click.HelpFormatter(width=width), groups().get(name)
    if group:
        text.write_text(f"{name} stands for {', '.join(group.members)}{_at_thresholds(group)}.")
        return text.getvalue() + _example(name, _config_of_group(group), is_of_queries=_of_queries(group.members))

    metric, family = find(name)
    text.write_text(f"{metric.class_names[0]}: {metric.value}")
    text.write_paragraph()
    text.indent()
    text.write_dl([fact for fact in _facts(metric, family).items() if fact[1]])
    text.dedent()
    return text.getvalue() + _example(metric.class_names[0], _config_of(metric), is_of_queries=metric.is_of_queries)


def _at_thresholds(group: Group) -> str:
    return ", each at each of its `thresholds`" if group.thresholds else ""


def _config_of_group(group: Group) -> str:
    """Settings of a group, for an example: thresholds, or the name of its first value."""
    class_name, setting = next(iter(group.members.items()))
    if group.prefix:
        return find(class_name).metric.example
    example: dict[str, Any] = {"thresholds": [0.25, 0.5]} if group.thresholds else {setting: f"my_{class_name}"}
    return json.dumps(example)[1:-1]


def list_as_json() -> str:
    """All metrics and plots by family as JSON, and the names that stand for several."""
    families = [_as_dict(family) for family in families_of(definitions())]
    return _json({"families": families, "groups": {name: list(group.members) for name, group in groups().items()}})


def metric_as_json(name: str) -> str:
    """All about one metric as JSON; arguments and errors as for `metric_text`."""
    group = groups().get(name)
    if group:
        return _json({"class_names": [name], "stands_for": list(group.members)})
    metric, family = find(name)
    of_family = {"name": family.name, "title": family.title, "undefined": family.undefined, "source": family.source}
    return _json({**_as_dict(metric), "family": of_family})


def find(name: str) -> Found:
    """The metric of a name.

    Args:
        name: a class name or the default name of its values in results; case does not matter where it decides nothing.

    Raises:
        UsageError: there is no such metric.
    """
    by_name: dict[str, Found] = {}
    for family in families_of(definitions()):
        for metric in family.metrics:
            by_name |= dict.fromkeys(filter(None, metric.names), Found(metric, family))
            by_name |= dict.fromkeys(metric.class_names, Found(metric, family))
    if name in by_name:
        return by_name[name]

    alike = [found for known, found in by_name.items() if known.casefold() == name.casefold()]
    if not alike:
        raise UsageError(f"there is no metric {name!r}{hint(name, [*by_name, *groups()])}; assay metrics lists all")
    return alike[0]


def _json(value: object) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False)


def _as_dict(described: Family | DescribedMetric) -> dict[str, object]:
    return asdict(described, dict_factory=_with_settings)


def _with_settings(pairs: list[tuple[str, object]]) -> dict[str, object]:
    return {name: [s._asdict() for s in value] if name == "settings" else value for name, value in pairs}  # type: ignore[attr-defined]


def _facts(metric: DescribedMetric, family: Family) -> dict[str, str]:
    """Head -> words of all that there is to say besides what a value is."""
    settings = [f"{s.name} (required)" if s.default is None else f"{s.name} = {s.default}" for s in metric.settings]
    queries = "needs query_key of the metrics spec, the column that identifies queries" if metric.is_of_queries else ""
    return {
        "family": f"{family.name}: {family.title}",
        "other names": ", ".join(metric.class_names[1:]),
        "in results": ", ".join(filter(None, metric.names)) or "a plot without a name",
        "better": metric.better or "neither higher nor lower",
        "range": metric.range,
        "undefined": metric.undefined or family.undefined,
        "labels": metric.labels,
        "predictions": metric.predictions,
        "rows": queries,
        "models": "needs a baseline, with which each candidate is compared" if metric.compares else "",
        "settings": "; ".join(settings) or "none",
        "source": metric.source or family.source,
    }


def _of_queries(group: Mapping[str, str]) -> bool:
    return any(find(class_name).metric.is_of_queries for class_name in group)


def _config_of(metric: DescribedMetric) -> str:
    """Settings to start from: those that have to be set, or else the first that has a value by default."""
    if metric.example:
        return metric.example
    empty = ("null", "[]", "false", '""', "0", "all rows")
    chosen = [f'"{s.name}": {s.default}' for s in metric.settings if s.default not in empty]
    return next(iter(chosen), "")


def _example(class_name: str, config: str, *, is_of_queries: bool) -> str:
    """Lines for an analysis file."""
    lines = ["query_key: query_id", "metrics:"] if is_of_queries else ["metrics:"]
    settings = _QUOTED_NAME.sub(r"\1:", config)
    lines += [f"  - class_name: {class_name}", *([f"    config: {{{settings}}}"] if config else [])]
    marked = [f"    {'- ' if i == 0 else '  '}{line}" for i, line in enumerate(lines)]
    return "\n".join(["", "In an analysis file:", "", "eval_config:", "  metrics_specs:", *marked, ""])
