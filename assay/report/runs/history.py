"""The runs of an output over time: the verdict and the metrics that matter, each run against the one before it."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from assay.errors import AssayError, ResultsError
from assay.metrics.keys import MetricKey
from assay.report.evidence import Evidence, Measure, evidence_of
from assay.report.grids.grid import Column, Grid, Value
from assay.report.grids.printed import Fit, Section, Sentence
from assay.report.numbers import Number, change_of, marks_of, numbers_of
from assay.report.runs.facts import facts_of, metric_settings
from assay.report.runs.match import (
    OVERALL,
    chosen_metrics,
    chosen_slices,
    leading_metrics,
    matched_slices,
    names_of,
    plain,
)
from assay.report.slice_names import has_text
from assay.results.history import PublishedRun, runs_of
from assay.storage.file_paths import FilePath
from assay.verdict import Status

_DAMAGED, _NO_VERDICT, _SLICE = "damaged", "none", "slice"
_COLOURS = {"BLESSED": "green", "NOT_BLESSED": "red", "NOT_EVALUATED": "yellow", _DAMAGED: "red"}


@dataclass(frozen=True)
class SliceOfRun:
    """A slice of a run.

    Attributes:
        rows: unweighted; None where the run does not have the slice.
        numbers: those of each value, by key; models have the names of the newest run.
        failed: keys for which a threshold does not hold, with these names.
    """

    rows: int | None = None
    numbers: Mapping[MetricKey, Sequence[Number]] = field(default_factory=dict)
    failed: frozenset[MetricKey] = frozenset()


@dataclass(frozen=True)
class Entry:
    """A run of the history.

    Attributes:
        run: which one.
        status: of its verdict; "none" without one, "damaged" where its results cannot be read.
        slices: its slices, by name.
        settings: see `metric_settings`.
        facts: see `facts_of`.
        fault: why its results cannot be read; "" if they can.
    """

    run: PublishedRun
    status: str
    slices: Mapping[str, SliceOfRun] = field(default_factory=dict)
    settings: Mapping[str, Sequence[str]] = field(default_factory=dict)
    facts: Mapping[str, str] = field(default_factory=dict)
    fault: str = ""


@dataclass(frozen=True)
class History:
    """Runs of an output.

    Attributes:
        entries: the newest first; behind those that are shown, the one before them.
        metrics: label -> key of the metrics.
        measures: key without a model -> what is known of a metric, in the newest run.
        slices: names of the slices.
        top: how many runs are shown.
        total: how many there are.
    """

    entries: Sequence[Entry]
    metrics: Mapping[str, MetricKey]
    measures: Mapping[MetricKey, Measure]
    slices: Sequence[str]
    top: int
    total: int

    @property
    def shown(self) -> Sequence[Entry]:
        """The runs that are shown, the newest first."""
        return self.entries[: self.top]

    def before(self, entry: Entry) -> Entry | None:
        """The run before another one whose results can be read; None if there is none."""
        return next((earlier for earlier in self.entries[self.entries.index(entry) + 1 :] if earlier.slices), None)

    def notes(self, entry: Entry) -> list[str]:
        """Whether a run is the latest, or the last that was blessed."""
        blessed = next((e.run.name for e in self.entries if e.status == Status.BLESSED), "")
        notes = {"latest": entry.run.is_latest, "last blessed": entry.run.name == blessed}
        return [note for note, holds in notes.items() if holds]

    @property
    def faults(self) -> list[str]:
        """Why results of runs that are shown cannot be read."""
        return [entry.fault for entry in self.shown if entry.fault]

    def sections(self, fit: Fit) -> list[Section]:
        """What people read: the grid, without the column of slices if there is only one."""
        grid, several = self.grid(), len(self.slices) > 1
        if not several:
            grid = grid.part([at for at, column in enumerate(grid.columns) if column.name != _SLICE])
        more = [Sentence(f"{self.top:,} of {self.total:,} runs; --top shows more.")] if self.total > self.top else []
        return [[*fit(grid, 2 if several else 1), *more]]

    def grid(self) -> Grid:
        """A row for each run and slice: the values of the metrics, each with its change since the run before."""
        numbers = self._numbers()
        columns = [Column("date (UTC)"), Column(_SLICE), Column("verdict", colours=_COLOURS), Column("rows", "number")]
        for number in numbers:
            columns += [Column(number.label, "number"), Column(f"{number.label} change", "change", follows=True)]
        columns += [Column("note"), Column("run")]
        return Grid(columns, list(self._rows(numbers)))

    def _numbers(self) -> list[_NumberOf]:
        """The numbers of the metrics; arrays have several."""
        numbers = []
        for label, key in self.metrics.items():
            values = [one.numbers[key] for entry in self.entries for one in entry.slices.values() if key in one.numbers]
            measure = self.measures.get(plain(key))
            marks = marks_of(measure.points if measure else (), max(map(len, values), default=0))
            numbers += [_NumberOf(label + mark, key, at, len(marks)) for at, mark in enumerate(marks)]
        return numbers

    def _rows(self, numbers: Sequence[_NumberOf]) -> Iterator[list[Value]]:
        """Slice by slice, the runs that have it; a run that has none of them has a row of its own."""
        for name in self.slices:
            for entry in self.shown:
                if name in entry.slices or (not entry.slices and name == self.slices[0]):
                    yield self._row(entry, name, numbers)

    def _row(self, entry: Entry, name: str, numbers: Sequence[_NumberOf]) -> list[Value]:
        before = self.before(entry)
        date = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(entry.run.when))
        row: list[Value] = [date, name, entry.status, entry.slices.get(name, SliceOfRun()).rows]
        for number in numbers:
            value = self._value(entry, name, number)
            row += [value.value if value else None, self._change(entry, before, name, number)]
        return [*row, ", ".join(self.notes(entry)) or None, entry.run.name]

    def _value(self, entry: Entry, name: str, number: _NumberOf) -> Number | None:
        """A number of a run; None for what stands at another point in the newest run."""
        numbers = entry.slices.get(name, SliceOfRun()).numbers.get(number.key, ())
        newest = next((e.settings for e in self.entries if e.slices), entry.settings)
        is_same = number.of == 1 or entry.settings.get(number.key.name) == newest.get(number.key.name)
        return numbers[number.at] if is_same and len(numbers) == number.of else None

    def _change(self, entry: Entry, before: Entry | None, name: str, number: _NumberOf) -> float | None:
        """How far a number moved since the run before; None where that cannot be said, as settings are others."""
        if before is None or not has_same_settings(entry, before, number.key):
            return None
        old, new = self._value(before, name, number), self._value(entry, name, number)
        return change_of(old, new) if old and new else None


def has_same_settings(entry: Entry, before: Entry, key: MetricKey) -> bool:
    """Whether two runs computed a metric with the same settings, so that its values can be compared."""
    return before.settings.get(key.name) == entry.settings.get(key.name)


class _NumberOf(NamedTuple):
    """One of the numbers of a metric, of which there are `of`."""

    label: str
    key: MetricKey
    at: int
    of: int


def history_of(
    output: FilePath, metrics: Sequence[str] | None = None, slices: str | None = None, top: int = 20
) -> History:
    """Opens the newest runs of an output.

    Args:
        output: folder or `gs://` URI of an analysis.
        metrics: names or labels of metrics; None takes the candidates' metrics that have thresholds in the newest run,
            or else its leading one.
        slices: takes slices whose text has this in it; None takes that of all rows.
        top: how many runs to show, at least 1.

    Raises:
        ResultsError: there are no runs, or no such metric or slice.
    """
    runs, newest = runs_of(output), None
    entries: list[Entry] = []
    for run in runs[: top + 1]:
        try:
            evidence = _opened(run)
        except AssayError as error:
            entries.append(Entry(run, _DAMAGED, fault=f"{run.folder}: {error}"))
            continue
        newest = evidence if newest is None and evidence.slices else newest
        entries.append(_entry(run, evidence, newest or evidence, slices))

    names = list(dict.fromkeys(name for entry in entries for name in entry.slices))
    return History(
        entries=entries,
        metrics=_metrics(entries, metrics, newest),
        measures={measure.key: measure for measure in newest.measures} if newest else {},
        slices=sorted(chosen_slices(names, slices)) if slices is not None else [OVERALL],
        top=top,
        total=len(runs),
    )


def _opened(run: PublishedRun) -> Evidence:
    if run.fault:
        raise ResultsError(run.fault)
    return evidence_of(run.folder, run.facts)


def _entry(run: PublishedRun, evidence: Evidence, newest: Evidence, text: str | None) -> Entry:
    every = matched_slices(evidence, newest)
    names = [name for name in every if has_text(name, text)] if text is not None else [OVERALL]
    slices = {
        name: SliceOfRun(slice_.rows, {key: numbers_of(slice_, key) for key in slice_.values}, slice_.failed)
        for name, slice_ in every.items()
        if name in names
    }
    status = evidence.verdict.status if evidence.verdict else _NO_VERDICT
    return Entry(run, status, slices, metric_settings(evidence.run.eval_config), facts_of(evidence))


def _metrics(entries: Sequence[Entry], asked: Sequence[str] | None, newest: Evidence | None) -> dict[str, MetricKey]:
    if newest is None:
        return {}
    values = [one.numbers for entry in entries for one in entry.slices.values()]
    keys = dict.fromkeys(key for numbers in values for key, found in numbers.items() if found)
    chosen = chosen_metrics(names_of([*keys], newest), asked)
    if asked is not None:
        return chosen
    return leading_metrics(chosen, {measure.key for measure in newest.measures if measure.is_judged}, newest)
