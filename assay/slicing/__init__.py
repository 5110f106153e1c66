"""Which rows belong to which slice."""

from typing import Any


def __getattr__(name: str) -> Any:
    """`FanoutSlices` is part of slicing for its users, but needs Beam; it loads when asked for."""
    if name == "FanoutSlices":
        from assay.slicing.fanout import FanoutSlices

        return FanoutSlices
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
