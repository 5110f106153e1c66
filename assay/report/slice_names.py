"""Slices by a text in their name, as people ask for them."""

from __future__ import annotations


def has_text(name: str, text: str) -> bool:
    """Whether a slice has a text in its name, such as `sex=Female`, whatever the case; `:` may stand for `=`."""
    return any(part in name.lower() for part in (text.lower(), text.replace(":", "=").lower()))
