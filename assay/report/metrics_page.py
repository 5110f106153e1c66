"""The reference page of metrics and plots, from what is registered: `python -m assay.report.metrics_page`."""

from __future__ import annotations

import importlib
import inspect
import itertools
import json
import re
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from assay.metrics.declare import Definition, definitions

_PREFACE = """\
# Metrics and plots

Made by `make docs` from the registry; do not edit. A config names a metric by `class_name`, TFMA's where TFMA has it,
and gives settings as JSON in `config`: `{class_name: Precision, config: '"thresholds": [0.25, 0.5]'}`. Every metric
takes `name`, which replaces its output name. Settings without a default have to be given.

Sums are weighted by the example weights, unless the model spec has none or `example_weights.unweighted` is set.
**Undefined is NaN**: a threshold on it fails, and the verdict tells why. *Better* tells which values are good ones, and
*range* where they lie, where that can be said.

## Classes and averages

Where predictions are vectors with a number for each class, labels are vectors, too, or class ids. A metrics spec then
asks for parts of all its metrics; a metric can ask for one of them by `class_id` or `top_k` in its own config.
How-tos: [several classes](classes.md), [several labels a row](multi-label.md), [ranked lists](ranking.md) and
[several outputs](outputs.md).

| setting of the metrics spec | each metric is computed |
| --- | --- |
| `binarize: {class_ids: {values: [0, 2]}}` | for each class against all others |
| `binarize: {k_list: {values: [1]}}` | of the k-th highest prediction of each row and its label |
| `binarize: {top_k_list: {values: [3]}}` | of all classes; only the k highest can be positive, and are by default |
| `aggregate: {micro_average: true}` | of all classes of all rows together; `class_weights` multiply their weights |
| `aggregate: {micro_average: true, top_k_list: {values: [3]}}` | of the k highest of each row alone |
| `aggregate: {macro_average: true, class_weights: {0: 1, 1: 1}}` | for each class, then the mean by weight |
| `aggregate: {macro_average: true, top_k_list: {values: [3]}}` | for the first to the k-th highest, then their mean |
| `aggregate: {weighted_macro_average: true, class_weights: ...}` | the same, times the weight of their positives |

With `"top_k": 1` in a metric's config beside `class_ids` or a macro average, the class of the highest prediction is the
predicted one, whatever its value: `{class_name: F1Score, config: '"top_k": 1'}` with `macro_average` is the macro F1 of
predicted classes. Of equal predictions, the class that comes first is the highest. A class of weight 0 does not count;
where one that counts is undefined, so is the mean.
"""

_SENTENCE = re.compile(r"(?<=\.)\s+(?=[A-Z])")
_NAN = re.compile(r"\bNaN\b")
_CLAUSE = re.compile(r";\s+(?=NaN\b)")
_HEAD = ("class name", "output name", "value", "settings", "range", "better", "undefined", "source")


class Described(NamedTuple):
    """A docstring, taken apart."""

    value: str
    undefined: str
    source: str


def metrics_page(registered: Mapping[str, Definition]) -> str:
    """Returns the page as Markdown: for each family its docstring and a table with a row a metric.

    Args:
        registered: definitions by class name; those that share function and state are one metric and its aliases.
    """
    grouped = itertools.groupby(_by_metric(registered.values()), key=lambda twins: twins[0].function.__module__)
    return _PREFACE + "".join("\n" + _family(module, list(metrics)) for module, metrics in grouped)


def describe(docstring: str | None) -> Described:
    """Tells what a value is, when it is NaN, and where it comes from: sentences with NaN, and those on sources."""
    sentences = _SENTENCE.split(_one_line(docstring or ""))
    clauses = [clause for sentence in sentences for clause in _CLAUSE.split(sentence)]
    undefined = [clause for clause in clauses if _NAN.search(clause)]
    sources = [clause for clause in clauses if clause.startswith(("Source:", "Sources:"))]
    values = [clause for clause in clauses if clause not in undefined + sources]
    return Described(
        _sentence(". ".join(part.rstrip(".") for part in values)),
        "; ".join(part.removeprefix("NaN").rstrip(".").strip() for part in undefined),
        "; ".join(part.partition(":")[2].rstrip(".").strip() for part in sources),
    )


def _by_metric(definitions: Iterable[Definition]) -> list[list[Definition]]:
    """Definitions grouped with their aliases, families in the order in which they were registered."""
    metrics: dict[Any, list[Definition]] = {}
    for definition in definitions:
        metrics.setdefault((definition.function, definition.needs), []).append(definition)
    families = list(dict.fromkeys(twins[0].function.__module__ for twins in metrics.values()))
    return sorted(metrics.values(), key=lambda twins: families.index(twins[0].function.__module__))


def _family(module: str, metrics: Sequence[Sequence[Definition]]) -> str:
    docstring = inspect.cleandoc(importlib.import_module(module).__doc__ or "")
    title, *rest = _SENTENCE.split(docstring, maxsplit=1)
    rows = [_row(twins, shared="see above" if _NAN.search(docstring) else "") for twins in metrics]
    used = [i for i, _ in enumerate(_HEAD) if i < 3 or any(row[i] for row in rows)]
    lines = [_HEAD, ["---"] * len(_HEAD), *rows]
    table = "\n".join("| " + " | ".join(line[i] for i in used) + " |" for line in lines)
    parts = [f"## {_one_line(title).rstrip('.')}", *rest, _label_rule(metrics), table]
    return "\n\n".join(part for part in parts if part) + "\n"


def _label_rule(metrics: Sequence[Sequence[Definition]]) -> str:
    domains = {twins[0].class_name: twins[0].needs.domain for twins in metrics}
    binary = [name for name, domain in domains.items() if domain.shares and not domain.of_classes]
    if not binary:
        return ""
    which = "" if len(binary) == len(metrics) else f" for {', '.join(f'`{name}`' for name in binary)}"
    return f"Labels must lie in [0, 1]{which}; a label between counts as both, in part."


def _row(twins: Sequence[Definition], shared: str) -> tuple[str, ...]:
    first = twins[0]
    described = describe(first.function.__doc__)
    names = dict.fromkeys(definition.name if definition.kept_name else "" for definition in twins)
    cells = (
        ", ".join(f"`{definition.class_name}`" for definition in twins),
        ", ".join(f"`{name}`" if name else "none" for name in names),
        described.value,
        ", ".join(_settings(first)) + (f"; for example `{first.example}`" if first.example else ""),
        first.range,
        first.better or "",
        described.undefined or first.undefined or shared,
        described.source,
    )
    return tuple(cell.replace("|", "\\|") for cell in cells)


def _settings(definition: Definition) -> Iterator[str]:
    if definition.top_k:
        yield "`top_k_list`" if definition.top_k == "required" else "`top_k_list` = all rows"
    for name, default in {**definition.state_settings, **definition.settings}.items():
        yield f"`{name}`" if default is inspect.Parameter.empty else f"`{name}` = {_json(default)}"


def _json(value: Any) -> str:
    return f"{value:.15g}" if isinstance(value, float) else json.dumps(value)


def _sentence(text: str) -> str:
    return f"{text}." if text else ""


def _one_line(text: str) -> str:
    return " ".join(text.split())


if __name__ == "__main__":
    sys.stdout.write(metrics_page(definitions()))
