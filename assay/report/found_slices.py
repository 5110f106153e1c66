"""The slices that a search found, as sentences and a table, and what to add to an eval config to keep them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from assay.report.grids.grid import Column, Grid, Value
from assay.results.labels import number_text
from assay.text.counted import counted
from assay.text.printable import shortened

_MOST_NAMED = 10
_LOSSES = {"log_loss": "log loss", "squared_error": "squared error", "zero_one": "share of wrong predictions"}
_COLUMNS = {
    "slice": Column("slice"),
    "confirmed": Column("confirmed", colours={"yes": "red"}),
    "rows": Column("rows", "number"),
    "loss": Column("loss", "number"),
    "ratio": Column("ratio", "number"),
    "p_value": Column("p", "number"),
    "score": Column("score", "number"),
}


def found_grid(found: Mapping[str, Any]) -> Grid:
    """A row for each slice, the highest score first; differences between models have no ratio."""
    keys = [key for key in _COLUMNS if key != "ratio" or found.get("baseline") is None]
    rows: list[list[Value]] = [[one[key] for key in keys] for one in found["slices"]]
    return Grid([_COLUMNS[key] for key in keys], rows)


def found_sentences(found: Mapping[str, Any]) -> list[str]:
    """What was searched, and how many slices were found."""
    what = _LOSSES.get(found["loss"], found["loss"])
    baseline = found.get("baseline")
    searched = what if baseline is None else f"{what} above that of {baseline or 'the baseline'}"
    model = f" of {found['model']}" if found.get("model") else ""
    mean = "" if found.get("mean_loss") is None else f", {number_text(found['mean_loss'])} on average"
    confirmed = sum(one["confirmed"] for one in found["slices"])
    pairs = ["", " and their pairs", ", their pairs and triples"][found["level"] - 1]
    overall = f"; it is {number_text(found['slices'][0]['overall_loss'])} overall there" if found["slices"] else ""
    lines = [
        f"Searched for the {searched}{model}{mean}: {counted(len(found['features']), 'feature')}{pairs}, "
        f"{counted(found['rows'], 'row')}.",
        f"{counted(len(found['slices']), 'slice')} found on one half of the rows, {confirmed:,} confirmed on the other "
        f"half, where loss and p are measured{overall}.",
    ]
    if found.get("withheld"):
        withheld = counted(found["withheld"], "slice")
        lines.append(f"{withheld} that would tell values of small ones not shown (min_slice_size).")
    if found.get("triples"):
        lines.append(_triples_sentence(found["triples"]))
    if found["unused_weights"]:
        lines.append(f"Each row counts once: {', '.join(map(shortened, found['unused_weights']))} is not used.")
    if found["rows_without_loss"]:
        lines.append(f"{counted(found['rows_without_loss'], 'row')} without a loss left out.")
    return [*lines, *_metrics_sentences(found.get("metrics"))]


def _metrics_sentences(metrics: Mapping[str, Any] | None) -> list[str]:
    """Where the metrics of confirmed slices are, and which have none."""
    if metrics is None:
        return []
    there = f"Metrics of {counted(len(metrics['slices']), 'confirmed slice')} stand among those of the other slices."
    without = [f"No metrics of {shortened(name)}: {why}." for name, why in metrics["left_out"].items()]
    return [*([there] if metrics["slices"] else []), *without]


def _triples_sentence(triples: Mapping[str, int]) -> str:
    """What a second scan was for."""
    left_out = f", {triples['left_out']:,} left out as there are too many values" if triples["left_out"] else ""
    searched = f"{counted(triples['searched'], 'triple')} of features counted by a second scan"
    return f"{searched}, {triples['ruled_out']:,} ruled out by their pairs{left_out}."


def left_out_sentences(found: Mapping[str, Any]) -> list[str]:
    """Why features were not searched, or not in pairs."""
    reasons = [f"{shortened(name)}: {why}" for name, why in found["left_out"].items()]
    more = len(reasons) - _MOST_NAMED
    return [*reasons[:_MOST_NAMED], *([f"... and {counted(more, 'feature')} more"] if more > 0 else [])]


def specs_texts(found: Mapping[str, Any]) -> list[str]:
    """The fields of an eval config that make the confirmed slices ordinary ones, as lines of YAML."""
    to_add = found["eval_config"]
    specs = [f"- {json.dumps(one, ensure_ascii=False)}" for one in to_add.get("slicing_specs", ())]
    bins = [f"bins: {json.dumps(to_add['bins'], ensure_ascii=False)}"] if "bins" in to_add else []
    return [*(["slicing_specs:"] if specs else []), *specs, *bins]
