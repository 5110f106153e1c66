"""Paths of fields in an EvalConfig, as messages have them: `metrics_specs[0].metrics[1].class_name`."""

from __future__ import annotations

from google.protobuf.descriptor import Descriptor

from assay.errors import EvalConfigError
from assay.text.near_miss import one_of

WHOLE = "eval config"
"""What errors call the config if they cannot name a field."""


def join(path: str, name: str) -> str:
    """The path of the field `name` of the message at `path`."""
    return f"{path}.{name}" if path else name


def unknown_field(name: str, kind: Descriptor, path: str) -> EvalConfigError:
    """The error for a field that the message `kind` at `path` does not have."""
    near = one_of(name, kind.fields_by_name)
    if not name.isidentifier():  # as a step of a path it could not be read
        return EvalConfigError(f"{path or WHOLE}: {kind.name} has no field {name!r}{near}")
    return EvalConfigError(f"{join(path, name)}: {kind.name} has no such field{near}")
