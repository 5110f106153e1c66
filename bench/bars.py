"""What has to hold, each bar with the cases that it speaks of; together they are what is measured."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import NamedTuple

from bench.cases import Case

THOUSAND, MILLION = 1_000, 1_000_000
SHARDS = (1, 4, 64)


class Figure(NamedTuple):
    """What a case took: CPU seconds less the imports, peak memory in MB, and that of a bare import of TensorFlow."""

    cpu_s: float
    peak_mb: float
    tensorflow_mb: float


Figures = Mapping[Case, Figure]


@dataclass(frozen=True)
class Bar:
    """A bound on a figure.

    Attributes:
        what: the quantity, in words.
        cases: assay's case first, then those it is compared with.
        value: the quantity, from what the cases took.
        bound: what it may be.
        at_least: whether the bound is a lower one.
        unit: "times" or "MB".
    """

    what: str
    cases: tuple[Case, ...]
    value: Callable[[Figures], float]
    bound: float
    at_least: bool = False
    unit: str = "times"

    def __str__(self) -> str:
        return f"{self.what}; {'; '.join(map(str, self.cases))}"

    def holds(self, value: float) -> bool:
        """Whether a value of the quantity keeps the bound."""
        return value >= self.bound if self.at_least else value <= self.bound


def cheaper(peer: str, scenario: str, file_format: str, rows: int, least: float) -> Bar:
    """The peer takes at least this many times assay's CPU seconds on the same files."""
    ours = Case("assay", scenario, file_format, rows)
    theirs = replace(ours, side=peer)
    return Bar(f"CPU s of {peer} / assay's", (ours, theirs), lambda f: f[theirs].cpu_s / f[ours].cpu_s, least, True)


def within(peer: str, scenario: str, rows: int, most: float) -> Bar:
    """Assay takes at most this many times the peer's CPU seconds on the same files."""
    ours = Case("assay", scenario, "parquet", rows)
    theirs = replace(ours, side=peer)
    return Bar(f"assay's CPU s / those of {peer}", (ours, theirs), lambda f: f[ours].cpu_s / f[theirs].cpu_s, most)


def further_row(peer: str, scenario: str, most: float) -> Bar:
    """From 1M to 10M rows, a row costs at most this many times the peer's."""
    ours, ours_10 = (Case("assay", scenario, "parquet", n * MILLION) for n in (1, 10))
    theirs, theirs_10 = (replace(case, side=peer) for case in (ours, ours_10))

    def value(f: Figures) -> float:
        return (f[ours_10].cpu_s - f[ours].cpu_s) / (f[theirs_10].cpu_s - f[theirs].cpu_s)

    return Bar(f"a further row: assay's CPU s / those of {peer}", (ours_10, ours, theirs, theirs_10), value, most)


def dearer(scenario: str, than: str, rows: int, most: float) -> Bar:
    """A scenario takes at most this many times the CPU seconds of another."""
    ours = Case("assay", scenario, "parquet", rows)
    other = replace(ours, scenario=than)
    return Bar(f"CPU s / those of {than}", (ours, other), lambda f: f[ours].cpu_s / f[other].cpu_s, most)


def memory(scenario: str, shards: int, most: float) -> Bar:
    """Peak of the whole process at 10M rows from Parquet."""
    case = Case("assay", scenario, "parquet", 10 * MILLION, shards)
    return Bar("peak memory", (case,), lambda f: f[case].peak_mb, most, unit="MB")


def memory_above_tensorflow(scenario: str, rows: int, shards: int, most: float) -> Bar:
    """Peak of the whole process from TFRecord, less that of a bare import of TensorFlow."""
    case = Case("assay", scenario, "tfrecord", rows, shards)
    what = "peak memory above `import tensorflow`"
    return Bar(what, (case,), lambda f: f[case].peak_mb - f[case].tensorflow_mb, most, unit="MB")


BARS = (
    cheaper("TFMA", "1 slice", "tfrecord", 100 * THOUSAND, 60),
    cheaper("TFMA", "114 slices", "tfrecord", 100 * THOUSAND, 120),
    cheaper("TFMA", "2,202 slices", "tfrecord", 10 * THOUSAND, 60),
    cheaper("TFMA", "1 slice, jackknife", "tfrecord", 100 * THOUSAND, 100),
    cheaper("polars exact", "114 slices", "parquet", MILLION, 2),
    cheaper("polars exact", "114 slices", "parquet", 10 * MILLION, 8),
    cheaper("polars bucketed", "114 slices", "parquet", MILLION, 2),
    cheaper("polars bucketed", "114 slices", "parquet", 10 * MILLION, 2.5),
    dearer("114 slices, jackknife", "114 slices", MILLION, 4),
    further_row("numpy pass", "1 slice", 1.3),
    further_row("numpy pass", "114 slices", 1.3),
    within("numpy pass", "2,202 slices", MILLION, 1),
    within("numpy pass", "2,202 slices", 10 * MILLION, 1.5),
    *(memory("1 slice", shards, 300) for shards in SHARDS),
    *(memory("114 slices", shards, 500) for shards in SHARDS),
    *(memory("2,202 slices", shards, 1_100) for shards in SHARDS),
    *(memory_above_tensorflow("114 slices", MILLION, shards, 250) for shards in (1, 4)),
    memory_above_tensorflow("1 slice", 100 * THOUSAND, 4, 250),
)

UNBOUND = (
    *(Case(f"polars {how}", "1 slice", "parquet", MILLION) for how in ("exact", "bucketed")),
    *(Case("polars sorted once", "114 slices", "parquet", rows * MILLION) for rows in (1, 10)),
    *(Case(f"polars {how}", "2,202 slices", "parquet", MILLION) for how in ("exact", "bucketed")),
    *(Case("DuckDB bucketed", "114 slices", "parquet", rows * MILLION) for rows in (1, 10)),
)
"""Measured beside the rest though no bar speaks of them: they tell where polars and DuckDB do well."""
