"""Messages without the values of secret parameters, whoever wrote them. Standard library only."""

from __future__ import annotations

import os

PREFIX = "ASSAY_PARAM_"
"""Of the environment variables that hold secret parameters."""

_SHORTEST = 3
"""Shorter values are in any text."""
_SHORTEST_LINE = 8
"""Of a value of several lines, such as a private key, of which a message may show some."""


def redacted(text: str) -> str:
    """A text with `${name}` in place of the value of a secret parameter, or of a line of it."""
    for secret, name in sorted(_secrets().items(), key=lambda item: -len(item[0])):  # one may be the start of another
        text = text.replace(secret, f"${{{name}}}")
    return text


def _secrets() -> dict[str, str]:
    found: dict[str, str] = {}
    for variable, value in os.environ.items():
        if variable.startswith(PREFIX) and len(value) >= _SHORTEST:
            lines = [line for line in value.splitlines() if len(line) >= _SHORTEST_LINE]
            found |= dict.fromkeys([value, *lines], variable.removeprefix(PREFIX).lower())
    return found
