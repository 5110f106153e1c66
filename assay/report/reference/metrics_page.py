"""The reference page of metrics and plots, from what is registered: `python -m assay.report.reference.metrics_page`."""

from __future__ import annotations

import sys
from collections.abc import Mapping

from assay.metrics.declare import Definition, definitions
from assay.report.reference.described_metrics import DescribedMetric, Family, Setting, families_of

_PREFACE = """\
# Metrics and plots

Made by `make docs` from the registry; do not edit. A config names a metric by `class_name`, TFMA's if TFMA has it, and
its settings in `config`: `{class_name: Precision, config: {thresholds: [0.25, 0.5]}}`. Every metric takes `name`, which
replaces its output name. Settings without a default are required. `assay metrics` lists the metrics in a terminal, and
`assay metrics NAME` describes one, with an example to paste.

Sums are weighted by the example weights, unless the model spec has none or `example_weights.unweighted` is set.
**Undefined values are NaN**: a threshold on one fails, and the verdict says why. *Better* says which values are good,
and *range* where they lie, if there is a range.

## Classes and averages

If predictions are lists with a number for each class, labels are lists, too, or class ids. A metrics spec then selects
parts for all its metrics; a metric can select one of them by `class_id` or `top_k` in its own config.
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

With `top_k: 1` in a metric's config together with `class_ids` or a macro average, the class with the highest prediction
is the predicted one, whatever its value: `{class_name: F1Score, config: {top_k: 1}}` with `macro_average` is the macro
F1 of predicted classes. If predictions are equal, the first class is the highest. A class of weight 0 does not count;
if the value of a class that counts is undefined, so is the mean.
"""

_HEAD = ("class name", "output name", "value", "settings", "range", "better", "undefined", "source")


def metrics_page(registered: Mapping[str, Definition]) -> str:
    """Returns the page as Markdown: for each family its docstring and a table with a row a metric.

    Args:
        registered: definitions by class name; those that share function and state are one metric and its aliases.
    """
    return _PREFACE + "".join("\n" + _section(family) for family in families_of(registered))


def _section(family: Family) -> str:
    rows = [_row(metric, shared="see above" if family.undefined else "") for metric in family.metrics]
    used = [i for i, _ in enumerate(_HEAD) if i < 3 or any(row[i] for row in rows)]
    lines = [_HEAD, ["---"] * len(_HEAD), *rows]
    table = "\n".join("| " + " | ".join(line[i] for i in used) + " |" for line in lines)
    parts = [f"## {family.title}", family.text, family.label_rule, table]
    return "\n\n".join(part for part in parts if part) + "\n"


def _row(metric: DescribedMetric, shared: str) -> tuple[str, ...]:
    cells = (
        ", ".join(f"`{name}`" for name in metric.class_names),
        ", ".join(f"`{name}`" if name else "none" for name in metric.names),
        metric.value,
        ", ".join(map(_setting, metric.settings)) + (f"; for example `{metric.example}`" if metric.example else ""),
        metric.range,
        metric.better,
        metric.undefined or shared,
        metric.source,
    )
    return tuple(cell.replace("|", "\\|") for cell in cells)


def _setting(setting: Setting) -> str:
    return f"`{setting.name}`" if setting.default is None else f"`{setting.name}` = {setting.default}"


if __name__ == "__main__":
    sys.stdout.write(metrics_page(definitions()))
