"""What the section `gate` of a plan asks for, as data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from assay.config.gate_needs import COMPARISONS, slicing_specs
from assay.metrics.keys import MetricKey, SubKey
from assay.types import SliceKey

if TYPE_CHECKING:
    from assay.slicing.specs import Slicing

NON_INFERIOR, NOT_WORSE, AT_LEAST, AT_MOST = "non_inferior", "not_worse", "at_least", "at_most"


@dataclass(frozen=True)
class Threshold:
    """One threshold that asks for evidence.

    Attributes:
        metric: name of the metric.
        question: `non_inferior`, `not_worse`, `at_least` or `at_most`.
        bound: the margin, or the bound; 0 for `not_worse`.
        slicings: the slices that it is for; none for all.
        model: name of the candidate; "" for every candidate. Likewise `output`.
        sub_key: of the metric; None for all of its parts.
        better: "higher" or "lower", where the file says so; "" where the metric tells.
        min_rows: a slice with fewer rows is undecided.
        blocks: whether it may block; if not, it warns.
        undecided: "block", "warn" or "pass": what an undecided slice does.
    """

    metric: str
    question: str
    bound: float
    slicings: tuple[Slicing, ...]
    model: str
    output: str
    sub_key: SubKey | None
    better: str
    min_rows: int
    blocks: bool
    undecided: str

    @property
    def compares(self) -> bool:
        """Whether it is about candidate minus baseline."""
        return self.question in COMPARISONS

    @property
    def blocks_if_shown(self) -> bool:
        """Whether only what is shown to be wrong counts against the candidate; then its p-values are corrected."""
        return self.question == NOT_WORSE or not self.blocks or self.undecided != "block"

    @property
    def slices_text(self) -> str:
        """The slices for people."""
        return ", ".join(slicing.name for slicing in self.slicings) or "all"

    def covers(self, key: SliceKey) -> bool:
        """Whether a slice is one of those that it is for."""
        from assay.slicing.specs import matches

        return not self.slicings or any(matches(key, slicing) for slicing in self.slicings)

    def is_for(self, key: MetricKey) -> bool:
        """Whether a value of this key, of a candidate, is one that it is about."""
        return (
            key.name == self.metric
            and key.is_diff == self.compares
            and self.model in ("", key.model_name)
            and self.output in ("", key.output_name)
            and self.sub_key in (None, key.sub_key)
        )


@dataclass(frozen=True)
class Asked:
    """The whole section.

    Attributes:
        alpha: level of each test of a run: that of the file, shared among its looks.
        correction: of p-values, one of `CORRECTIONS`.
        thresholds: in the order of the file.
        force: reason of a forced pass; "" for none.
        looks: how often one model is judged at most. Whatever data the looks share, all of them together are wrong with
            at most the chance that the file allows (Bonferroni).
    """

    alpha: float
    correction: str
    thresholds: tuple[Threshold, ...]
    force: str = ""
    looks: int = 1

    @property
    def confidence(self) -> str:
        """`95% confidence`, of all looks together."""
        return f"{100 * (1 - self.alpha * self.looks):.6g}% confidence{self._over_looks}"

    @property
    def level(self) -> str:
        """`level 0.05`, likewise."""
        return f"level {self.alpha * self.looks:.6g}{self._over_looks}"

    @property
    def _over_looks(self) -> str:
        return f" over {self.looks:,} looks" if self.looks > 1 else ""


def asked_of(gate: Mapping[str, Any]) -> Asked:
    """Reads the section of a plan.

    Args:
        gate: as `plan.gate_section` leaves it, with its parameters; empty for none.

    Raises:
        EvalConfigError: a slicing spec that cannot be.
    """
    if not gate:
        return Asked(0.05, "holm", ())
    thresholds = tuple(_threshold(one, gate) for one in gate["thresholds"])
    reason = (gate["force"] or {}).get("reason", "").strip()
    looks = gate.get("looks", 1)
    return Asked(gate["alpha"] / looks, gate["correction"], thresholds, reason, looks)


def _threshold(one: Mapping[str, Any], gate: Mapping[str, Any]) -> Threshold:
    from assay.slicing.specs import slicing_of

    question = next(name for name in (NON_INFERIOR, NOT_WORSE, AT_LEAST, AT_MOST) if name in one)
    bounds = {NON_INFERIOR: one.get(NON_INFERIOR, {}).get("margin"), NOT_WORSE: 0.0}
    parts = {name: one[name] for name in SubKey._fields if name in one}
    return Threshold(
        metric=one["metric"],
        question=question,
        bound=bounds[question] if question in bounds else one[question],
        slicings=tuple(slicing_of(spec) for spec in slicing_specs(one)),
        model=one.get("model", ""),
        output=one.get("output", ""),
        sub_key=SubKey(**parts) if parts else None,
        better=one.get("better", ""),
        min_rows=one.get("min_rows", gate["min_rows"]),
        blocks=one["severity"] == "block",
        undecided=one.get("undecided", gate["undecided"]),
    )
