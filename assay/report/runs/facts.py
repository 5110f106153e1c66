"""What a run was: its data, models, parameters, counts and eval config; and where two runs differ in these."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from google.protobuf.json_format import MessageToDict

from assay.config.metric_settings import settings_of
from assay.errors import EvalConfigError
from assay.metrics.own_modules import known_definition
from assay.proto.config_pb2 import EvalConfig, MetricConfig
from assay.report.evidence import Evidence
from assay.text.words import snake_case

_OF_RESULTS = ("assay_version", "plan", "params", "rows", "bad_rows", "unmatched", "unsliced")
"""The facts of `results.json` that are told; others name the run and its files, which always differ."""

_YES = "yes"


class FactChange(NamedTuple):
    """Something that two runs do not share.

    Attributes:
        what: its name.
        before: as run A has it; "" where it does not.
        after: as run B has it.
    """

    what: str
    before: str
    after: str


def fact_changes(before: Evidence, after: Evidence) -> list[FactChange]:
    """Where two runs differ, by name, in the order of run B."""
    old, new = facts_of(before), facts_of(after)
    names = dict.fromkeys([*new, *old])
    changes = (FactChange(name, old.get(name, ""), new.get(name, "")) for name in names)
    return [change for change in changes if change.before != change.after]


def facts_of(evidence: Evidence) -> dict[str, str]:
    """Name -> value of what a run was, as text."""
    told = {name: evidence.facts[name] for name in _OF_RESULTS if evidence.facts.get(name) not in (None, {})}
    run = evidence.run
    if run.data_location or run.file_format:
        told |= {"data": run.data_location, "format": run.file_format}
    told |= {f"model {name}".rstrip(): place for name, place in run.model_locations.items()}
    told["eval_config"] = MessageToDict(run.eval_config, preserving_proto_field_name=True)
    return {path: value for name, content in told.items() for path, value in _leaves(content, name)}


def metric_settings(config: EvalConfig) -> dict[str, list[str]]:
    """Name of a metric in results -> the settings that a config asks for it with, as canonical JSON."""
    settings: dict[str, list[str]] = {}
    for asked in (asked for spec in config.metrics_specs for asked in spec.metrics):
        chosen = _settings_of(asked)
        known = known_definition(asked)
        name = chosen.pop("name", "") or (known.name if known else snake_case(asked.class_name))
        settings.setdefault(str(name), []).append(json.dumps(chosen, sort_keys=True))
    return {name: sorted(set(texts)) for name, texts in settings.items()}


def _settings_of(asked: MetricConfig) -> dict[str, Any]:
    """Settings as a dict; those that only another library reads, as their text."""
    try:
        return dict(settings_of(asked.config, "config"))
    except EvalConfigError:
        return {"": asked.config}


def _leaves(value: Any, path: str) -> Iterator[tuple[str, str]]:
    """The values in nested dicts and lists, with the names that lead there."""
    if isinstance(value, dict) and value:
        for name, inner in value.items():
            yield from _leaves(inner, f"{path}.{name}")
    elif isinstance(value, list) and value and all(isinstance(item, dict) for item in value):
        for label, item in _labelled(value, path).items():
            yield from [(label, _YES)] if path.endswith("slicing_specs") else _leaves(item, label)
    elif isinstance(value, str):
        yield path, value
    else:
        yield path, json.dumps(value, ensure_ascii=False, sort_keys=True)


def _labelled(items: Sequence[Mapping[str, Any]], path: str) -> dict[str, Mapping[str, Any]]:
    """Items of a list by what tells them apart, so that a new one does not change the names of those behind it."""
    labelled: dict[str, Mapping[str, Any]] = {}
    for number, item in enumerate(items):
        label = f"{path}[{_label(item, path, number)}]"
        labelled[label if label not in labelled else f"{label} #{number}"] = item
    return labelled


def _label(item: Mapping[str, Any], path: str, number: int) -> str:
    slicing = item if path.endswith("slicing_specs") else item.get("slicing_specs")
    if slicing is not None:
        return json.dumps(slicing, ensure_ascii=False, sort_keys=True)
    return str(item.get("name") or item.get("class_name") or number)
