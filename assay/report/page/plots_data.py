"""The plots of slices for the page's script, of as many slices as there is room for."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import accumulate
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from assay.metrics.keys import PlotKey
from assay.report.evidence import Evidence, Plots, Slice, matrices_of, plot_records_of, plots_from
from assay.report.html.packed import packed
from assay.report.page.plots import panel_name
from assay.report.page.thinned_plots import Plot, plot_of, plots_in
from assay.results.keys import plot_key_from_proto
from assay.text.printable import printable_line

_NONE: npt.NDArray[Any] = np.zeros(0)


class PlotsData(NamedTuple):
    """What the page's script is given, and how many slices with plots are not in it."""

    text: str
    left_out: int


class SlicePlot(NamedTuple):
    """A plot, and the position of its slice among those of the page."""

    slice: int
    plot: Plot


class PlotsRead(NamedTuple):
    """Plots of the first slices of a page.

    Attributes:
        thinned: those that its script draws, by slice.
        whole: by name, all points of those that it shows without scripts.
    """

    thinned: Sequence[SlicePlot]
    whole: Mapping[str, Plots]


def read_plots(output: str, slices: Sequence[Slice], thinned: int, whole: int) -> PlotsRead:
    """Reads the plots of slices, once. Matrices of several classes are plots to look at, also where they are metrics.

    Args:
        output: folder of the run.
        slices: those on the page, in the order in which the script knows them.
        thinned: slices whose plots its script draws.
        whole: slices whose plots it shows without scripts.
    """
    places = {slice_.name: at for at, slice_ in enumerate(slices[: max(thinned, whole)])}
    drawn: list[SlicePlot] = []
    shown: dict[str, Plots] = {}
    for name, record in plot_records_of(output, places):
        if places[name] < thinned:
            drawn += [SlicePlot(places[name], plot) for plot in plots_in(record)]
        if places[name] < whole:
            shown[name] = plots_from(record)

    for at, slice_ in enumerate(slices[:thinned]):
        for pair in matrices_of(slice_):
            found = plot_of(plot_key_from_proto(pair.key), pair.value.SerializeToString())
            drawn += [SlicePlot(at, plot) for plot in found]
    with_matrices = {one.name: [*shown.get(one.name, []), *matrices_of(one)] for one in slices[:whole]}
    return PlotsRead(
        sorted(drawn, key=lambda one: one.slice), {name: plots for name, plots in with_matrices.items() if plots}
    )


def plots_data(evidence: Evidence, plots: Sequence[SlicePlot], left_out: int, room: int) -> PlotsData | None:
    """Packs the plots of slices, the first ones first.

    Args:
        evidence: of the run.
        plots: by slice.
        left_out: slices of the page that are not among them.
        room: bytes that the text may have.

    Returns:
        None if there are no plots that a script could draw.
    """
    if not plots:
        return None

    # A text is too long for a thousand slices at most; it takes few tries to find out how many there is room for.
    whole = sorted({one.slice for one in plots})
    kept = len(whole)
    text = _packed(evidence, plots)
    while len(text) > room and kept > 1:
        kept = min(kept - 1, max(1, int(kept * room / len(text) * 0.95)))
        text = _packed(evidence, [one for one in plots if one.slice <= whole[kept - 1]])
    return PlotsData(text, len(whole) - kept + left_out) if len(text) <= room else None


def _packed(evidence: Evidence, records: Sequence[SlicePlot]) -> str:
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
