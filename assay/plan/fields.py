"""The fields of a mapping written by a person: each has a parser and maybe a default. Errors name the key path."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any, NamedTuple, TypeAlias

from assay.errors import ConfigError, PipelineError
from assay.plan.plan import plain
from assay.plan.secret_params import looks_secret
from assay.text.near_miss import one_of
from assay.text.printable import shortened

Parser: TypeAlias = Callable[[Any, str], Any]
"""(value, key path) -> parsed value; raises ConfigError."""

REQUIRED = object()
_LONGEST_FOUND = 120
LARGEST = 2**63 - 1
"""The largest whole number that other libraries take."""
_FACTORY = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*")

_OPTION = re.compile(r"[a-z]\w*")


class Field(NamedTuple):
    """How one key is read; `default` serves when the key is absent or null."""

    parse: Parser
    default: Any = REQUIRED


def expected(path: str, what: str, found: Any) -> ConfigError:
    """The error for a value that is not what its key takes."""
    prefix = f"{path}: " if path else ""
    shown = "nothing" if found is None else shortened(repr(found), _LONGEST_FOUND)
    return ConfigError(f"{prefix}expected {what}, found {shown}")


def at(path: str, key: str) -> str:
    """The key path one step deeper."""
    return f"{path}.{key}" if path else key


def section(value: Any, path: str, fields: Mapping[str, Field]) -> dict[str, Any]:
    """Reads a mapping with exactly these fields.

    Raises:
        ConfigError: not a mapping, an unknown key, a required key that is absent, a value that does not parse.
    """
    if not isinstance(value, Mapping):
        raise expected(path, f"a mapping with the keys {', '.join(fields)}", value)
    for key in value:
        if key not in fields:
            raise _unknown(key, path, fields)

    read = {}
    for key, field in fields.items():
        if value.get(key) is not None:
            read[key] = field.parse(value[key], at(path, key))
        elif field.default is not REQUIRED:
            read[key] = field.default
        else:
            raise ConfigError(f"{at(path, key)}: this key is required; add it")
    return read


def _unknown(key: Any, path: str, fields: Mapping[str, Field]) -> ConfigError:
    near = one_of(str(key), fields)
    if str(key).isidentifier():
        return ConfigError(f"{at(path, str(key))}: unknown key{near}")
    prefix = f"{path}: " if path else ""  # as a step of a path the key could not be read
    return ConfigError(f"{prefix}unknown key {key!r}{near}")


def list_of(parse: Parser) -> Parser:
    """A list whose items are all parsed by `parse`."""

    def parse_list(value: Any, path: str) -> list[Any]:
        if not isinstance(value, list):
            raise expected(path, "a list", value)
        return [parse(item, f"{path}[{i}]") for i, item in enumerate(value)]

    return parse_list


def choice(*options: str) -> Parser:
    """One of some words."""

    def parse_choice(value: Any, path: str) -> str:
        if value not in options:
            raise ConfigError(f"{path}: unknown value {value!r}{one_of(str(value), options)}")
        return str(value)

    return parse_choice


def text(value: Any, path: str) -> str:
    """Text that is not empty."""
    if value == "":
        raise expected(path, "text that is not empty", value)
    if not isinstance(value, str):
        quoted = f' (in quotes it is text: "{value}")' if isinstance(value, int | float) else ""
        raise ConfigError(f"{expected(path, 'text', value)}{quoted}")
    return value


def texts(value: Any, path: str) -> list[str]:
    """Texts, at least one; a single text will do."""
    if not isinstance(value, list | str):
        raise expected(path, "text or a list of texts", value)
    found: list[str] = list_of(text)([value] if isinstance(value, str) else value, path)
    if not found:
        raise expected(path, "at least one", value)
    return found


def word(value: Any, path: str) -> str:
    """Text without parameters: they change values, never what stages there are."""
    if value != "" and "${" in text(value, path):
        raise expected(path, "text without a parameter (here none can stand)", value)
    return str(value)


def words(value: Any, path: str) -> tuple[str, ...]:
    """Texts without parameters, each once."""
    found = tuple(list_of(word)(value, path))
    if len(set(found)) < len(found) or "" in found:
        raise expected(path, "names, each once", value)
    return found


def keys(value: Any, path: str) -> tuple[str, ...]:
    """Names of key columns, at least one."""
    found = words(value, path)
    if not found:
        raise expected(path, "at least one key column", value)
    return found


def factory(value: Any, path: str) -> str:
    """An import path `package.module:function`. It is not imported."""
    if not isinstance(value, str) or not _FACTORY.fullmatch(value):
        raise expected(path, "an import path package.module:function", value)
    return value


def json_mapping(value: Any, path: str) -> dict[str, Any]:
    """A mapping of JSON values."""
    if not isinstance(value, Mapping):
        raise expected(path, "a mapping", value)
    try:
        found: dict[str, Any] = plain(value, path)
    except PipelineError as error:
        raise ConfigError(str(error)) from error
    return found


def flags(value: Any, path: str) -> tuple[str, ...]:
    """Options of a command line by name: text, a number, true for a flag, a mapping as JSON, or a list of these."""
    found = []
    for name, given in json_mapping(value, path).items():
        if not _OPTION.fullmatch(name):
            raise expected(path, "names of options of Beam pipelines, such as runner, without dashes", name)
        for item in given if isinstance(given, list) else [given]:
            found.append(_as_flag(name, item, at(path, name)))
    return tuple(found)


def _as_flag(name: str, value: Any, path: str) -> str:
    if value is True:
        return f"--{name}"
    if isinstance(value, Mapping):
        return f"--{name}={json.dumps(value)}"
    if value is False or not isinstance(value, str | int | float):
        raise expected(path, "text, a number, true, a mapping, or a list of these", value)
    return f"--{name}={value}"


def flag(value: Any, path: str) -> bool:
    """True or false."""
    if not isinstance(value, bool):
        raise expected(path, "true or false", value)
    return value


def count(value: Any, path: str, least: int = 1) -> int:
    """A whole number of at least `least`."""
    if not isinstance(value, int) or isinstance(value, bool) or value < least:
        raise expected(path, f"a whole number of at least {least}", value)
    if value > LARGEST:
        raise expected(path, f"a whole number of at most {LARGEST}", value)
    return value


def natural(value: Any, path: str) -> int:
    """A whole number, or 0."""
    return count(value, path, least=0)


def share(value: Any, path: str) -> float:
    """A share from 0 to 1, or a percentage such as "0.1%"."""
    written = str(value).strip()
    try:
        number = Decimal(written.removesuffix("%").strip()) / (100 if written.endswith("%") else 1)
    except InvalidOperation:
        number = Decimal("nan")
    if isinstance(value, bool) or not number.is_finite() or not 0 <= number <= 1:
        raise expected(path, "a percentage such as 0.1% or a share from 0 to 1", value)
    return float(number)


def parameters(value: Any, path: str) -> dict[str, str | None]:
    """Parameters and their defaults as text; null: must be given. `{secret: true}` stands for a secret's null."""
    if isinstance(value, Mapping):
        value = {name: _default_of(item, at(path, str(name))) for name, item in value.items()}
    if not isinstance(value, Mapping):
        raise expected(path, "a mapping from parameter to default (null: must be given)", value)
    for name, default in value.items():
        if not re.fullmatch(r"[A-Za-z_]\w*", str(name), re.ASCII):
            raise expected(path, "names of letters, digits and _ that start with a letter", name)
        if not (default is None or isinstance(default, str | int | float)) or "${" in str(default):
            raise expected(at(path, name), "text without a parameter, a number, true, false or null", default)
    return {name: _as_text(default) for name, default in value.items()}


def _default_of(item: Any, path: str) -> Any:
    if not isinstance(item, Mapping):
        return item
    return section(item, path, {"secret": Field(flag), "default": Field(lambda value, _: value, None)})["default"]


def secrets(value: Mapping[str, Any]) -> tuple[str, ...]:
    """The parameters that are secret: those that say so, and those that are called so and say nothing."""
    marked = {name: item["secret"] for name, item in value.items() if isinstance(item, Mapping)}
    return tuple(sorted(name for name in value if marked.get(name, looks_secret(name))))


def _as_text(default: Any) -> str | None:
    return default if default is None else str(default).lower() if isinstance(default, bool) else str(default)
