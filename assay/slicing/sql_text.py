"""Slices by SQL: TFMA's form of a query, taken apart and written for DuckDB. No Arrow, no DuckDB.

TFMA runs `SELECT STRUCT(fields) FROM example.feature AS name, ... WHERE ...` for each row, `example`: each feature is a
list, of which FROM takes every value under a name, crossed with those of the others. Expressions stay as they are, but
for what the two dialects write differently.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from assay.errors import EvalConfigError

_TOKENS = re.compile(
    r"""(?P<space>\s+|--[^\n]*|\#[^\n]*|/\*.*?\*/)
      | (?P<text>[rR]?'(?:[^'\\]|\\.)*'|[rR]?"(?:[^"\\]|\\.)*")
      | (?P<name>[A-Za-z_][A-Za-z_0-9]*|`[^`]+`)
      | (?P<number>\d+(?:\.\d*)?(?:[eE][+-]?\d+)?|\.\d+(?:[eE][+-]?\d+)?)
      | (?P<sign><=|>=|<>|!=|\|\||[-+*/%=<>(),.\[\]])""",
    re.VERBOSE | re.DOTALL,
)
_RENAMED = {
    "INT64": "BIGINT",
    "FLOAT64": "DOUBLE",
    "STRING": "VARCHAR",
    "BOOL": "BOOLEAN",
    "SAFE_CAST": "TRY_CAST",
    "REGEXP_CONTAINS": "regexp_matches",
}
"""Words of Google's dialect -> DuckDB's, where they differ."""
_CLAUSES = ("SELECT", "FROM", "WHERE")
_FORM = "expected SELECT STRUCT(feature, ...) FROM example.feature, ... WHERE ..."
_REFUSED = {
    **dict.fromkeys(("GROUP", "HAVING", "ORDER", "LIMIT", "QUALIFY", "WINDOW"), "each row is looked at by itself"),
    **dict.fromkeys(("UNION", "INTERSECT", "EXCEPT"), "write one slicing spec for each SELECT"),
    **dict.fromkeys(("JOIN", "WITH", "OFFSET"), "list the features in FROM, with commas between them"),
    **dict.fromkeys(("RAND", "RANDOM", "GENERATE_UUID", "UUID", "CURRENT_DATE", "CURRENT_TIME", "CURRENT_TIMESTAMP",
                     "NOW", "TODAY"), "slices must be the same in every run"),
}  # fmt: skip
"""Words that no query may have, and why or what to do instead."""
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "\\": "\\", "'": "'", '"': '"', "`": "`"}


class Token(NamedTuple):
    """A word of a query: `kind` is text, name, number or sign."""

    kind: str
    text: str

    def is_word(self, *words: str) -> bool:
        """Whether it is one of some keywords."""
        return self.kind == "name" and self.text.upper() in words


@dataclass(frozen=True)
class Query:
    """What a query asks for, with its expressions in DuckDB's dialect.

    Attributes:
        fields: name of each feature of a slice -> its expression, sorted by name.
        sources: name -> feature of the rows whose values it stands for.
        condition: that WHERE has; "" without.
        lists: features that expressions use as lists.
    """

    fields: tuple[tuple[str, str], ...]
    sources: tuple[tuple[str, str], ...]
    condition: str
    lists: tuple[str, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """The features of its slices, sorted."""
        return tuple(name for name, _ in self.fields)

    @property
    def columns(self) -> tuple[str, ...]:
        """The features of the rows that it reads."""
        return tuple(dict.fromkeys([*(feature for _, feature in self.sources), *self.lists]))


def parse_query(sql: str) -> Query:
    """Takes a query apart.

    Raises:
        EvalConfigError: it is not of the form that slices need; says what was found, and what to write.
    """
    try:
        return _parsed(list(_tokens(sql)))
    except EvalConfigError as error:
        raise EvalConfigError(f"slice_keys_sql: the query {error}") from error


def _parsed(tokens: Sequence[Token]) -> Query:
    for before, token in zip([Token("", ""), *tokens], tokens, strict=False):
        if token.is_word(*_REFUSED) and before.text != ".":  # a feature may be called so
            raise EvalConfigError(
                f"has {token.text.upper()}, which cannot be translated; {_REFUSED[token.text.upper()]}"
            )
    clauses = _clauses(tokens)
    if any(token.is_word("UNNEST") for clause in ("SELECT", "WHERE") for token in clauses[clause]):
        raise EvalConfigError(
            "has UNNEST in an expression, which cannot be translated; write list_contains(example.feature, value)"
        )
    sources = dict(map(_source, _parts(clauses["FROM"]))) if clauses["FROM"] else {}
    fields = dict(_field(part) for part in _parts(_inside_struct(clauses["SELECT"])))

    lists: dict[str, None] = {}
    written = {name: _written(expression, lists) for name, expression in fields.items()}
    condition = _written(clauses["WHERE"], lists)
    return Query(tuple(sorted(written.items())), tuple(sources.items()), condition, tuple(lists))


def list_name(feature: str) -> str:
    """The column in which expressions find a feature as a list."""
    return f"example.{feature}"


def quoted(name: str) -> str:
    """A name as DuckDB reads it."""
    return '"' + name.replace('"', '""') + '"'


def _tokens(sql: str) -> Iterator[Token]:
    at = 0
    while at < len(sql):
        match = _TOKENS.match(sql, at)
        if match is None:
            raise EvalConfigError(f"cannot be read from {sql[at : at + 20]!r} on; {_FORM}")
        at, kind = match.end(), str(match.lastgroup)
        if kind != "space":
            yield Token(kind, match[0])


def _clauses(tokens: Sequence[Token]) -> dict[str, list[Token]]:
    """The words after each keyword of the query, not of those inside parentheses."""
    found: dict[str, list[Token]] = {clause: [] for clause in _CLAUSES}
    order, depth = [""], 0
    for token in tokens:
        if token.kind == "sign":
            depth += (token.text in "([") - (token.text in ")]")
        clause = token.text.upper() if depth == 0 and token.is_word(*_CLAUSES) else ""
        if clause and (clause in order or (order[-1] == "") != (clause == "SELECT") or order[-1] == "WHERE"):
            raise EvalConfigError(f"has {clause} where it cannot be; {_FORM}")
        if clause:
            order.append(clause)
        elif order[-1]:
            found[order[-1]].append(token)
        else:
            raise EvalConfigError(f"begins with {token.text!r}; {_FORM}")
    return found


def _parts(tokens: Sequence[Token]) -> Iterator[list[Token]]:
    """What commas part, but for those inside parentheses."""
    part: list[Token] = []
    depth = 0
    for token in tokens:
        if token.kind == "sign":
            depth += (token.text in "([") - (token.text in ")]")
        if depth == 0 and token.text == ",":
            yield part
            part = []
        else:
            part.append(token)
    yield part


def _inside_struct(select: Sequence[Token]) -> list[Token]:
    """The fields of the STRUCT that is selected."""
    words = list(select)
    if words and words[0].is_word("DISTINCT"):  # a row counts once for each slice anyway
        words = words[1:]
    if len(words) < 4 or not words[0].is_word("STRUCT") or words[1].text != "(" or words[-1].text != ")":
        raise EvalConfigError(f"selects {_shown(words)}; {_FORM}")
    return words[2:-1]


def _field(part: Sequence[Token]) -> tuple[str, list[Token]]:
    """Name and expression of a field of the STRUCT."""
    if len(part) > 2 and part[-2].is_word("AS"):
        return _name(part[-1]), list(part[:-2])
    if len(part) == 1 and part[0].kind == "name":
        return _name(part[0]), list(part)
    raise EvalConfigError(f"has the field {_shown(part)} without a name; write STRUCT({_shown(part)} AS name)")


def _source(part: Sequence[Token]) -> tuple[str, str]:
    """Name and feature of an entry of FROM: `example.tags`, `example.tags AS tag`, `UNNEST(example.tags) AS tag`."""
    words = list(part)
    if words and words[0].is_word("UNNEST") and len(words) > 5 and words[1].text == "(" and words[5].text == ")":
        words = [*words[2:5], *words[6:]]
    if len(words) > 3 and words[3].is_word("AS"):
        words = [*words[:3], *words[4:]]
    is_feature = len(words) in (3, 4) and words[0].is_word("EXAMPLE") and words[1].text == "."
    if not is_feature or any(word.kind != "name" for word in words[2:]):
        raise EvalConfigError(f"has {_shown(part)} in FROM; expected example.feature, or example.feature AS name")
    return _name(words[-1]), _name(words[2])


def _written(tokens: Sequence[Token], lists: dict[str, None]) -> str:
    """An expression for DuckDB; features that it uses as lists are added to `lists`."""
    words, at = [], 0
    while at < len(tokens):
        token = tokens[at]
        if token.is_word("EXAMPLE") and [t.text for t in tokens[at + 1 : at + 2]] == ["."] and len(tokens) > at + 2:
            feature = _name(tokens[at + 2])
            lists[feature] = None
            words.append(quoted(list_name(feature)))
            at += 3
            continue
        words.append(_word(token))
        at += 1
    return " ".join(words)


def _word(token: Token) -> str:
    if token.kind == "text":
        return "'" + _content(token.text).replace("'", "''") + "'"
    if token.kind == "name":
        return quoted(_name(token)) if token.text.startswith("`") else _RENAMED.get(token.text.upper(), token.text)
    return token.text


def _content(text: str) -> str:
    """What a text in quotes says."""
    if text[0] in "rR":
        return text[2:-1]

    def unescaped(match: re.Match[str]) -> str:
        if match[1] not in _ESCAPES:
            raise EvalConfigError(
                f"has the escape {match[0]} in the text {text}; double the backslash, or write r{text}"
            )
        return _ESCAPES[match[1]]

    return re.sub(r"\\(.)", unescaped, text[1:-1], flags=re.DOTALL)


def _name(token: Token) -> str:
    if token.kind != "name":
        raise EvalConfigError(f"has {token.text!r} where a name must be; {_FORM}")
    return token.text.strip("`")


def _shown(tokens: Sequence[Token]) -> str:
    return " ".join(token.text for token in tokens) or "nothing"
