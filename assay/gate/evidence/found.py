"""The values that thresholds with evidence are about, looked up in the records of a run."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import NamedTuple

from assay.config.baselines import baseline_name
from assay.gate.evidence.asked import Asked, Threshold
from assay.gate.missing import TOO_SMALL, missing_text
from assay.gate.numbers import Number, numbers_of
from assay.metrics.keys import MetricKey
from assay.proto.config_pb2 import ConfidenceIntervalOptions, EvalConfig
from assay.proto.metrics_for_slice_pb2 import MetricsForSlice
from assay.results.class_names import ClassNames, class_names
from assay.results.keys import label, metric_key_from_proto, slices_of
from assay.results.records import is_shown
from assay.types import SliceKey

NO_INTERVAL = "it has no confidence interval here"


class Found(NamedTuple):
    """A threshold and one value that it is about.

    Attributes:
        threshold: that is meant.
        name: label of the metric.
        key: of the value; of a comparison, of the difference. None where there is no value.
        slice: where it is; None where the threshold met no slice.
        rows: of the slice.
        value: of the candidate; NaN if undefined.
        baseline: value of the baseline; NaN if there is none.
        estimate: what is held against the bound: the value, or candidate minus baseline.
        middle: where tests begin: halfway between the estimate and the middle of its interval. That of a formula, such
            as Wilson's, need not be the estimate; tests of either side begin where they are less sure.
        standard_error: of the estimate; NaN if there is none.
        degrees_of_freedom: of the standard error; 0 for the normal distribution.
        problem: why it cannot be judged, for people; "" if it can.
        is_small: whether `min_slice_size` hides the values of the slice.
        is_left_out: whether it is not asked, as there is no baseline yet.
    """

    threshold: Threshold
    name: str
    key: MetricKey | None = None
    slice: SliceKey | None = None
    rows: int = 0
    value: float = math.nan
    baseline: float = math.nan
    estimate: Number = Number(math.nan)
    middle: float = math.nan
    standard_error: float = math.nan
    degrees_of_freedom: int = 0
    problem: str = ""
    is_small: bool = False
    is_left_out: bool = False

    @property
    def skew(self) -> float:
        """How far the estimate is from where tests begin."""
        return abs(self.estimate.value - self.middle)

    @property
    def is_constant(self) -> bool:
        """Whether the standard error is nothing but rounding, as every resample has the same value."""
        return self.standard_error <= 1e-12 * max(abs(self.estimate.value), abs(self.value))


class Finder:
    """Takes one record after the other, in any order."""

    def __init__(self, asked: Asked, config: EvalConfig, *, rubber_stamp: bool) -> None:
        baseline = baseline_name(config)
        is_stamped = rubber_stamp and baseline is None
        self._left_out = [one for one in asked.thresholds if is_stamped and one.compares]
        self._thresholds = [one for one in asked.thresholds if one not in self._left_out]
        self._order = {one: at for at, one in enumerate(asked.thresholds)}
        self._baseline, self._classes = baseline, class_names(config)
        self._is_analytic = config.options.confidence_intervals.method == ConfidenceIntervalOptions.ANALYTIC
        self._found: list[Found] = []

    def add(self, record: MetricsForSlice) -> None:
        """Looks up what all thresholds ask for in the slice of a record; pairs of slices have no such thresholds."""
        if not self._thresholds or record.HasField("cross_slice_key"):
            return
        self._classes = self._classes.told_by(record)
        (slice_key,) = slices_of(record)
        wanted = [one for one in self._thresholds if one.covers(slice_key)]
        if wanted:
            seen = _Seen(record, slice_key, self._baseline or "", self._classes, is_analytic=self._is_analytic)
            self._found += [found for one in wanted for found in seen.of(one)]

    def found(self) -> list[Found]:
        """All that was found, by threshold and slice; a threshold that met nothing says so."""
        met = {found.threshold for found in self._found}
        empty = [Found(t, t.metric, problem="no slice of the run is one of its slices") for t in self._thresholds]
        left = [Found(t, t.metric, problem="there is no baseline yet", is_left_out=True) for t in self._left_out]
        everything = [*self._found, *(one for one in empty if one.threshold not in met), *left]
        return sorted(everything, key=self._place)

    def _place(self, found: Found) -> tuple[int, int, str, str]:
        key = found.slice or ()
        return self._order[found.threshold], len(key), str(key), found.name


class _Seen:
    """What a record has."""

    def __init__(
        self, record: MetricsForSlice, key: SliceKey, baseline: str, classes: ClassNames, *, is_analytic: bool
    ) -> None:
        self._record, self._slice, self._baseline, self._classes = record, key, baseline, classes
        self._is_analytic = is_analytic
        self._keys = [metric_key_from_proto(entry.key) for entry in record.metric_keys_and_values]
        self._at = {key: at for at, key in enumerate(self._keys)}
        self._numbers = numbers_of(record)
        self._reasons = {metric_key_from_proto(item.key): item.reason for item in record.undefined}
        self._no_intervals = {metric_key_from_proto(item.key): item.reason for item in record.no_intervals}

    def of(self, threshold: Threshold) -> Iterator[Found]:
        """Everything that a threshold is about; one Found with a problem if there is nothing."""
        is_small = not is_shown(self._record)
        keys = [key for key in self._keys if threshold.is_for(key) and key.model_name != (self._baseline or None)]
        for key in keys:
            yield self._found(threshold, key)
        if keys:
            return
        why = TOO_SMALL if is_small else missing_text(self._wanted(threshold), self._record, self._baseline)
        yield Found(
            threshold, threshold.metric, None, self._slice, self._record.rows, problem=_plain(why), is_small=is_small
        )

    def _wanted(self, threshold: Threshold) -> MetricKey:
        """The key that is missing: that of the change, where the candidate's own value is there."""
        plain = MetricKey(threshold.metric, threshold.model, threshold.output, threshold.sub_key)
        of_candidates = (key for key in self._keys if key.model_name != self._baseline)
        own = [key for key in of_candidates if threshold.is_for(key._replace(is_diff=threshold.compares))]
        return (own[0] if own else plain)._replace(is_diff=threshold.compares)

    def _found(self, threshold: Threshold, key: MetricKey) -> Found:
        own = key._replace(is_diff=False)
        of_baseline = own._replace(model_name=self._baseline)
        found = Found(
            threshold,
            label(key, self._classes),
            key,
            self._slice,
            self._record.rows,
            value=self._number(own).value,
            baseline=self._number(of_baseline).value if threshold.compares else math.nan,
            estimate=self._number(key),
            middle=self._number(key).value,
        )
        found = self._with_interval(found, self._record.metric_keys_and_values[self._at[key]])
        return found._replace(problem=self._problem(found, key))

    def _with_interval(self, found: Found, entry: MetricsForSlice.MetricKeyAndValue) -> Found:
        interval = entry.confidence_interval
        if not entry.HasField("confidence_interval") or not interval.standard_error.HasField("double_value"):
            return found
        error, df = interval.standard_error.double_value.value, interval.degrees_of_freedom.value
        if self._is_analytic and math.isfinite(error):
            middle = (interval.lower_bound.double_value.value + interval.upper_bound.double_value.value) / 2
            return found._replace(middle=(found.middle + middle) / 2, standard_error=error, degrees_of_freedom=df)

        # The differences of all rows are 0: a formula has nothing to make an interval of.
        is_same = self._is_analytic and found.threshold.compares and found.estimate == Number(0.0)
        return found._replace(standard_error=0.0 if is_same else error, degrees_of_freedom=df)

    def _number(self, key: MetricKey) -> Number:
        return self._numbers[self._at[key]] if key in self._at else Number(math.nan)

    def _problem(self, found: Found, key: MetricKey) -> str:
        """Why a value cannot be judged; "" if it can."""
        kind = self._record.metric_keys_and_values[self._at[key]].value.WhichOneof("type")
        if kind != "double_value":
            return f"it is not one number but {kind}"
        if not math.isfinite(found.estimate.value):
            what = "undefined" if math.isnan(found.estimate.value) else "infinite"
            return f"it is {what}{self._why_undefined(key)}"
        if math.isfinite(found.standard_error):
            return ""
        return f"it has no confidence interval: {self._no_intervals[key]}" if key in self._no_intervals else NO_INTERVAL

    def _why_undefined(self, key: MetricKey) -> str:
        own = key._replace(is_diff=False)
        keys = (own, own._replace(model_name=self._baseline))
        return next((f": {self._reasons[one]}" for one in keys if one in self._reasons), "")


def _plain(sentence: str) -> str:
    """A sentence as the end of another one."""
    return f"{sentence[:1].lower()}{sentence[1:]}".removesuffix(".")
