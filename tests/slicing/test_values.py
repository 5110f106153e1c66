"""A slice's value is the value of the data, whatever stores it; a config's text means a value of the column's type."""

import datetime
import uuid
from decimal import Decimal

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from assay.errors import ColumnTypeError
from assay.slicing.values import is_missing, meant_by, number_or_text, same_value, to_python, values_of

NOON = datetime.datetime(2024, 3, 1, 12)
BITS = datetime.datetime(2024, 3, 1, 12, 0, 0, 500000)


def values(column):
    found = values_of(column, "x")
    return to_python(found.filter(pc.invert(is_missing(found))))


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        ([pa.array([20240103.0, 0.1, 1e300, -0.0, float("nan"), None])], [20240103.0, 0.1, 1e300, 0.0]),
        ([pa.array([11.29, 0.1], kind) for kind in (pa.float32(), pa.float64())], [11.29, 0.1]),
        ([pa.array([0.1, 2], kind) for kind in (pa.float32(), pa.float64())], [0.1, 2.0]),
        ([pa.array([7, 2**31 - 1], kind) for kind in (pa.int32(), pa.int64(), pa.uint64())], [7, 2**31 - 1]),
        ([pa.array([2**64 - 1, 1], pa.uint64())], ["18446744073709551615", 1]),
        ([pa.array([True, False])], [1, 0]),
        ([pa.array([NOON, BITS], pa.timestamp(unit)) for unit in ("ms", "us", "ns")],
         ["2024-03-01 12:00:00", "2024-03-01 12:00:00.500000"]),
        ([pa.array([NOON], pa.timestamp(unit)) for unit in ("s", "ms", "us", "ns")], ["2024-03-01 12:00:00"]),
        ([pa.array([NOON], pa.timestamp("us", zone)) for zone in ("UTC", "Europe/Berlin", "Asia/Kolkata", "+02:00")],
         ["2024-03-01 12:00:00+00:00"]),
        ([pa.array([NOON.date()], kind) for kind in (pa.date32(), pa.date64())], ["2024-03-01"]),
        ([pa.array([NOON.time()], kind) for kind in (pa.time32("s"), pa.time32("ms"), pa.time64("us"))],
         ["12:00:00"]),
        ([pa.array([Decimal("1.50"), Decimal(2)], pa.decimal128(9, scale)) for scale in (2, 3, 6)], [1.5, 2]),
        ([pa.array([Decimal(10) ** 30], pa.decimal128(38, 2))], ["1" + "0" * 30]),
        ([pa.array([b"a"], kind) for kind in (pa.binary(), pa.large_binary(), pa.binary(1), pa.string_view())], ["a"]),
        ([pa.array(pd.Series(pd.to_timedelta([90, None], unit="s")))], ["0 days 00:01:30"]),
        ([pa.array(pd.Series(pd.period_range("2024-01", periods=2, freq="M")))], ["2024-01", "2024-02"]),
        ([pa.array(pd.Series(pd.interval_range(0, 2)))], ["(0, 1]", "(1, 2]"]),
        ([pa.array([uuid.UUID(int=5)])], ["00000000-0000-0000-0000-000000000005"]),
    ],
)  # fmt: skip
def test_a_value_is_the_same_whatever_type_or_unit_stores_it(columns, expected):
    for column in columns:
        found = values(column)
        assert (found, list(map(type, found))) == (expected, list(map(type, expected))), column.type


def test_floats_of_sixteen_bits_are_the_numbers_that_they_print():
    assert values(pa.array(np.array([0.1, np.nan, 2], np.float16))) == [0.1, 2.0]


@pytest.mark.parametrize("text", ["7", "-3", "0", "9223372036854775807", "-9223372036854775808"])
def test_the_usual_text_of_a_whole_number_is_that_number(text):
    assert number_or_text(text) == int(text)


@pytest.mark.parametrize("text", ["0.5", "1.0", "-11.29", "1e-05", "0.00001", "1e+16", "5e-324"])
def test_the_usual_text_of_a_number_is_that_number(text):
    assert number_or_text(text) == float(text)


@pytest.mark.parametrize(
    "text",
    ["007", "07", "+1", "1E5", "1e5", "1_000", "1.50", "1.", ".5", "-0", "-0.0", "9223372036854775808", "0" * 30, "",
     "12345678901234567890123", "inf", "nan", "0x10", "1,5", " 7", "\u0667", "abc", "1e999"],
)  # fmt: skip
def test_any_other_text_stays_what_it_is(text):
    assert number_or_text(text) == text


@pytest.mark.parametrize(
    ("kind", "texts", "value"),
    [
        (pa.bool_(), ("true", "True", "TRUE", "1"), 1),
        (pa.bool_(), ("false", "False", "0"), 0),
        (pa.int8(), ("7", "7.0", "+7", "7e0"), 7),
        (pa.int64(), ("9007199254740993", "9007199254740993.0"), 2**53 + 1),
        (pa.int64(), ("7.5", "+7.50", "75e-1"), 7.5),
        (pa.uint8(), ("-0.25",), -0.25),
        (pa.int32(), ("inf",), float("inf")),
        (pa.float64(), ("11.29", "11.290", "1.129e1"), 11.29),
        (pa.float32(), ("11.29",), 11.29),
        (pa.decimal128(9, 2), ("1.5", "1.50", "1.500"), 1.5),
        (pa.date32(), ("2024-03-01", "2024-03-01 00:00:00"), "2024-03-01"),
        (pa.timestamp("ns"), ("2024-03-01", "2024-03-01 00:00", "2024-03-01T00:00:00"), "2024-03-01 00:00:00"),
        (pa.timestamp("us", "UTC"), ("2024-03-01", "2024-03-01T00:00Z", "2024-03-01 01:00+01:00"),
         "2024-03-01 00:00:00+00:00"),
        (pa.timestamp("us", "Europe/Berlin"), ("2024-03-01T01:00:00+01:00",), "2024-03-01 00:00:00+00:00"),
        (pa.time64("us"), ("08:30", "08:30:00"), "08:30:00"),
        (pa.string(), ("007",), "007"),
        (pa.null(), ("anything",), None),
    ],
)  # fmt: skip
def test_a_text_of_a_config_means_the_value_of_the_column_s_type(kind, texts, value):
    for text in texts:
        assert meant_by(text, kind, "x") == value, text


@pytest.mark.parametrize(
    ("kind", "text", "expected"),
    [
        (pa.bool_(), "yes", "true or false"),
        (pa.int64(), "07001", "without leading zeros"),
        (pa.int64(), "seven", "a number"),
        (pa.int32(), "1_000", "a number"),
        (pa.int32(), "nan", "a number"),
        (pa.float64(), "nan", "a number"),
        (pa.float64(), "cheap", "a number"),
        (pa.decimal128(9, 2), "1,50", "a number"),
        (pa.date32(), "2024-13-01", "a day such as"),
        (pa.date32(), "2024-03-01 08:00", "a day such as"),
        (pa.timestamp("ns"), "March 1st", "a moment such as"),
        (pa.timestamp("ns"), "2024-03-01T00:00Z", "no offset"),
        (pa.timestamp("us", "Europe/Berlin"), "2024-03-01", "with its offset"),
        (pa.time64("us"), "noon", "a time such as"),
        (pa.time64("us"), "", "a time such as"),
    ],
)
def test_a_text_that_means_no_value_is_refused_with_column_type_text_and_cure(kind, text, expected):
    with pytest.raises(ColumnTypeError) as error:
        meant_by(text, kind, "when", is_guessed=False)
    assert all(part in str(error.value) for part in ("'when'", str(kind), repr(text), expected))


def test_in_a_column_that_was_guessed_to_be_numbers_a_text_is_one_of_its_texts():
    assert meant_by("07001", pa.int64(), "zip", is_guessed=True) == "07001"
    assert meant_by("7001", pa.int64(), "zip", is_guessed=True) == 7001
    with pytest.raises(ColumnTypeError, match=r"'zip'.*'Zurich'"):
        meant_by("Zurich", pa.int64(), "zip", is_guessed=True)


@pytest.mark.parametrize(
    ("value", "text", "same"),
    [
        (1, "true", True),
        (0, "False", True),
        (7001, "7001", True),
        (7001, "07001", False),
        (2**53 + 1, str(2**53), False),
        (0.1, "0.10", True),
        ("2024-03-01 00:00:00", "2024-03-01", True),
        ("2024-03-01", "2024-03-01 00:00:00", True),
        ("2024-03-01 00:00:00+00:00", "2024-03-01T01:00+01:00", True),
        ("2024-03-01 00:00:00", "2024-03-02", False),
        ("2024-03-01 00:00:00", "2024-03-01T00:00Z", False),
        ("08:30:00", "08:30", True),
        ("08:30:00.500000", "08:30:00.5", True),
        ("08:30:00", "20:30", False),
        ("08:30", "08:30:00", False),
        ("00:00:00", "", False),
        ("a", "b", False),
        ("true", "True", False),
        ("07001", "7001", False),
    ],
)
def test_a_threshold_s_text_is_compared_with_the_value_that_a_slice_has(value, text, same):
    assert same_value(value, text) is same


@pytest.mark.parametrize("text", ["9007199254740992.5", "9007199254740991.9999", "-9007199254740992.1"])
def test_a_fraction_is_no_whole_number_even_where_no_float_can_tell_them_apart(text):
    near = round(float(text))
    assert meant_by(text, pa.int64(), "x") != near
    assert not same_value(near, text)
    assert same_value(near, f"{near}.0")
