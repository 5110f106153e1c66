"""The numbers that each slice has, by the names under which people read, sort and filter them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from assay.errors import ResultsError
from assay.metrics.keys import MetricKey
from assay.report.evidence import Evidence, Measure, Slice
from assay.report.numbers import Number, marks_of, numbers_of
from assay.text.near_miss import one_of

_MOST_NAMES = 40


@dataclass(frozen=True)
class Figure:
    """One value of each slice: of a metric, for one model, at one threshold; or its change.

    Attributes:
        name: `auc`, `auc change`, `auc old` (of a model that is not the first candidate), `fpr@0.25`.
        stem: the same without the model or the change.
        heading: the model, `change`, or `value` for the only model.
        measure: the metric.
        key: of the value.
        position: of a value that is several numbers, which of them.
    """

    name: str
    stem: str
    heading: str
    measure: Measure
    key: MetricKey
    position: int | None = None

    @property
    def is_number(self) -> bool:
        """Whether the values are numbers, and not matrices or samples."""
        return self.measure.is_number or self.position is not None

    @property
    def is_own(self) -> bool:
        """Whether it is the first candidate's own value, which needs no further name."""
        return self.name == self.stem

    @property
    def at(self) -> str:
        """What the number is at, such as a threshold; "" where a value is one number."""
        return "" if self.position is None else f"{self.measure.points[self.position]:.6g}"

    def number(self, slice_: Slice) -> Number:
        """The number of a slice; NaN if there is none."""
        numbers, at = numbers_of(slice_, self.key), self.position or 0
        return numbers[at] if at < len(numbers) else Number()

    def of(self, slice_: Slice) -> float:
        """The value of that number."""
        return self.number(slice_).value


def figures_of(evidence: Evidence) -> list[Figure]:
    """All figures of a run: those with a threshold first, then in the order of the results."""
    return figures_of_measures(evidence, sorted(evidence.measures, key=lambda measure: not measure.is_judged))


def figures_of_measures(evidence: Evidence, measures: Iterable[Measure]) -> list[Figure]:
    """The figures of some metrics, in their order."""
    return [figure for measure in measures for figure in _figures(measure, evidence)]


def _figures(measure: Measure, evidence: Evidence) -> Iterator[Figure]:
    """Those of a metric; an array of which nobody knows what each number is at is one figure, and so is a matrix."""
    positions: Sequence[int | None] = range(len(measure.points)) or [None]
    for position in positions:
        mark = "" if position is None else marks_of(measure.points, len(measure.points))[position]
        stem = f"{measure.label}{mark}"
        for heading, key in evidence.columns(measure).items():
            is_own = not key.is_diff and key.model_name in ("", evidence.candidates[0])
            yield Figure(stem if is_own else f"{stem} {heading}", stem, heading, measure, key, position)


def of_candidates(figures: Sequence[Figure], evidence: Evidence) -> list[Figure]:
    """Without the values of baselines for which changes speak."""
    compared = {figure.stem for figure in figures if figure.key.is_diff}
    return [f for f in figures if f.key.model_name not in evidence.baselines or f.stem not in compared]


def named(figures: Sequence[Figure], names: Sequence[str]) -> list[Figure]:
    """The figures that are asked for, in this order: by a figure's name, a metric's name, or `NAME_diff`.

    Raises:
        ResultsError: there is no figure of that name.
    """
    found: dict[Figure, None] = {}
    for name in names:
        matching = [figure for figure in figures if name in _names(figure)]
        if not matching:
            known = list(dict.fromkeys(other.measure.key.name for other in figures))[:_MOST_NAMES]
            raise ResultsError(f"no metric {name!r} in the results{one_of(name, known)}")
        found.update(dict.fromkeys(matching))
    return list(found)


def _names(figure: Figure) -> set[str]:
    name = figure.measure.key.name
    return {figure.name, figure.stem, figure.measure.label, name, *([f"{name}_diff"] if figure.key.is_diff else ())}
