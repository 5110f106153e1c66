"""Parameters: `${name}` in the values of an analysis file and a plan. Standard library only.

`$${` stands for a literal `${`. Parameters change values, never keys, so never what stages there are.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from assay.errors import ConfigError
from assay.text.near_miss import one_of

_PARAMETER = re.compile(r"\$(?P<escape>\$\{)|\$\{(?P<name>[A-Za-z_]\w*)\}|(?P<broken>\$\{)")


def check_parameters(value: Any, declared: Iterable[str], path: str) -> None:
    """Raises ConfigError for a `${name}` in `value` that is not declared, is broken, or stands in a key."""
    if isinstance(value, Mapping):
        for key, inner in value.items():
            if "${" in str(key):
                raise ConfigError(f"{path}: the key {key!r} has a parameter; parameters are allowed only in values")
            check_parameters(inner, declared, f"{path}.{key}" if path else str(key))
    elif isinstance(value, list | tuple):
        for i, inner in enumerate(value):
            check_parameters(inner, declared, f"{path}[{i}]")
    elif isinstance(value, str):
        for match in _PARAMETER.finditer(value):
            _check_reference(match, value, declared, path)


def _check_reference(match: re.Match[str], value: str, declared: Iterable[str], path: str) -> None:
    if match["broken"]:
        raise ConfigError(f"{path}: expected ${{name}}, found {value!r}; write $${{ for a literal ${{")
    if match["name"] and match["name"] not in declared:
        cure = one_of(match["name"], declared) if declared else "; add it to params"
        raise ConfigError(f"{path}: unknown parameter {match['name']!r} in {value!r}{cure}")


def override(declared: Mapping[str, str | None], values: Mapping[str, str]) -> dict[str, str | None]:
    """The declared parameters with what is given in place of their defaults.

    Raises:
        ConfigError: an unknown parameter.
    """
    for name in values:
        if name not in declared:
            raise ConfigError(f"unknown parameter {name!r}{one_of(name, declared)}")
    return {**declared, **values}


def settled(params: Mapping[str, str | None]) -> dict[str, str]:
    """The parameters with their values.

    Raises:
        ConfigError: one has no value.
    """
    for name, value in params.items():
        if value is None:
            raise ConfigError(
                f"parameter {name!r} must be given: --param {name}=VALUE, or in Python {{{name!r}: VALUE}}"
            )
    return {name: str(value) for name, value in params.items()}


def substitute(value: Any, values: Mapping[str, str]) -> Any:
    """Returns a JSON value with the parameters in its texts replaced. What a parameter brings is not looked into."""
    if isinstance(value, Mapping):
        return {key: substitute(inner, values) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [substitute(inner, values) for inner in value]
    if isinstance(value, str):
        return _PARAMETER.sub(lambda match: match["escape"] or values[match["name"]], value)
    return value
