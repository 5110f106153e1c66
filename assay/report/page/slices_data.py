"""The slices and their values for the page's script."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from assay.metrics.keys import MetricKey
from assay.report.evidence import Evidence, Slice
from assay.report.figures import Figure, figures_of
from assay.report.html.packed import packed
from assay.report.numbers import Number, numbers_of
from assay.text.printable import printable_line, shortened

Floats = npt.NDArray[np.float64]

_MOST_NUMBERS = 1_200_000
"""On a page: 10,000 slices of 120 columns, some 13 MB."""


class _Values(NamedTuple):
    """Of c columns in n slices: values, ends of intervals, and which values are there; each (c, n)."""

    value: Floats
    lower: Floats
    upper: Floats
    is_there: npt.NDArray[np.bool_]


def slices_data(evidence: Evidence, slices: Sequence[Slice]) -> tuple[str, int]:
    """Packs slices and values; returns the text and how many columns there was no room for."""
    every = [figure for figure in figures_of(evidence) if figure.is_number]
    columns = every[: max(_MOST_NUMBERS // max(len(slices), 1), 1)]

    values = _values(columns, slices)
    changes = _changes(evidence, columns, values.value)
    stored = [i for i in range(len(columns)) if i not in changes]
    with_interval = [i for i in range(len(columns)) if np.isfinite(values.lower[i]).any()]
    features = sorted({slice_.features[0] for slice_ in slices if len(slice_.features) == 1})

    head = {
        "names": [printable_line(shortened(slice_.name)) for slice_ in slices],
        "models": [printable_line(model) for model in evidence.models],
        "features": [printable_line(name) for name in features],
        "columns": [
            {
                **_described(column),
                "stored": stored.index(i) if i in stored else -1,
                "minus": changes.get(i),
                "interval": with_interval.index(i) if i in with_interval else -1,
            }
            for i, column in enumerate(columns)
        ],
    }
    place = {name: i for i, name in enumerate(features)}
    at = _places(columns)
    failed = [[i, j] for i, one in enumerate(slices) for key in one.failed for j in at.get(key, ())]
    arrays = {
        "rows": np.array([float(slice_.rows) for slice_ in slices]),
        "feature": np.array([place[one.features[0]] if len(one.features) == 1 else -1 for one in slices], int),
        "failed": np.array(failed, int).reshape(-1),
        "missing": np.argwhere(~values.is_there.T).reshape(-1),
        "values": values.value[stored].reshape(-1),
        "lower": values.lower[with_interval].reshape(-1),
        "upper": values.upper[with_interval].reshape(-1),
    }
    return packed(head, arrays), len(every) - len(columns)


def _values(columns: Sequence[Figure], slices: Sequence[Slice]) -> _Values:
    shape = (len(columns), len(slices))
    filled = _Values(np.full(shape, np.nan), np.full(shape, np.nan), np.full(shape, np.nan), np.zeros(shape, bool))
    places = _places(columns)
    for at, slice_ in enumerate(slices):
        for key, pair in slice_.values.items():
            wanted = places.get(key, ())
            if len(wanted) == 1 and pair.value.HasField("double_value") and not pair.HasField("confidence_interval"):
                filled.is_there[wanted[0], at], filled.value[wanted[0], at] = True, pair.value.double_value.value
                continue  # most values, and there may be a million

            numbers = numbers_of(slice_, key) if wanted else []
            for i in wanted:
                position = columns[i].position or 0
                number = numbers[position] if position < len(numbers) else Number()
                filled.is_there[i, at], filled.value[i, at] = True, number.value
                filled.lower[i, at], filled.upper[i, at] = number.interval or (np.nan, np.nan)
    return filled


def _places(columns: Sequence[Figure]) -> dict[MetricKey, list[int]]:
    """Key -> its columns: several where a value is several numbers."""
    places: dict[MetricKey, list[int]] = {}
    for i, column in enumerate(columns):
        places.setdefault(column.key, []).append(i)
    return places


def _changes(evidence: Evidence, columns: Sequence[Figure], values: Floats) -> dict[int, tuple[int, int]]:
    """Columns that are bit for bit one column minus another, which need not travel: column -> those two."""
    places = {(column.key, column.position): i for i, column in enumerate(columns)}
    found = {}
    for i, column in enumerate(columns):
        own = places.get((column.key._replace(is_diff=False), column.position))
        for baseline in evidence.baselines if column.key.is_diff and own is not None else ():
            other = places.get((column.key._replace(is_diff=False, model_name=baseline), column.position))
            if other is not None and own is not None and _is_difference(values[i], values[own], values[other]):
                found[i] = (own, other)
    return found


def _is_difference(change: Floats, value: Floats, baseline: Floats) -> bool:
    with np.errstate(invalid="ignore"):
        return np.array_equal(change, value - baseline, equal_nan=True)


def _described(figure: Figure) -> dict[str, Any]:
    measure = figure.measure
    return {
        "name": printable_line(figure.name),
        "stem": printable_line(figure.stem),
        "label": printable_line(measure.label),
        "at": figure.at,
        "heading": "" if figure.heading == "value" else printable_line(figure.heading),
        "model": printable_line(figure.key.model_name),
        "change": figure.key.is_diff,
        "better": measure.better or "",
        "judged": measure.is_judged,
        "weighted": measure.is_weighted_count,
    }
