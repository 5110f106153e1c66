"""Confidence intervals: resamples as one more axis of the states, so that all slices get theirs in the same pass.

A row's part in the resamples follows from the file and row that it comes from and from the seed, never from the order
of arrival, so intervals are reproducible on any number of workers.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from assay.metrics.arithmetic import with_sums_of_others
from assay.metrics.row_hashes import Hashes, mixed, row_hashes
from assay.metrics.states.failures import naming_slices
from assay.metrics.states.partial import Partial
from assay.metrics.states.slices import Draw
from assay.metrics.values import Floats, Interval, Ints
from assay.proto.config_pb2 import ConfidenceIntervalOptions, EvalConfig
from assay.types import Extracts

SAMPLES = 20
_T_975 = 2.093024054408263
"""Quantile 0.975 of Student's t with 19 degrees of freedom."""

_POISSON_1 = np.cumsum([np.exp(-1) / float(np.prod(np.arange(1, k + 1))) for k in range(16)])


class Method(StrEnum):
    """How the spread of a value is estimated; the names are the config's."""

    JACKKNIFE = "JACKKNIFE"
    POISSON_BOOTSTRAP = "POISSON_BOOTSTRAP"


def resampling_of(config: EvalConfig, seed: int = 0) -> Resampling | None:
    """What a resolved config asks for; None without confidence intervals, and where they are by formula."""
    options = config.options
    if not options.compute_confidence_intervals.value or is_analytic(config):
        return None
    return Resampling(
        Method(ConfidenceIntervalOptions.ConfidenceIntervalMethod.Name(options.confidence_intervals.method)), seed
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
    POISSON_BOOTSTRAP: in each of 20 samples a row counts Poisson(1) times (Hanley and MacGibbon 2006).
    """

    method: Method
    seed: int = 0

    @property
    def states(self) -> int:
        """Resamples held in a state: the parts, or the data as it is and the samples."""
        return SAMPLES if self.method is Method.JACKKNIFE else SAMPLES + 1

    def rows(self, part: Partial) -> Ints:
        """Rows (s,) of the slices of a state."""
        by_state = part.rows.reshape(-1, self.states)
        return by_state.sum(1) if self.method is Method.JACKKNIFE else by_state[:, 0]

    def hashes(self, extracts: Extracts, rows: int) -> Hashes:
        """A number for each row of a batch that decides how it counts in resamples."""
        return row_hashes(extracts, rows, self.seed)

    def draws(self, extracts: Extracts, rows: int) -> Iterator[Draw]:
        """How the rows of a batch count in the resamples."""
        return self.draws_of(self.hashes(extracts, rows))

    def draws_of(self, hashes: Hashes) -> Iterator[Draw]:
        """How rows with these numbers count in the resamples."""
        if self.method is Method.JACKKNIFE:
            yield Draw((hashes % np.uint64(SAMPLES)).astype(np.int64))
            return
        yield Draw(0)
        for sample in range(1, SAMPLES + 1):
            uniform = mixed(hashes + np.uint64(sample)) / 2.0**64
            yield Draw(sample, np.searchsorted(_POISSON_1, uniform))

    def samples(self, part: Partial) -> Partial:
        """The state with 1 + 20 pseudo-slices for each slice: the data as it is, then the samples."""
        if self.method is Method.POISSON_BOOTSTRAP:
            return part
        rows = with_sums_of_others(part.rows.reshape(-1, SAMPLES).T.astype(np.float64)).T.astype(np.int64).reshape(-1)
        with naming_slices(part.keys):
            return part._replace(rows=rows, states=[state.leave_one_out(SAMPLES) for state in part.states])

    def interval(self, samples: Floats) -> Interval:
        """From values (s, 1 + 20, ...) to intervals (s, ...)."""
        whole, drawn = samples[:, :1], samples[:, 1:]
        with np.errstate(invalid="ignore"):  # an infinite value has no interval: NaN
            if self.method is Method.JACKKNIFE:
                drawn = SAMPLES * whole - (SAMPLES - 1) * drawn  # pseudo-values
            error = drawn.std(axis=1, ddof=1)
            if self.method is Method.JACKKNIFE:
                error = error / np.sqrt(SAMPLES)
            middle = drawn.mean(axis=1)
        return Interval(middle - _T_975 * error, middle + _T_975 * error, error, SAMPLES - 1)
