"""The rows that the gate of a plan needs, from the standard errors of one of its runs."""

from __future__ import annotations

from typing import NamedTuple

from assay.config.resolved import parse_eval_config
from assay.errors import ConfigError
from assay.gate.evidence.answerable import refuse_unanswerable
from assay.gate.evidence.asked import asked_of
from assay.gate.evidence.facts import facts_of
from assay.gate.evidence.found import Finder
from assay.gate.evidence.power import Needed, needed_rows
from assay.plan.plan import Plan
from assay.results.files import load_metrics, load_verdict
from assay.results.latest import results_folder
from assay.results.records import listed


class Power(NamedTuple):
    """What a gate needs.

    Attributes:
        lines: for each threshold and slice.
        rows: of the run that it was planned from.
    """

    lines: list[Needed]
    rows: int


def power_of(plan: Plan, results: str | None, *, power: float, change: float) -> Power:
    """Plans from a run.

    Args:
        plan: with its parameters.
        results: an output, whose latest run is taken, or the folder of a run; None for the output of the plan.
        power: share of runs in which what is true is to be shown.
        change: by how much candidates are truly worse than the baseline; see `needed_rows`.

    Raises:
        ConfigError: the plan has no thresholds that ask for evidence, or such that nothing could judge.
        ResultsError: there is no run.
    """
    asked, config = asked_of(plan.gate), parse_eval_config(plan.eval_config)
    if not asked.thresholds:
        raise ConfigError("gate.thresholds: expected thresholds that ask for evidence, found nothing to plan for")
    if not plan.has_own_evaluators:
        refuse_unanswerable(config, plan.gate, rubber_stamp=plan.rubber_stamp)

    folder = results_folder(results or plan.output)
    finder = Finder(asked, config, rubber_stamp=False)
    for record in listed(load_metrics(folder)):
        finder.add(record)
    lines = needed_rows(finder.found(), asked, facts_of(config), power=power, change=change)
    return Power(lines, load_verdict(folder).rows)
