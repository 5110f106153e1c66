"""Reads an EvalConfig in protobuf's text format; errors name the field and the line, and say what was expected."""

from __future__ import annotations

import re
from collections import Counter
from typing import NamedTuple, cast

from google.protobuf import text_format
from google.protobuf.descriptor import Descriptor, FieldDescriptor

from assay.config.paths import WHOLE, join, unknown_field
from assay.errors import EvalConfigError
from assay.proto.config_pb2 import EvalConfig
from assay.text.near_miss import one_of

_EVAL_CONFIG = cast(Descriptor, EvalConfig.DESCRIPTOR)
_NO_SUCH_FIELD = re.compile(r'no field named "(?P<name>[^"]+)"')
_NEEDS_A_VALUE = re.compile(r"Couldn't parse|Expected string|out of range|Enum type|Invalid field value")
_TEXT_TOKEN = re.compile(r"""#[^\n]*|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|[A-Za-z_]\w*|[^\s\w]""")
_VALUE = re.compile(r"""["'][^\n]*|[^\s{}<>\[\],;#]+|\S""")
_BITS = {FieldDescriptor.CPPTYPE_INT32: 32, FieldDescriptor.CPPTYPE_INT64: 64}


class _Scope(NamedTuple):
    """A message that has begun and not ended at some point of a protobuf text."""

    kind: Descriptor | None
    path: str
    seen: Counter[str]


class _Place(NamedTuple):
    """Where reading failed: in which message, behind the name of which field, at which text."""

    kind: Descriptor | None
    path: str
    name: str
    rest: str

    @property
    def field(self) -> FieldDescriptor | None:
        """The field whose value should be here."""
        return self.kind.fields_by_name.get(self.name) if self.kind else None

    @property
    def found(self) -> str:
        """The value that is here, or part of it."""
        value = _VALUE.match(self.rest)
        return value[0] if value else "nothing"


def parse_text(text: str) -> EvalConfig:
    """Reads an EvalConfig in protobuf's text format.

    Raises:
        EvalConfigError: an unknown field, a value of the wrong type, or another text.
    """
    try:
        return text_format.Parse(text, EvalConfig())
    except text_format.ParseError as error:
        line, column = error.GetLine() or 1, error.GetColumn() or 1
        place = _place(text, line, column)
        unknown = _NO_SUCH_FIELD.search(str(error))
        if unknown and place.kind is not None:
            raise EvalConfigError(f"{unknown_field(unknown['name'], place.kind, place.path)} (line {line})") from error

        what = str(error).rsplit("': ", 1)[-1].split(" : ", 1)[-1].rstrip(".")
        if what.startswith('Expected "}"'):  # told of the last token, which may have closed another message
            place = _place(text, line, column + 1)._replace(name="")
        where = join(place.path, place.name) if place.name else place.path
        raise EvalConfigError(f"{where or WHOLE}: line {line}, column {column}: {_told(what, place)}") from error


def _told(what: str, place: _Place) -> str:
    """What protobuf says, in words that tell what to do."""
    if "missing ending quote" in what:
        return f"a quote is opened and never closed in {place.found}; close it on the same line"
    if _NEEDS_A_VALUE.match(what) and place.field is not None:
        return f"{_expected(place.field)}, found {place.found}"
    if "should not have multiple" in what:
        return "the field is given twice; remove one"
    if "is specified along with" in what:
        return f"{what}; remove one of them"
    if what.startswith('Expected ":"'):
        return f"expected a colon behind {place.name}, found {place.found}"
    if what.startswith('Expected "}"'):
        return "a { is never closed; add a }"
    if what.startswith("Expected identifier"):
        return f"expected the name of a field, found {place.found}; remove it, or close what is open before it"
    return f"expected protobuf's text format; {what}"


def _expected(field: FieldDescriptor) -> str:
    """What the value of a field has to be."""
    if field.enum_type is not None:
        return f"expected another value{one_of('', field.enum_type.values_by_name)}"
    if field.cpp_type == FieldDescriptor.CPPTYPE_STRING:
        return "expected text in quotes"
    if field.cpp_type == FieldDescriptor.CPPTYPE_BOOL:
        return "expected true or false"
    if field.cpp_type in _BITS:
        most = 2 ** (_BITS[field.cpp_type] - 1)
        return f"expected a whole number from {-most} to {most - 1}"
    return "expected a number"


def _place(text: str, line: int, column: int) -> _Place:
    lines = text.split("\n")
    head = "\n".join([*lines[: line - 1], lines[line - 1][: column - 1]])
    return _Place(*_open_message(head), rest=lines[line - 1][column - 1 :])


def _open_message(head: str) -> tuple[Descriptor | None, str, str]:
    """The innermost message that is open after `head`, a part of a protobuf text; its path, and the last name in it."""
    scopes, names = [_Scope(_EVAL_CONFIG, "", Counter())], [""]
    for token in _TEXT_TOKEN.findall(head):
        if token[0].isalpha() or token[0] == "_":
            names[-1] = token
        elif token in "{<":
            scopes.append(_opened(scopes[-1], names[-1]))
            names.append("")
        elif token in "}>" and len(scopes) > 1:
            scopes.pop()
            names.pop()
    return scopes[-1].kind, scopes[-1].path, names[-1]


def _opened(outer: _Scope, name: str) -> _Scope:
    field = outer.kind.fields_by_name.get(name) if outer.kind else None
    index = outer.seen[name]
    outer.seen[name] += 1
    path = join(outer.path, f"{name}[{index}]" if field and field.is_repeated else name)
    return _Scope(field.message_type if field else None, path, Counter())
