"""The plots of slices for the page's script, of as many slices as there is room for."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import accumulate
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from assay.metrics.keys import PlotKey
from assay.report.evidence import Evidence, Slice, matrices_of
from assay.report.packed import packed
from assay.report.plots import panel_name
from assay.report.thinned_plots import Plot, plot_of, plots_in
from assay.results.files import records_of
from assay.results.keys import plot_key_from_proto, text_of
from assay.results.records import plots_head
from assay.text.printable import printable_line
from assay.types import PLOTS_KEY

_NONE: npt.NDArray[Any] = np.zeros(0)


class PlotsData(NamedTuple):
    """What the page's script is given, and how many slices with plots are not in it."""

    text: str
    left_out: int


class _Record(NamedTuple):
    slice: int
    plot: Plot


def plots_data(output: str, evidence: Evidence, slices: Sequence[Slice], most: int, room: int) -> PlotsData | None:
    """Packs the plots of slices, the first ones first.

    Args:
        output: folder of the run.
        evidence: of the same run.
        slices: those on the page, in the order in which the script knows them.
        most: slices whose plots are wanted.
        room: bytes that the text may have.

    Returns:
        None if there are no plots that a script could draw.
    """
    wanted = slices[:most]
    records = sorted(_records(output, wanted), key=lambda record: record.slice)
    if not records:
        return None

    # A text is too long for a thousand slices at most; it takes few tries to find out how many there is room for.
    whole = sorted({record.slice for record in records})
    kept = len(whole)
    text = _packed(evidence, records)
    while len(text) > room and kept > 1:
        kept = min(kept - 1, max(1, int(kept * room / len(text) * 0.95)))
        text = _packed(evidence, [record for record in records if record.slice <= whole[kept - 1]])
    return PlotsData(text, len(whole) - kept + len(slices) - len(wanted)) if len(text) <= room else None


def _records(output: str, slices: Sequence[Slice]) -> Iterator[_Record]:
    """The plots of slices; reads no further than it must."""
    missing = {slice_.name: at for at, slice_ in enumerate(slices)}
    for record in records_of(output, PLOTS_KEY):
        if not missing:
            break
        at = missing.pop(text_of(plots_head(record)), None)
        if at is not None:
            yield from (_Record(at, plot) for plot in plots_in(record))
    for at, slice_ in enumerate(slices):
        for pair in matrices_of(slice_):
            found = plot_of(plot_key_from_proto(pair.key), pair.value.SerializeToString())
            yield from (_Record(at, plot) for plot in found)


def _packed(evidence: Evidence, records: Sequence[_Record]) -> str:
    plots = [record.plot for record in records]
    panels = list(dict.fromkeys(plot.key._replace(model_name="") for plot in plots))
    models = list(dict.fromkeys([*evidence.models, *(plot.key.model_name for plot in plots)]))
    levels = list(dict.fromkeys(plot.points.thresholds for plot in plots if plot.points))
    level_of = {thresholds: i for i, thresholds in enumerate(levels)}

    head = {
        "models": [printable_line(model) for model in models],
        "panels": [_panel(evidence, key, plots) for key in panels],
        "levels": [[round(threshold, 6) for threshold in thresholds] for thresholds in levels],
    }
    arrays = {
        "slice": np.array([record.slice for record in records]),
        "panel": np.array([panels.index(plot.key._replace(model_name="")) for plot in plots]),
        "model": np.array([models.index(plot.key.model_name) for plot in plots]),
        "level": np.array([level_of[plot.points.thresholds] if plot.points else -1 for plot in plots]),
        "positives": np.array([plot.points.positives if plot.points else 0.0 for plot in plots]),
        "negatives": np.array([plot.points.negatives if plot.points else 0.0 for plot in plots]),
        "low": np.array([plot.bins.low if plot.bins else 0.0 for plot in plots]),
        "high": np.array([plot.bins.high if plot.bins else 1.0 for plot in plots]),
        **_ragged("point", plots, lambda plot: plot.points, {"at": "at", "tp": "tp", "fp": "fp"}),
        **_ragged("bin", plots, lambda plot: plot.bins, {name: name for name in ("weight", "labels", "predictions")}),
        **_ragged(
            "cell", plots, lambda plot: plot.cells, {"actual": "actual", "predicted": "predicted", "cells": "weight"}
        ),
    }
    return packed(head, arrays)


def _ragged(
    name: str, plots: Sequence[Plot], part: Callable[[Plot], Any], fields: Mapping[str, str]
) -> dict[str, npt.NDArray[Any]]:
    """The arrays of all plots behind each other, and where each begins, with the end of the last: `<name>_starts`."""
    parts = [part(plot) for plot in plots]
    whole = {key: [_NONE if one is None else getattr(one, field) for one in parts] for key, field in fields.items()}
    sizes = [len(array) for array in next(iter(whole.values()))]
    starts = {f"{name}_starts": np.array([0, *accumulate(sizes)])}
    return {**starts, **{key: _joined(arrays) for key, arrays in whole.items()}}


def _joined(arrays: Iterable[npt.NDArray[Any]]) -> npt.NDArray[Any]:
    filled = [array for array in arrays if array.size]
    return np.concatenate(filled) if filled else _NONE


def _panel(evidence: Evidence, key: PlotKey, plots: Sequence[Plot]) -> dict[str, Any]:
    """What the script has to know of the plots of all models under a key."""
    ours = [plot for plot in plots if plot.key._replace(model_name="") == key]
    names = {plot.key.model_name: evidence.classes.of(plot.key.model_name, key.output_name) for plot in ours}
    return {
        "name": printable_line(panel_name(key, evidence.classes)),
        "weighted": bool(key.example_weighted),
        "classes": any(plot.cells for plot in ours),
        "scores": bool(key.name) and not any(plot.cells for plot in ours),
        "names": {
            printable_line(model): [printable_line(name) for name in of_model] for model, of_model in names.items()
        },
    }
