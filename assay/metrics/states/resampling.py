"""Confidence intervals: resamples as one more axis of the states, so that all slices get theirs in the same pass.

A row's part in the resamples follows from the file and row that it comes from and from the seed, never from the order
of arrival, so intervals are reproducible on any number of workers.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import numpy.typing as npt

from assay.metrics.arithmetic import suffix_sums
from assay.metrics.computations.table import Sums
from assay.metrics.states.forest import Partial
from assay.metrics.states.marks import Marks, joined
from assay.metrics.states.samples import Samples, merge_samples
from assay.metrics.states.slices import Draw
from assay.metrics.states.sums import Sparse
from assay.metrics.values import Floats, Interval, Ints
from assay.proto.config_pb2 import ConfidenceIntervalOptions, EvalConfig
from assay.types import SOURCE_KEY, Extracts

Hashes = npt.NDArray[np.uint64]

SAMPLES = 20
_T_975 = 2.093024054408263
"""Quantile 0.975 of Student's t with 19 degrees of freedom."""

_POISSON_1 = np.cumsum([np.exp(-1) / float(np.prod(np.arange(1, k + 1))) for k in range(16)])


class Method(StrEnum):
    """How the spread of a value is estimated; the names are the config's."""

    JACKKNIFE = "JACKKNIFE"
    POISSON_BOOTSTRAP = "POISSON_BOOTSTRAP"


def resampling_of(config: EvalConfig, seed: int = 0) -> Resampling | None:
    """What a resolved config asks for; None without confidence intervals."""
    options = config.options
    if not options.compute_confidence_intervals.value:
        return None
    return Resampling(
        Method(ConfidenceIntervalOptions.ConfidenceIntervalMethod.Name(options.confidence_intervals.method)), seed
    )


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

    def draws(self, extracts: Extracts, rows: int) -> Iterator[Draw]:
        """How the rows of a batch count in the resamples."""
        hashes = _row_hashes(extracts, rows, self.seed)
        if self.method is Method.JACKKNIFE:
            yield Draw((hashes % np.uint64(SAMPLES)).astype(np.int64))
            return
        yield Draw(0)
        for sample in range(1, SAMPLES + 1):
            uniform = _mix(hashes + np.uint64(sample)) / 2.0**64
            yield Draw(sample, np.searchsorted(_POISSON_1, uniform))

    def samples(self, part: Partial) -> Partial:
        """The state with 1 + 20 pseudo-slices for each slice: the data as it is, then the samples."""
        if self.method is Method.POISSON_BOOTSTRAP:
            return part
        rows = _with_total(part.rows.reshape(-1, SAMPLES).astype(np.float64)).astype(np.int64).reshape(-1)
        return part._replace(rows=rows, sums=[_leave_one_out(sums) for sums in part.sums])

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


def _row_hashes(extracts: Extracts, rows: int, seed: int) -> Hashes:
    """A number for each row that its place and the seed decide; by position in the batch where its place is unknown."""
    source = extracts.get(SOURCE_KEY)
    if source is None:
        return _mix(np.arange(rows, dtype=np.uint64) + np.uint64(seed))
    names = [zlib.crc32(name.rpartition("/")[2].encode()) for name in source["file"].dictionary.to_pylist()]
    of_file = np.array(names, np.uint64)[source["file"].indices.to_numpy()]
    return _mix(_mix(of_file + np.uint64(seed)) + source["row"].astype(np.uint64))


def _mix(numbers: Hashes) -> Hashes:
    """SplitMix64's finaliser (Steele, Lea and Flood 2014)."""
    with np.errstate(over="ignore"):
        x = numbers + np.uint64(0x9E3779B97F4A7C15)
        x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return x ^ (x >> np.uint64(31))


def _with_total(parts: Floats) -> Floats:
    """(..., 20) parts -> (..., 21): their sum, and the sums of all but each part.

    Sums of what stands before and behind each part, not total minus part: a sum of nothing stays exactly 0.
    """
    behind = suffix_sums(parts)
    total, nothing = behind[..., :1], np.zeros_like(parts[..., :1])
    before = np.concatenate([nothing, np.cumsum(parts, -1)[..., :-1]], -1)
    return np.concatenate([total, before + np.concatenate([behind[..., 1:], nothing], -1)], -1)


def _leave_one_out(sums: Sums) -> Sums:
    if isinstance(sums, Samples):  # values that are shown have no interval: all stand with the data as it is
        slices = (len(sums.start) - 1) // SAMPLES
        return merge_samples([sums], [np.repeat(np.arange(slices) * (SAMPLES + 1), SAMPLES)], slices * (SAMPLES + 1))
    if not isinstance(sums, Sparse):
        parts = sums.reshape(-1, SAMPLES, sums.shape[1]).transpose(0, 2, 1)
        return _with_total(parts).transpose(0, 2, 1).reshape(-1, sums.shape[1])
    count = len(sums.start) - 1
    owner = np.repeat(np.arange(count), np.diff(sums.start))
    slices, part = np.divmod(owner, SAMPLES)
    width = 1 << 32
    places, column = np.unique(slices * width + sums.cells, return_inverse=True)
    by_part = np.zeros((len(places), SAMPLES))
    by_part[column, part] = sums.sums
    left = _with_total(by_part)
    kept, sample = np.nonzero(left)
    key = (places[kept] // width) * (SAMPLES + 1) + sample
    order = np.argsort(key, kind="stable")  # the cells of each pseudo-slice stay ascending
    key, kept, sample = key[order], kept[order], sample[order]
    start = np.searchsorted(key, np.arange(count // SAMPLES * (SAMPLES + 1) + 1))
    of_all = None if sums.marks is None else _marks_of_all(sums.marks, column)[kept]
    return Sparse(start, (places[kept] % width).astype(np.int32), left[kept, sample], of_all)


def _marks_of_all(of_parts: Marks, column: Ints) -> Marks:
    """The marks of cells with all their parts; a sample without one of them is told apart no better."""
    order = np.argsort(column, kind="stable")
    first = np.searchsorted(column[order], np.arange(column.max(initial=-1) + 1))
    return joined(of_parts[order], first)
