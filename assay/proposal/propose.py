"""From data to an analysis file, and to an eval config for data in memory."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from assay.config.resolved import check_eval_config, parse_eval_config, resolve_eval_config
from assay.errors import InputError
from assay.plan.analysis_file import compile_analysis
from assay.plan.params import substitute
from assay.proposal.analysis_text import Choices, Limits, analysis_text
from assay.proposal.bounds import bound_of, bounds_of_slices, change_of, worst
from assay.proposal.chosen_roles import roles_of, same_within
from assay.proposal.data import Data, look_at
from assay.proposal.measured import Measured, Value, measure
from assay.proposal.metrics import Metric, groups_for
from assay.proposal.problem import RANKED, TWO_CLASSES, Problem, problem_of
from assay.proposal.roles import NONE, Asked, Roles
from assay.proposal.sample import Inputs, sample_of_files
from assay.proposal.sample_in_memory import sample_of_data
from assay.proposal.slices import slices_of
from assay.proposal.yaml_words import number
from assay.proto.config_pb2 import EvalConfig
from assay.storage.file_paths import FilePath
from assay.storage.uris import is_uri
from assay.text.printable import printable_line
from assay.yaml_text import parse_yaml

_UNREADABLE = "rows that cannot be read"


@dataclass(frozen=True)
class Proposal:
    """A proposed evaluation.

    Attributes:
        text: the analysis file, or for data in memory its eval config and settings, with a comment beside each choice.
        eval_config: what to compute, as `analyze_raw_data` takes it.
        settings: further arguments of `analyze_raw_data`.
        summary: what was chosen, in a few lines.
    """

    text: str
    eval_config: Mapping[str, Any]
    settings: Mapping[str, Any]
    summary: tuple[str, ...]

    def __str__(self) -> str:
        return self.text


def propose_file(patterns: Sequence[str], asked: Asked, *, form: str = "", file: Path, blessed: str = "") -> Proposal:
    """Proposes an analysis file.

    Args:
        patterns: files, folders or globs of the data.
        asked: what the caller says.
        form: format of the data; "" to tell it from the files.
        file: where the analysis file will be, from which relative paths in it start.
        blessed: results that thresholds are made from; "" for those of the sample.

    Raises:
        InputError: data or columns from which nothing can be proposed; says what to do.
    """
    inputs, sample = sample_of_files(patterns, form)
    inputs = replace(inputs, files=tuple(_from(path, file.parent) for path in inputs.files))
    output = f"out/{file.stem or 'analysis'}"
    title = f"Proposed by `assay init {' '.join(map(printable_line, patterns))}` from {sample.described}."
    earlier = str(file.parent / output)
    proposal = _proposed(look_at(sample), asked, inputs, output, title, blessed, earlier)
    compile_analysis(parse_yaml(proposal.text), file.parent)  # whatever is written can be run
    return proposal


def _from(path: str, folder: Path) -> str:
    """A path as an analysis file in a folder has to name it."""
    if is_uri(path) or os.path.isabs(path) or path.startswith("~"):
        return path
    return os.path.relpath(path, folder)


def propose_analysis(
    data: Any,
    *,
    label: str = "",
    predictions: Sequence[str] = (),
    baseline: str = "",
    weight: str = "",
    query: str = "",
    slices: Sequence[str] = (),
    positive: str = "",
    classes: Sequence[str] = (),
    blessed: FilePath | None = None,
) -> Proposal:
    """Proposes an evaluation of data in memory, whose predictions are among its columns.

    `assay.analyze_raw_data(data, proposal.eval_config, **proposal.settings)` runs it; `print(proposal)` shows it, with
    the reason of each choice.

    Args:
        data: as for `analyze_raw_data`.
        label: column of the labels; by default told from names and content, like all others.
        predictions: column of the predictions; several for several models.
        baseline: the one of these columns that the others are compared with.
        weight: column of example weights; "-" for none.
        query: column that tells queries apart, of ranked lists; "-" for none.
        slices: columns to slice by.
        positive: the label of the positive class.
        classes: names of all classes, in the order of the numbers of a prediction.
        blessed: results that thresholds are made from: an output whose latest run was blessed; None for the data.

    Raises:
        InputError: data or columns from which nothing can be proposed; says what to do.
        MissingColumnError: a column that is not there.
    """
    asked = Asked(
        label=label,
        predictions=_texts(predictions),
        baseline=baseline,
        weight=weight,
        query=query,
        slices=_texts(slices),
        positive=positive,
        classes=_texts(classes),
        in_python=True,
    )
    sample = sample_of_data(data)
    title = f"Proposed by assay.propose_analysis from {sample.described}."
    return _proposed(look_at(sample), asked, None, "", title, blessed or "", "")


def _texts(names: Sequence[str]) -> tuple[str, ...]:
    return (names,) if isinstance(names, str) else tuple(names)


def _proposed(
    data: Data, asked: Asked, inputs: Inputs | None, output: str, title: str, blessed: FilePath, earlier: str
) -> Proposal:
    roles = _without_uneven_weight(data, asked, roles_of(data, asked))
    problem = problem_of(data, asked, roles)
    slices = slices_of(data, asked, roles, {**roles.passed_over, **problem.passed_over})
    choices = Choices(data, roles, problem, slices, groups_for(problem, roles.query, asked.option("query", NONE)))

    # Thresholds need the values of the very metrics that a run computes.
    bounded = next(metric for group in choices.groups for metric in group.metrics if metric.better)
    config = _resolved(analysis_text(choices, inputs, output, title))
    measured = measure(config, data.sample, [bounded.class_name])
    bad_rows = _bad_rows(data, measured)
    limits = _limits(data, problem, roles, bounded, measured, bad_rows, blessed, earlier)
    choices = replace(choices, limits=limits, bad_rows=bad_rows)

    text = analysis_text(choices, inputs, output, title)
    parsed = parse_yaml(text)
    settings = {key: parsed[key] for key in ("on_bad_rows", "max_bad_rows") if key in parsed}
    return Proposal(text, parsed["eval_config"], settings, tuple(_summary(choices, bounded)))


def _without_uneven_weight(data: Data, asked: Asked, roles: Roles) -> Roles:
    """The roles without weights that differ within a query, which ranked lists cannot have."""
    if not roles.query or not roles.weight or same_within(data, roles.weight, roles.query):
        return roles
    if asked.weight == roles.weight:
        raise InputError(f"column {asked.weight!r} has several weights within a query; expected one for all its rows")
    why = f"its values differ within one {roles.query}, which has one weight"
    return replace(roles, weight="", passed_over={**roles.passed_over, roles.weight: why})


def _resolved(text: str) -> EvalConfig:
    """The eval config of a text, its parameters (escaped ones only) filled in."""
    config = resolve_eval_config(parse_eval_config(substitute(parse_yaml(text)["eval_config"], {})))
    check_eval_config(config)
    return config


def _bad_rows(data: Data, measured: Measured) -> dict[str, int]:
    bad_rows = {**measured.bad_rows, **({_UNREADABLE: data.sample.bad_rows} if data.sample.bad_rows else {})}
    if sum(measured.bad_rows.values()) >= data.sample.rows:
        reasons = ", ".join(reason for reason, count in measured.bad_rows.items() if count)
        raise InputError(f"no row of the sample can be evaluated: {reasons or 'there are none'}")
    return bad_rows


def _limits(
    data: Data,
    problem: Problem,
    roles: Roles,
    bounded: Metric,
    measured: Measured,
    bad_rows: Mapping[str, int],
    blessed: FilePath,
    earlier: str,
) -> Limits:
    """Thresholds from the values of the sample; or from those of a blessed run, if there is one."""
    baseline = next((model.name for model in problem.models if model.is_baseline), "")
    candidates = [value for value in measured.values if not baseline or value.model != baseline]
    before = _before(blessed, earlier, bounded.class_name)
    overall = worst((value for value in before or candidates if not value.slice_key), bounded.better)
    source = {"source": f"the run in {blessed or earlier} that was blessed"} if before else {}
    rows, counted = _noise_of(data, problem, roles, sum(bad_rows.values()))
    change = change_of(_of_all_rows(measured.values), baseline, bounded.better) if baseline else None
    return Limits(
        None if overall is None else bound_of(overall.value, bounded.better, rows),
        bounds_of_slices(candidates, bounded.better),
        change,
        bounded.class_name,
        counted=counted,
        **source,
    )


def _before(blessed: FilePath, earlier: str, class_name: str) -> list[Value]:
    """The values of a run that was blessed: that which the caller names, or else one that is there, if any."""
    if not blessed and not os.path.isdir(earlier):
        return []
    from assay.proposal.last_run import blessed_in, values_of_blessed

    return values_of_blessed(blessed, class_name) if blessed else blessed_in(earlier, class_name)


def _of_all_rows(values: Sequence[Value]) -> dict[str, list[Value]]:
    by_model: dict[str, list[Value]] = {}
    for value in values:
        if not value.slice_key:
            by_model.setdefault(value.model, []).append(value)
    return by_model


def _noise_of(data: Data, problem: Problem, roles: Roles, bad_rows: int) -> tuple[int, str]:
    """How many of what the noise of a value comes from: rows, those of the rarer of two classes, or queries."""
    if problem.kind == RANKED:
        return data.facts[roles.query].distinct, "queries"
    label = data.facts[roles.label]
    if problem.kind == TWO_CLASSES and not problem.is_decision and len(label.counts) == 2:
        return min(label.counts.values()), "rows of the rarer class"
    return max(1, data.sample.rows - bad_rows), "rows"


def _summary(choices: Choices, bounded: Metric) -> Sequence[str]:
    roles, models = choices.roles, choices.problem.models
    scores = ", ".join(printable_line(column) for model in models for column in model.columns[:3])
    sliced = ", ".join(map(printable_line, choices.slices.chosen)) or "none"
    also = [
        f"{name} {printable_line(column)}"
        for name, column in (("weight", roles.weight), ("query", roles.query))
        if column
    ]
    limits = choices.limits.overall
    said = "undefined in the sample" if limits is None else f"{number(limits.value)} in {choices.limits.source}"
    return [
        f"kind of problem: {choices.problem.kind}, told from {choices.data.sample.described}",
        "; ".join([f"label: {printable_line(roles.label)}", f"predictions: {scores}", *also, f"slices: {sliced}"]),
        f"threshold: {bounded.class_name} is {said}" + ("" if limits is None else f"; the bound is {limits.limit:g}"),
    ]
