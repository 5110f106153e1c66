"""What is fed to a model in place of its features, as `counterfactual` of a model says. Light, as plans ask too."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

from assay.errors import ModelError

Replacement: TypeAlias = "str | Mapping[str, Any]"
"""The column that is fed in place of a feature, or `{"value": x}`: a text, a number, or true or false."""

VALUE = "value"


def check_replacements(replacements: Any, where: str) -> None:
    """Refuses what is not a mapping of features to columns or values.

    Args:
        replacements: feature -> `Replacement`.
        where: what holds it, for the error.

    Raises:
        ModelError: it is something else.
    """
    if not isinstance(replacements, Mapping) or not all(isinstance(feature, str) for feature in replacements):
        raise ModelError(f"{where}: expected a mapping of features to columns, found {replacements!r}")
    for feature, replacement in replacements.items():
        if isinstance(replacement, str) and replacement:
            continue
        is_value = isinstance(replacement, Mapping) and list(replacement) == [VALUE]
        if not is_value or not isinstance(replacement[VALUE], str | int | float):
            raise ModelError(
                f"{where}.{feature}: expected a column, or {{{VALUE}: x}} with a text, a number, or true or false; "
                f"found {replacement!r}"
            )
