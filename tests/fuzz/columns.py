"""Random columns of Arrow, each drawn as plain Python values, so that what they mean is known without Arrow."""

import datetime
import math
from decimal import Decimal
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
from hypothesis import strategies as st


class Drawn(NamedTuple):
    """A column, and what it means."""

    array: Any
    """Array or chunked array."""
    values: list
    """The Python value of each row; None if missing."""
    keys: list[list] | None
    """The slice values of each row, each once; None if the column's type cannot be sliced on."""
    readable: frozenset[str] | None = None
    """Of the texts that configs have here, those that mean a value of the column's type; None for all."""

    @property
    def is_empty(self):
        """Whether there is no value at all, so that a wrong type does no harm."""
        return not any(v is not None for cell in self.values for v in (cell if isinstance(cell, list) else [cell]))


class Kind(NamedTuple):
    """An element type: how to draw values, how they become slice values (None: no slice)."""

    type: Any
    elements: Any
    key: Any

    @property
    def readable(self):
        """Which of the texts "a", "1", "0", "0.1", "0.5", "inf", "nan" and "" mean a value; None for all."""
        if pa.types.is_boolean(self.type):
            return frozenset({"0", "1"})
        if pa.types.is_integer(self.type) or pa.types.is_floating(self.type) or pa.types.is_decimal(self.type):
            return frozenset({"0", "1", "0.1", "0.5", "inf"})  # any number: another file may have it in a wider type
        return frozenset() if pa.types.is_temporal(self.type) else None


def text_key(value):
    return value


def int_key(value):
    return int(value)


def float_key(value):
    """The number itself; -0.0 and 0.0 are one value."""
    return None if math.isnan(value) else float(value) + 0.0


def short_float_key(value):
    """The number of the shortest text that a float of 32 or 16 bits has."""
    with np.errstate(over="ignore"):
        return float_key(float(str(value if isinstance(value, np.float16) else np.float32(value))))


def decimal_key(value):
    """A decimal is the number that it says, whatever its scale."""
    return int(value) if value == int(value) else float(value)


def uint64_key(value):
    """Digits, where an int64 has no room for them."""
    return value if value < 2**63 else str(value)


WORDS = st.sampled_from(["a", "b", "c", "", " ", "NA", "é", "日本", "a,b", "x\0y", "1", "nan"])
INTS = st.sampled_from([0, 1, 2, 3, 7, 127])
FLOATS = st.sampled_from([0.0, -0.0, 0.5, 1.0, 2.5, math.nan, math.inf, -math.inf])
FINE_FLOATS = FLOATS | st.sampled_from([0.1, float(np.float32(0.1)), 0.1 + 1e-12, 1e-40, 1e300])
DATES = st.sampled_from([datetime.date(2026, 1, 1), datetime.date(1969, 12, 31), datetime.date(2, 3, 4)])

SLICED = {
    "text": Kind(pa.string(), WORDS, text_key),
    "large text": Kind(pa.large_string(), WORDS, text_key),
    "text view": Kind(pa.string_view(), WORDS, text_key),
    "bytes": Kind(pa.binary(), WORDS.map(str.encode), bytes.decode),
    "large bytes": Kind(pa.large_binary(), WORDS.map(str.encode), bytes.decode),
    "fixed bytes": Kind(pa.binary(2), st.sampled_from([b"ab", b"cd"]), bytes.decode),
    "bool": Kind(pa.bool_(), st.booleans(), int_key),
    "int8": Kind(pa.int8(), INTS | st.just(-128), int_key),
    "int16": Kind(pa.int16(), INTS, int_key),
    "int32": Kind(pa.int32(), INTS | st.just(-(2**31)), int_key),
    "int64": Kind(pa.int64(), INTS | st.sampled_from([2**53 + 1, 2**53, -(2**63)]), int_key),
    "uint8": Kind(pa.uint8(), INTS, int_key),
    "uint64": Kind(pa.uint64(), INTS | st.sampled_from([2**63 - 1, 2**64 - 1]), uint64_key),
    "float16": Kind(pa.float16(), FLOATS.map(np.float16), short_float_key),
    "float32": Kind(pa.float32(), FLOATS | st.sampled_from([1e-40, 0.1, 11.29]), short_float_key),
    "float64": Kind(pa.float64(), FINE_FLOATS, float_key),
    "date": Kind(pa.date32(), DATES, lambda v: v.isoformat()),
    "date64": Kind(pa.date64(), DATES, lambda v: v.isoformat()),
    "time": Kind(pa.time32("s"), st.sampled_from([datetime.time(1, 2, 3), datetime.time(0)]), lambda v: v.isoformat()),
    "second": Kind(
        pa.timestamp("s"),
        st.sampled_from([datetime.datetime(2026, 1, 1), datetime.datetime(1969, 12, 31, 23, 59, 59)]),
        str,
    ),
    "decimal": Kind(pa.decimal128(6, 2), st.sampled_from([Decimal("1.5"), Decimal(2), Decimal("-0.01")]), decimal_key),
}
"""Types that can be sliced on."""

NOT_SLICED = {
    "object": Kind(pa.struct([("a", pa.int64())]), st.sampled_from([{"a": 1}, {"a": None}]), None),
    "map": Kind(pa.map_(pa.string(), pa.int64()), st.sampled_from([[], [("a", 1)]]), None),
    "broken bytes": Kind(pa.binary(), st.just(b"\xff\xfe"), None),
}
"""Types, and values, that cannot."""


@st.composite
def features(draw, rows):
    """A column to slice on: flat, dictionary or lists; missing values; one chunk or several."""
    name = draw(st.sampled_from(sorted(SLICED if draw(st.integers(0, 9)) else NOT_SLICED)))
    kind = {**SLICED, **NOT_SLICED}[name]
    shape = draw(st.sampled_from(["flat", "flat", "dictionary", "list", "large list", "pair", "null"]))
    if shape == "null":
        return Drawn(pa.nulls(rows), [None] * rows, [[]] * rows)
    element = st.none() | kind.elements if draw(st.booleans()) else kind.elements
    if shape in ("flat", "dictionary"):
        values = draw(st.lists(element, min_size=rows, max_size=rows))
        encode = shape == "dictionary" and pa.types.is_primitive(kind.type) | (name == "text")
        cells = [[v] for v in values]
        kept: Any = kind.type
    else:
        size = (2, 2) if shape == "pair" else (0, 3)
        lists = st.lists(element, min_size=size[0], max_size=size[1])
        values = draw(st.lists(lists if shape == "pair" else st.none() | lists, min_size=rows, max_size=rows))
        encode, cells = False, [v or [] for v in values]
        kept = {"list": pa.list_, "large list": pa.large_list}.get(shape, lambda t: pa.list_(t, 2))(kind.type)
    array = _chunked(draw, values, kept, encode)
    keys = None if kind.key is None else [_keys(kind, cell) for cell in cells]
    return Drawn(array, values, keys, kind.readable)


def _keys(kind, cell):
    known = [kind.key(v) for v in cell if v is not None]
    return list(dict.fromkeys(k for k in known if k is not None))


def _chunked(draw, values, kind, encode):
    """Cut in two now and then; the pieces of a dictionary column have dictionaries of their own."""
    encode = encode and kind != pa.float16()  # Arrow has no dictionaries of those
    cut = draw(st.integers(0, len(values)))
    parts = [pa.array(part, kind) for part in (values[:cut], values[cut:]) if part] or [pa.array([], kind)]
    return pa.chunked_array([part.dictionary_encode() if encode else part for part in parts])


NUMBERS: dict[str, tuple[Any, st.SearchStrategy[Any]]] = {
    "bool": (pa.bool_(), st.booleans()),
    "int8": (pa.int8(), st.integers(0, 1)),
    "int64": (pa.int64(), st.integers(0, 1)),
    "uint8": (pa.uint8(), st.integers(0, 1)),
    "float16": (pa.float16(), st.sampled_from([0.0, 1.0]).map(np.float16)),
    "float32": (pa.float32(), st.sampled_from([0.0, 1.0])),
    "float64": (pa.float64(), st.sampled_from([0.0, 1.0])),
    "fractions": (pa.float64(), st.sampled_from([0.0, 1.0, 0.25, 0.7, 1e-12])),
}
SCORES = st.sampled_from([0.0, 1.0, 0.5, 0.25, 0.4999999, 0.50000001, 1e-12, 1 - 1e-12, 1e-320]) | st.floats(0, 1)
WEIGHTS = st.sampled_from([0.0, 1.0, 1e-300, 1e-9, 3.5, 1e9]) | st.floats(1e-3, 1e3)
BAD = [None, math.nan, math.inf, -math.inf, -1.0]


@st.composite
def numbers(draw, rows, role):
    """Labels, scores or weights; one in five columns has bad values, which no metric can take."""
    if role == "label":
        kind, elements = NUMBERS[draw(st.sampled_from(sorted(NUMBERS)))]
    else:
        kind, elements = pa.float64(), SCORES if role == "score" else WEIGHTS
    if not draw(st.integers(0, 4)):
        kind = pa.float64()
        elements = elements.map(lambda v: float(v)) | st.sampled_from([b for b in BAD if role != "score" or b != -1.0])
    values = draw(st.lists(elements, min_size=rows, max_size=rows))
    shape = draw(st.sampled_from(["flat", "flat", "dictionary", "list of one"]))
    if shape == "list of one" and None not in values:
        return Drawn(_chunked(draw, [[v] for v in values], pa.list_(kind), False), values, None)
    return Drawn(_chunked(draw, values, kind, shape == "dictionary"), values, None)


def is_bad(value, role):
    """Whether a label, score or weight cannot be taken."""
    if value is None or not math.isfinite(value):
        return True
    return (role == "label" and not 0 <= value <= 1) or (role == "weight" and value < 0)
