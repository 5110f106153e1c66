"""What to do about text that is no YAML or JSON, by what its parser says of it. Standard library only."""

from __future__ import annotations

import re

_YAML = (
    (r"found character '\\t'", "indent with spaces, not with tabs"),
    (r"found character", "put a text that starts with this character in quotes"),
    (r"found unexpected end of stream", "close the quote that is opened here"),
    (
        r"mapping values are not allowed",
        "put a value that has ': ' in it in quotes, and indent all keys of a mapping alike",
    ),
    (r"could not find expected ':'", "write `key: value`, with a colon and a space"),
    (r"but (found|got) '([\]}])'", "remove this bracket, or open one before it"),
    (r"but found '(-|<block sequence start>)'", "remove the -, or indent the list below a key"),
    (r"but found '<(scalar|alias|anchor|tag)>'", "put the whole value in quotes"),
    (r"expected <block end>", "indent all keys of a mapping alike"),
    (r"expected ',' or '\]'", "close the list with ]"),
    (r"expected ',' or '}'", "close the mapping with }"),
    (r"sequence entries are not allowed", "put each - of a list on a line of its own"),
    (r"undefined alias", "put a text that starts with * in quotes"),
    (r"\btag\b", "remove the tag, or put a text that starts with ! in quotes"),
    (r"another document|document (start|separator)", "remove the line ---"),
    (r"unknown escape character|escape sequence", r"write \\ for a backslash, or use single quotes"),
    (r"special characters", "remove it"),
    (r"block scalar|chomping", "put a text that starts with | or > in quotes"),
)
"""Pattern of what PyYAML says -> what to do; the first that matches counts."""

_JSON = (
    (r".?\|(Unterminated string|Invalid control character)", "close the quote on the same line"),
    (r".?\|Invalid", r"write \\ for a backslash"),
    (r".?\|Extra data", "remove what follows the end"),
    (r".?\|[^|]*\|'", "put texts and keys in double quotes"),
    (r".?\|[^|]*\|[/#]", "remove the comment, which JSON cannot have"),
    (r".?\|[^|]*\|(True|False|None)", "write true, false and null in lower case"),
    (r",\|[^|]*\|[\]}]|.?\|Illegal trailing comma", "remove the comma behind the last entry"),
    (r".?\|[^|]*\|$", "close every { with } and every [ with ]"),
    (r".?\|Expecting property name", "put the key in double quotes"),
    (r".?\|Expecting ':'", "write a colon behind the key"),
    (r".?\|Expecting ','", "put a comma between two entries, or close the one before"),
    (r"", "give a value here; texts are in double quotes"),
)
"""Pattern of the character before the problem, what Python says of it, and the text behind -> what to do."""


def yaml_advice(problem: str) -> str:
    """What to do, as the end of a message; the most likely, where nothing is known of the problem."""
    known = (advice for pattern, advice in _YAML if re.search(pattern, problem))
    return f"; {next(known, 'put texts with special characters in quotes')}"


def json_advice(problem: str, text: str, position: int) -> str:
    """What to do about JSON, as the end of a message.

    Args:
        problem: what Python says of it.
        text: the JSON.
        position: where in the text the problem is.
    """
    if not text.strip():
        return "; it is empty: write an object, {...}"
    before, rest = text[:position].rstrip(), text[position:].lstrip()
    found = f"{before[-1:]}|{problem}|{rest}"
    return f"; {next(advice for pattern, advice in _JSON if re.match(pattern, found, re.DOTALL))}"
