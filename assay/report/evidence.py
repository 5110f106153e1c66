"""What the files of a run say, arranged for a reader: models side by side, and the slices to look at first."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from assay import storage
from assay.errors import AssayError, CorruptFileError, MissingFileError
from assay.gate.thresholds import Rule, rules_of
from assay.metrics.declare import Better
from assay.metrics.keys import MetricKey
from assay.proto import metrics_for_slice_pb2 as pb
from assay.proto.config_pb2 import EvalConfig, EvalRun
from assay.proto.validation_result_pb2 import ValidationResult
from assay.report.named_metrics import definitions_by_name, names_of_samples
from assay.results.eval_result import in_order
from assay.results.files import listed, load_eval_run, load_validation_result, load_verdict, records_of
from assay.results.keys import metric_key_from_proto, text_of
from assay.results.labels import labels_of
from assay.results.latest import VERDICT_FILE, results_folder
from assay.results.published import RESULTS_FILE
from assay.results.records import ERROR_METRIC_NAME, plots_head
from assay.results.remarks import remarks
from assay.text import json_text
from assay.types import METRICS_KEY, PLOTS_KEY, VALIDATIONS_KEY
from assay.verdict import Verdict

Pair: TypeAlias = pb.MetricsForSlice.MetricKeyAndValue
Plots: TypeAlias = Sequence[pb.PlotsForSlice.PlotKeyAndValue]


@dataclass(frozen=True)
class Measure:
    """A metric, whatever the model.

    Attributes:
        label: its name, and what tells it from others of that name.
        key: without model, and not a difference.
        better: which values are good ones, if that can be said.
        is_judged: whether a threshold speaks of it.
        is_number: whether its values are single numbers.
        is_sample: whether its values are values of the data.
    """

    label: str
    key: MetricKey
    better: Better | None = None
    is_judged: bool = False
    is_number: bool = True
    is_sample: bool = False


@dataclass(frozen=True)
class Slice:
    """The values of a slice.

    Attributes:
        name: the slice for people.
        rows: unweighted.
        values: by key, that of the model included.
        failed: keys for which a threshold does not hold.
        is_too_small: whether its values are withheld.
    """

    name: str
    rows: int
    values: Mapping[MetricKey, Pair] = field(default_factory=dict)
    failed: frozenset[MetricKey] = frozenset()
    is_too_small: bool = False

    def number(self, key: MetricKey) -> float:
        """A value that is a number; NaN if there is none."""
        pair = self.values.get(key)
        return pair.value.double_value.value if pair and pair.value.HasField("double_value") else math.nan


@dataclass(frozen=True)
class Evidence:
    """What a run found.

    Attributes:
        verdict: None if the results are not of a whole run.
        run: config and places; empty if they were not written.
        facts: content of `results.json`; empty if it was not written.
        models: candidates first; [""] if the only model has no name.
        baselines: those of `models` that the others are compared with.
        measures: in the order of the results.
        slices: the overall slice first, then those that fail, then the worst by `leading`.
        leading: what the slices are ordered by: the first metric that has a threshold and a good direction.
        rules: the thresholds of the config.
        keys: of all values.
        remarks: sentences about values that are undefined or may be off.
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
    remarks: Sequence[str]

    @property
    def overall(self) -> Slice | None:
        """The slice of all rows."""
        return next((found for found in self.slices if found.name == "Overall"), None)

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
    """Reads the results of a run; what is not there is left empty.

    Args:
        output: of an analysis, of which the latest run is read; or the folder of a run; local or on gs://.
        facts: what `results.json` will hold, where it is not written yet.

    Raises:
        ResultsError: no such folder, or files of several runs.
        CorruptFileError: a file is damaged.
    """
    output = results_folder(output)
    verdict = load_verdict(output) if VERDICT_FILE in listed(output) else None
    run = load_eval_run(output) or EvalRun()
    rules = _rules(run.eval_config)
    records = in_order(map(pb.MetricsForSlice.FromString, records_of(output, METRICS_KEY)))
    found = list(_slices(records, _failed(output)))
    keys = list(dict.fromkeys(key for each in found for key in each.values))
    measures = _measures(keys, found, rules, run.eval_config)
    models = _models(keys, run.eval_config)
    leading = next((m for m in sorted(measures, key=lambda m: not m.is_judged) if m.better and m.is_number), None)
    baselines = frozenset(spec.name for spec in run.eval_config.model_specs if spec.is_baseline)
    candidate = next((model for model in models if model not in baselines), "")
    slices = _first_to_look_at(found, leading, candidate)
    facts = _facts(output) if facts is None else facts
    return Evidence(
        verdict, run, facts, models, baselines, measures, slices, leading, rules, frozenset(keys), remarks(records)
    )


def plots_of(output: str, names: Iterable[str]) -> dict[str, Plots]:
    """The plots of some slices, by their names; reads no further than it must."""
    wanted = set(names)
    found: dict[str, Plots] = {}
    for record in records_of(output, PLOTS_KEY):
        if len(found) == len(wanted):
            break
        if text_of(plots_head(record)) in wanted:
            plots = pb.PlotsForSlice.FromString(record)
            found[text_of(plots)] = plots.plot_keys_and_values
    return found


def _slices(records: Iterable[pb.MetricsForSlice], failed: Mapping[str, frozenset[MetricKey]]) -> Iterator[Slice]:
    keys: dict[bytes, MetricKey] = {}

    def key_of(message: pb.MetricKey) -> MetricKey:
        text = message.SerializeToString()
        if text not in keys:
            keys[text] = metric_key_from_proto(message)
        return keys[text]

    for record in records:
        values = {key_of(pair.key): pair for pair in record.metric_keys_and_values}
        name = text_of(record)
        yield Slice(name, record.rows, values, failed.get(name, frozenset()), ERROR_METRIC_NAME in record.metrics)


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
        place = storage.join(output, RESULTS_FILE)
        facts = json_text.loads(storage.read(place, most=json_text.MOST_CHARACTERS))
    except (ValueError, MissingFileError, CorruptFileError):
        return {}
    return facts if isinstance(facts, dict) else {}


def _rules(config: EvalConfig) -> list[Rule]:
    try:
        return rules_of(config)
    except AssayError:  # of results that TFMA wrote, with metrics that are not known here
        return []


def _measures(
    keys: Sequence[MetricKey], slices: Sequence[Slice], rules: Sequence[Rule], config: EvalConfig
) -> list[Measure]:
    better = {name: metric.better for name, metric in definitions_by_name(config).items()}
    samples = names_of_samples(config)
    plain = dict.fromkeys(key._replace(model_name="", is_diff=False) for key in keys)
    judged = {_plain(key) for rule in rules for key in keys if rule.is_for(key)}
    numbers = {_plain(k) for found in slices for k, pair in found.values.items() if pair.value.HasField("double_value")}
    return [
        Measure(label, key, better.get(key.name), key in judged, key in numbers, key.name in samples)
        for label, key in labels_of(list(plain)).items()
    ]


def _plain(key: MetricKey) -> MetricKey:
    return key._replace(model_name="", is_diff=False)


def _models(keys: Sequence[MetricKey], config: EvalConfig) -> list[str]:
    """Candidates before baselines, in the order of the config; values of a column of the data belong to none."""
    present = dict.fromkeys(key.model_name for key in keys)
    specs = sorted(config.model_specs, key=lambda spec: spec.is_baseline)
    ordered = [spec.name for spec in specs if spec.name in present]
    found = [*ordered, *(name for name in present if name not in ordered and name)]
    return found or [""]


def _first_to_look_at(slices: Sequence[Slice], leading: Measure | None, model: str) -> list[Slice]:
    """Overall, then by failures, then by the leading metric; a value that is undefined is no bad one."""
    sign = -1 if leading and leading.better == "lower" else 1
    key = leading.key._replace(model_name=model) if leading else None

    def badness(found: Slice) -> tuple[bool, int, bool, float, int]:
        value = found.number(key) if key else math.nan
        undefined = math.isnan(value)
        return (found.name != "Overall", -len(found.failed), undefined, 0 if undefined else sign * value, -found.rows)

    return sorted(slices, key=badness)
