"""Numbers for a page's script, as little text as may be: JSON and arrays, compressed, in Base64."""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from assay.report.html.markup import Markup, element

_ALIGNED = 8
"""The JSON and every array end at a multiple of this, as a browser asks of the start of an array."""


def packed(head: Mapping[str, Any], arrays: Mapping[str, npt.NDArray[Any]]) -> str:
    """A head and arrays as text in which there is no markup; `script/unpack.js` reads it.

    Args:
        head: JSON values.
        arrays: of float64 or int32, flat. Floats travel with 32 bits where that loses nothing.

    Returns:
        Base64 of the gzip of the length of the JSON (32 bits), the JSON with `head` and a list of the arrays, and the
        arrays. The list has name, type, start behind the JSON and length of each.
    """
    parts = {name: _narrow(array) for name, array in arrays.items()}
    directory, start = [], 0
    for name, part in parts.items():
        directory.append((name, part.dtype.str, start, part.size))
        start += part.nbytes + _gap(part.nbytes)

    text = json.dumps({"head": head, "arrays": directory}, separators=(",", ":")).encode()
    text += b" " * _gap(4 + len(text))
    content = [len(text).to_bytes(4, "little"), text]
    content += [part.tobytes() + bytes(_gap(part.nbytes)) for part in parts.values()]
    return base64.b64encode(gzip.compress(b"".join(content), 6, mtime=0)).decode()


def data_element(name: str, text: str) -> Markup:
    """The element in which a script finds a packed text."""
    return element("script", Markup(text), type="application/octet-stream", id=name)


def _narrow(array: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """The array in the byte order of browsers, with half the bits where these are enough."""
    if array.dtype.kind == "i":
        return np.asarray(array, "<i4")
    whole = np.asarray(array, "<f8")
    with np.errstate(over="ignore"):
        half = whole.astype("<f4")
    return half if np.array_equal(half, whole, equal_nan=True) else whole


def _gap(size: int) -> int:
    return -size % _ALIGNED
