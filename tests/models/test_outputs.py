from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from assay.errors import ModelError
from assay.models import outputs

settle: Any = outputs.settle
join: Any = outputs.join


@pytest.mark.parametrize(
    "output", [np.array([[1.0], [2.0]]), [1.0, 2.0], {"only": np.array([1.0, 2.0])}, pa.array([1.0, 2.0])]
)
def test_one_output_is_a_column(output):
    column = settle(output, 2, "m")
    assert np.asarray(column).tolist() == [1.0, 2.0]


def test_several_outputs_stay_a_dict_and_matrices_stay_matrices():
    result = settle({"a": np.zeros((2, 3)), "b": np.ones((2, 1))}, 2, "m")
    assert isinstance(result, dict)
    assert result["a"].shape == (2, 3)
    assert result["b"].shape == (2,)


def test_one_row_of_one_value_is_a_column_of_one_row():
    assert settle(np.ones((1, 1)), 1, "m").shape == (1,)


def test_text_becomes_arrow_text_and_bytes_that_are_no_text_stay_binary():
    def settled(*values):
        return join([settle(np.array(v, dtype), len(v), "m") for v, dtype in values], "m")

    assert settled((["a", "b"], "U")).equals(pa.array(["a", "b"]))
    assert settled(([b"a"], object), ([b"b"], object)).equals(pa.array(["a", "b"]))
    assert settled(([b"\xff"], object), ([b"b"], object)).equals(pa.array([b"\xff", b"b"]))
    assert settled(([[b"a", b"b"], [b"c", b"d"]], object)).to_pylist() == [["a", "b"], ["c", "d"]]


@pytest.mark.parametrize(
    ("output", "message"),
    [
        (np.ones(3), "returned 3 predictions for 2 rows"),
        ({"a": np.ones(2), "b": np.ones(1)}, "output 'b' returned 1 predictions for 2 rows"),
        (1.5, "returned one float"),
        (None, "returned one NoneType"),
        ([[1], [2, 3]], "returned a list that is not an array"),
        (np.array([1j, 2j]), "returned values of type complex128"),
        (np.array([object(), object()], object), "returned Python objects that are not a column"),
        ({}, "returned no output"),
    ],
)
def test_an_output_that_does_not_fit_the_rows_is_refused_naming_the_model(output, message):
    with pytest.raises(ModelError, match=f"model 'm'.*{message}"):
        settle(output, 2, "m")


def test_pieces_are_joined_in_order():
    assert join([np.array([1, 2]), np.array([3])], "m").tolist() == [1, 2, 3]
    joined = join([{"a": np.ones(1), "t": pa.array(["x"])}, {"a": np.zeros(1), "t": pa.array(["y"])}], "m")
    assert joined["a"].tolist() == [1, 0]
    assert joined["t"].to_pylist() == ["x", "y"]


@pytest.mark.parametrize(
    "parts",
    [
        [{"a": np.ones(1)}, {"b": np.ones(1)}],
        [np.ones(1), {"b": np.ones(1)}],
        [np.ones(1), np.ones((1, 2))],
        [pa.array(["a"]), pa.array([1])],
        [np.ones(1), pa.array(["a"])],
    ],
)
def test_pieces_of_different_form_are_refused(parts):
    with pytest.raises(ModelError, match="model 'm' returned"):
        join(parts, "m")
