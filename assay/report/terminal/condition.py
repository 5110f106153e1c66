"""Conditions on slices, as people write them: `auc < 0.7 and rows > 500`.

    condition   = conjunction ("or" conjunction)*
    conjunction = part ("and" part)*
    part        = "not" part | "(" condition ")" | comparison
    comparison  = operand operator operand | text "in" operand
    operator    = "<" | "<=" | ">" | ">=" | "=" | "==" | "!="
    operand     = number | text | name | "undefined"
    text        = "..." or '...', without escapes
    name        = a letter or _, then letters, digits, _ . @; or anything between backquotes: `auc change`

Names are those of figures, `rows`, and `slice`, which is a text. A comparison with an undefined value is false, but for
`= undefined` and `!= undefined`. `in` asks whether a text is part of another, whatever the case.
"""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, NoReturn, TypeAlias

from assay.errors import UsageError
from assay.text.near_miss import hint, one_of

Kind: TypeAlias = Literal["number", "text", "undefined"]
Value: TypeAlias = float | str
Row: TypeAlias = Callable[[str], Value]
"""Name -> value of a row."""
Condition: TypeAlias = Callable[[Row], bool]

_WORDS = ("and", "or", "not", "in", "undefined")
_OPERATORS: Mapping[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "=": operator.eq,
    "==": operator.eq,
    "!=": operator.ne,
}
_TOKEN = re.compile(
    r"""\s*(?:
      (?P<number>[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)
    | (?P<text>"[^"]*"|'[^']*')
    | (?P<quoted>`[^`]+`)
    | (?P<name>[^\W\d][\w.@]*)
    | (?P<sign><=|>=|==|!=|[<>=()])
    )""",
    re.VERBOSE,
)
_DEEPEST = 50
_MOST_NAMES = 20


class _Token(NamedTuple):
    """A word of a condition, and where it begins; the last one is empty."""

    kind: str
    text: str
    at: int


class _Operand(NamedTuple):
    """One side of a comparison."""

    kind: Kind
    value: Callable[[Row], Value]
    token: _Token


def condition_of(text: str, names: Mapping[str, Kind]) -> Condition:
    """Reads a condition.

    Args:
        text: see above.
        names: the names that there are, and what their values are.

    Returns:
        A function that says whether a row, asked by name, meets the condition.

    Raises:
        UsageError: it is none; says at which character, and what was expected there.
    """
    return _Parser(text, names).whole()


@dataclass
class _Parser:
    text: str
    names: Mapping[str, Kind]

    def __post_init__(self) -> None:
        self._tokens = list(_tokens(self.text))
        self._next = 0

    def whole(self) -> Condition:
        condition = self._alternatives(0)
        if self._token.kind != "end":
            _fail(self._token, "expected `and` or `or`")
        return condition

    @property
    def _token(self) -> _Token:
        return self._tokens[self._next]

    def _taken(self, *texts: str) -> _Token | None:
        """The next token, if it is one of these words or signs."""
        token = self._token
        if token.kind not in ("name", "sign") or token.text not in texts:
            return None
        self._next += 1
        return token

    def _alternatives(self, depth: int) -> Condition:
        parts = [self._conjunction(depth)]
        while self._taken("or"):
            parts.append(self._conjunction(depth))
        return parts[0] if len(parts) == 1 else lambda row: any(part(row) for part in parts)

    def _conjunction(self, depth: int) -> Condition:
        parts = [self._part(depth)]
        while self._taken("and"):
            parts.append(self._part(depth))
        return parts[0] if len(parts) == 1 else lambda row: all(part(row) for part in parts)

    def _part(self, depth: int) -> Condition:
        if depth > _DEEPEST:
            _fail(self._token, f"expected at most {_DEEPEST} `not` and brackets within each other")
        if self._taken("not"):
            negated = self._part(depth + 1)
            return lambda row: not negated(row)
        if self._taken("("):
            inner = self._alternatives(depth + 1)
            if not self._taken(")"):
                _fail(self._token, "expected `)`")
            return inner
        return self._comparison()

    def _comparison(self) -> Condition:
        left = self._operand()
        sign = self._taken(*_OPERATORS, "in")
        if sign is None:
            _fail(self._token, f"expected a comparison such as `{left.token.text} < 0.7`")
        right = self._operand()
        if sign.text == "in":
            return _is_part_of(left, right)
        if "undefined" in (left.kind, right.kind):
            return _is_undefined(left, sign, right)
        if left.kind != right.kind:
            _fail(right.token, f"expected a {left.kind} to compare with {left.token.text}")
        return _compared(left, _OPERATORS[sign.text], right)

    def _operand(self) -> _Operand:
        token = self._token
        self._next += token.kind != "end"
        if token.kind == "number":
            number = float(token.text)
            return _Operand("number", lambda row: number, token)
        if token.kind == "text":
            text = token.text[1:-1]
            return _Operand("text", lambda row: text, token)
        if token.kind == "name" and token.text == "undefined":
            return _Operand("undefined", lambda row: math.nan, token)
        if token.kind == "quoted" or (token.kind == "name" and token.text not in _WORDS):
            return self._named(token)
        return _fail(token, "expected a name, a number or a text in quotes")

    def _named(self, token: _Token) -> _Operand:
        name = token.text.strip("`")
        if name not in self.names:
            near = hint(name, self.names) or one_of(name, list(self.names)[:_MOST_NAMES])
            _fail(token, f"there is no such name{near}")
        return _Operand(self.names[name], lambda row: row(name), token)


def _tokens(text: str) -> Iterator[_Token]:
    at, end = 0, len(text.rstrip())
    while at < end:
        found = _TOKEN.match(text, at)
        if found is None:
            start = at + len(text[at:]) - len(text[at:].lstrip())
            _fail(_Token("other", text[start : start + 1], start), "expected a name, a number, a text or a sign")
        kind = str(found.lastgroup)
        yield _Token(kind, found[kind], found.start(kind))
        at = found.end()
    yield _Token("end", "", end)


def _compared(left: _Operand, compare: Callable[[Any, Any], bool], right: _Operand) -> Condition:
    def holds(row: Row) -> bool:
        values = left.value(row), right.value(row)
        return not any(_is_nan(value) for value in values) and compare(*values)

    return holds


def _is_undefined(left: _Operand, sign: _Token, right: _Operand) -> Condition:
    if sign.text not in ("=", "==", "!="):
        _fail(sign, "expected = or != beside `undefined`")
    value = (right if left.kind == "undefined" else left).value
    return lambda row: _is_nan(value(row)) != (sign.text == "!=")


def _is_part_of(left: _Operand, right: _Operand) -> Condition:
    for side in (left, right):
        if side.kind != "text":
            _fail(side.token, 'expected a text beside `in`, as in "Female" in slice')
    return lambda row: str(left.value(row)).casefold() in str(right.value(row)).casefold()


def _is_nan(value: Value) -> bool:
    return isinstance(value, float) and math.isnan(value)


def _fail(token: _Token, expected: str) -> NoReturn:
    found = f"at character {token.at + 1}, {token.text!r}" if token.text else "at its end"
    raise UsageError(f"{found}: {expected}")
