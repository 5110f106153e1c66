import datetime
from decimal import Decimal
from uuid import UUID

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from assay.errors import ColumnTypeError
from assay.extracts.columns import holds_text, plain, to_floats

NAN, INF = np.nan, np.inf


@pytest.mark.parametrize(
    ("column", "expected"),
    [
        (pa.array([True, None, False]), [1, NAN, 0]),
        (pa.array([True, None, False]).dictionary_encode(), [1, NAN, 0]),
        (pa.array([[True], None, [False]]), [1, NAN, 0]),
        (pa.array([1, None, 0], pa.int8()), [1, NAN, 0]),
        (pa.array([2**53, None], pa.uint64()), [2.0**53, NAN]),
        (pa.array(pd.Series([True, None, False], dtype="boolean")), [1, NAN, 0]),
        (pa.array([1, None, 0], pa.int8()).cast(pa.bool8()), [1, NAN, 0]),
        (pa.array([1.5, None], pa.float16()), [1.5, NAN]),
        (pa.nulls(2), [NAN, NAN]),
    ],
    ids=lambda value: str(value.type) if isinstance(value, pa.Array) else "",
)
def test_missing_numbers_and_booleans_are_not_a_number(column, expected):
    np.testing.assert_array_equal(to_floats(column, "x"), expected)


@pytest.mark.parametrize(
    "kind", [pa.decimal32(7, 3), pa.decimal64(9, 3), pa.decimal128(9, 3), pa.decimal256(40, 3)], ids=str
)
def test_decimals_are_the_nearest_floats(kind):
    decimals = [Decimal(i) / 1000 for i in range(1, 1000)]
    np.testing.assert_array_equal(to_floats(pa.array(decimals, kind), "x"), [float(value) for value in decimals])
    np.testing.assert_array_equal(
        to_floats(pa.array([[value] for value in decimals], pa.list_(kind)), "x"), [float(value) for value in decimals]
    )


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        ([[1.0], [2.0], None, [4.0]], [1, 2, NAN, 4]),
        ([[1.0], [2.0], [], [4.0]], [1, 2, NAN, 4]),
        ([[1.0], [2.0], [3.0, 3.5], [4.0]], [1, 2, INF, 4]),
        ([[1.0, 2.0], [3.0], [4.0, 5.0]], [[1, 2], [INF, INF], [4, 5]]),
        ([[1.0, None], [2.0, 3.0]], [[1, NAN], [2, 3]]),
        ([[], None], [NAN, NAN]),
        ([[[1.0], [2.0]], [[3.0], [4.0, 4.5]], [[5.0], [6.0]]], [[[1], [2]], [[3], [INF]], [[5], [6]]]),
    ],
    ids=str,
)
@pytest.mark.parametrize("large", [False, True], ids=["list", "large list"])
def test_what_is_odd_about_one_list_concerns_its_row_alone(cells, expected, large):
    column = pa.array(cells)
    if large:
        column = column.cast(pa.large_list(column.type.value_type))
    np.testing.assert_array_equal(to_floats(column, "x"), expected)


def test_missing_lists_of_fixed_size_are_missing_numbers():
    column = pa.array([[1.0, 2.0], None, [3.0, 4.0]], pa.list_(pa.float64(), 2))
    np.testing.assert_array_equal(to_floats(column, "x"), [[1, 2], [NAN, NAN], [3, 4]])


@pytest.mark.parametrize(
    "column",
    [
        pa.array([datetime.datetime(2026, 1, 1), None]),
        pa.array([datetime.date(2026, 1, 1), None]),
        pa.array([datetime.time(1, 2), None]),
        pa.array([datetime.timedelta(1), None]),
        pa.array(["a", None]),
        pa.array([{"a": 1}, None]),
        pa.array(pd.period_range("2020-01", periods=2, freq="M")),
        pa.array([[datetime.date(2026, 1, 1)]]),
    ],
    ids=lambda column: str(column.type),
)
def test_what_is_no_number_is_refused_by_name_and_type(column):
    with pytest.raises(ColumnTypeError, match=r"column 'x' \(label_key\) has type .*; expected numbers"):
        to_floats(column, "x", " (label_key)")


INTERVALS = pd.arrays.IntervalArray.from_tuples([(0, 1.5), (1.5, 3)])
WHO = UUID("12345678-1234-5678-1234-567812345678")


def lists_of_uuids(cells):
    """Arrow makes no such array from Python values."""
    return pa.array([c and [who.bytes for who in c] for c in cells], pa.list_(pa.binary(16))).cast(pa.list_(pa.uuid()))


@pytest.mark.parametrize(
    ("column", "expected"),
    [
        (pa.array(pd.Series(pd.PeriodIndex(["2020-01", None], freq="M"))), ["2020-01", None]),
        (pa.array(pd.Series(pd.PeriodIndex(["2020Q3"], freq="Q"))), ["2020Q3"]),
        (pa.array(pd.Series(INTERVALS)), ["(0.0, 1.5]", "(1.5, 3.0]"]),
        (pa.array(pd.Series(pd.Categorical(INTERVALS))), ["(0.0, 1.5]", "(1.5, 3.0]"]),
        (pa.array([WHO, None]), [str(WHO), None]),
        (lists_of_uuids([[WHO], None, []]), [[str(WHO)], None, []]),
        (pa.array([[9], None, [], [1, 2]], pa.list_view(pa.int64())), [[9], None, [], [1, 2]]),
        (pa.array([[9], None, [], [1, 2]], pa.large_list_view(pa.int64())), [[9], None, [], [1, 2]]),
        (pa.ListViewArray.from_arrays([2, 0], [1, 2], pa.array([1, 2, 3])), [[3], [1, 2]]),
        (pa.RunEndEncodedArray.from_arrays([2, 3], ["a", None]), ["a", "a", None]),
        (pa.array(["{}"], pa.json_(pa.string())), ["{}"]),
    ],
    ids=lambda value: str(value.type) if isinstance(value, pa.Array) else "",
)
def test_extension_types_become_what_pandas_prints_or_what_they_are_stored_as(column, expected):
    found = plain(column)
    assert found.to_pylist() == expected
    assert plain(found) is found


VIEWS = [pa.array(["a", None, "é"], pa.string_view()), pa.array([b"a", None, b"\xff"], pa.binary_view())]


@pytest.mark.parametrize("view", VIEWS, ids=lambda view: str(view.type))
def test_rows_of_views_of_text_can_be_taken_once_they_are_plain(view):
    expected = view.to_pylist()[::2]
    lists = pa.ListArray.from_arrays(pa.array([0, 1, 2, 3], pa.int32()), view)
    for column in (view, pa.DictionaryArray.from_arrays(pa.array([0, 1, 2]), view)):
        assert plain(column).take(pa.array([0, 2])).to_pylist() == expected
    assert plain(lists).take(pa.array([0, 2])).to_pylist() == [[value] for value in expected]


def test_a_slice_of_lists_of_an_extension_type_keeps_its_rows():
    column = lists_of_uuids([[WHO], None, [], [WHO, WHO]])
    assert plain(column[1:]).to_pylist() == [None, [], [str(WHO)] * 2]


TEXTS = [
    pa.string(),
    pa.large_string(),
    pa.string_view(),
    pa.binary(),
    pa.large_binary(),
    pa.binary_view(),
    pa.binary(1),
]


@pytest.mark.parametrize("kind", TEXTS, ids=str)
def test_text_is_text_whichever_type_or_list_holds_it(kind):
    lists = [pa.list_(kind), pa.large_list(kind), pa.list_(kind, 2), pa.list_(pa.large_list(kind))]
    assert all(map(holds_text, [kind, pa.dictionary(pa.int32(), kind), *lists]))


@pytest.mark.parametrize(
    "kind", [pa.int64(), pa.null(), pa.bool_(), pa.date32(), pa.struct([("a", pa.string())])], ids=str
)
def test_what_is_no_text_is_none_in_a_list_either(kind):
    assert not any(map(holds_text, [kind, pa.list_(kind), pa.large_list(kind), pa.dictionary(pa.int8(), kind)]))
