"""Reads an EvalConfig from any of its forms: message, dict, JSON text, protobuf text."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any, cast

from google.protobuf import json_format
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import DecodeError, Message

from assay.config.metric_objects import with_names
from assay.config.paths import WHOLE, join, unknown_field
from assay.config.protobuf_text import parse_text
from assay.errors import ConfigError, EvalConfigError
from assay.proto.config_pb2 import EvalConfig
from assay.text.json_text import check_texts
from assay.text.near_miss import one_of
from assay.text.printable import shortened
from assay.yaml_text import parse_json

_EVAL_CONFIG = cast(Descriptor, EvalConfig.DESCRIPTOR)
_METRIC = "assay.MetricConfig"
_CONFIG_OF_METRIC = f"{_METRIC}.config"
_WRAPPERS = "google.protobuf."
_INTEGERS = {FieldDescriptor.CPPTYPE_INT32: 32, FieldDescriptor.CPPTYPE_INT64: 64}
_AS_JSON = {"inf": "Infinity", "-inf": "-Infinity", "nan": "NaN"}
"""How protobuf's JSON writes numbers that are not finite."""
_MANY_BITS = 1024
"""Bits of the largest whole numbers that a config may have by mistake."""
_LONGEST_FOUND = 120


def parse_eval_config(source: EvalConfig | Message | Mapping[str, Any] | str) -> EvalConfig:
    """Reads an EvalConfig. It fills in no defaults, and checks only the form.

    Args:
        source: the message (ours, or TFMA's of the same name), a dict as YAML or JSON give it, JSON text, or protobuf
            text. Field names may be written `like_this` or `likeThis`; a metric's `config` may be an object in place
            of JSON text; a boxed number may be `0.5` or `{value: 0.5}`; a metric may be a class or function of the
            caller's own, alone or as `class_name`.

    Returns:
        A new message; `source` is never changed.

    Raises:
        EvalConfigError: an unknown field, or a value of the wrong type; the message starts with the field's path.
    """
    if isinstance(source, Message):
        return _from_message(source)
    if isinstance(source, Mapping):
        return _from_dict(source)
    if isinstance(source, str):
        return _from_json(source) if source.lstrip().startswith(("{", "[")) else parse_text(source)
    found = "nothing" if source is None else type(source).__name__
    raise EvalConfigError(f"{WHOLE}: expected an EvalConfig, an object or text, found {found}")


def _from_message(source: Message) -> EvalConfig:
    if source.DESCRIPTOR.name != _EVAL_CONFIG.name:
        raise EvalConfigError(f"{WHOLE}: expected an EvalConfig, found {source.DESCRIPTOR.full_name}")
    try:
        return EvalConfig.FromString(source.SerializeToString())
    except DecodeError as error:
        raise EvalConfigError(f"{WHOLE}: {source.DESCRIPTOR.full_name} cannot be read: {error}") from error


def _from_json(text: str) -> EvalConfig:
    try:
        parsed = parse_json(text)
    except ConfigError as error:
        raise EvalConfigError(f"{WHOLE}: {error}") from error
    return _from_dict(parsed)


def _from_dict(source: Mapping[str, Any]) -> EvalConfig:
    try:
        check_texts(source)
    except ValueError as error:
        raise EvalConfigError(f"{WHOLE}: {error}") from None
    try:
        return json_format.ParseDict(_message(source, _EVAL_CONFIG, ""), EvalConfig())
    except json_format.ParseError as error:  # what is left, such as numbers in text that only Python reads
        raise EvalConfigError(f"{WHOLE}: {str(error).rstrip('.')}") from error


def _message(value: Any, kind: Descriptor, path: str) -> dict[str, Any]:
    """Returns `value` as protobuf's JSON reader wants it, every field checked against the message `kind`."""
    if kind.full_name == _METRIC:
        value = with_names(value, path)
    if not isinstance(value, Mapping):
        raise _wrong(path, f"an object with the fields {', '.join(kind.fields_by_name)}", value)
    plain: dict[str, Any] = {}
    for name, inner in value.items():
        field = _field(str(name), kind, path)
        if field.name in plain:
            raise EvalConfigError(f"{join(path, field.name)}: the field is given twice; remove one")
        # Nothing leaves a field unset, but not in a threshold, which would then bound less than it seems to.
        if inner is not None or _is_of_threshold(field):
            plain[field.name] = _value(inner, field, join(path, field.name))

    for choice in kind.oneofs:
        chosen = [field.name for field in choice.fields if field.name in plain]
        if len(chosen) > 1:
            raise EvalConfigError(f"{path or WHOLE}: {' and '.join(chosen)} exclude each other; remove one")
    return plain


def _is_of_threshold(field: FieldDescriptor) -> bool:
    """Whether a field holds thresholds, or is part of one."""
    return any(kind is not None and "Threshold" in kind.name for kind in (field.containing_type, field.message_type))


def _field(name: str, kind: Descriptor, path: str) -> FieldDescriptor:
    field = kind.fields_by_name.get(name) or kind.fields_by_camelcase_name.get(name)
    if field is None:
        raise unknown_field(name, kind, path)
    return field


def _value(value: Any, field: FieldDescriptor, path: str) -> Any:
    if field.message_type is not None and field.message_type.GetOptions().map_entry:
        if not isinstance(value, Mapping):
            raise _wrong(path, "an object", value)
        name, item = field.message_type.fields_by_name["key"], field.message_type.fields_by_name["value"]
        for key in value:
            _scalar(str(key), name, f"{path}[{key!r}]")
        return {str(key): _single(inner, item, f"{path}[{key!r}]") for key, inner in value.items()}
    if field.is_repeated:
        if not isinstance(value, list | tuple):
            raise _wrong(path, "a list", value)
        return [_single(inner, field, f"{path}[{i}]") for i, inner in enumerate(value)]
    return _single(value, field, path)


def _single(value: Any, field: FieldDescriptor, path: str) -> Any:
    kind = field.message_type
    if kind is not None and kind.full_name.startswith(_WRAPPERS):
        boxed = isinstance(value, Mapping) and set(value) == {"value"}
        return _scalar(value["value"] if boxed else value, kind.fields_by_name["value"], path)
    if kind is not None:
        return _message(value, kind, path)
    if field.full_name == _CONFIG_OF_METRIC and isinstance(value, Mapping):
        return _as_json(value, path)
    return _scalar(value, field, path)


def _as_json(value: Mapping[str, Any], path: str) -> str:
    try:
        return json.dumps(value, sort_keys=True)
    except (TypeError, ValueError) as error:
        raise EvalConfigError(f"{path}: expected what JSON can hold: {error}") from error


def _scalar(value: Any, field: FieldDescriptor, path: str) -> Any:
    """Checks a scalar. Numbers are not taken for text: YAML would have read the zip code 01234 as 668."""
    kind = field.cpp_type
    if kind == FieldDescriptor.CPPTYPE_ENUM:
        return _enum(value, field, path)
    if kind == FieldDescriptor.CPPTYPE_STRING:
        of_metric = "settings as a mapping, or as JSON in text"
        fits = isinstance(value, str)
        expected = of_metric if field.full_name == _CONFIG_OF_METRIC else "text (numbers and dates in quotes)"
    elif kind == FieldDescriptor.CPPTYPE_BOOL:
        fits, expected = isinstance(value, bool), "true or false"
    else:
        bits = _INTEGERS.get(kind)
        fits, expected = _is_number(value, bits), "a whole number" if bits else "a number"
        if bits and not fits and _is_number(value, _MANY_BITS):
            expected = f"a whole number from {-(2 ** (bits - 1))} to {2 ** (bits - 1) - 1}"
    if not fits:
        raise _wrong(path, expected, value)
    if isinstance(value, float) and not math.isfinite(value):
        return _AS_JSON[str(value)]
    return value


def _is_number(value: Any, bits: int | None) -> bool:
    """Whether `value` is a number, or text that holds one, as JSON writes 64-bit integers and infinities.

    With `bits`, whether it is a whole number of so many.
    """
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return False
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return isinstance(value, int) and bits == _MANY_BITS
    return bits is None or (number.is_integer() and -(2.0 ** (bits - 1)) <= number < 2.0 ** (bits - 1))


def _enum(value: Any, field: FieldDescriptor, path: str) -> Any:
    enum = field.enum_type
    assert enum is not None  # the caller looked at cpp_type
    known = enum.values_by_number if isinstance(value, int) else enum.values_by_name
    if isinstance(value, bool) or not isinstance(value, int | str) or value not in known:
        raise EvalConfigError(f"{path}: {enum.name} has no value {value!r}{one_of(str(value), enum.values_by_name)}")
    return value


def _wrong(path: str, expected: str, found: Any) -> EvalConfigError:
    what = "nothing" if found is None else shortened(repr(found), _LONGEST_FOUND)
    return EvalConfigError(f"{path or WHOLE}: expected {expected}, found {what}")
