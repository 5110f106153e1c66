"""How many rows thresholds with evidence need: the plan for next time, from the standard errors of a run."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from assay.gate.evidence.asked import NON_INFERIOR, NOT_WORSE, Asked
from assay.gate.evidence.estimates import Estimates
from assay.gate.evidence.facts import MetricFacts
from assay.gate.evidence.found import Found
from assay.gate.evidence.judged import estimates_of, sign_of
from assay.gate.evidence.rows_needed import detectable, rows_for_power
from assay.metrics.values import Floats

_NO_BETTER = "nothing says whether higher or lower values are better"
_NO_SPREAD = "every resample has the same value"
_NO_CHANGE = "needs --change"


class Needed(NamedTuple):
    """What a threshold needs in a slice.

    Attributes:
        found: the threshold and its value in the run.
        detectable: the distance from the bound that is shown in a share `power` of runs with as many rows; NaN if that
            is not known.
        rows: that are needed; infinite for never, NaN if that is not known.
        problem: why it is not known, for people; "" if it is.
    """

    found: Found
    detectable: float = math.nan
    rows: float = math.nan
    problem: str = ""


def needed_rows(
    found: Sequence[Found], asked: Asked, facts: Mapping[str, MetricFacts], *, power: float, change: float
) -> list[Needed]:
    """What every threshold needs in every slice.

    For `at_least` and `at_most`, if the values stay what they are; for `non_inferior` and `not_worse`, if candidates
    are worse than the baseline by `change`.

    Args:
        found: of a run.
        asked: the section.
        facts: of the metrics by name.
        power: share of runs, above 0.5, in which what is true is to be shown.
        change: by which a candidate is truly worse, in the unit of the metric; 0 for as good.
    """
    signs = [sign_of(one.threshold, facts) for one in found]
    problems = [_problem(one, sign) for one, sign in zip(found, signs, strict=True)]
    known = [at for at, problem in enumerate(problems) if not problem]
    chosen = [found[at] for at in known]
    e = estimates_of(found, signs, [math.inf] * len(found), asked.alpha).at(known)
    distance = _distances(e, chosen, change)
    alpha = np.array([_level(one, chosen, asked) for one in chosen])
    reach = detectable(e, alpha, power)
    rows = rows_for_power(e, np.array([one.rows for one in chosen], float), distance, alpha, power)
    results = {
        at: _needed(found[at], float(shown), float(most), change)
        for at, shown, most in zip(known, reach, rows, strict=True)
    }
    return [results.get(at) or Needed(one, problem=problems[at]) for at, one in enumerate(found)]


def _problem(one: Found, sign: float) -> str:
    if one.problem:
        return one.problem
    if sign == 0:
        return _NO_BETTER
    return _NO_SPREAD if one.is_constant else ""


def _distances(e: Estimates, found: Sequence[Found], change: float) -> Floats:
    """From the values that are supposed to be true to the bounds."""
    by_question = {NON_INFERIOR: [abs(one.threshold.bound - change) for one in found], NOT_WORSE: [change] * len(found)}
    own = np.abs(e.value - e.bound)
    return np.array([by_question.get(one.threshold.question, own)[at] for at, one in enumerate(found)], float)


def _level(one: Found, found: Sequence[Found], asked: Asked) -> float:
    """Of a test: the strictest that a correction may ask for, where it is one of many."""
    if one.threshold.question != NOT_WORSE or asked.correction == "none":
        return asked.alpha
    family = [o for o in found if o.threshold.blocks_if_shown and o.threshold.blocks == one.threshold.blocks]
    tests = len(family)
    share = sum(1 / k for k in range(1, tests + 1)) if asked.correction == "fdr_by" else 1.0
    return asked.alpha / (tests * share)


def _needed(one: Found, reach: float, rows: float, change: float) -> Needed:
    if one.threshold.question == NOT_WORSE and change == 0:
        return Needed(one, reach, problem=_NO_CHANGE)
    return Needed(one, reach, max(rows, one.threshold.min_rows))
