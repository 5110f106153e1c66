"""The section `find_slices` of an analysis file. Standard library only."""

from __future__ import annotations

import math
from collections.abc import Mapping
from itertools import pairwise
from typing import Any

from assay.errors import ConfigError
from assay.plan.fields import Field, at, choice, count, expected, flag, section, word, words

BLOCK, WARN = "block", "warn"
MOST_WORSE = "most_worse"
THRESHOLD = (MOST_WORSE, "severity")
"""The keys that only the gate reads."""

_MOST_EDGES = 50
_MOST_WITH_METRICS = 100
"""Slices for which a plan with metrics has places."""


def find_slices(value: Any, path: str) -> dict[str, Any]:
    """Reads the section; an empty one asks for the defaults.

    Raises:
        ConfigError: an unknown key, or a value that cannot be.
    """
    read = section(value, path, _FIELDS)
    if read[MOST_WORSE] is None and read["severity"] is not None:
        raise ConfigError(f"{path}.severity: it says what most_worse does, which is not there; add that, or remove it")
    if read["metrics"] and read["top_k"] > _MOST_WITH_METRICS:
        raise expected(at(path, "top_k"), f"at most {_MOST_WITH_METRICS} slices, as they have metrics", read["top_k"])
    return read


def _alpha(value: Any, path: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= 1:
        raise expected(path, "a number above 0 and at most 1", value)
    return float(value)


def _level(value: Any, path: str) -> int:
    if isinstance(value, bool) or value not in (1, 2, 3):
        raise expected(path, "1 (single features), 2 (also pairs) or 3 (also triples)", value)
    return int(value)


def _bins(value: Any, path: str) -> int:
    bins = count(value, path, least=2)
    if bins > _MOST_EDGES:
        raise expected(path, f"at most {_MOST_EDGES} bins", value)
    return bins


def _most_worse(value: Any, path: str) -> float:
    is_number = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    if not is_number or value < 0:
        raise expected(path, "a number of at least 0, in the unit of the loss", value)
    return float(value)


def _edges(value: Any, path: str) -> dict[str, list[float]]:
    if not isinstance(value, Mapping):
        raise expected(path, "a mapping from feature to edges, such as {age: [18, 65]}", value)
    return {word(name, path): _ascending(edges, at(path, str(name))) for name, edges in value.items()}


def _ascending(value: Any, path: str) -> list[float]:
    if not isinstance(value, list) or not 1 <= len(value) <= _MOST_EDGES:
        raise expected(path, f"a list of 1 to {_MOST_EDGES} numbers", value)
    for edge in value:
        if isinstance(edge, bool) or not isinstance(edge, int | float) or not math.isfinite(edge):
            raise expected(path, "finite numbers", edge)
    for low, high in pairwise(value):
        if low >= high:
            raise ConfigError(f"{path}: expected more than {low:g} after it, found {high:g}")
    return [float(edge) for edge in value]


_FIELDS: Mapping[str, Field] = {
    "features": Field(words, ()),
    "loss": Field(choice("log_loss", "squared_error", "zero_one"), None),
    "model": Field(word, None),
    "baseline": Field(flag, False),
    "top_k": Field(count, 10),
    "min_rows": Field(count, 100),
    "alpha": Field(_alpha, 0.999),
    "level": Field(_level, 2),
    "bins": Field(_bins, 10),
    "edges": Field(_edges, {}),
    "metrics": Field(flag, False),
    MOST_WORSE: Field(_most_worse, None),
    "severity": Field(choice(BLOCK, WARN), None),
}
