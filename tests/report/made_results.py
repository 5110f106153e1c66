"""Folders of results made for tests: as many slices as asked for, of two models, with plots and a verdict."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
from google.protobuf import json_format, text_format

from assay.gate import validate as gate
from assay.metrics.keys import MetricKey, PlotKey
from assay.metrics.values import Buckets, Interval, Matrices, Value
from assay.proto.config_pb2 import EvalConfig, EvalRun
from assay.proto.metrics_for_slice_pb2 import MetricsForSlice
from assay.results.records import metric_records, plot_records
from assay.storage.framing import framed
from assay.types import SliceKey

CONFIG = """
model_specs { name: "new" label_key: "y" }
model_specs { name: "old" label_key: "y" is_baseline: true }
slicing_specs {} slicing_specs { feature_keys: "city" }
metrics_specs {
  model_names: "new" model_names: "old"
  metrics {
    class_name: "AUC"
    per_slice_thresholds {
      slicing_specs {} slicing_specs { feature_keys: "city" }
      threshold { value_threshold { lower_bound { value: 0.6 } } }
    }
  }
  metrics { class_name: "MeanSquaredError" }
}
"""


def save(
    folder: Path,
    slices: Sequence[SliceKey],
    auc: np.ndarray,
    *,
    rows: np.ndarray | None = None,
    plotted: int = 0,
    more: Mapping[MetricKey, Value] | None = None,
    more_plots: Mapping[PlotKey, list[Value]] | None = None,
    intervals: Mapping[MetricKey, Interval] | None = None,
    places: tuple[str, str] = ("data/*", "models/new"),
    config: str = CONFIG,
) -> str:
    """Writes results whose candidate `new` has these AUCs, and whose baseline `old` has 0.7 everywhere.

    Args:
        folder: where to.
        slices: their keys.
        auc: of the candidate, one a slice.
        rows: of the slices; 1,000, 1,001, ... if not given.
        plotted: so many of the slices have plots.
        more: further values.
        more_plots: further plots, of the slices that have plots.
        intervals: confidence intervals of values.
        places: of data and of the candidate.
        config: the eval config, as text.
    """
    folder.mkdir(parents=True, exist_ok=True)
    rows = np.arange(len(slices)) + 1000 if rows is None else rows
    records = list(metric_records(slices, rows, {**_values(auc), **(more or {})}, intervals))
    _write(folder, "metrics", records)
    _write(folder, "plots", plot_records(slices[:plotted], {**_plots(plotted), **(more_plots or {})}))
    parsed = EvalConfig()
    text_format.Parse(config, parsed)
    messages = [MetricsForSlice.FromString(record) for record in records]
    result = gate.validate(messages, parsed)
    (folder / "validations.tfrecord").write_bytes(framed(result.SerializeToString()))
    counts = gate.Counts(int(rows[0]), {"unreadable": 3})
    checks, limits = gate.checks_of(messages, parsed), gate.Limits(max_bad_rows=1)
    verdict = gate.verdict(result, messages, counts=counts, limits=limits, checks=checks)
    (folder / "verdict.json").write_text(verdict.to_json())
    run = EvalRun(eval_config=parsed, data_location=places[0], file_format="csv")
    run.model_locations["new"] = places[1]
    (folder / "eval_config.json").write_text(json_format.MessageToJson(run))
    facts = {"assay_version": "1.2.3", "params": {"date": "2024-05-01"}, "plan": "ab12"}
    (folder / "results.json").write_text(json.dumps(facts))
    return str(folder)


def _values(auc: np.ndarray) -> dict[MetricKey, Value]:
    new, old = MetricKey("auc", "new"), MetricKey("auc", "old")
    error = MetricKey("mean_squared_error", "new")
    return {
        new: auc,
        error: np.full(len(auc), 0.25),
        old: np.full(len(auc), 0.7),
        error._replace(model_name="old"): np.full(len(auc), 0.125),
        new._replace(is_diff=True): auc - 0.7,
        error._replace(is_diff=True): np.full(len(auc), 0.125),
    }


def _plots(count: int) -> dict[PlotKey, list[Value]]:
    """Scores spread evenly; the label is positive with the score's own probability."""
    thresholds = np.linspace(0, 1, 101)
    high = 1 - thresholds**2
    tp, fp = np.tile(100 * high, (count, 1)), np.tile(100 * (1 - thresholds) ** 2, (count, 1))
    matrices = Matrices(thresholds, tp, fp, 100 - fp, 100 - tp)
    edges = np.linspace(0, 1, 11)
    weight = np.full((count, 10), 20.0)
    middle = (edges[:-1] + edges[1:]) / 2 * weight
    buckets = Buckets(edges[:-1], edges[1:], weight, middle, middle)
    return {PlotKey(model_name=model): [matrices, buckets] for model in ("new", "old")}


def _write(folder: Path, key: str, records: Iterable[bytes]) -> None:
    (folder / f"{key}-00000-of-00001.tfrecord").write_bytes(b"".join(map(framed, records)))
