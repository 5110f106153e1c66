"""Signs in tables, and the badge of a verdict. Standard library only."""

from __future__ import annotations

from assay.verdict import Status

FAILS = "✗"
"""Follows a value for which a threshold does not hold."""
HIDDEN = "hidden"
"""In place of the number of rows of a slice that `min_slice_size` hides."""
WORSE = "▾"
"""Follows a change to the worse."""

OUTCOMES = {
    Status.BLESSED: ("good", "✓ BLESSED"),
    Status.NOT_BLESSED: ("bad", "✗ NOT BLESSED"),
    Status.NOT_EVALUATED: ("unsure", "? NOT EVALUATED"),
}
"""Status -> class of its style, and text."""
