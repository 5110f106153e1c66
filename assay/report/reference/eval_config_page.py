"""The reference page of the EvalConfig, from its descriptor: `python -m assay.report.reference.eval_config_page`."""

from __future__ import annotations

import sys
from typing import cast

from google.protobuf.descriptor import Descriptor, FieldDescriptor

from assay.proto.config_pb2 import EvalConfig
from assay.report.reference import eval_config_fields

_PREFACE = """\
# Eval config

Made by `make docs` from the message and from what assay does with each field; do not edit. The eval config says which
models, slices, metrics and thresholds there are. Its fields are those of TFMA 0.52, with the same names and numbers,
and a few more.
**No field is ignored**: each is used, and refused with the reason where it cannot apply.

A config can be written as a mapping in the [analysis file](analysis-file.md), as JSON, or as protobuf text. Field names
may be `like_this` or `likeThis`. A boxed number may be `0.5` or `{value: 0.5}`.

## Thresholds

| what you want | write |
| --- | --- |
| a bound in every slice | `threshold: {value_threshold: {lower_bound: 0.8}}` of the metric |
| a bound for some slices | `per_slice_thresholds: [{slicing_specs: [{feature_keys: [sex]}], threshold: {...}}]` |
| not worse than the baseline | `change_threshold: {direction: HIGHER_IS_BETTER, absolute: 0.0}` |
| at most 1% worse than the baseline | `change_threshold: {direction: HIGHER_IS_BETTER, relative: -0.01}` |
| an error that must not grow | `change_threshold: {direction: LOWER_IS_BETTER, absolute: 0.0}` |

A threshold has a `value_threshold`, a `change_threshold`, or both. A value must meet all thresholds that apply to it. A
threshold that bounds nothing is refused.

## Fields
"""


def eval_config_page() -> str:
    """Returns the page as Markdown: a table of fields for each message."""
    return _PREFACE + "".join("\n" + _section(message) for message in messages())


def messages() -> list[Descriptor]:
    """Every message that an EvalConfig can hold, in the order in which a reader meets them."""
    found: dict[str, Descriptor] = {}
    _collect(cast(Descriptor, EvalConfig.DESCRIPTOR), found)
    return list(found.values())


def _collect(message: Descriptor, found: dict[str, Descriptor]) -> None:
    if message.name in found:
        return
    found[message.name] = message
    for field in message.fields:
        inner = _message_of(field)
        if inner is not None:
            _collect(inner, found)


def _message_of(field: FieldDescriptor) -> Descriptor | None:
    """The message that a field holds, of a map its values'; None for numbers, boxed or not, and texts."""
    kind = field.message_type
    if kind is not None and kind.GetOptions().map_entry:
        return _message_of(kind.fields_by_name["value"])
    return None if kind is None or kind.full_name.startswith("google.protobuf.") else kind


def _section(message: Descriptor) -> str:
    rows = "".join(_row(message, field) for field in message.fields)
    head = "| field | type | what it says |\n| --- | --- | --- |\n"
    return f"### {message.name}\n\n{eval_config_fields.MESSAGES[message.name]}\n\n{head}{rows}"


def _row(message: Descriptor, field: FieldDescriptor) -> str:
    says = eval_config_fields.FIELDS[f"{message.name}.{field.name}"]
    return f"| `{field.name}` | {_type(field)} | {says} |\n"


def _type(field: FieldDescriptor) -> str:
    kind = field.message_type
    if kind is not None and kind.GetOptions().map_entry:
        key, value = kind.fields_by_name["key"], kind.fields_by_name["value"]
        return f"map of {_single_type(key)} to {_single_type(value)}"
    return f"list of {_single_type(field)}" if field.is_repeated else _single_type(field)


def _single_type(field: FieldDescriptor) -> str:
    inner = _message_of(field)
    if inner is not None:
        return f"[{inner.name}](#{inner.name.lower()})"
    if field.message_type is not None:  # a boxed number
        return _single_type(field.message_type.fields_by_name["value"])
    return _TYPES[field.cpp_type]


_TYPES = {
    FieldDescriptor.CPPTYPE_STRING: "text",
    FieldDescriptor.CPPTYPE_BOOL: "boolean",
    FieldDescriptor.CPPTYPE_INT32: "integer",
    FieldDescriptor.CPPTYPE_INT64: "integer",
    FieldDescriptor.CPPTYPE_FLOAT: "number",
    FieldDescriptor.CPPTYPE_DOUBLE: "number",
    FieldDescriptor.CPPTYPE_ENUM: "one of its names",
}


if __name__ == "__main__":
    sys.stdout.write(eval_config_page())
