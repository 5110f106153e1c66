"""Messages without the values of secret parameters, whoever wrote them. Standard library only."""

from __future__ import annotations

import os

PREFIX = "ASSAY_PARAM_"
"""Of the environment variables that hold secret parameters."""

_SHORTEST = 3
"""Shorter values are in any text."""
_SHORTEST_LINE = 8
"""Of a value of several lines, such as a private key, of which a message may show some."""

_told: dict[str, str] = {}
"""Value -> name of the secrets that this process was given otherwise than by its environment."""


def redact(name: str, value: str) -> None:
    """Keeps a value out of all messages of this process from now on."""
    _told[value] = name


def redacted(text: str) -> str:
    """A text with `${name}` in place of the value of a secret parameter, or of a line of it."""
    for secret, name in sorted(_secrets().items(), key=lambda item: -len(item[0])):  # one may be the start of another
        text = text.replace(secret, f"${{{name}}}")
    return text


def _secrets() -> dict[str, str]:
    found: dict[str, str] = {}
    held = {
        value: variable.removeprefix(PREFIX).lower()
        for variable, value in os.environ.items()
        if variable.startswith(PREFIX)
    }
    for value, name in {**_told, **held}.items():
        if len(value) >= _SHORTEST:
            lines = [line for line in value.splitlines() if len(line) >= _SHORTEST_LINE]
            found |= dict.fromkeys([value, *lines], name)
    return found
