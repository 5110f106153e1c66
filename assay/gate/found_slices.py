"""The threshold on found slices: none of them may be worse than all rows by more than so much.

A search lists the worst of thousands of slices, so what it says of them is measured on rows that had no part in it. A
slice fails where these show, by a one-sided test corrected for the slices listed (Holm), that its mean loss is above
that of all rows by more than the bound; where it is compared with a baseline, above the baseline's too.
"""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from assay.gate.evidence.asked import Asked, asked_of
from assay.metrics.keys import MetricKey
from assay.metrics.values import Floats
from assay.plan.find_slices import BLOCK, MOST_WORSE
from assay.plan.plan import Plan
from assay.proto.config_pb2 import LOWER_IS_BETTER, MetricThreshold
from assay.proto.validation_result_pb2 import MetricsValidationForSlice
from assay.results.keys import Slices, metric_key_to_proto, slice_key_to_proto
from assay.slicing.text import slice_text
from assay.statistics.corrections import adjusted
from assay.statistics.student import p_above, quantile
from assay.text.counted import counted
from assay.types import FIND_SLICES_EVALUATOR_STAGE_NAME
from assay.verdict import Line, Outcome


@dataclass(frozen=True)
class FoundThreshold:
    """No found slice may be worse than all rows by more than `most_worse`.

    Attributes:
        most_worse: in the unit of the loss.
        effect: of a slice that is: "block" or "warn".
        asked: the section `gate` of the plan, whose level serves here too.
    """

    most_worse: float
    effect: str
    asked: Asked


def found_threshold(plan: Plan) -> FoundThreshold | None:
    """The threshold of a plan on found slices; None if it has none."""
    finder = next((stage for stage in plan.stages if stage.name == FIND_SLICES_EVALUATOR_STAGE_NAME), None)
    if finder is None or finder.settings.get(MOST_WORSE) is None:
        return None
    return FoundThreshold(finder.settings[MOST_WORSE], finder.settings["severity"] or BLOCK, asked_of(plan.gate))


@dataclass(frozen=True)
class FoundSlices:
    """The slices of a search, to be held against a threshold.

    Attributes:
        threshold: of the plan.
        record: of the search, as `found_slices.json` has it; None if it left none.
    """

    threshold: FoundThreshold
    record: Mapping[str, Any] | None

    def lines(self) -> tuple[Line, ...]:
        """A line for each found slice; one of all rows where there is none, as then nothing is worse than they are."""
        record = self.record
        if record is None or not record["features"]:
            return (self._unjudged("the search left no result" if record is None else "no feature could be searched"),)
        withheld = record.get("withheld", 0)
        if not record["slices"] and not withheld:
            return (self._none_found(record),)
        hidden = (self._unjudged(f"min_slice_size hides {counted(withheld, 'found slice')}"),) if withheld else ()
        p_values = adjusted(self._p_values(record), "holm")
        return (*(self._line(one, float(p)) for one, p in zip(record["slices"], p_values, strict=True)), *hidden)

    def add_failures(self, failed: MutableMapping[Slices, MetricsValidationForSlice]) -> bool:
        """Adds a failure of TFMA's ValidationResult for each slice that blocks.

        Args:
            failed: the failures of other thresholds by slice; changed.

        Returns:
            Whether anything blocks.
        """
        blocking = {line.slice: line for line in self.lines() if line.effect == "block"}
        for one in self.record["slices"] if self.record else ():
            if one["slice"] in blocking:
                self._add_failure(failed, one, blocking[one["slice"]].why)
        return bool(blocking)

    @property
    def _is_change(self) -> bool:
        """Whether the loss is that above the baseline's."""
        return self.record is not None and self.record["baseline"] is not None

    @property
    def _label(self) -> str:
        """The loss as the label of a metric."""
        record = self.record or {"loss": "loss", "model": ""}
        return f"{record['loss']} [{record['model']}]" if record["model"] else str(record["loss"])

    @property
    def _expected(self) -> str:
        than, asked = "all rows and the baseline" if self._is_change else "all rows", self.threshold.asked
        return f"no found slice worse than {than} by more than {self.threshold.most_worse:.6g} ({asked.level}, holm)"

    def _p_values(self, record: Mapping[str, Any]) -> Floats:
        """p-values (s,) that slices are worse by more than the bound."""
        bound = self.threshold.most_worse
        above = _p_above(record, "difference", bound)
        return np.maximum(above, _p_above(record, "loss", bound)) if self._is_change else above

    def _line(self, one: Mapping[str, Any], p: float) -> Line:
        fails, difference = p <= self.threshold.asked.alpha, one["difference"]
        half = _half_width(one["difference_error"], self.threshold.asked.alpha)
        lower, upper = (None, None) if half is None else (difference - half, difference + half)
        between = "" if half is None else f" [{lower:.6g}, {upper:.6g}]"
        verb = "changed by" if self._is_change else "is"
        return self._found(
            Outcome.FAIL if fails else Outcome.PASS,
            self.threshold.effect if fails else "pass",
            f"{verb} {one['loss']:.6g}, which is {difference:.6g}{between} above all rows, p {p:.2g}",
            slice=one["slice"],
            value=one["loss"],
            difference=difference,
            lower=lower,
            upper=upper,
            p=p,
            rows=one["rows"],
        )

    def _none_found(self, record: Mapping[str, Any]) -> Line:
        why = f"is worse in no slice that was found; {counted(len(record['features']), 'feature')} searched"
        return self._found(
            Outcome.PASS, "pass", why, slice=slice_text(()), value=record["mean_loss"], rows=record["rows"]
        )

    def _unjudged(self, problem: str) -> Line:
        """What cannot be judged never passes in silence."""
        return self._found(Outcome.UNDECIDED, self.threshold.effect, f"cannot be judged: {problem}")

    def _found(self, outcome: Outcome, effect: str, why: str, **numbers: Any) -> Line:
        sentence = f"{self._label} {why}; expected {self._expected}"
        return Line(self._label, MOST_WORSE, self._expected, outcome, effect, sentence, slices="found", **numbers)

    def _add_failure(
        self, failed: MutableMapping[Slices, MetricsValidationForSlice], one: Mapping[str, Any], why: str
    ) -> None:
        """The bound as TFMA knows one: of the loss, or of its change."""
        assert self.record is not None
        key = tuple((name, value) for name, value in one["slice_key"])
        metric, threshold = MetricKey(self.record["loss"], self.record["model"]), MetricThreshold()
        if self._is_change:
            threshold.change_threshold.direction = LOWER_IS_BETTER
            threshold.change_threshold.absolute.value = max(one["overall_loss"], 0.0) + self.threshold.most_worse
        else:
            threshold.value_threshold.upper_bound.value = one["overall_loss"] + self.threshold.most_worse
        new = MetricsValidationForSlice(slice_key=slice_key_to_proto(key))
        failure = failed.setdefault((key,), new).failures.add(
            metric_key=metric_key_to_proto(metric._replace(is_diff=self._is_change)),
            metric_threshold=threshold,
            message=why,
        )
        failure.metric_value.double_value.value = one["loss"]


def _p_above(record: Mapping[str, Any], name: str, bound: float) -> Floats:
    """p-values (s,) that an estimate is above a bound."""
    nothing = {"standard_error": np.nan, "degrees_of_freedom": np.nan}
    errors = [one[f"{name}_error"] or nothing for one in record["slices"]]
    return p_above(
        np.array([one[name] for one in record["slices"]]),
        np.array([error["standard_error"] for error in errors]),
        np.array([error["degrees_of_freedom"] for error in errors]),
        bound,
    )


def _half_width(error: Mapping[str, float] | None, alpha: float) -> float | None:
    """From an estimate to each of its one-sided bounds."""
    if error is None:
        return None
    t = quantile(np.array([1 - alpha]), np.array([error["degrees_of_freedom"]]))
    return float(t[0] * error["standard_error"])
