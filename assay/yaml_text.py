"""Reads YAML and JSON strictly: one meaning for a value in both, no key twice, errors that name line and column."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Hashable, Iterator
from typing import Any

import yaml

from assay.errors import ConfigError
from assay.text import json_text
from assay.text.json_text import MOST_DEPTH, whole_number
from assay.text.syntax_advice import json_advice, yaml_advice

_MOST_VALUES = 1_000_000


def parse_yaml(text: str) -> Any:
    """Parses YAML 1.2 whose numbers, booleans and nulls are written as in JSON; all else is text.

    So dates, `no`, `1_000` and `02139` stay text. Keys are text always.

    Raises:
        ConfigError: not YAML, a key twice, or more of it than a person writes; names line and column.
    """
    try:
        value = yaml.load(text, Loader=_Loader)
        json_text.check_texts(value)
        return value
    except (RecursionError, ValueError) as error:
        raise ConfigError(f"expected YAML; {error or json_text.TOO_DEEP}") from None
    except yaml.MarkedYAMLError as error:
        is_of_ours = isinstance(error, _Refused)
        what = str(error.problem) if is_of_ours else _problem(error)
        raise ConfigError(f"{_where(error)}{what}{'' if is_of_ours else yaml_advice(what)}") from error
    except yaml.reader.ReaderError as error:
        before = text[: error.position]
        line, column = before.count("\n") + 1, len(before) - before.rfind("\n")
        what = f"expected YAML; found the character {chr(error.character)!r}; remove it"
        raise ConfigError(f"line {line}, column {column}: {what}") from error


def _problem(error: yaml.MarkedYAMLError) -> str:
    """What PyYAML says. Some of its problems only end the sentence that the context begins."""
    is_half = str(error.problem).startswith("but ")
    what = " ".join(filter(None, (error.context, error.problem))) if is_half else error.problem
    return f"expected YAML; {what or error.context}"


def _where(error: yaml.MarkedYAMLError) -> str:
    """The place of the problem; of a quote that is never closed, that of the quote."""
    is_open = "end of stream" in str(error.problem) and error.context_mark is not None
    mark = error.context_mark if is_open else error.problem_mark or error.context_mark
    return f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""


def parse_json(text: str) -> Any:
    """Parses JSON.

    Raises:
        ConfigError: not JSON, a key twice, nested too deep, a whole number of thousands of digits, or a text that no
            file can hold.
    """
    try:
        value = json_text.loads(text, pairs=unique_keys)
        json_text.check_texts(value)
        return value
    except json.JSONDecodeError as error:
        advice = json_advice(error.msg, text, error.pos)
        raise ConfigError(f"line {error.lineno}, column {error.colno}: expected JSON; {error.msg}{advice}") from error
    except ValueError as error:
        raise ConfigError(f"expected JSON; {error}") from None


def unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """The object of these pairs, for `json.loads`, which would let the last of two win in silence.

    Raises:
        ConfigError: a key twice.
    """
    mapping: dict[str, Any] = {}
    for key, value in pairs:
        if key in mapping:
            raise ConfigError(_twice(key))
        mapping[key] = value
    return mapping


def _twice(key: str) -> str:
    return f"the key {key!r} is given twice; remove one"


def _inside(node: yaml.Node) -> Iterator[yaml.Node]:
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            yield from (key, value)
    elif isinstance(node, yaml.SequenceNode):
        yield from node.value


class _Refused(yaml.MarkedYAMLError):
    """YAML that is not taken here; its problem says what to do."""

    def __init__(self, problem: str, mark: yaml.Mark) -> None:
        super().__init__(problem=problem, problem_mark=mark)


class _Loader(yaml.SafeLoader):
    """A SafeLoader with the scalars of JSON."""

    yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012 - add_implicit_resolver fills the class's own

    def __init__(self, stream: str) -> None:
        super().__init__(stream)
        self._depth = 0
        self._sizes: dict[int, int] = {}  # values below a node, by the node's id

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        """Bounds depth, and the values that aliases stand for: a few hundred bytes of them can mean billions."""
        self._depth += 1
        if self._depth > MOST_DEPTH:
            raise _Refused(f"expected YAML; {json_text.TOO_DEEP}", self.get_mark())
        is_alias = self.check_event(yaml.AliasEvent)
        node = super().compose_node(parent, index)
        self._depth -= 1

        if node is None:
            return None
        if not is_alias:
            self._sizes[id(node)] = 1 + sum(self._sizes[id(inner)] for inner in _inside(node))
        size = self._sizes.get(id(node), math.inf)  # an alias within what it stands for: there is no end
        if size > _MOST_VALUES:
            problem = (
                f"expected at most {_MOST_VALUES:,} values, those that aliases stand for counted each time; use fewer "
                "aliases"
            )
            raise _Refused(problem, node.start_mark)
        return node

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen: set[str] = set()
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise _Refused("expected text as a key, found a list or a mapping; put it in quotes", key.start_mark)
            if key.value in seen:
                raise _Refused(_twice(key.value), key.start_mark)
            if key.value != "<<":
                seen.add(key.value)
        self.flatten_mapping(node)
        return {key.value: self.construct_object(value, deep=deep) for key, value in node.value}

    def construct_yaml_int(self, node: yaml.ScalarNode) -> int:
        try:
            return whole_number(node.value)
        except ValueError as error:
            raise _Refused(str(error), node.start_mark) from None


_SCALARS = {
    "null": (r"(?:null|Null|NULL|~|)$", ["n", "N", "~", ""]),
    "bool": (r"(?:true|True|TRUE|false|False|FALSE)$", list("tTfF")),
    "int": (r"-?(?:0|[1-9][0-9]*)$", list("-0123456789")),
    "float": (r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?$", list("-0123456789")),
    "merge": (r"<<$", ["<"]),
}
for _tag, (_pattern, _first) in _SCALARS.items():
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(_pattern), _first)
_Loader.add_constructor("tag:yaml.org,2002:int", _Loader.construct_yaml_int)
