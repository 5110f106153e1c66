"""The results of a run, arranged for a reader: models side by side, and the slices to look at first."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from assay import storage
from assay.errors import AssayError, CorruptFileError, MissingFileError
from assay.gate.thresholds import Rule, rules_of
from assay.metrics.declare import Better
from assay.metrics.keys import MetricKey, PlotKey
from assay.proto import metrics_for_slice_pb2 as pb
from assay.proto.config_pb2 import EvalConfig, EvalRun
from assay.proto.validation_result_pb2 import ValidationResult
from assay.report.named_metrics import (
    OwnFacts,
    definitions_by_name,
    names_of_samples,
    own_facts_in,
    points_by_name,
)
from assay.results.class_names import ClassNames, class_names
from assay.results.files import listed, load_eval_run, load_validation_result, load_verdict, records_of
from assay.results.found_slices import load_found_slices
from assay.results.keys import in_order, metric_key_from_proto, plot_key_to_proto, slices_of, text_of
from assay.results.labels import labels_of
from assay.results.latest import VERDICT_FILE, results_folder
from assay.results.published import RESULTS_FILE
from assay.results.records import is_shown, plots_head
from assay.results.remarks import remarks
from assay.text import json_text
from assay.types import METRICS_KEY, PLOTS_KEY, VALIDATIONS_KEY
from assay.verdict import Verdict

Pair: TypeAlias = pb.MetricsForSlice.MetricKeyAndValue
Plots: TypeAlias = Sequence[pb.PlotsForSlice.PlotKeyAndValue]


@dataclass(frozen=True)
class Measure:
    """A metric, for all models.

    Attributes:
        label: its name, and what tells it apart from others of the same name.
        key: its key without a model, and not that of a difference.
        better: whether higher or lower values are better; None if neither.
        is_judged: whether there is a threshold for it.
        is_number: whether its values are single numbers.
        is_sample: whether its values are values of the data.
        points: what each of several numbers is at, such as its thresholds; empty if a value is one number, or unknown.
        is_weighted_count: whether its values are sums of weights, and no numbers of rows.
    """

    label: str
    key: MetricKey
    better: Better | None = None
    is_judged: bool = False
    is_number: bool = True
    is_sample: bool = False
    points: tuple[float, ...] = ()
    is_weighted_count: bool = False


@dataclass(frozen=True)
class Slice:
    """The values of a slice.

    Attributes:
        name: the slice for people.
        rows: unweighted; of a pair of slices, those of the smaller one; 0 if it is hidden.
        values: values by key, which includes the model.
        failed: keys for which a threshold does not hold.
        is_hidden: whether `min_slice_size` hides its values and the number of its rows.
        error_bounds: by how much values may be off; keys without a bound are precise.
        features: names of the features of its key; none for the overall slice and for pairs of slices.
        is_pair: whether it is a pair of slices, whose values are differences.
    """

    name: str
    rows: int
    values: Mapping[MetricKey, Pair] = field(default_factory=dict)
    failed: frozenset[MetricKey] = frozenset()
    is_hidden: bool = False
    error_bounds: Mapping[MetricKey, float] = field(default_factory=dict)
    features: tuple[str, ...] = ()
    is_pair: bool = False

    def number(self, key: MetricKey) -> float:
        """A value that is a number; NaN if there is none."""
        pair = self.values.get(key)
        return pair.value.double_value.value if pair and pair.value.HasField("double_value") else math.nan


@dataclass(frozen=True)
class Evidence:
    """The results of a run.

    Attributes:
        verdict: None if the results are not those of a complete run.
        run: config, and paths of data and models; empty if they were not written.
        facts: content of `results.json`; empty if it was not written.
        models: names of the models, candidates first; [""] if the only model has no name.
        baselines: those of `models` with which the others are compared.
        measures: the metrics, in the order of the results.
        slices: the overall slice first, then those where thresholds fail, then the worst by `leading`, then pairs.
        leading: the metric that slices are ordered by: the first that has a threshold and a better direction.
        rules: the thresholds of the config.
        keys: keys of all values.
        classes: names to stand beside class ids.
        remarks: sentences about values that are undefined or may be off.
        found: what a search for slices has found, as `found_slices.json` has it; None if there was none.
    """

    verdict: Verdict | None
    run: EvalRun
    facts: Mapping[str, Any]
    models: Sequence[str]
    baselines: frozenset[str]
    measures: Sequence[Measure]
    slices: Sequence[Slice]
    leading: Measure | None
    rules: Sequence[Rule]
    keys: frozenset[MetricKey]
    classes: ClassNames
    remarks: Sequence[str]
    found: Mapping[str, Any] | None = None

    @property
    def overall(self) -> Slice | None:
        """The slice of all rows."""
        return next((slice_ for slice_ in self.slices if slice_.name == "Overall"), None)

    @property
    def candidates(self) -> list[str]:
        """The models that are judged."""
        return [model for model in self.models if model not in self.baselines] or list(self.models)

    def columns(self, measure: Measure) -> dict[str, MetricKey]:
        """Heading -> key: the measure for each model, and the candidates' changes against the baseline."""
        named = [*self.models, ""] if self.models != [""] else [""]
        values = {model or "value": measure.key._replace(model_name=model) for model in named}
        several = len(self.candidates) > 1
        changes = {
            f"{model} change" if several else "change": measure.key._replace(model_name=model, is_diff=True)
            for model in self.candidates
        }
        return {heading: key for heading, key in {**values, **changes}.items() if key in self.keys}


def evidence_of(output: str, facts: Mapping[str, Any] | None = None) -> Evidence:
    """Reads the results of a run; what was not written is left empty.

    Args:
        output: output of an analysis, of which the latest run is read; or the folder of a run; local or on gs://.
        facts: the content of `results.json`, if it is not written yet.

    Raises:
        ResultsError: no such folder, or files of several runs.
        CorruptFileError: a file is damaged.
    """
    output = results_folder(output)
    verdict = load_verdict(output) if VERDICT_FILE in listed(output) else None
    run = load_eval_run(output) or EvalRun()
    rules = _rules(run.eval_config)

    records = in_order(map(pb.MetricsForSlice.FromString, records_of(output, METRICS_KEY)))
    classes = class_names(run.eval_config, records)
    slices = list(_slices(records, _failed(output)))
    keys = list(dict.fromkeys(key for slice_ in slices for key in slice_.values))

    facts = _facts(output) if facts is None else facts
    measures = _measures(keys, slices, rules, run.eval_config, classes, own_facts_in(facts))
    judged_first = sorted(measures, key=lambda measure: not measure.is_judged)
    leading = next((measure for measure in judged_first if measure.better and measure.is_number), None)

    models = _models(keys, run.eval_config)
    baselines = frozenset(spec.name for spec in run.eval_config.model_specs if spec.is_baseline)
    candidate = next((model for model in models if model not in baselines), "")
    return Evidence(
        verdict=verdict,
        run=run,
        facts=facts,
        models=models,
        baselines=baselines,
        measures=measures,
        slices=_first_to_look_at(slices, leading, candidate),
        leading=leading,
        rules=rules,
        keys=frozenset(keys),
        classes=classes,
        remarks=remarks(records, classes),
        found=load_found_slices(output),
    )


def plots_of(output: str, names: Iterable[str]) -> dict[str, Plots]:
    """The plots of some slices, by their names."""
    return {name: plots_from(record) for name, record in plot_records_of(output, names)}


def plots_from(record: bytes) -> Plots:
    """The plots in a serialised PlotsForSlice."""
    return pb.PlotsForSlice.FromString(record).plot_keys_and_values


def plot_records_of(output: str, names: Iterable[str]) -> Iterator[tuple[str, bytes]]:
    """The serialised PlotsForSlice of some slices, with their names; reads no further than it must."""
    missing = set(names)
    for record in records_of(output, PLOTS_KEY) if missing else ():
        name = text_of(plots_head(record))
        if name in missing:
            yield name, record
            missing.discard(name)
            if not missing:
                return


def matrices_of(slice_: Slice) -> Plots:
    """The metrics of a slice that are matrices of several classes, as plots."""
    plots = []
    for key, pair in slice_.values.items():
        if pair.value.HasField("multi_class_confusion_matrix_at_thresholds") and not key.is_diff:
            data = pb.PlotData()
            data.multi_class_confusion_matrix_at_thresholds.CopyFrom(
                pair.value.multi_class_confusion_matrix_at_thresholds
            )
            name = plot_key_to_proto(PlotKey(key.name, key.model_name, key.output_name, None, key.example_weighted))
            plots.append(pb.PlotsForSlice.PlotKeyAndValue(key=name, value=data))
    return plots


def _slices(records: Iterable[pb.MetricsForSlice], failed: Mapping[str, frozenset[MetricKey]]) -> Iterator[Slice]:
    keys: dict[bytes, MetricKey] = {}

    def key_of(message: pb.MetricKey) -> MetricKey:
        text = message.SerializeToString()
        if text not in keys:
            keys[text] = metric_key_from_proto(message)
        return keys[text]

    for record in records:
        values = {key_of(pair.key): pair for pair in record.metric_keys_and_values}
        name, is_hidden = text_of(record), not is_shown(record)
        bounds, slices = {key_of(one.key): one.error_bound for one in record.inexact}, slices_of(record)
        is_pair = len(slices) > 1
        features = () if is_pair else tuple(feature for feature, _ in slices[0])
        yield Slice(name, record.rows, values, failed.get(name, frozenset()), is_hidden, bounds, features, is_pair)


def _failed(output: str) -> dict[str, frozenset[MetricKey]]:
    """Slice -> keys for which a threshold does not hold."""
    if not any(name.startswith(VALIDATIONS_KEY) for name in listed(output)):
        return {}
    result: ValidationResult = load_validation_result(output)
    return {
        text_of(of_slice): frozenset(metric_key_from_proto(f.metric_key) for f in of_slice.failures)
        for of_slice in result.metric_validations_per_slice
    }


def _facts(output: str) -> Mapping[str, Any]:
    try:
        uri = storage.join(output, RESULTS_FILE)
        facts = json_text.loads(storage.read(uri, most=json_text.MOST_CHARACTERS))
    except (ValueError, MissingFileError, CorruptFileError):
        return {}
    return facts if isinstance(facts, dict) else {}


def _rules(config: EvalConfig) -> list[Rule]:
    try:
        return rules_of(config)
    except AssayError:  # of results that TFMA wrote, with metrics that are not known here
        return []


def _measures(
    keys: Sequence[MetricKey],
    slices: Sequence[Slice],
    rules: Sequence[Rule],
    config: EvalConfig,
    classes: ClassNames,
    own: Mapping[str, OwnFacts],
) -> list[Measure]:
    known = definitions_by_name(config)
    better = {name: metric.better for name, metric in known.items()} | {name: one.better for name, one in own.items()}
    sums = {name for name, metric in known.items() if metric.adds_up}
    sums |= {name for name, one in own.items() if one.adds_up}
    samples, points = names_of_samples(config), points_by_name(config)
    plain = dict.fromkeys(map(_plain, keys))
    judged = {_plain(key) for rule in rules for key in keys if rule.is_for(key)}

    numbers: set[MetricKey] = set()
    lengths: dict[MetricKey, int] = {}
    for slice_ in slices:
        for key, pair in slice_.values.items():
            if pair.value.HasField("double_value"):
                numbers.add(_plain(key))
            elif pair.value.HasField("array_value"):
                lengths[_plain(key)] = len(pair.value.array_value.float64_values)

    def points_of(key: MetricKey) -> tuple[float, ...]:
        known = points.get(key.name, ())
        return known if len(known) == lengths.get(key) else ()

    return [
        Measure(
            label,
            key,
            better.get(key.name),
            key in judged,
            key in numbers,
            key.name in samples,
            points_of(key),
            bool(key.example_weighted) and key.name in sums,
        )
        for label, key in labels_of(list(plain), classes).items()
    ]


def _plain(key: MetricKey) -> MetricKey:
    """The key of a metric for all models."""
    return key._replace(model_name="", is_diff=False)


def _models(keys: Sequence[MetricKey], config: EvalConfig) -> list[str]:
    """Candidates before baselines, in the order of the config. Values of a column of the data belong to no model."""
    present = dict.fromkeys(key.model_name for key in keys)
    specs = sorted(config.model_specs, key=lambda spec: spec.is_baseline)
    ordered = [spec.name for spec in specs if spec.name in present]
    return [*ordered, *(name for name in present if name not in ordered and name)] or [""]


def _first_to_look_at(slices: Sequence[Slice], leading: Measure | None, model: str) -> list[Slice]:
    """Overall, then by failures, then by the leading metric; those with an undefined value come last, then pairs."""
    sign = -1 if leading and leading.better == "lower" else 1
    key = leading.key._replace(model_name=model) if leading else None

    def rank(slice_: Slice) -> tuple[bool, int, bool, bool, float, int]:
        value = slice_.number(key) if key else math.nan
        is_undefined = math.isnan(value)
        goodness = 0 if is_undefined else sign * value
        return slice_.name != "Overall", -len(slice_.failed), slice_.is_pair, is_undefined, goodness, -slice_.rows

    return sorted(slices, key=rank)
