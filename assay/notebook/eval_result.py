"""The results of a run, or of TFMA, for use in Python: as nested dicts, as frames, as a page and as diagrams."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias, overload

from google.protobuf.json_format import MessageToDict

from assay.errors import ResultsError
from assay.metrics.keys import MetricKey, SubKey
from assay.notebook import diagrams
from assay.notebook.frames import metrics_frame, tidy
from assay.notebook.tfma_names import names_of, plain_weighting, weighting_suffix
from assay.proto import metrics_for_slice_pb2 as pb
from assay.proto.config_pb2 import EvalConfig, EvalRun
from assay.report.page.results import html_page
from assay.results.class_names import class_names, sub_key_parts
from assay.results.files import listed, load_eval_run, load_verdict, records_of
from assay.results.keys import in_order, metric_key_from_proto, plot_key_from_proto
from assay.results.latest import VERDICT_FILE, results_folder
from assay.results.long_tables import CrossSliceKey, key_of
from assay.results.remarks import remarks
from assay.storage.file_paths import FilePath
from assay.text.counted import counted
from assay.text.near_miss import one_of
from assay.types import ATTRIBUTIONS_KEY, METRICS_KEY, PLOTS_KEY, SliceKey
from assay.verdict import Verdict

if TYPE_CHECKING:
    import pandas as pd

Metrics: TypeAlias = dict[str, dict[str, dict[str, Any]]]
"""Output name -> sub key (`''`, `classId:1`, `k:1`, `topK:1`) -> name -> value as protobuf's JSON."""

_PAGE_HEIGHT = 640

Slice: TypeAlias = "SliceKey | CrossSliceKey"

_SUB_KEYS = {"class_id": "classId", "k": "k", "top_k": "topK"}


@dataclass(frozen=True, repr=False)
class EvalResult:
    """The results of one model. A notebook shows the page of the run where a cell ends with them.

    Attributes:
        slicing_metrics: (slice key, output name -> sub key -> metric name -> value) of each slice. A value is the
            MetricValue as protobuf's JSON, such as `{'doubleValue': 0.7}`; NaN is the text 'NaN'. `names_of` tells how
            metrics are named. A cross slice has the key (baseline slice key, comparison slice key).
        plots: (slice key, output name -> sub key -> PlotData as protobuf's JSON) of each slice.
        attributions: as the metrics, with feature -> value in place of the value.
        config: as the run used it; None if it was not written.
        data_location: where the data lay.
        file_format: its format.
        model_locations: model name -> where it lay.
        model_name: the model of these results; "" if there is one without a name.
        verdict: whether the model may be released, and why not; None if there is no `verdict.json`.
        remarks: sentences about values, of any model, that are undefined or may be off, and why.
        output: folder of the run; a temporary one is there as long as the results are.
    """

    slicing_metrics: Sequence[tuple[Slice, Metrics]]
    plots: Sequence[tuple[Slice, Metrics]]
    attributions: Sequence[tuple[Slice, Metrics]]
    config: EvalConfig | None = None
    data_location: str = ""
    file_format: str = ""
    model_locations: Mapping[str, str] | None = None
    model_name: str = ""
    verdict: Verdict | None = None
    remarks: Sequence[str] = ()
    output: str = ""

    def __repr__(self) -> str:
        status = self.verdict.status if self.verdict else "no verdict"
        rows = f", {counted(self.verdict.rows, 'row')}" if self.verdict else ""
        model = f" of {self.model_name}" if self.model_name else ""
        slices = counted(len(self.slicing_metrics), "slice")
        metrics = counted(len(self.get_metric_names()), "metric")
        return f"EvalResult{model}: {status}{rows}, {slices}, {metrics}, in {self.output or 'no folder'}"

    def _repr_html_(self) -> str:
        return diagrams.in_frame(html_page(self._folder()), _PAGE_HEIGHT)

    def to_frame(self) -> pd.DataFrame:
        """One row for each slice and number of a metric, of all models, without the columns in which there is nothing.

        `metrics_frame` has all columns, whatever the run.

        Raises:
            ResultsError: the results were not written, or are gone.
        """
        return tidy(metrics_frame(self._folder()))

    def plot(self, what: str = "roc", slices: str | None = None) -> diagrams.Diagrams:
        """Diagrams, which a notebook shows and `.save(path)` writes.

        Args:
            what: `roc`, `precision_recall`, `calibration` or `confusion_matrix`, which need the plots of the eval
                config; or the name of a metric, which is shown by slice, with its intervals.
            slices: shows the slices whose name has this text, such as "sex" or "sex=Female"; None shows the overall
                slice or, of a metric, the slices to look at first.

        Raises:
            ResultsError: no such metric, slice or plot; or the results were not written, or are gone.
        """
        return diagrams.diagrams_of(self._folder(), what, slices)

    def _folder(self) -> str:
        if not self.output:
            raise ResultsError("these results were not written to a folder, which pages, frames and diagrams need")
        return self.output

    @property
    def model_location(self) -> str:
        """Where the model lay; "" if unknown."""
        return (self.model_locations or {}).get(self.model_name, "")

    def get_metric_names(self) -> list[str]:
        """Names of the metrics of all slices, sorted."""
        names: set[str] = set()
        for _, outputs in self.slicing_metrics:
            for sub_keys in outputs.values():
                names.update(*sub_keys.values())
        return sorted(names)

    def get_slice_names(self) -> list[Slice]:
        """Keys of all slices."""
        return [key for key, _ in self.slicing_metrics]

    def get_metrics_for_slice(
        self,
        slice_name: Slice = (),
        output_name: str = "",
        class_id: int | None = None,
        k: int | None = None,
        top_k: int | None = None,
    ) -> dict[str, Any] | None:
        """Metric name -> value in a slice; None if there is no such slice.

        Args:
            slice_name: ((feature, value), ...) sorted by feature; () is the overall slice.
            output_name: of a model with several outputs.
            class_id: of a multi-class metric.
            k: of a multi-class metric.
            top_k: of a multi-class or ranking metric.

        Raises:
            ResultsError: the slice has no such output or sub key.
        """
        metrics = dict(self.slicing_metrics).get(slice_name)
        return None if metrics is None else _under(metrics, output_name, SubKey(class_id, k, top_k))

    def get_metrics_for_all_slices(
        self, output_name: str = "", class_id: int | None = None, k: int | None = None, top_k: int | None = None
    ) -> dict[Slice, dict[str, Any]]:
        """Slice key -> metric name -> value; arguments and errors as for `get_metrics_for_slice`."""
        sub_key = SubKey(class_id, k, top_k)
        return {key: _under(metrics, output_name, sub_key) for key, metrics in self.slicing_metrics}

    def get_attributions_for_slice(
        self,
        slice_name: Slice = (),
        metric_name: str = "",
        output_name: str = "",
        class_id: int | None = None,
        k: int | None = None,
        top_k: int | None = None,
    ) -> dict[str, Any] | None:
        """Feature -> value in a slice; None if there is no such slice.

        Args:
            slice_name: as for `get_metrics_for_slice`, like the rest.
            metric_name: which attributions; may be left out where there is one.
            output_name: of a model with several outputs.
            class_id: of a multi-class metric.
            k: of a multi-class metric.
            top_k: of a multi-class or ranking metric.

        Raises:
            ResultsError: the slice has no such output, sub key or metric.
        """
        of_slice = dict(self.attributions).get(slice_name)
        return (
            None if of_slice is None else _only(_under(of_slice, output_name, SubKey(class_id, k, top_k)), metric_name)
        )

    def get_attributions_for_all_slices(
        self,
        metric_name: str = "",
        output_name: str = "",
        class_id: int | None = None,
        k: int | None = None,
        top_k: int | None = None,
    ) -> dict[Slice, dict[str, Any]]:
        """Slice key -> feature -> value; arguments and errors as for `get_attributions_for_slice`."""
        sub_key = SubKey(class_id, k, top_k)
        return {key: _only(_under(of_slice, output_name, sub_key), metric_name) for key, of_slice in self.attributions}


def load_eval_result(output_path: FilePath, model_name: str | None = None) -> EvalResult:
    """Opens the results of a run; the values are read now, plots are turned into dicts when they are asked for.

    Args:
        output_path: output of an analysis, of which the latest run is opened; or the folder of a run, or of TFMA, in
            which every file may be missing.
        model_name: whose results; None takes the only model that is not a baseline.

    Raises:
        ResultsError: no such folder, no results in it, or no such model.
        CorruptFileError: a file is damaged.
    """
    output_path = results_folder(output_path)
    run = load_eval_run(output_path)
    metrics = in_order(map(pb.MetricsForSlice.FromString, records_of(output_path, METRICS_KEY)))
    plots = list(records_of(output_path, PLOTS_KEY))
    attributions = list(map(pb.AttributionsForSlice.FromString, records_of(output_path, ATTRIBUTIONS_KEY)))
    if not (run or metrics or plots or attributions):
        raise ResultsError(
            f"{output_path}: no results; expected eval_config.json, metrics, plots or attributions in it"
        )

    run = run or EvalRun()
    models = {pair.key.model_name for record in metrics for pair in record.metric_keys_and_values}
    model = _model(model_name, models or set(run.model_locations), run.eval_config)
    return EvalResult(
        slicing_metrics=_slicing_metrics(metrics, model),
        plots=_Plots(plots, model),
        attributions=[(key_of(record), _attributions(record, model)) for record in in_order(attributions)],
        config=run.eval_config if run.HasField("eval_config") else None,
        data_location=run.data_location,
        file_format=run.file_format,
        model_locations=dict(run.model_locations),
        model_name=model,
        verdict=load_verdict(output_path) if VERDICT_FILE in listed(output_path) else None,
        remarks=remarks(metrics, class_names(run.eval_config, metrics)),
        output=output_path,
    )


def _model(wanted: str | None, models: set[str], config: EvalConfig) -> str:
    """The model whose results are shown."""
    named = sorted(models - {""})
    if wanted is not None:
        if named and wanted not in models:
            raise ResultsError(f"no model {wanted!r} in the results{one_of(wanted, named)}")
        return wanted
    baselines = {spec.name for spec in config.model_specs if spec.is_baseline}
    candidates = [name for name in named if name not in baselines] or named
    if len(candidates) > 1:
        raise ResultsError(f"results of several models: {', '.join(candidates)}; give model_name")
    return candidates[0] if candidates else ""


def _slicing_metrics(records: Sequence[pb.MetricsForSlice], model: str) -> list[tuple[Slice, Metrics]]:
    names_by_key = _names_by_key(records, model)
    return [(key_of(record), _metrics(record, names_by_key)) for record in records]


def _names_by_key(records: Iterable[pb.MetricsForSlice], model: str) -> dict[bytes, tuple[str, str, str]]:
    """Serialised key of each metric of a model -> its output name, sub key and name."""
    encoded = {pair.key.SerializeToString() for record in records for pair in record.metric_keys_and_values}
    keys = {text: metric_key_from_proto(pb.MetricKey.FromString(text)) for text in encoded}
    keys = {text: key for text, key in keys.items() if key.model_name in ("", model)}
    names = names_of(keys.values())
    return {text: (key.output_name, _sub_key(key.sub_key), names[key]) for text, key in keys.items()}


def _metrics(record: pb.MetricsForSlice, names_by_key: Mapping[bytes, tuple[str, str, str]]) -> Metrics:
    metrics: Metrics = {}
    if record.metrics:  # how errors are written, and all metrics of old versions of TFMA
        metrics[""] = {"": {name: MessageToDict(value) for name, value in record.metrics.items()}}
    for pair in record.metric_keys_and_values:
        names = names_by_key.get(pair.key.SerializeToString())
        if names:
            output, sub_key, name = names
            metrics.setdefault(output, {}).setdefault(sub_key, {})[name] = _value(pair)
    return metrics


def _value(pair: pb.MetricsForSlice.MetricKeyAndValue) -> dict[str, Any]:
    """A metric's value as protobuf's JSON; a number with a confidence interval as a bounded value."""
    if not pair.value.HasField("double_value"):
        return MessageToDict(pair.value)
    number = _json_number(pair.value.double_value.value)
    interval = pair.confidence_interval
    if not (interval.HasField("lower_bound") and interval.HasField("upper_bound")):
        return {"doubleValue": number}
    bounds = interval.lower_bound.double_value.value, interval.upper_bound.double_value.value
    return {
        "boundedValue": {"lowerBound": _json_number(bounds[0]), "upperBound": _json_number(bounds[1]), "value": number}
    }


def _json_number(value: float) -> float | str:
    if math.isfinite(value):
        return value
    return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"


def _sub_key(key: SubKey | None) -> str:
    return ", ".join(f"{_SUB_KEYS[name]}:{number}" for name, number in sub_key_parts(key).items())


class _Plots(Sequence[tuple["Slice", Metrics]]):
    """Serialised plots that become dicts one by one: as dicts they are some fifty times larger."""

    def __init__(self, records: Sequence[bytes], model: str) -> None:
        self._records, self._model = records, model

    def __len__(self) -> int:
        return len(self._records)

    @overload
    def __getitem__(self, index: int) -> tuple[Slice, Metrics]: ...
    @overload
    def __getitem__(self, index: slice) -> _Plots: ...
    def __getitem__(self, index: int | slice) -> tuple[Slice, Metrics] | _Plots:
        if isinstance(index, slice):
            return _Plots(self._records[index], self._model)
        record = pb.PlotsForSlice.FromString(self._records[index])
        return key_of(record), _plots(record, self._model)


def _plots(record: pb.PlotsForSlice, model: str) -> Metrics:
    """PlotData by output name and sub key; data of one kind from several plots is told apart as in `names_of`."""
    pairs = [(plot_key_from_proto(pair.key), pair.value) for pair in record.plot_keys_and_values]
    pairs = [(key, value) for key, value in pairs if key.model_name in ("", model)]
    plain = plain_weighting([key for key, _ in pairs]) if pairs else None
    plots: Metrics = {}
    for key, value in sorted(pairs, key=lambda pair: (pair[0].name, pair[0].example_weighted is not plain)):
        data = plots.setdefault(key.output_name, {}).setdefault(_sub_key(key.sub_key), {})
        suffix = (f"_{key.name}" if key.name else "") + weighting_suffix(key, plain)
        for field, content in MessageToDict(value).items():
            data[field if field not in data else field + suffix] = content
    return plots


def _attributions(record: pb.AttributionsForSlice, model: str) -> Metrics:
    pairs = [(_attributions_key(pair.key), pair.values) for pair in record.attributions_keys_and_values]
    names = names_of(key for key, _ in pairs)
    attributions: Metrics = {}
    for key, values in pairs:
        if key.model_name in ("", model):
            by_feature = {feature: MessageToDict(value) for feature, value in values.items()}
            attributions.setdefault(key.output_name, {}).setdefault(_sub_key(key.sub_key), {})[names[key]] = by_feature
    return attributions


def _attributions_key(message: pb.AttributionsKey) -> MetricKey:
    same = pb.MetricKey(
        name=message.name, model_name=message.model_name, output_name=message.output_name, is_diff=message.is_diff
    )
    if message.HasField("sub_key"):
        same.sub_key.CopyFrom(message.sub_key)
    if message.HasField("example_weighted"):
        same.example_weighted.CopyFrom(message.example_weighted)
    return metric_key_from_proto(same)


def _under(metrics: Metrics, output_name: str, sub_key: SubKey) -> dict[str, Any]:
    name = _sub_key(sub_key)
    if output_name not in metrics:
        raise ResultsError(f"no output {output_name!r} in the results; there are {sorted(metrics)}")
    if name not in metrics[output_name]:
        raise ResultsError(f"no sub key {name!r} in the results; there are {sorted(metrics[output_name])}")
    return metrics[output_name][name]


def _only(attributions: dict[str, Any], metric_name: str) -> dict[str, Any]:
    chosen = [metric_name] if metric_name else list(attributions)
    if len(chosen) != 1 or chosen[0] not in attributions:
        raise ResultsError(
            f"attributions: expected metric_name to be one of {sorted(attributions)}, found {metric_name!r}"
        )
    return dict(attributions[chosen[0]])
