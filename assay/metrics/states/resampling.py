"""Confidence intervals: resamples as one more axis of the states, so that all slices get theirs in the same pass.

A row's part in the resamples follows from the file and row that it comes from and from the seed, or else from what it
has in a column, never from the order of arrival, so intervals are reproducible on any number of workers.

A bootstrap of many replicates would hold as many tables. Here rows fall into `GROUPS` groups at random, as they fall
into the 20 parts of the jackknife; a group is drawn as a whole, and replicates are made from the groups when values are
computed. Rows are exchangeable, so groups of them are, too; a slice of fewer rows has hardly any two in one group.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cache, lru_cache

import numpy as np

from assay.metrics.row_hashes import Hashes, key_hashes, mixed, row_hashes
from assay.metrics.states.bootstrap_bounds import bias_corrected, percentiles
from assay.metrics.states.combining import Combining, Counted, LeaveOneOut, Times
from assay.metrics.states.failures import naming_slices
from assay.metrics.states.partial import Partial
from assay.metrics.states.slices import Draw
from assay.metrics.values import Floats, Interval, Ints
from assay.proto.config_pb2 import ConfidenceIntervalOptions, EvalConfig
from assay.statistics.student import quantile
from assay.types import Extracts

SAMPLES = 20
GROUPS = 1000
"""Groups of rows that many replicates are made of. A standard error from groups is off by 2 % (1 / sqrt(2 * GROUPS)) as
one from 1,000 replicates is."""
LEFT_OUT = 50
"""Parts of the groups that are left out in turn, for the acceleration of BCA."""
_AT_ONCE = 256
"""Replicates of a slice that are in memory together."""
_T_975 = 2.093024054408263
"""Quantile 0.975 of Student's t with 19 degrees of freedom."""

_POISSON_1 = np.cumsum([np.exp(-1) / float(np.prod(np.arange(1, k + 1))) for k in range(16)])


class Method(StrEnum):
    """How the spread of a value is estimated; the names are the config's."""

    JACKKNIFE = "JACKKNIFE"
    POISSON_BOOTSTRAP = "POISSON_BOOTSTRAP"


class Bounds(StrEnum):
    """How replicates become an interval; the names are the config's."""

    STUDENT_T = "STUDENT_T"
    PERCENTILE = "PERCENTILE"
    BCA = "BCA"


def resampling_of(config: EvalConfig, seed: int = 0) -> Resampling | None:
    """What a resolved config asks for; None without confidence intervals, and where they are by formula."""
    options = config.options
    if not options.compute_confidence_intervals.value or is_analytic(config):
        return None
    asked = options.confidence_intervals
    return Resampling(
        Method(ConfidenceIntervalOptions.ConfidenceIntervalMethod.Name(asked.method)),
        seed,
        asked.replicates,
        Bounds(ConfidenceIntervalOptions.Interval.Name(asked.interval)) if asked.interval else Bounds.STUDENT_T,
        asked.resample_by,
    )


def is_analytic(config: EvalConfig) -> bool:
    """Whether confidence intervals are by formula."""
    options = config.options
    is_chosen = options.confidence_intervals.method == ConfidenceIntervalOptions.ANALYTIC
    return options.compute_confidence_intervals.value and is_chosen


@dataclass(frozen=True)
class Resampling:
    """Which resamples to draw.

    JACKKNIFE: rows fall into 20 parts at random; sample i is all but part i (Tukey 1958; delete-a-group).
    POISSON_BOOTSTRAP: in each of 20 samples a row counts Poisson(1) times (Hanley and MacGibbon 2006); or, in each of
    `replicates`, a group of rows does.

    Attributes:
        method: see above.
        seed: of what is random.
        replicates: how many; 0 for the 20 samples of TFMA.
        bounds: how replicates become an interval.
        column: rows with the same value in it are drawn together; "" if each row is drawn by itself.
    """

    method: Method
    seed: int = 0
    replicates: int = 0
    bounds: Bounds = Bounds.STUDENT_T
    column: str = ""

    @property
    def _has_parts(self) -> bool:
        """Whether a state holds parts of the rows, each row in one of them."""
        return self.method is Method.JACKKNIFE or self.replicates > 0

    @property
    def states(self) -> int:
        """Resamples held in a state: the parts, or the data as it is and the samples."""
        if self.replicates:
            return GROUPS
        return SAMPLES if self.method is Method.JACKKNIFE else SAMPLES + 1

    @property
    def samples_at_once(self) -> int:
        """The most pseudo-slices of a slice that are in memory together."""
        return max(one.samples for one in self.combinings) if self._has_parts else SAMPLES + 1

    @property
    def combinings(self) -> Sequence[Combining]:
        """How samples are made of the parts of a state, a bounded number of them at once."""
        if not self.replicates:
            return (LeaveOneOut(SAMPLES),)
        return _replicates(self.replicates, self.seed, LEFT_OUT if self.bounds is Bounds.BCA else 0)

    def rows(self, part: Partial) -> Ints:
        """Rows (s,) of the slices of a state."""
        by_state = part.rows.reshape(-1, self.states)
        return by_state.sum(1) if self._has_parts else by_state[:, 0]

    def hashes(self, extracts: Extracts, rows: int) -> Hashes:
        """A number for each row of a batch that decides how it counts in resamples."""
        if self.column:
            return key_hashes(extracts, self.column, self.seed)
        return row_hashes(extracts, rows, self.seed)

    def draws(self, extracts: Extracts, rows: int) -> Iterator[Draw]:
        """How the rows of a batch count in the resamples."""
        return self.draws_of(self.hashes(extracts, rows))

    def draws_of(self, hashes: Hashes) -> Iterator[Draw]:
        """How rows with these numbers count in the resamples."""
        if self._has_parts:
            yield Draw((hashes % np.uint64(self.states)).astype(np.int64))
            return
        yield Draw(0)
        for sample in range(1, SAMPLES + 1):
            yield Draw(sample, _poisson(mixed(hashes + np.uint64(sample))))

    def samples(self, part: Partial) -> Iterator[Partial]:
        """The state with pseudo-slices for each slice: the data as it is, then the samples; some of them at once."""
        if not self._has_parts:
            yield part
            return
        by_part = part.rows.reshape(-1, self.states).T.astype(np.float64)
        for combining in self.combinings:
            rows = combining.sums(by_part).T.astype(np.int64).reshape(-1)
            with naming_slices(part.keys):
                states = [state.resampled(combining) for state in part.states]
            yield part._replace(rows=rows, states=states)

    def interval(self, samples: Floats) -> Interval:
        """From values (s, 1 + samples, ...) to intervals (s, ...)."""
        with np.errstate(invalid="ignore"):  # an infinite value has no interval: NaN
            return self._of_replicates(samples) if self.replicates else self._of_twenty(samples)

    def _of_twenty(self, samples: Floats) -> Interval:
        whole, drawn = samples[:, :1], samples[:, 1:]
        if self.method is Method.JACKKNIFE:
            drawn = SAMPLES * whole - (SAMPLES - 1) * drawn  # pseudo-values
        error = drawn.std(axis=1, ddof=1)
        if self.method is Method.JACKKNIFE:
            error = error / np.sqrt(SAMPLES)
        middle = drawn.mean(axis=1)
        return Interval(middle - _T_975 * error, middle + _T_975 * error, error, SAMPLES - 1)

    def _of_replicates(self, samples: Floats) -> Interval:
        """The standard error is that of the replicates, whatever the bounds are."""
        drawn, left_out = samples[:, 1 : 1 + self.replicates], samples[:, 1 + self.replicates :]
        error, degrees = drawn.std(axis=1, ddof=1), _degrees_of_freedom(self.replicates)
        if self.bounds is Bounds.PERCENTILE:
            low, high = percentiles(drawn)
        elif self.bounds is Bounds.BCA:
            low, high = bias_corrected(samples[:, :1], drawn, left_out)
        else:
            middle, half = drawn.mean(axis=1), _t_975(degrees) * error
            low, high = middle - half, middle + half
        return Interval(low, high, np.where(np.isnan(low + high), np.nan, error), degrees)


def _degrees_of_freedom(replicates: int) -> int:
    """Of a standard error that is uncertain because replicates are few, and because groups are."""
    return int(1 / (1 / (replicates - 1) + 1 / (GROUPS - 1)))


@cache
def _t_975(degrees: int) -> float:
    """Quantile 0.975 of Student's t."""
    return float(quantile(np.array([0.975]), np.array([float(degrees)]))[0])


@lru_cache(maxsize=4)
def _replicates(replicates: int, seed: int, left_out: int) -> Sequence[Counted]:
    """All groups; each replicate; all groups but those of each part."""
    with np.errstate(over="ignore"):
        sample = mixed(np.arange(replicates, dtype=np.uint64) + mixed(np.full(1, seed, np.uint64)))
        drawn = _poisson(mixed(np.add.outer(sample, np.arange(GROUPS, dtype=np.uint64))))
    without = np.arange(GROUPS) % max(left_out, 1) != np.arange(left_out)[:, None]
    times: Times = np.concatenate([np.ones((1, GROUPS)), drawn, without]).astype(np.uint8)
    return [Counted(times[first : first + _AT_ONCE]) for first in range(0, len(times), _AT_ONCE)]


def _poisson(hashes: Hashes) -> Ints:
    """Counts of the Poisson distribution with mean 1, to 2^-53."""
    return np.searchsorted(_POISSON_1, hashes / 2.0**64)
