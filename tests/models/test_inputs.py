from dataclasses import replace
from decimal import Decimal

import numpy as np
import pyarrow as pa
import pytest

from assay.errors import BadRowError, ModelError
from assay.extracts.columns import take
from assay.models.inputs import InputSpec, arrays, raw_records, unfit_rows, wanted_columns
from assay.models.model import ModelRef

MODEL = ModelRef("candidate", "somewhere", "keras")


def fed(column, dtype="float32", shape=(None, 1), **extra):
    extracts = {"features": {"x": column}, **extra}
    return arrays(extracts, [InputSpec("x", dtype, shape)], MODEL)["x"]


@pytest.mark.parametrize(
    "column",
    [
        pa.array([1, 2, 3]),
        pa.array([1, 2, 3], pa.uint8()),
        pa.array([1.0, 2.0, 3.0]),
        pa.array([[1], [2], [3]]),
        pa.array([[1.0], [2.0], [3.0]], pa.list_(pa.float32(), 1)),
        pa.array([1, 2, 3]).dictionary_encode(),
        pa.chunked_array([[0, 1, 2, 3]]).chunk(0)[1:],
        np.array([1, 2, 3]),
        np.array([[1.0], [2.0], [3.0]]),
        np.array([1, 2, 3], object),
    ],
    ids=lambda c: str(c.type if isinstance(c, pa.Array) else c.dtype),
)
@pytest.mark.parametrize("dtype", ["float32", "float64", "int64", "int32"])
def test_numbers_of_any_type_become_the_type_and_shape_of_the_input(column, dtype):
    result = fed(column, dtype)
    assert result.dtype == dtype
    assert result.tolist() == [[1], [2], [3]]


@pytest.mark.parametrize(
    "column",
    [
        pa.array(["a", "é"]),
        pa.array(["a", "é"], pa.large_string()),
        pa.array(["a", "é"], pa.string_view()),
        pa.array([b"a", "é".encode()], pa.large_binary()),
        pa.array([b"a", "é".encode()], pa.binary_view()),
        pa.array([["a"], ["é"]], pa.large_list(pa.large_string())),
        pa.array([b"a", "é".encode()]),
        pa.array(["a", "é"]).dictionary_encode(),
        pa.array([["a"], ["é"]]),
        np.array(["a", "é"]),
        np.array(["a", "é"], object),
    ],
    ids=lambda c: str(c.type if isinstance(c, pa.Array) else c.dtype),
)
def test_text_of_any_type_becomes_bytes(column):
    assert fed(column, "string").tolist() == [[b"a"], ["é".encode()]]


def test_a_column_of_rank_one_and_an_input_of_rank_one_stay_so():
    assert fed(pa.array([1, 2]), shape=(None,)).shape == (2,)
    assert fed(pa.array([[1], [2]]), shape=(None,)).shape == (2,)


def test_lists_of_equal_length_become_a_matrix():
    column = pa.array([[9, 9], [1, 2], [3, 4]])[1:]
    assert fed(column, shape=(None, 2)).tolist() == [[1, 2], [3, 4]]


def test_nested_lists_become_more_axes():
    assert fed(pa.array([[[1, 2], [3, 4]]]), shape=(None, 2, 2)).tolist() == [[[1, 2], [3, 4]]]


def test_a_missing_number_is_nan_for_a_float_input():
    assert np.isnan(fed(pa.array([1, None]))).tolist() == [[False], [True]]


def test_a_missing_list_is_a_row_of_nan():
    result = fed(pa.array([[1, 2], None, [3, 4]]), shape=(None, 2))
    np.testing.assert_array_equal(result, [[1, 2], [np.nan, np.nan], [3, 4]])


@pytest.mark.parametrize("kind", [pa.null(), pa.int64(), pa.list_(pa.int64())], ids=str)
def test_a_batch_without_a_value_is_nan_in_the_shape_of_the_input(kind):
    result = fed(pa.nulls(2, kind), shape=(None, 3))
    assert result.shape == (2, 3)
    assert np.isnan(result).all()


def test_bytes_of_one_length_are_text_too():
    assert fed(pa.array([b"ab", None], pa.binary(2)), "string").tolist() == [[b"ab"], [b""]]


@pytest.mark.parametrize(
    "column", [pa.array(["a", None]), pa.array(["a", None]).dictionary_encode()], ids=["text", "dictionary"]
)
def test_missing_text_is_empty(column):
    assert fed(column, "string").tolist() == [[b"a"], [b""]]


@pytest.mark.parametrize(
    "column",
    [pa.array([[4, 1], [None, 2]]), pa.array([[4.0, 1], [np.nan, 2]]), pa.array([[4, 1], None])],
    ids=["null", "nan", "list"],
)
def test_a_missing_number_for_an_integer_input_is_refused_with_file_and_row(column):
    source = {"file": pa.array(["a.csv", "b.csv"]).dictionary_encode(), "row": np.array([6, 7])}
    with pytest.raises(BadRowError, match=r"model 'candidate': column 'x' lacks .* int64.*first in b.csv, row 7"):
        fed(column, "int64", (None, 2), _source=source)


@pytest.mark.parametrize(
    ("column", "dtype"),
    [
        (pa.array([1.0, 1.5]), "int64"),
        (pa.array([1, 300]), "uint8"),
        (pa.array([1, -1]), "uint64"),
        (np.array([0, 2]), "bool"),
        (np.array([1.0, np.inf]), "int32"),
    ],
    ids=["fraction", "too large", "negative", "no truth value", "infinite"],
)
def test_a_number_that_would_change_in_the_cast_is_refused_with_its_row(column, dtype):
    with pytest.raises(BadRowError, match=rf"'x' holds .* takes {dtype} \(first in row 1 of the batch\)"):
        fed(column, dtype)


def test_booleans_feed_numbers_and_numbers_feed_booleans():
    assert fed(pa.array([True, None])).tolist()[0] == [1.0]
    assert fed(pa.array([True, False]), "int64").tolist() == [[1], [0]]
    assert fed(pa.array([0, 1]), "bool").tolist() == [[False], [True]]


@pytest.mark.parametrize(
    ("column", "dtype", "message"),
    [
        (pa.array(["a"]), "float32", "holds string, but the model's input takes float32"),
        (pa.array(["a"]).dictionary_encode(), "int64", "holds string, but the model's input takes int64"),
        (pa.array([1]), "string", "holds int64, but the model's input takes text"),
        (np.array([1.0]), "string", "holds float64, but the model's input takes text"),
        (np.array([object()], object), "float32", "holds Python objects that are not a column"),
        (pa.array([[1, 2, 3]]), "float32", r"shape \(1, 3\), but input 'x' takes \(any, 1\)"),
        (np.zeros((1, 2, 3)), "float32", r"shape \(1, 2, 3\), but input 'x' takes \(any, 1\)"),
    ],
)
def test_a_column_that_does_not_fit_is_refused_naming_model_and_column(column, dtype, message):
    with pytest.raises(ModelError, match=rf"model 'candidate': column 'x' .*{message}"):
        fed(column, dtype)


def test_a_missing_column_is_refused_with_a_near_miss():
    with pytest.raises(ModelError, match=r"takes a column 'age'.*there are aeg, b; did you mean 'aeg'\?"):
        arrays({"features": {"b": np.ones(1), "aeg": np.ones(1)}}, [InputSpec("age", "int64", (None,))], MODEL)


def test_features_are_put_side_by_side_in_the_order_given():
    model = ModelRef("m", "u", "keras", features=("b", "a", "v"))
    extracts = {"features": {"a": np.array([1, 2]), "b": pa.array([3, None]), "v": pa.array([[5, 6], [7, 8]])}}
    result = arrays(extracts, [InputSpec("x", "float32", (None, 4))], model)["x"]
    np.testing.assert_array_equal(result, [[3, 1, 5, 6], [np.nan, 2, 7, 8]])
    with pytest.raises(ModelError, match=r"features b, a, v together: has shape \(2, 4\), but .* takes \(any, 3\)"):
        arrays(extracts, [InputSpec("x", "float32", (None, 3))], model)


def test_features_of_a_model_with_several_inputs_are_refused():
    specs = [InputSpec("a", "float32", None), InputSpec("b", "float32", None)]
    with pytest.raises(ModelError, match="has 2 inputs"):
        wanted_columns(specs, ModelRef("m", "u", "keras", features=("a",)))


def test_raw_records_that_are_not_there_are_asked_for():
    assert raw_records({"input": pa.array([b"1", b"2"])}, MODEL).tolist() == [b"1", b"2"]
    with pytest.raises(ModelError, match=r"takes serialised tf\.Examples, but the rows carry no raw records"):
        raw_records({"features": {}}, MODEL)


# Rows that no input takes ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("column", "dtype", "shape", "unfit"),
    [
        (pa.array([1, None, 3, None]), "int64", (None,), [False, True, False, True]),
        (pa.array([True, None, False]), "bool", (None,), [False, True, False]),
        (pa.array([Decimal("1.0"), Decimal("1.5"), None]), "int32", (None,), [False, True, True]),
        (pa.array([1.0, 2.5, np.nan, np.inf]), "int64", (None,), [False, True, True, True]),
        (pa.array([[1.0, 2.0], [3.0], [], [4.0, 5.0]]), "float32", (None, 2), [False, True, True, False]),
        (pa.array([[1.0], [3.0], [4.0, 5.0]]), "float32", (None, 2), [True, True, False]),
        (pa.array([[1, 2], [3, 4, 5], [6, None]]), "int64", (None, None), [False, True, True]),
        (pa.array([[[1.0], [2.0]], [[1.0], [2.0, 3.0]]]), "float32", (None, 2, 1), [False, True]),
        (pa.array([1.0, None]), "float32", (None,), [False, False]),
        (pa.array(["a", None]), "string", (None,), [False, False]),
        (pa.array(["a", None]), "float32", (None,), [False, False]),  # the whole column is to blame
    ],
    ids=str,
)
def test_rows_that_no_input_takes_are_told_from_the_others(column, dtype, shape, unfit):
    extracts = {"features": {"x": column}}
    specs = [InputSpec("x", dtype, shape)]
    assert unfit_rows(extracts, specs, MODEL).tolist() == unfit
    if any(unfit):
        with pytest.raises(BadRowError, match=r"column 'x' .*set on_bad_rows: skip"):
            arrays(extracts, specs, MODEL)
        arrays(take(extracts, ~np.array(unfit)), specs, MODEL)


def test_rows_are_told_in_each_of_the_features_of_one_input():
    ref = replace(MODEL, features=("a", "b"))
    extracts = {"features": {"a": pa.array([1, None, 3]), "b": pa.array([1, 2, None])}}
    assert unfit_rows(extracts, [InputSpec("x", "int64", (None, 2))], ref).tolist() == [False, True, True]


@pytest.mark.parametrize(
    "column",
    [
        pa.array([Decimal("0.1"), Decimal("0.3")], pa.decimal128(9, 2)),
        pa.array([Decimal("0.1"), Decimal("0.3")], pa.decimal256(50, 5)),
        pa.array([[Decimal("0.1")], [Decimal("0.3")]]),
    ],
    ids=lambda column: str(column.type),
)
def test_decimals_are_the_nearest_floats(column):
    assert fed(column, "float64").tolist() == [[0.1], [0.3]]
