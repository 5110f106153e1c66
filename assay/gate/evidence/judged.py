"""The verdict on values that thresholds with evidence are about: pure, all slices at once."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from assay.gate.evidence.asked import AT_MOST, NON_INFERIOR, NOT_WORSE, Asked, Threshold
from assay.gate.evidence.estimates import Estimates, half_widths, p_of_bad, p_of_good, share_of_none
from assay.gate.evidence.facts import MetricFacts
from assay.gate.evidence.found import Found
from assay.gate.evidence.rows_needed import rows_to_settle
from assay.gate.numbers import Number
from assay.metrics.values import Floats
from assay.statistics.corrections import adjusted
from assay.verdict import Outcome

_NO_SPREAD = "every resample has the same value, so that nothing tells how sure it is"
_UNKNOWN = MetricFacts(None, math.inf, is_estimate=True, compares=False)


class Judgement(NamedTuple):
    """What tests say of one value.

    Attributes:
        found: the value.
        outcome: PASS, FAIL, UNDECIDED, or WARN where it is not asked.
        effect: "block", "warn" or "pass".
        half_width: from the estimate to each of its one-sided bounds; NaN if it was not tested.
        p: the p-value that decided, corrected if it is part of a family; NaN if it was not tested.
        rows_needed: rows that would settle an undecided line; infinite for never, NaN if that is not known.
        problem: why it was not tested; "" if it was.
    """

    found: Found
    outcome: Outcome
    effect: str
    half_width: float = math.nan
    p: float = math.nan
    rows_needed: float = math.nan
    problem: str = ""


def judged(found: Sequence[Found], asked: Asked, facts: Mapping[str, MetricFacts]) -> list[Judgement]:
    """Judges every value.

    `non_inferior`, `at_least` and `at_most` pass where a one-sided test of level alpha shows what is expected, and fail
    where one shows the contrary: each slice by itself, so that a wrong release has at most the chance alpha (an
    intersection-union test, Berger 1982). `not_worse` fails where a test shows a regression. Where only what is shown
    blocks, the p-values are corrected over all slices and thresholds; those that only warn are a family of their own.

    Args:
        found: of one run.
        asked: the section.
        facts: of the metrics by name.
    """
    signs = [sign_of(one.threshold, facts) for one in found]
    widths = [facts.get(one.threshold.metric, _UNKNOWN).width for one in found]
    problems = [_problem(*each) for each in zip(found, signs, widths, strict=True)]
    tested = [at for at, problem in enumerate(problems) if problem is None]
    judgements = _tested(
        [found[at] for at in tested], estimates_of(found, signs, widths, asked.alpha).at(tested), asked
    )
    results = dict(zip(tested, judgements, strict=True))
    return [
        results[at] if problem is None else _untested(one, problem)
        for at, (one, problem) in enumerate(zip(found, problems, strict=True))
    ]


def sign_of(threshold: Threshold, facts: Mapping[str, MetricFacts]) -> float:
    """1 where more is what is wanted, -1 where less is, 0 where that cannot be said."""
    if not threshold.compares:
        return -1.0 if threshold.question == AT_MOST else 1.0
    better = threshold.better or facts.get(threshold.metric, _UNKNOWN).better
    return {"higher": 1.0, "lower": -1.0}.get(better or "", 0.0)


# What cannot be tested ------------------------------------------------------------------------------------------------


class _Problem(NamedTuple):
    """Why a value cannot be tested, and whether that makes it undecided; if not, it is wrong, and blocks."""

    text: str
    is_open: bool = False


def _problem(one: Found, sign: float, width: float) -> _Problem | None:
    """None if the value can be tested."""
    least = one.threshold.min_rows
    if one.key is not None and one.rows < least:
        return _Problem(f"its slice has fewer rows than min_rows {least:,}", is_open=True)
    if one.problem:
        return _Problem(one.problem, one.is_small)
    if sign == 0:
        return _Problem("nothing says whether higher or lower values are better; add better: higher or better: lower")
    if one.threshold.question == NOT_WORSE or not one.is_constant:
        return None
    return None if _is_same(one) and math.isfinite(width) else _Problem(_NO_SPREAD, is_open=True)


def _is_same(one: Found) -> bool:
    """Whether two models agree in every resample: then no row tells them apart."""
    return one.threshold.question == NON_INFERIOR and one.estimate == Number(0.0) and one.is_constant


def _untested(one: Found, problem: _Problem) -> Judgement:
    if one.is_left_out:
        return Judgement(one, Outcome.WARN, "warn", problem=problem.text)
    policy = one.threshold.undecided if problem.is_open else "block"  # what cannot be judged never passes in silence
    effect = policy if one.threshold.blocks else "warn"
    needed = float(one.threshold.min_rows) if problem.is_open and one.rows < one.threshold.min_rows else math.nan
    return Judgement(one, Outcome.UNDECIDED, effect, rows_needed=needed, problem=problem.text)


# What can be ----------------------------------------------------------------------------------------------------------


def _tested(found: Sequence[Found], e: Estimates, asked: Asked) -> list[Judgement]:
    if not found:
        return []
    rows = np.array([one.rows for one in found], float)
    good, widths, needed = p_of_good(e), half_widths(e, asked.alpha), rows_to_settle(e, rows, asked.alpha)
    bad = _corrected(p_of_bad(e), [one.threshold for one in found], asked)

    judgements = []
    for at, one in enumerate(found):
        asks_for_proof = one.threshold.question != NOT_WORSE
        outcome = _outcome(float(good[at]), float(bad[at]), asked.alpha, asks_for_proof=asks_for_proof)
        most = max(float(needed[at]), one.threshold.min_rows) if outcome is Outcome.UNDECIDED else math.nan
        p = float(good[at] if asks_for_proof else bad[at])
        judgements.append(Judgement(one, outcome, _effect(outcome, one.threshold), float(widths[at]), p, most))
    return judgements


def estimates_of(found: Sequence[Found], signs: Sequence[float], widths: Sequence[float], alpha: float) -> Estimates:
    """The values, turned so that more is better."""
    sign = np.array(signs)
    bound = np.array([one.threshold.bound for one in found])
    compares = np.array([one.threshold.compares for one in found], bool)
    rows = np.array([one.rows for one in found], float)
    most_of_same = np.array(widths) * share_of_none(rows, alpha)

    error_bound = np.array([one.estimate.error_bound for one in found])
    is_same = np.array([_is_same(one) for one in found], bool)
    return Estimates(
        value=sign * np.array([one.middle for one in found]),
        standard_error=np.where(is_same, 0.0, np.array([one.standard_error for one in found])),
        degrees_of_freedom=np.array([one.degrees_of_freedom for one in found], float),
        bound=np.where(compares, -bound, sign * bound),
        error_bound=np.where(is_same, most_of_same, error_bound),
        skew=np.array([one.skew for one in found]),
    )


def _corrected(p: Floats, thresholds: Sequence[Threshold], asked: Asked) -> Floats:
    """Corrects the p-values of each family: of all that block if shown, and of all that warn if shown."""
    corrected = p.copy()
    for blocks in (True, False):
        family = np.array([one.blocks_if_shown and one.blocks == blocks for one in thresholds])
        corrected[family] = adjusted(p[family], asked.correction)
    return corrected


def _outcome(p_of_good: float, p_of_bad: float, alpha: float, *, asks_for_proof: bool) -> Outcome:
    if p_of_bad <= alpha:
        return Outcome.FAIL
    return Outcome.PASS if not asks_for_proof or p_of_good < alpha else Outcome.UNDECIDED


def _effect(outcome: Outcome, threshold: Threshold) -> str:
    if outcome is Outcome.PASS:
        return "pass"
    if not threshold.blocks:
        return "warn"
    return "block" if outcome is Outcome.FAIL else threshold.undecided
