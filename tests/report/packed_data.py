"""What the page's script is given, read as the script reads it."""

from __future__ import annotations

import base64
import gzip
import json
import re
from typing import Any, NamedTuple

import numpy as np


class Unpacked(NamedTuple):
    """JSON values, and arrays by name."""

    head: dict[str, Any]
    arrays: dict[str, np.ndarray]


def element_text(page: str, name: str) -> str:
    """The text of the data element with this id."""
    (text,) = re.findall(rf'<script type="application/octet-stream" id="{name}">(.*?)</script>', page)
    return str(text)


def unpacked(text: str) -> Unpacked:
    """The inverse of `assay.report.html.packed.packed`."""
    content = gzip.decompress(base64.b64decode(text))
    size = int.from_bytes(content[:4], "little")
    whole = json.loads(content[4 : 4 + size])
    arrays = {
        name: np.frombuffer(content, kind, count, 4 + size + start) for name, kind, start, count in whole["arrays"]
    }
    return Unpacked(whole["head"], arrays)


def values_of(data: Unpacked, column: str, slice_: str) -> float:
    """A value in the data of slices, by the names of its column and its slice."""
    names = [each["name"] for each in data.head["columns"]]
    count, described = len(data.head["names"]), data.head["columns"][names.index(column)]
    at = data.head["names"].index(slice_)
    if described["stored"] >= 0:
        return float(data.arrays["values"][described["stored"] * count + at])
    value, baseline = (values_of(data, names[i], slice_) for i in described["minus"])
    return value - baseline
