"""The practical limit: the same metrics and plots by one plain numpy pass over Parquet, one thread, nothing written.

    python -m bench.numpy_pass 'out/bench/parquet-1000000-4/*.parquet' gender day hour zone hour+day

NUMPY_PASS_CORES=2 gives half of the files to each of two processes and adds their tables up.

For each slicing (overall, and each column or cross that is named) rows scatter their weight into a table
(slice, label, score bucket), with np.add.at: in place, so that the cost is by row and not by cell. All values come
from the tables.
"""

from __future__ import annotations

import glob
import itertools
import json
import os
import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from functools import partial

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from bench import slice_name

BUCKETS = 10_000
WIDTH = BUCKETS + 2  # and one bucket below 0, one from 1 on
PLOT_POINTS = 1_000
BATCH_ROWS = 65_536
SLICES_AT_ONCE = 16  # keeps what is derived in the cache
RATES_AT = (0.25, 0.5, 0.75)
RADIX = 256  # more values than a text column has

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


@dataclass
class Slicing:
    """Sums of one slicing; a slice is a row. `weight` has shape (s, 2, WIDTH), `terms` (s, 2): rows, weight * score.

    There may be more rows than slices so far: the tables grow by a quarter at least.
    """

    columns: tuple[str, ...]
    names: list[str] = field(default_factory=list)
    numbers: Ints = field(default_factory=lambda: np.zeros(0, np.int64))
    weight: Floats = field(default_factory=lambda: np.zeros((1, 2, WIDTH)))
    terms: Floats = field(default_factory=lambda: np.zeros((1, 2)))

    def __post_init__(self) -> None:
        self.names = [] if self.columns else [""]
        self.numbers = np.full(RADIX ** len(self.columns), -1)

    def add(self, codes: Mapping[str, Codes], cell: Ints, weights: Floats, weighted_scores: Floats) -> None:
        """Adds a batch; `cell` (n,) is label * WIDTH + bucket."""
        if not self.columns:
            np.add.at(self.weight.reshape(-1), cell, weights)
            self.terms[0] += len(cell), weighted_scores.sum()
            return
        slices = self.slices_of([codes[column] for column in self.columns])
        count = len(self.names)
        self.grow(count)
        np.add.at(self.weight.reshape(-1), slices * (2 * WIDTH) + cell, weights)
        self.terms[:count, 0] += np.bincount(slices, minlength=count)
        self.terms[:count, 1] += np.bincount(slices, weighted_scores, minlength=count)

    def slices_of(self, columns: Sequence[Codes]) -> Ints:
        """Returns the slice number of each row, new ones for combinations not seen before."""
        combined = columns[0].of_rows
        for column in columns[1:]:
            combined = combined * RADIX + column.of_rows
        slices = self.numbers[combined]
        for new in np.unique(combined[slices < 0]):
            self.numbers[new] = len(self.names)
            digits = [new // RADIX**i % RADIX for i in range(len(columns) - 1, -1, -1)]
            self.names.append(slice_name(c.values[digit] for c, digit in zip(columns, digits, strict=True)))
        return slices if slices.min() >= 0 else self.numbers[combined]

    def merge(self, other: Slicing) -> None:
        """Adds the tables of another process, whose slices may be in another order."""
        self.names += [name for name in other.names if name not in self.names]
        self.grow(len(self.names))
        at, count = [self.names.index(name) for name in other.names], len(other.names)
        self.weight[at] += other.weight[:count]
        self.terms[at] += other.terms[:count]

    def grow(self, count: int) -> None:
        """Makes room for `count` slices."""
        if count > len(self.weight):
            more = max(count, len(self.weight) * 5 // 4) - len(self.weight)
            self.weight = np.concatenate([self.weight, np.zeros((more, 2, WIDTH))])
            self.terms = np.concatenate([self.terms, np.zeros((more, 2))])


@dataclass
class Codes:
    """A text column: the values so far, and the code of each row of the current batch."""

    values: list[str] = field(default_factory=list)
    of_rows: Ints = field(default_factory=lambda: np.zeros(0, np.int64))

    def take(self, column: pa.DictionaryArray) -> None:
        """Moves on to the next batch."""
        here = column.dictionary.to_pylist()
        self.values += [value for value in here if value not in self.values]
        self.of_rows = np.asarray([self.values.index(value) for value in here])[column.indices.to_numpy()]


def main(pattern: str, names: list[str]) -> None:
    """Prints rows and the AUC of each slice as JSON."""
    files, cores = sorted(glob.glob(pattern)), int(os.environ.get("NUMPY_PASS_CORES", "1"))
    if cores == 1:
        slicings = scanned(names, files)
    else:
        with ProcessPoolExecutor(cores) as pool:
            slicings, *others = pool.map(partial(scanned, names), (files[core::cores] for core in range(cores)))
        for slicing, *more in zip(slicings, *others, strict=True):
            for other in more:
                slicing.merge(other)
    aucs = [(slicing.names, values(slicing)["auc"].tolist()) for slicing in slicings]
    rows = int(slicings[0].terms[0, 0])
    print(json.dumps({"rows": rows, "aucs": {n: auc for pair in aucs for n, auc in zip(*pair, strict=True)}}))


def scanned(names: list[str], files: Sequence[str]) -> list[Slicing]:
    """The slicings of some files, by one thread."""
    pa.set_cpu_count(1)
    pa.set_io_thread_count(1)
    slicings = [Slicing(()), *(Slicing(tuple(name.split("+"))) for name in names)]
    codes = {column: Codes() for slicing in slicings for column in slicing.columns}
    for file in files:
        scan(pq.ParquetFile(file, read_dictionary=list(codes)), codes, slicings)
    return slicings


def scan(file: pq.ParquetFile, codes: Mapping[str, Codes], slicings: list[Slicing]) -> None:
    """Adds the rows of a file to every slicing."""
    wanted = [*codes, "label", "weight", "prediction"]
    for batch in file.iter_batches(BATCH_ROWS, columns=wanted, use_threads=False):
        scores = batch.column("prediction").to_numpy().astype(np.float64)
        weights = batch.column("weight").to_numpy().astype(np.float64)
        bucket = np.clip((scores * BUCKETS).astype(np.int64) + 1, 0, BUCKETS + 1)
        cell = bucket + (batch.column("label").to_numpy() > 0.5) * np.int64(WIDTH)
        for column, of_column in codes.items():
            of_column.take(batch.column(column))
        for slicing in slicings:
            slicing.add(codes, cell, weights, weights * scores)


def values(slicing: Slicing) -> dict[str, Floats]:
    """Returns all values of a slicing, each with its slices as the leading axis."""
    ends = [*range(SLICES_AT_ONCE, len(slicing.names), SLICES_AT_ONCE), len(slicing.names)]
    with np.errstate(all="ignore"):
        parts = [derive(slicing.weight[i:j], slicing.terms[i:j]) for i, j in itertools.pairwise([0, *ends])]
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def derive(weight: Floats, terms: Floats) -> dict[str, Floats]:
    """Metrics and plots from the sums of some slices."""
    negative, positive = weight[:, 0], weight[:, 1]
    p, n = positive.sum(1, keepdims=True), negative.sum(1, keepdims=True)
    tp = p - np.cumsum(positive, 1) + positive  # predicted positive: from the bucket's lower edge on
    fp = n - np.cumsum(negative, 1) + negative
    half = BUCKETS // 2 + 1
    edges = np.linspace(1, BUCKETS + 1, PLOT_POINTS + 1).round().astype(int)[:-1]
    total = (p + n)[:, 0]
    return {
        "example_count": total,
        "rows": terms[:, 0],
        "auc": area(fp / n, tp / p),
        "auc_precision_recall": np.nansum(positive * tp / (tp + fp), 1) / p[:, 0],
        "binary_accuracy": (tp[:, half] + n[:, 0] - fp[:, half]) / total,
        "precision": tp[:, half] / (tp + fp)[:, half],
        "recall": (tp / p)[:, half],
        "mean_label": p[:, 0] / total,
        "mean_prediction": terms[:, 1] / total,
        "calibration": terms[:, 1] / p[:, 0],
        **rates(tp, fp, p, n),
        "matrix_tp": tp[:, edges],
        "matrix_fp": fp[:, edges],
        "calibration_label": np.add.reduceat(positive, edges, 1),
        "calibration_weight": np.add.reduceat(positive + negative, edges, 1),
    }


def area(x: Floats, y: Floats) -> Floats:
    """Area under a curve (s, points) that falls to (0, 0) after its last point, by trapezoids."""
    x, y = (np.pad(a, ((0, 0), (0, 1))) for a in (x, y))
    areas: Floats = ((x[:, :-1] - x[:, 1:]) * (y[:, :-1] + y[:, 1:]) / 2).sum(1)
    return areas


def rates(tp: Floats, fp: Floats, p: Floats, n: Floats) -> dict[str, Floats]:
    """Fairness-relevant rates at RATES_AT, each of shape (s, 3)."""
    at = [round(threshold * BUCKETS) + 1 for threshold in RATES_AT]
    tp, fp = tp[:, at], fp[:, at]
    return {
        "fpr": fp / n,
        "fnr": 1 - tp / p,
        "tpr": tp / p,
        "tnr": 1 - fp / n,
        "false_discovery_rate": fp / (tp + fp),
    }


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
