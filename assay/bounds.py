"""How much of what others wrote is taken: bounds that keep one file from taking a worker's memory or time.

Each has an environment variable that raises it; docs/inputs.md lists them. Standard library only.
"""

from __future__ import annotations

import os
from typing import NamedTuple

from assay.errors import ConfigError


class Bound(NamedTuple):
    """A bound, the variable that changes it, and how to write it in a message."""

    variable: str
    usual: int
    unit: str

    @property
    def value(self) -> int:
        """What holds now.

        Raises:
            ConfigError: the variable is no whole number above 0.
        """
        text = os.environ.get(self.variable, str(self.usual))
        if not text.isascii() or not text.isdigit() or not int(text):
            raise ConfigError(f"{self.variable}={text!r}: expected a whole number above 0 ({self.unit})")
        return int(text)

    def __str__(self) -> str:
        return f"{self.value} {self.unit} (set {self.variable} to raise it)"


MB = 1 << 20

ROW = Bound("ASSAY_MAX_ROW_MB", 64, "MB")
"""A record of TFRecord, a line of JSON lines."""

CSV_ROW = Bound("ASSAY_MAX_CSV_ROW_MB", 1, "MB")
"""A row of CSV. The parser always holds that much, so it is smaller."""

JSON_DEPTH = Bound("ASSAY_MAX_JSON_DEPTH", 100, "levels")
"""Lists and objects within each other in a row of JSON lines."""

EXPANSION = Bound("ASSAY_MAX_EXPANSION", 200, "times its size")
"""What a compressed file may unpack to, once that is more than 1 GB."""

MODEL_CONFIG = Bound("ASSAY_MAX_MODEL_CONFIG_MB", 64, "MB")
"""The description of a Keras model, which is read before anything runs."""

_ALWAYS_TAKEN = 1 << 30


def unpacked(stored: int) -> int:
    """How many bytes a compressed file of `stored` bytes may unpack to."""
    return max(_ALWAYS_TAKEN, EXPANSION.value * stored)
