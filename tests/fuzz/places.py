"""Places in the content of an analysis file, as paths of keys and indexes, and copies with one of them changed."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

Path = tuple[Any, ...]

FREE = ("params", "types", "args", "feature_values", "class_weights")
"""Mappings whose keys are the user's own names."""

_IN_BRACKETS = ("feature_values", "class_weights", "thresholds")
"""Mappings of an eval config from names: their keys are in brackets in a path."""


def places(value: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Every (path, value) below the root."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in inner:
        yield (*path, key), item
        yield from places(item, (*path, key))


def changed(content: Any, path: Path, value: Any) -> Any:
    """A copy with another value at a path, whose last key may be new."""
    result = copy.deepcopy(content)
    _parent(result, path)[path[-1]] = value
    return result


def without(content: Any, path: Path) -> Any:
    """A copy without what is at a path."""
    result = copy.deepcopy(content)
    del _parent(result, path)[path[-1]]
    return result


def renamed(content: Any, path: Path, key: str) -> Any:
    """A copy with another key for what is at a path, in the same order."""
    result = copy.deepcopy(content)
    parent = _parent(result, path)
    items = [(key if name == path[-1] else name, item) for name, item in parent.items()]
    parent.clear()
    parent.update(items)
    return result


def at(content: Any, path: Path) -> Any:
    """What is at a path."""
    for key in path:
        content = content[key]
    return content


def path_of(text: str) -> Path:
    """The path that is written with dots: `inputs.files.0`."""
    return tuple(int(key) if key.isdigit() else key for key in text.split("."))


def shown(path: Path) -> str:
    """A path as messages have it, without `eval_config`, which not every door has: `metrics_specs[0].metrics`."""
    text = ""
    for before, key in zip(("", *path), path, strict=False):
        if isinstance(key, int):
            text += f"[{key}]"
        elif before in _IN_BRACKETS and "config" not in path[:-1]:
            text += f"[{key!r}]"
        else:
            text += f".{key}" if text else str(key)
    return text.removeprefix("eval_config.")


def is_own(path: Path) -> bool:
    """Whether the last key of a path is a name of the user's own, or below one."""
    return any(key in FREE for key in path[:-1]) or (len(path) > 1 and path[-2] == "thresholds")


def _parent(content: Any, path: Path) -> Any:
    return at(content, path[:-1])
