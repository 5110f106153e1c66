"""Removes the values of secret parameters from messages. Standard library only."""

from __future__ import annotations

import os

PREFIX = "ASSAY_PARAM_"
"""Prefix of the environment variables that hold secret parameters."""

_SHORTEST = 3
"""Characters of the shortest value that is removed: shorter ones are part of any text."""
_SHORTEST_LINE = 8
"""The same for the lines of a longer value, such as a private key, as a message may show some of them."""

_told: dict[str, str] = {}
"""Value -> name of the secrets that this process did not get from its environment."""


def redact(name: str, value: str) -> None:
    """Keeps a value out of all messages of this process from now on."""
    _told[value] = name


def told() -> dict[str, str]:
    """Value -> name of what is kept out, for other processes of the same run."""
    return dict(_told)


def redacted(text: str) -> str:
    """A text with `${name}` in place of the value of a secret parameter, or of a line of it."""
    for secret, name in sorted(_secrets().items(), key=lambda item: -len(item[0])):  # one may be the start of another
        text = text.replace(secret, f"${{{name}}}")
    return text


def _secrets() -> dict[str, str]:
    """Text to remove -> name of its parameter."""
    of_environment = {
        value: variable.removeprefix(PREFIX).lower()
        for variable, value in os.environ.items()
        if variable.startswith(PREFIX)
    }
    secrets: dict[str, str] = {}
    for value, name in {**_told, **of_environment}.items():
        if len(value) >= _SHORTEST:
            lines = [line for line in value.splitlines() if len(line) >= _SHORTEST_LINE]
            secrets |= dict.fromkeys([value, *lines], name)
    return secrets
