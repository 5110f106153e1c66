"""Whether a model may be released, with every reason: what `verdict.json` holds and a terminal shows."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any

from assay.errors import ResultsError
from assay.text import json_text
from assay.text.counted import counted
from assay.text.multiples import to_multiple

UNNAMED = "a slice that is not shown"
"""In place of the name of a slice with fewer rows than `min_slice_size`, or that is withheld for its sake."""

_UNREADABLE = "unreadable"
_LATER = ("evidence", "forced")
"""Fields of a verdict that came later."""


class Status(StrEnum):
    """BLESSED: every threshold holds. NOT_BLESSED: one does not. NOT_EVALUATED: there was too little to judge by."""

    BLESSED = "BLESSED"
    NOT_BLESSED = "NOT_BLESSED"
    NOT_EVALUATED = "NOT_EVALUATED"


class Outcome(StrEnum):
    """Of a threshold.

    UNDECIDED: the value may be off, and the bound lies within its reach. WARN: it was left out, or only warns.
    """

    FAIL = "FAIL"
    UNDECIDED = "UNDECIDED"
    WARN = "WARN"
    PASS = "PASS"


@dataclass(frozen=True)
class Counts:
    """Rows of a run.

    Attributes:
        rows: rows that were read.
        bad_rows: rows that were dropped, by reason. Those that could not be read ("unreadable") are not in `rows`.
        unmatched: of a join: `rows` of the main source, which are not in the other counts, and `labels`, rows of the
            second source, that found no partner.
        unsliced: rows in no slice of a slicing spec, as they have no value of one of its features, by the spec's
            features ("country", "sex,race"). Only specs with such rows.
    """

    rows: int
    bad_rows: Mapping[str, int] = field(default_factory=dict)
    unmatched: Mapping[str, int] = field(default_factory=dict)
    unsliced: Mapping[str, int] = field(default_factory=dict)

    def shown(self, least: int, multiple: int) -> Counts:
        """The counts that may be shown.

        Args:
            least: rows that a slice must have; slicing specs that leave out fewer are not told.
            multiple: what counts are rounded to, each on its own.
        """

        def rounded(counts: Mapping[str, int], least: int = 0) -> dict[str, int]:
            return {name: to_multiple(number, multiple) for name, number in counts.items() if number >= least}

        few = rounded(self.unsliced, least)
        return Counts(to_multiple(self.rows, multiple), rounded(self.bad_rows), rounded(self.unmatched), few)

    @property
    def bad(self) -> int:
        """Rows that were dropped."""
        return sum(self.bad_rows.values())

    @property
    def seen(self) -> int:
        """Rows of the data, good or bad."""
        return self.rows + self.bad_rows.get(_UNREADABLE, 0)

    @property
    def alone(self) -> int:
        """Rows of the main source that found no partner."""
        return self.unmatched.get("rows", 0)


def total(counts: Iterable[Counts]) -> Counts:
    """The sum of what several tasks, or parts of one, counted."""
    rows = 0
    bad: dict[str, int] = {}
    unmatched: dict[str, int] = {}
    unsliced: dict[str, int] = {}
    for count in counts:
        rows += count.rows
        for into, of in ((bad, count.bad_rows), (unmatched, count.unmatched), (unsliced, count.unsliced)):
            for name, number in of.items():
                into[name] = into.get(name, 0) + number
    return Counts(rows, bad, unmatched, unsliced)


@dataclass(frozen=True)
class Limits:
    """What a run must offer to be judged.

    Attributes:
        min_rows: at least so many good rows.
        max_bad_rows: at most this share of bad ones.
        max_unmatched: at most this share of rows of the main source that found no partner.
    """

    min_rows: int = 1
    max_bad_rows: float = 0.0
    max_unmatched: float = 1.0


@dataclass(frozen=True)
class Reason:
    """Why a model is not blessed.

    Attributes:
        message: the whole reason as a sentence for people, without the slice.
        metric: name of the metric; "" if the reason is not about one. Likewise `model`, `output`.
        slice: text of the slice: "Overall", "sex=Female, race=White"; a pair is joined by " vs ".
        bound: what was expected: "at least 0.75".
        value: the metric's value, for a change candidate minus baseline; None if undefined, infinite or not computed.
        baseline: for a change, the baseline's value.
        rows: unweighted rows of the slice, if known.
        shortfall: by how much the value is beyond its bound; None if there is no value to tell from.
    """

    message: str
    metric: str = ""
    model: str = ""
    output: str = ""
    slice: str = ""
    bound: str = ""
    value: float | None = None
    baseline: float | None = None
    rows: int | None = None
    shortfall: float | None = None


@dataclass(frozen=True)
class Checked:
    """A threshold, and the values that it was held against.

    Attributes:
        metric: label of the metric.
        expected: "at least 0.75".
        slices: which slices it is for: "all", or the text of a slicing spec.
        met: number of slices (or pairs of slices) that it was held against.
        failed: in how many of them it does not hold, or cannot be told to.
        slice: the slice that failed first, or else could not be told, or came nearest to the bound; "" if none was met.
        value: the metric's value there; None if undefined, infinite or not computed.
        error_bound: by how much that value may be off.
        rows: unweighted rows there.
        no_number: "infinite" or "-infinite" where that is why there is no value, else "".
        undecided: in how many of `failed` it cannot be told: the value may be off, and the bound lies within reach.
        warned: in how many of the others it does not hold, or cannot be told to, and only warns.
    """

    metric: str
    expected: str
    slices: str
    met: int = 0
    failed: int = 0
    slice: str = ""
    value: float | None = None
    rows: int | None = None
    no_number: str = ""
    error_bound: float = 0.0
    undecided: int = 0
    warned: int = 0

    @property
    def outcome(self) -> Outcome:
        """Whether the threshold holds wherever it was held against a value."""
        if self.failed > self.undecided or not (self.met or self.warned):
            return Outcome.FAIL
        if self.failed:
            return Outcome.UNDECIDED
        return Outcome.WARN if self.warned else Outcome.PASS


@dataclass(frozen=True)
class Line:
    """A threshold that asks for evidence, held against one value in one slice.

    Attributes:
        metric: label of the metric.
        question: `non_inferior`, `not_worse`, `at_least`, `at_most`; of found slices `most_worse`.
        expected: "a change above -0.005 with 95% confidence".
        outcome: PASS; FAIL: the contrary is shown; UNDECIDED: neither is shown, or it cannot be told; WARN: left out.
        effect: what the outcome does: "block", "warn" or "pass".
        why: the whole of it as a sentence for people, without the slice.
        slices: which slices the threshold is for: "all", the texts of its slicing specs, or "found".
        slice: text of the slice; "" where no slice was met.
        value: of the candidate. None if undefined, infinite or not computed; likewise the numbers below.
        baseline: value of the baseline, for a comparison.
        difference: candidate minus baseline, for a comparison; of a found slice, its loss minus that of all rows.
        lower: one-sided lower bound of the difference, or else of the value, with confidence 1 - alpha.
        upper: the upper one; both together are an interval of confidence 1 - 2 alpha.
        p: of "it is not as expected", for `not_worse` and `most_worse` of "it is no worse", corrected if the correction
            is for it.
        rows: unweighted rows of the slice.
        rows_needed: of an undecided line, rows of the slice that would settle it if the value stayed as it is. None if
            that is not known, or `never`.
        never: whether no number of rows would, as the value lies on its bound.
    """

    metric: str
    question: str
    expected: str
    outcome: Outcome
    effect: str
    why: str
    slices: str = "all"
    slice: str = ""
    value: float | None = None
    baseline: float | None = None
    difference: float | None = None
    lower: float | None = None
    upper: float | None = None
    p: float | None = None
    rows: int | None = None
    rows_needed: int | None = None
    never: bool = False


@dataclass(frozen=True)
class Verdict:
    """The outcome of a run.

    Attributes:
        status: see `Status`.
        reasons: why it is not BLESSED; empty if it is.
        rows: rows that were read.
        bad_rows: rows that were dropped, by reason.
        rubber_stamp: whether change thresholds were left out for want of a baseline.
        unmatched: rows that found no partner in a join; see `Counts`.
        unsliced: rows in no slice of a slicing spec; see `Counts`.
        checks: every threshold and what it met, whether it holds or not.
        evidence: each slice of each threshold that asks for evidence.
        forced: the reason why the model is BLESSED although thresholds block it; "" if it is not.
    """

    status: Status
    reasons: tuple[Reason, ...] = ()
    rows: int = 0
    bad_rows: Mapping[str, int] = field(default_factory=dict)
    rubber_stamp: bool = False
    unmatched: Mapping[str, int] = field(default_factory=dict)
    unsliced: Mapping[str, int] = field(default_factory=dict)
    checks: tuple[Checked, ...] = ()
    evidence: tuple[Line, ...] = ()
    forced: str = ""

    def to_json(self) -> str:
        """The content of `verdict.json`; keys are sorted, and there is no NaN in it.

        What came later is left out where it says nothing, so that older versions read the verdict.
        """
        plain = {name: value for name, value in asdict(self).items() if value or name not in _LATER}
        plain["checks"] = [{k: v for k, v in check.items() if v or k != "warned"} for check in plain["checks"]]
        return json.dumps(plain, indent=2, sort_keys=True, allow_nan=False) + "\n"

    @classmethod
    def from_json(cls, text: str) -> Verdict:
        """Reads what `to_json` wrote.

        Raises:
            ResultsError: the text is not a verdict.
        """
        try:
            plain = json_text.loads(text)
            reasons = tuple(Reason(**reason) for reason in plain.pop("reasons"))
            checks = tuple(Checked(**check) for check in plain.pop("checks", ()))
            evidence = tuple(_line_of(line) for line in plain.pop("evidence", ()))
            return cls(status=Status(plain.pop("status")), reasons=reasons, checks=checks, evidence=evidence, **plain)
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise ResultsError(
                f"verdict: expected what assay wrote as verdict.json, found something else: {error}"
            ) from error

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        """What IPython shows of it."""
        printer.text("\n".join(self.lines()))

    def lines(self, limit: int = 20) -> list[str]:
        """Sentences for a terminal: the outcome, then at most `limit` reasons."""
        bad = sum(self.bad_rows.values())
        head = f"{self.status.replace('_', ' ')}: {counted(self.rows, 'row')}"
        head += f", {bad:,} bad rows left out" if bad else ""
        head += "".join(f", {n:,} {side} without a match" for side, n in sorted(self.unmatched.items())[::-1] if n)
        head += ", change thresholds left out (rubber stamp)" if self.rubber_stamp else ""
        head += f"; {forced_text(self.forced)}" if self.forced else ""
        more = len(self.reasons) - limit
        rest = [f"... and {more:,} more"] if more > 0 else []
        unsliced = [unsliced_text(name, rows) for name, rows in sorted(self.unsliced.items())]
        return [head, *map(_line, self.reasons[:limit]), *rest, *unsliced]


def forced_text(reason: str) -> str:
    """That a model passed although thresholds block it, for people."""
    return f"forced pass: {reason}"


def unsliced_text(slicing: str, rows: int) -> str:
    """Rows that a slicing spec left out, for people."""
    are = "1 row is" if rows == 1 else f"{rows:,} rows are"
    return f"{are} in no slice by {slicing}: no value"


def _line_of(plain: Mapping[str, Any]) -> Line:
    return Line(**{**plain, "outcome": Outcome(plain["outcome"])})


def _line(reason: Reason) -> str:
    rows = "" if reason.rows is None else f" ({counted(reason.rows, 'row')})"
    return f"{reason.slice}: {reason.message}{rows}" if reason.slice else reason.message
