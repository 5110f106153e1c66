"""A plan as JSON and back; what is read is checked."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Mapping
from typing import Any

from assay.errors import ConfigError
from assay.plan.checks import check
from assay.plan.plan import Plan, Stage, Task
from assay.text import json_text
from assay.types import TFRECORD

_FORMAT = 1
_LATER: Mapping[str, Any] = {"options": (), "output_file_format": TFRECORD, "gate": {}}
"""Fields that came later, and what they are where they say nothing: such plans stay what they were, to the byte."""


def to_json(plan: Plan) -> str:
    """The plan as canonical JSON: sorted keys, no spaces, ASCII."""
    data = {"version": _FORMAT, **dataclasses.asdict(plan)}
    said = {name: value for name, value in data.items() if (name, value) not in _LATER.items()}
    return json.dumps(said, sort_keys=True, separators=(",", ":"), allow_nan=False)


def digest(plan: Plan) -> str:
    """SHA-256 of the canonical JSON, as 64 hexadecimal digits."""
    return hashlib.sha256(to_json(plan).encode()).hexdigest()


def from_json(text: str) -> Plan:
    """Reads a plan back and checks it.

    Raises:
        ConfigError: not JSON, not a plan, or a plan of another version.
        PipelineError: stages that do not fit together.
    """
    try:
        data = json_text.loads(text)
        json_text.check_texts(data)
    except ValueError as error:
        raise ConfigError(f"plan: expected JSON, found {text[:40]!r} ({error})") from error
    found = data.pop("version", None) if isinstance(data, dict) else None
    if found != _FORMAT:
        raise ConfigError(f"plan: expected version {_FORMAT}, found {found!r}; compile the analysis file again")
    plan: Plan = _read(Plan, {**_LATER, **data}, "plan")
    check(plan)
    return plan


_JSON_TYPES: Mapping[str, tuple[type, ...]] = {
    "str": (str,),
    "bool": (bool,),
    "int": (int,),
    "float": (float, int),
    "Mapping": (dict,),
    "tuple": (list, tuple),
}


_PARTS: Mapping[str, type] = {"stages": Stage, "tasks": Task}


def _read(kind: Any, data: Any, path: str) -> Any:
    """Builds one of the dataclasses above from its JSON."""
    fields = {f.name: f for f in dataclasses.fields(kind)}
    if not isinstance(data, dict) or set(data) != set(fields):
        found = sorted(data) if isinstance(data, dict) else data
        raise ConfigError(f"{path}: expected the keys {sorted(fields)}, found {found!r}")
    return kind(**{name: _read_field(kind, f.type, name, data[name], f"{path}.{name}") for name, f in fields.items()})


def _read_field(kind: type, annotation: Any, name: str, value: Any, path: str) -> Any:
    expected = _JSON_TYPES[annotation.partition("[")[0]]
    if not isinstance(value, expected) or (isinstance(value, bool) and bool not in expected):
        raise ConfigError(f"{path}: expected {expected[0].__name__}, found {value!r}")
    if not isinstance(value, list):
        return value
    if kind is Plan and name in _PARTS:
        return tuple(_read(_PARTS[name], part, f"{path}[{i}]") for i, part in enumerate(value))
    item = str if annotation == "tuple[str, ...]" else dict
    if not all(isinstance(part, item) for part in value):
        raise ConfigError(f"{path}: expected a list of {item.__name__}, found {value!r}")
    return tuple(value)
