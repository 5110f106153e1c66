"""Reads YAML and JSON strictly: one meaning for a value in both, no key twice, errors on one line with their place."""

from __future__ import annotations

import json
import re
from collections.abc import Hashable
from typing import Any

import yaml

from assay.errors import ConfigError


def parse_yaml(text: str) -> Any:
    """Parses YAML 1.2 whose numbers, booleans and nulls are written as in JSON; all else is text.

    So dates, `no`, `1_000` and `02139` stay text. Keys are text always.

    Raises:
        ConfigError: not YAML, or a key twice; names line and column.
    """
    try:
        return yaml.load(text, Loader=_Loader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
        what = " ".join(filter(None, (error.context, error.problem))) if _is_half(error) else error.problem
        raise ConfigError(f"{place}expected YAML; {what or error.context}") from error
    except yaml.YAMLError as error:
        raise ConfigError(f"expected YAML; {error}") from error


def _is_half(error: yaml.MarkedYAMLError) -> bool:
    """Whether the problem only ends the sentence that the context begins."""
    return str(error.problem).startswith("but ")


def parse_json(text: str) -> Any:
    """Parses JSON.

    Raises:
        ConfigError: not JSON, or a key twice.
    """
    try:
        return json.loads(text, object_pairs_hook=unique_keys)
    except json.JSONDecodeError as error:
        raise ConfigError(f"line {error.lineno}, column {error.colno}: expected JSON; {error.msg}") from error


def unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """The object of these pairs, for `json.loads`, which would let the last of two win in silence.

    Raises:
        ConfigError: a key twice.
    """
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise ConfigError(f"the key {key!r} is given twice; remove one")
        found[key] = value
    return found


class _Loader(yaml.SafeLoader):
    """A SafeLoader with the scalars of JSON."""

    yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012 - add_implicit_resolver fills the class's own

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        own = [key.value for key, _ in node.value if isinstance(key, yaml.ScalarNode) and key.value != "<<"]
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise yaml.constructor.ConstructorError(problem="a key must be text", problem_mark=key.start_mark)
            if own.count(key.value) > 1:
                raise yaml.constructor.ConstructorError(
                    problem=f"the key {key.value!r} is given twice", problem_mark=key.start_mark
                )
        self.flatten_mapping(node)
        return {key.value: self.construct_object(value, deep=deep) for key, value in node.value}


_SCALARS = {
    "null": (r"(?:null|Null|NULL|~|)$", ["n", "N", "~", ""]),
    "bool": (r"(?:true|True|TRUE|false|False|FALSE)$", list("tTfF")),
    "int": (r"-?(?:0|[1-9][0-9]*)$", list("-0123456789")),
    "float": (r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?$", list("-0123456789")),
    "merge": (r"<<$", ["<"]),
}
for _tag, (_pattern, _first) in _SCALARS.items():
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(_pattern), _first)
