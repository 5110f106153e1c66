"""Classes and functions of the user's own in an eval config that Python holds: named by module and class name."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from types import FunctionType
from typing import Any

from assay.errors import EvalConfigError

_DECLARATIONS = "assay.metrics.declare"


def with_names(value: Any, path: str) -> Any:
    """A metric of a config as it is written: with names in place of a class, or of a function that is declared.

    Args:
        value: a mapping as in a config, in which `class_name` may be a class or function; or one of these alone.
        path: of the metric, for errors.

    Raises:
        EvalConfigError: one that cannot be found by its name, or a module beside it.
    """
    if isinstance(value, type | FunctionType):
        return with_names({"class_name": value}, path)
    if not isinstance(value, Mapping):
        return value
    own = value.get("class_name")
    if not isinstance(own, type | FunctionType):
        return value
    if value.get("module"):
        raise EvalConfigError(f"{path}.module: class_name is {own.__qualname__} itself; remove module")
    return {**value, "class_name": _class_name(own, f"{path}.class_name"), "module": own.__module__}


def _class_name(own: type[Any] | FunctionType, path: str) -> str:
    if isinstance(own, FunctionType):
        return _declared_name(own, path)
    if getattr(sys.modules.get(own.__module__), own.__qualname__, None) is not own:
        raise EvalConfigError(
            f"{path}: {own.__qualname__} cannot be found in its module {own.__module__!r}; expected a class at the top "
            "level of a module"
        )
    return own.__qualname__


def _declared_name(function: FunctionType, path: str) -> str:
    """The class name of a declared function, which has brought the module of declarations."""
    declarations = sys.modules.get(_DECLARATIONS)
    names = declarations.names_of(function) if declarations else []
    if not names:
        raise EvalConfigError(f"{path}: {function.__qualname__} is not declared; expected @metric(...) above it")
    return str(names[0])
