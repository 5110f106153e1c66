"""The words of a name such as `ExtractSliceKeys`. Standard library only."""

from __future__ import annotations

import re

_BETWEEN = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
"""Where a word begins: Extract|Slice|Keys, Read|TF|Records."""


def separated(name: str, sign: str) -> str:
    """A name with a sign between its words: `Extract-Slice-Keys`."""
    return _BETWEEN.sub(sign, name)


def snake_case(name: str) -> str:
    """AUCPrecisionRecall -> auc_precision_recall."""
    return separated(name, "_").lower()
