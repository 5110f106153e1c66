"""Judgements as lines of a verdict, each with a sentence for people."""

from __future__ import annotations

import math

from assay.gate.evidence.asked import AT_LEAST, NON_INFERIOR, NOT_WORSE, Asked, Threshold
from assay.gate.evidence.found import Found
from assay.gate.evidence.judged import Judgement
from assay.slicing.text import slice_text
from assay.text.counted import counted
from assay.verdict import UNNAMED, Line, Outcome


def line_of(judgement: Judgement, asked: Asked, better: str) -> Line:
    """The line of a verdict.

    Args:
        judgement: of one value.
        asked: the section that it was judged by.
        better: which values of the metric are good ones: "higher" or "lower".
    """
    found, settled = judgement.found, judgement.rows_needed
    return Line(
        metric=found.name,
        question=found.threshold.question,
        expected=expected_text(found.threshold, asked, better),
        outcome=judgement.outcome,
        effect=judgement.effect,
        why=_why(judgement, asked, better),
        slices=found.threshold.slices_text,
        slice=_slice_text(found),
        value=_finite(found.value),
        baseline=_finite(found.baseline),
        difference=_finite(found.estimate.value) if found.threshold.compares else None,
        lower=_finite(found.middle - judgement.half_width),
        upper=_finite(found.middle + judgement.half_width),
        p=_finite(judgement.p),
        rows=None if found.slice is None or found.is_small else found.rows,
        rows_needed=int(settled) if math.isfinite(settled) else None,
        never=math.isinf(settled),
    )


def _slice_text(found: Found) -> str:
    if found.slice is None:
        return ""
    return UNNAMED if found.is_small else slice_text(found.slice)


def expected_text(threshold: Threshold, asked: Asked, better: str) -> str:
    """What a threshold expects, for people: `at least 0.8 with 95% confidence`."""
    question, bound = threshold.question, threshold.bound
    if question == NOT_WORSE:
        corrected = "" if asked.correction == "none" else f", {asked.correction}"
        return f"no shown change to the worse ({asked.level}{corrected})"
    shown = f"with {asked.confidence}"
    if question == NON_INFERIOR:
        side = f"below {bound:.6g}" if better == "lower" else f"above {-bound:.6g}"
        return f"a change {side} {shown}"
    return f"{'at least' if question == AT_LEAST else 'at most'} {bound:.6g} {shown}"


def _why(judgement: Judgement, asked: Asked, better: str) -> str:
    """The line as a sentence: what was found, what was expected, and what would help."""
    found = judgement.found
    expected = expected_text(found.threshold, asked, better)
    if judgement.problem:
        verb = "is left out" if judgement.outcome is Outcome.WARN else "cannot be judged"
        return f"{found.name} {verb}: {judgement.problem}; expected {expected}{_cure(judgement)}"
    return f"{found.name} {_evidence(judgement, asked)}{_open(judgement)}; expected {expected}{_cure(judgement)}"


def _evidence(judgement: Judgement, asked: Asked) -> str:
    found = judgement.found
    verb = "changed by" if found.threshold.compares else "is"
    middle, half = found.middle, judgement.half_width
    p = f", p {judgement.p:.2g}" if found.threshold.question == NOT_WORSE else ""
    return f"{verb} {found.estimate.value:.6g} [{middle - half:.6g}, {middle + half:.6g}]{p}"


def _open(judgement: Judgement) -> str:
    return ", which is undecided" if judgement.outcome is Outcome.UNDECIDED else ""


def _cure(judgement: Judgement) -> str:
    """The rows that would settle it, if it is undecided."""
    needed = judgement.rows_needed
    if math.isnan(needed):
        return ""
    if math.isinf(needed):
        return "; no number of rows would settle it while the value lies on its bound"
    return f"; about {counted(_rounded(needed), 'row')} of the slice would settle it if the value stayed as it is"


def _rounded(rows: float) -> int:
    """Two digits: more would say more than is known."""
    return int(float(f"{rows:.1e}")) if rows > 1000 else int(rows)


def _finite(number: float) -> float | None:
    return number if math.isfinite(number) else None
