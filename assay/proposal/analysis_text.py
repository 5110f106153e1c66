"""The text of an analysis file, with a comment beside each choice that says why and what to do if it is wrong."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from assay.proposal.bounds import Bound, Change
from assay.proposal.data import Data
from assay.proposal.facts import LIST, NUMBER, Facts
from assay.proposal.metrics import HIGHER, Group, Metric
from assay.proposal.problem import Problem
from assay.proposal.roles import Model, Roles
from assay.proposal.sample import Inputs
from assay.proposal.slices import Slices
from assay.proposal.yaml_words import comment, flow, number, text
from assay.slicing.text import slice_text

_WIDTH = 116
_MOST_PASSED_OVER = 40


_SAMPLE = "the sample"


@dataclass(frozen=True)
class Limits:
    """The thresholds of the metric that is bounded.

    Attributes:
        overall: of all rows; None if the value is undefined.
        of_slices: features of a slicing -> its bound.
        change: against the baseline, if there is one.
        metric: its class name.
        source: what the value of all rows is of.
        counted: what the noise of the value was judged by, such as "rows".
    """

    overall: Bound | None = None
    of_slices: Mapping[tuple[str, ...], Bound] | None = None
    change: Change | None = None
    metric: str = ""
    source: str = _SAMPLE
    counted: str = "rows"

    @property
    def is_of_sample(self) -> bool:
        """Whether the value of all rows is that of the data at hand."""
        return self.source == _SAMPLE


@dataclass(frozen=True)
class Choices:
    """All that an analysis file is written from.

    Attributes:
        data: the sample.
        roles: of the columns.
        problem: its kind.
        slices: the columns to slice by.
        groups: metrics specs.
        limits: thresholds.
        bad_rows: reason -> rows of the sample that cannot be evaluated.
    """

    data: Data
    roles: Roles
    problem: Problem
    slices: Slices
    groups: Sequence[Group]
    limits: Limits = Limits()
    bad_rows: Mapping[str, int] | None = None


def analysis_text(choices: Choices, inputs: Inputs | None, output: str, title: str) -> str:
    """The whole file.

    Args:
        choices: what to write.
        inputs: where the data is; None for data in memory, whose text has neither inputs nor output.
        output: where results go.
        title: what it was proposed from.
    """
    lines = [*_header(choices, title)]
    if inputs is not None:
        options = {"options": dict(inputs.options)} if inputs.options else {}
        described = {"format": inputs.format, "files": list(inputs.files), **options}
        lines += [f"inputs: {flow(described)}", ""]
    lines += [*_bad_rows(choices), "eval_config:", *_model_specs(choices), "", *_slicing_specs(choices), ""]
    lines += [*_metrics_specs(choices)]
    if inputs is not None:
        lines += ["", f"output: {text(output)} # each run has a folder of its own below this one"]
    return "\n".join(lines) + "\n"


def _notes(words: str, indent: int = 0) -> list[str]:
    """A comment on lines of its own."""
    start = " " * indent + "# "
    return textwrap.wrap(
        comment(words), _WIDTH, initial_indent=start, subsequent_indent=start, break_on_hyphens=False
    ) or [start.rstrip()]


def _header(choices: Choices, title: str) -> Iterator[str]:
    yield from _notes(title)
    yield from _notes(
        f"Kind of problem: {choices.problem.kind}. Comments say why something was chosen. If it is wrong, change it "
        "here, or say it in an option of `assay init`."
    )
    yield ""


def _bad_rows(choices: Choices) -> list[str]:
    bad_rows = {reason: count for reason, count in (choices.bad_rows or {}).items() if count}
    if not bad_rows:
        return []
    rows = choices.data.sample.rows + choices.data.sample.bad_rows
    total = sum(bad_rows.values())
    reasons = ", ".join(f"{reason} ({count:,})" for reason, count in bad_rows.items())
    return [
        *_notes(
            f"{total:,} of {rows:,} rows of the sample cannot be evaluated: {reasons}. They are left out and counted;"
        ),
        "# if there are many more, the verdict is NOT_EVALUATED. Without these two lines a bad row ends the run.",
        "on_bad_rows: skip",
        f"max_bad_rows: {most_bad_rows(total, rows)}%",
        "",
    ]


def most_bad_rows(bad: int, rows: int) -> int:
    """Percentage of bad rows to be accepted where so many of a sample's rows are bad: half as many more, and 1."""
    return min(100, math.ceil(150 * bad / max(rows, 1)) + 1)


def _model_specs(choices: Choices) -> Iterator[str]:
    yield "  model_specs:"
    for at, model in enumerate(choices.problem.models):
        fields = [*_fields(choices, model, at)]
        yield f"    - {fields[0]}"
        yield from (f"      {field}" for field in fields[1:])


def _fields(choices: Choices, model: Model, at: int) -> Iterator[str]:
    """The fields of a model spec, with comments."""
    problem, roles, data = choices.problem, choices.roles, choices.data
    if model.name:
        yield f"name: {text(model.name)}"
    label = f"{roles.why['label']}; {_held(data.facts[roles.label])}"
    yield f"label_key: {text(roles.label)} # {comment(label)}"
    scores = f"{roles.why['predictions']}; {problem.scales[at].why}"
    if len(model.columns) > 1:
        keys = dict(zip(model.classes, model.columns, strict=True))
        yield f"prediction_keys: {flow(keys)} # {comment(scores)}"
    else:
        yield f"prediction_key: {text(model.columns[0])} # {comment(scores)}"
    if model.is_baseline:
        yield "is_baseline: true # the other model is compared with it"
    if roles.weight:
        yield f"example_weight_key: {text(roles.weight)} # {comment(roles.why['weight'])}"
    yield from _meaning(problem, at)


def _meaning(problem: Problem, at: int) -> Iterator[str]:
    if problem.positive_label:
        yield f"positive_label: {quoted(problem.positive_label)} # {comment(problem.why['positive_label'])}"
    if problem.classes:
        yield f"classes: [{', '.join(map(quoted, problem.classes))}] # {comment(problem.why['classes'])}"
    if problem.sparse_labels:
        yield "sparse_labels: true # labels are lists of the classes that a row has"
    if problem.scales[at].link:
        yield f"link: {problem.scales[at].link} # makes probabilities of them; if they are no logits, remove this line"
    if problem.scales[at].scale:
        yield f"scale: {problem.scales[at].scale} # they are divided by 100"


def quoted(value: str) -> str:
    """A text that might be taken for a number or more, as a value."""
    plain = text(value)
    return plain if plain.startswith('"') else f'"{plain}"'


def _held(facts: Facts) -> str:
    """What a label holds."""
    if facts.counts and facts.kind != LIST and facts.distinct <= 4:
        shares = (f"{_shown(value)} ({count / max(1, facts.rows):.0%})" for value, count in facts.counts.items())
        return ", ".join(shares)
    if facts.kind == NUMBER:
        return f"{number(facts.low)} to {number(facts.high)}"
    what = f"lists of {facts.inner}" if facts.kind == LIST else facts.kind
    return f"{what}, {facts.distinct:,} values"


def _shown(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def _slicing_specs(choices: Choices) -> Iterator[str]:
    yield "  slicing_specs:"
    yield "    - {} # all rows"
    for name, why in choices.slices.chosen.items():
        yield f"    - {{feature_keys: [{text(name)}]}} # {comment(why)}"
    passed_over = choices.slices.passed_over
    if not passed_over:
        return
    yield "    # Not sliced by:"
    for name, why in list(passed_over.items())[:_MOST_PASSED_OVER]:
        yield f"    #   {comment(name) or 'a column'}: {comment(why)}"
    if len(passed_over) > _MOST_PASSED_OVER:
        yield f"    #   and {len(passed_over) - _MOST_PASSED_OVER:,} more"


def _metrics_specs(choices: Choices) -> Iterator[str]:
    yield "  metrics_specs:"
    for group in choices.groups:
        yield from _notes(f"{group.why}.", 4)
        start = "    - "
        for key, value in group.head.items():
            yield f"{start}{key}: {flow(value)}"
            start = "      "
        yield f"{start}metrics:"
        for metric in group.metrics:
            yield from _metric(choices, metric)


def _metric(choices: Choices, metric: Metric) -> Iterator[str]:
    config = {"config": dict(metric.config)} if metric.config else {}
    if not metric.better:
        yield f"        - {flow({'class_name': metric.class_name, **config})}"
        return
    yield f"        - class_name: {metric.class_name}"
    if config:
        yield f"          config: {flow(config['config'])}"
    yield from _thresholds(choices, metric.better)


def _thresholds(choices: Choices, better: str) -> Iterator[str]:
    limits = choices.limits
    overall, change = limits.overall, limits.change
    if overall is None and change is None:
        seen = f"Its value is undefined in the sample, {choices.data.sample.described}"
        sorted_rows = "" if choices.data.sample.is_all else " (if rows are sorted by label, these may be of one class)"
        yield from _notes(f"{seen}{sorted_rows}: there is no threshold, and so no verdict. A threshold would be", 10)
        yield "          # threshold: {value_threshold: {lower_bound: 0.8}}"
        return
    if overall is not None:
        yield from _notes(_explained(overall, limits), 10)
    if change is not None:
        yield from _notes(f"The change from the baseline is {change.value:+.4g} in the sample.", 10)
    yield "          per_slice_thresholds:"
    yield "            - slicing_specs: [{}] # all rows"
    yield "              threshold:"
    if overall is not None:
        yield f"                value_threshold: {_value_threshold(overall)}"
    if change is not None:
        threshold = {"direction": better, "absolute": change.limit}
        yield f"                change_threshold: {flow(threshold)}"
    yield from _of_slices(limits.of_slices or {})


def _explained(bound: Bound, limits: Limits) -> str:
    side = "lower" if bound.better == HIGHER else "higher"
    meaning = "it holds today, and fails if the model gets much worse" if limits.is_of_sample else "it asks for as much"
    return (
        f"{limits.metric} is {number(bound.value)} in {limits.source}. The bound is a bit {side}, which allows for the "
        f"noise of {bound.rows:,} {limits.counted}: {meaning}. Set what your use needs."
    )


def _value_threshold(bound: Bound) -> str:
    return flow({"lower_bound" if bound.better == HIGHER else "upper_bound": bound.limit})


def _of_slices(bounds: Mapping[tuple[str, ...], Bound]) -> Iterator[str]:
    """Thresholds of slices, in comments: whether they hold depends on few rows, so a person decides."""
    if bounds:
        yield "            # To bound slices too, remove the # before these lines."
    for features, bound in bounds.items():
        found = comment(f"worst: {number(bound.value)} in {slice_text(bound.slice_key)} ({bound.rows:,} rows)")
        yield f"            # - slicing_specs: {flow([{'feature_keys': list(features)}])} # {found}"
        yield f"            #   threshold: {{value_threshold: {_value_threshold(bound)}}}"
