"""The values that name slices: what the data holds, whichever type, unit or file stores it, and what a text means.

A value is text, a whole number (int64) or another number (double). What stores it makes no difference, but for numbers
that are equal: 1 and 1.0 are one slice, which prints as the first file has it.

- numbers keep their full precision; a float32 is the number of its own shortest text, 11.29 and not
  11.289999961853027; decimals are the numbers that they say; booleans are 1 and 0;
- moments are texts of one form, whatever their unit; with a time zone they are told in UTC;
- intervals, periods, durations and UUIDs are the text that pandas prints.

Some columns hold texts of which each may be a number: decimals, and columns of a CSV file that nobody has given a type.
`number_or_text` says what such a text is. They stand in an array of its own type, `NUMBERS_OR_TEXTS`.
"""

from __future__ import annotations

import math
import re
from datetime import datetime, timedelta
from decimal import Decimal
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from assay.errors import ColumnTypeError
from assay.extracts.columns import Column, plain
from assay.extracts.without_pandas import let_pandas_in
from assay.types import MISSING

Value: TypeAlias = str | int | float | None

NUMBERS_OR_TEXTS = pa.struct([("number_or_text", pa.string())])
"""Type of an array of texts that are to be read with `number_or_text`."""

_INT64 = range(-(2**63), 2**63)
_WHOLE = re.compile(r"0|-?[1-9][0-9]*")
_NUMBER = re.compile(r"[+-]?(0|[1-9][0-9]*)?(\.[0-9]*)?([eE][+-]?[0-9]+)?")
_BOOLEANS = {"true": 1, "false": 0, "1": 1, "0": 0}

_MOMENT = re.compile(
    r"(?P<day>\d{4,}-\d\d-\d\d)([T ](?P<minute>\d\d:\d\d)(:(?P<second>\d\d)(\.(?P<part>\d{1,9}))?)?)?"
    r" ?(?P<zone>Z|[+-]\d\d:?\d\d)?"
)
_UTC = "+00:00"


# Values of a column ---------------------------------------------------------------------------------------------------


def values_of(column: pa.Array, name: str) -> pa.Array:
    """Returns the slice values of a flat column, one for each: text, int64, double or NUMBERS_OR_TEXTS.

    Nulls and NaN are null.

    Raises:
        ColumnTypeError: lists or objects, or bytes that are not UTF-8.
    """
    column = plain(column)
    kind = column.type
    try:
        if pa.types.is_dictionary(kind):
            return values_of(column.dictionary_decode(), name)
        if pa.types.is_boolean(kind) or pa.types.is_integer(kind):
            return _whole_numbers(column)
        if pa.types.is_floating(kind):
            return numbers_of(column)
        if pa.types.is_decimal(kind):
            return _read([None if value is None else _plain(value) for value in column.to_pylist()])
        if pa.types.is_temporal(kind):
            return times_of(column)
        if pa.types.is_nested(kind):
            raise ColumnTypeError(
                f"column {name!r} has type {kind}, which cannot be sliced on; expected text, numbers, booleans, dates "
                "or lists of them"
            )
        return _texts(column, name)
    except pa.ArrowInvalid as error:
        raise ColumnTypeError(f"column {name!r} has type {kind} and cannot be sliced on: {error}") from error


def to_python(values: pa.Array) -> list[Value]:
    """The values of an array of `values_of`, as a slice key has them; a null is None."""
    if values.type == NUMBERS_OR_TEXTS:
        return [None if text is None else number_or_text(text) for text in values.field(0).to_pylist()]
    items: list[Value] = values.to_pylist()
    return items


def number_or_text(text: str) -> str | int | float:
    """A text that is the usual one of a number is that number; any other text stays what it is.

    So `7` and `0.5` are numbers. `007`, `+1`, `1E5`, `1_000`, `1.50` and digits beyond 64 bits are texts: as numbers
    they could not be told from others that are written differently.
    """
    if _WHOLE.fullmatch(text):
        return int(text) if len(text) <= 20 and int(text) in _INT64 else text
    if not _NUMBER.fullmatch(text) or not any(map(str.isdigit, text)):
        return text
    number = float(text)
    plain = np.format_float_positional(number, trim="-") if abs(number) < 1 else ""  # 0.00001, which Python calls 1e-05
    return number if text in (repr(number), plain) and repr(number) != "-0.0" else text


def _read(texts: list[str | None]) -> pa.Array:
    return pa.StructArray.from_arrays([pa.array(texts, pa.string())], ["number_or_text"])


def numbers_or_texts(values: pa.Array, texts: pa.Array) -> pa.Array:
    """Numbers of `values_of`, then texts, as one array of NUMBERS_OR_TEXTS."""
    return _read([*map(str, to_python(values)), *texts.to_pylist()])


def still_read_from(texts: pa.Array, column: Column, kind: pa.DataType) -> npt.NDArray[np.bool_]:
    """Which values (n,) of a column are the numbers, of type `kind`, that were read from its texts (n,).

    An extractor may have put others in their place.
    """
    if texts.null_count == len(texts):
        return np.zeros(len(texts), bool)
    encoded = texts.dictionary_encode()
    try:
        numbers = encoded.dictionary.cast(kind).take(encoded.indices)
        same: npt.NDArray[np.bool_] = pc.fill_null(pc.equal(numbers, column), False).to_numpy(zero_copy_only=False)
        return same
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        return np.zeros(len(texts), bool)


def is_missing(values: pa.Array) -> pa.Array:
    """Which of the values are null."""
    return values.field(0).is_null() if values.type == NUMBERS_OR_TEXTS else values.is_null()


def distinct(values: pa.Array) -> tuple[pa.Array, pa.Array]:
    """The position (n,) of each value among the distinct ones, null if missing; and the distinct ones."""
    is_read = values.type == NUMBERS_OR_TEXTS
    encoded = (values.field(0) if is_read else values).dictionary_encode()
    if is_read:
        return encoded.indices, pa.StructArray.from_arrays([encoded.dictionary], ["number_or_text"])
    return encoded.indices, encoded.dictionary


def _whole_numbers(column: pa.Array) -> pa.Array:
    try:
        return column.cast(pa.int64())
    except pa.ArrowInvalid:  # uint64 beyond int64
        return _read(column.cast(pa.string()).to_pylist())


def numbers_of(column: pa.Array) -> pa.Array:
    """Floats as doubles, those of fewer bits by their shortest text; NaN becomes null and -0.0 0.0."""
    if pa.types.is_float16(column.type):
        numbers = column.to_numpy(zero_copy_only=False)
        doubles = pa.array(numbers.astype("U").astype(np.float64), mask=np.isnan(numbers))
    elif pa.types.is_float32(column.type):
        doubles = column.cast(pa.string()).cast(pa.float64())
    else:
        doubles = column
    return pc.add(pc.if_else(pc.is_nan(doubles), None, doubles), 0.0)


def _plain(value: Decimal) -> str:
    """A decimal without an exponent, and without zeros that its scale alone adds."""
    text = format(value, "f")
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if text == "-0" else text


def times_of(column: pa.Array) -> pa.Array:
    """Dates, times of a day and moments as texts that do not depend on the unit."""
    kind = column.type
    if pa.types.is_duration(kind) or pa.types.is_interval(kind):
        let_pandas_in()
        texts = [str(value) for value in column.to_pandas()]
        return pa.array(texts, pa.string(), mask=column.is_null().to_numpy(zero_copy_only=False))
    if pa.types.is_date(kind):
        return column.cast(pa.date32()).cast(pa.string())
    zone = _UTC if pa.types.is_timestamp(kind) and kind.tz else ""
    if zone:
        column = column.view(pa.int64()).view(pa.timestamp(kind.unit))  # the moment in UTC, without its zone
    texts = column.cast(pa.string())
    texts = pc.replace_substring_regex(texts, r"\.0+$", "")
    # Milliseconds, microseconds and nanoseconds end alike: six digits, nine only where these are needed.
    texts = pc.replace_substring_regex(texts, r"(\.\d{3})$", r"\1000")
    texts = pc.replace_substring_regex(texts, r"(\.\d{6})000$", r"\1")
    return pc.binary_join_element_wise(texts, zone, "") if zone else texts


def _texts(column: pa.Array, name: str) -> pa.Array:
    """Readers take text as it is; before it names slices it has to be UTF-8."""
    texts = column.cast(pa.string())
    try:
        texts.validate(full=True)
    except pa.ArrowInvalid as error:
        raise ColumnTypeError(f"column {name!r} cannot be sliced on: it holds text that is not UTF-8") from error
    return texts


# Texts of a config ----------------------------------------------------------------------------------------------------


def meant_by(text: str, kind: pa.DataType, name: str, *, is_guessed: bool = False) -> Value:
    """The slice value that a config's text means in a column; None where the column has no values.

    Args:
        text: of `feature_values`.
        kind: type of the column, or of the values of its dictionary or lists.
        name: of the column.
        is_guessed: the type was only told from the values of a CSV file, so `007` is a text beside the number 7.

    Raises:
        ColumnTypeError: the text means no value of that type.
    """
    if pa.types.is_null(kind):
        return None
    if is_guessed and _is_number(kind):
        value: Value = number_or_text(text.strip()) if _reads_as_number(text) else None
    else:
        value = _meaning(text, kind)
    if value is None:
        raise ColumnTypeError(
            f"feature_values: column {name!r} has type {kind}, and {text!r} is not a value of that type; "
            f"expected {_example(kind)}"
        )
    return value


def same_value(value: Value, text: str) -> bool:
    """Whether a slice's value is the one that a config's text means, where the column's type is not at hand.

    Numbers are compared as numbers, `true` and `false` are 1 and 0. Moments, dates and times of a day are compared as
    such. The text of `MISSING` means no value, and a value that is the same text.
    """
    if value is None:
        return text == MISSING
    if isinstance(value, str):
        return value == text or _same_moment(value, text) or value == _time(value) == _time(text)
    meant: Value = _BOOLEANS.get(text.strip().lower())
    if meant is None:
        meant = _number_beside_whole(text) if isinstance(value, int) else _number(text)
    return meant is not None and meant == value


def _meaning(text: str, kind: pa.DataType) -> Value:
    """The value of a type that a text means; None if it means none."""
    if pa.types.is_boolean(kind):
        return _BOOLEANS.get(text.strip().lower())
    if pa.types.is_integer(kind):
        return _number_beside_whole(text)
    if pa.types.is_floating(kind):
        return _number(text)
    if pa.types.is_decimal(kind):
        return None if _number(text) is None else number_or_text(_plain(Decimal(text.strip())))

    # A day is no moment of it, so text with a time of day means no date.
    if pa.types.is_date(kind):
        moment = _moment(text)
        return moment.split(" ")[0] if moment and moment.endswith(" 00:00:00") else None
    if pa.types.is_timestamp(kind):
        return _moment_in(text, kind.tz)
    if pa.types.is_time(kind):
        return _time(text)
    return text


def _is_number(kind: pa.DataType) -> bool:
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind))


def _reads_as_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _number(text: str) -> int | float | None:
    """A number in any usual form but with leading zeros, which are more than a number."""
    text = text.strip()
    if text.lower() in ("inf", "+inf", "-inf"):
        return float(text)
    if not _NUMBER.fullmatch(text) or not any(map(str.isdigit, text)):
        return None
    return int(text) if _WHOLE.fullmatch(text) and len(text) <= 20 else float(text)


def _number_beside_whole(text: str) -> Value:
    """A number as a column of whole numbers can be compared with it: exactly, so that a fraction equals none.

    Another file may hold the same column as floats, so that a fraction is no mistake.
    """
    number = _number(text)
    if number is None or math.isinf(number):
        return number
    exact = Decimal(text.strip())
    if exact != exact.to_integral_value():
        return str(exact) if float(exact).is_integer() else float(exact)  # beyond 2**52 floats have no fractions
    return int(exact) if int(exact) in _INT64 else str(int(exact))


def _moment(text: str) -> str | None:
    """A day or moment in the one form that slices have: `2024-01-31 08:30:00`, with +00:00 behind it if in UTC."""
    match = _MOMENT.fullmatch(text.strip())
    if not match:
        return None
    zone = (match["zone"] or "").replace(":", "")
    try:
        moment = datetime.fromisoformat(f"{match['day']}T{match['minute'] or '00:00'}:{match['second'] or '00'}")
        if zone not in ("", "Z"):
            moment -= timedelta(hours=int(zone[:3]), minutes=int(zone[0] + zone[3:]))
    except (ValueError, OverflowError):
        return None
    return f"{moment}{_fraction(match['part'] or '')}{_UTC if zone else ''}"


def _fraction(digits: str) -> str:
    digits = digits.rstrip("0")
    return f".{digits.ljust(6 if len(digits) <= 6 else 9, '0')}" if digits else ""


def _moment_in(text: str, zone: str | None) -> str | None:
    """Without an offset a text can be a moment of a column without zone, or of one in UTC."""
    moment = _moment(text)
    if moment is None or moment.endswith(_UTC) == bool(zone):
        return moment
    return f"{moment}{_UTC}" if zone in ("UTC", "Etc/UTC", "Z", _UTC) else None


def _same_moment(value: str, text: str) -> bool:
    """A text without an offset is compared with a moment in UTC as it is printed."""
    moment, meant = _moment(value), _moment(text)
    if moment is None or meant is None or value not in (moment, moment.removesuffix(" 00:00:00")):
        return False
    return moment in (meant, f"{meant}{_UTC}")


def _time(text: str) -> str | None:
    moment = _moment(f"2000-01-01 {text.strip()}") if text.strip() else None
    return moment.split(" ")[1] if moment and not moment.endswith(_UTC) else None


def _example(kind: pa.DataType) -> str:
    """What could stand in a config for a value of a type."""
    if pa.types.is_boolean(kind):
        return "true or false"
    if pa.types.is_date(kind):
        return "a day such as 2024-01-31"
    if pa.types.is_timestamp(kind):
        offset = _UTC if kind.tz else ""
        return f"a moment such as 2024-01-31 08:30:00{offset}" + (" (with its offset)" if kind.tz else " (no offset)")
    if pa.types.is_time(kind):
        return "a time such as 08:30:00"
    return "a number without leading zeros, such as 0.5"
