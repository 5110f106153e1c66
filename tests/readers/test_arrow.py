import pickle
from typing import Any

import apache_beam as beam
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from apache_beam.testing.util import assert_that, equal_to

from assay.errors import ColumnTypeError
from assay.readers.arrow import ReadBatches, from_arrow, from_pandas, from_rows


def values(batches):
    names = batches[0]["features"]
    return {name: [v for batch in batches for v in batch["features"][name].to_pylist()] for name in names}


def test_a_table_is_cut_into_batches_that_tell_their_rows():
    batches = from_arrow(pa.table({"n": range(25), "s": ["x"] * 25}), batch_rows=10, dictionary=("s",))
    assert [len(batch["features"]["n"]) for batch in batches] == [10, 10, 5]
    assert np.concatenate([batch["_source"]["row"] for batch in batches]).tolist() == list(range(25))
    assert values(batches)["n"] == list(range(25))
    assert pa.types.is_dictionary(batches[0]["features"]["s"].type)
    assert set(batches[0]["_source"]["file"].to_pylist()) == {"<memory>"}


def test_chunks_of_a_table_become_one_array():
    table = pa.concat_tables([pa.table({"n": [1, 2]}), pa.table({"n": [3]})])
    assert isinstance(from_arrow(table)[0]["features"]["n"], pa.Array)
    assert values(from_arrow(table)) == {"n": [1, 2, 3]}


def test_an_empty_table_is_one_empty_batch_with_its_columns():
    (batch,) = from_arrow(pa.table({"n": pa.array([], pa.int64())}))
    assert (len(batch["features"]["n"]), batch["features"]["n"].type) == (0, pa.int64())


def test_a_batch_is_pickled_without_the_rest_of_its_table():
    batches = from_arrow(pa.table({"n": np.arange(1_000_000)}), batch_rows=10)
    assert len(pickle.dumps(batches[7])) < 10_000


def test_a_frame_may_hold_arrays_text_categories_and_gaps():
    frame = pd.DataFrame(
        {
            "x": [0.5, np.nan],
            "s": ["a", None],
            "c": pd.Categorical(["u", "v"]),
            "v": [np.array([1.0, 2.0]), np.array([3.0])],
            "m": [np.eye(2), np.zeros((2, 2))],
            7: [1, 2],
        },
        index=[5, 5],
    )
    assert values(from_pandas(frame)) == {
        "x": [0.5, None],
        "s": ["a", None],
        "c": ["u", "v"],
        "v": [[1.0, 2.0], [3.0]],
        "m": [[[1.0, 0.0], [0.0, 1.0]], [[0.0, 0.0], [0.0, 0.0]]],
        "7": [1, 2],
    }


def test_rows_may_lack_values_here_and_there():
    rows: list[dict[str, Any]] = [
        {"a": 1, "s": "x"},
        {"v": np.array([1, 2])},
        {"a": 2.5, "s": None, "v": [3]},
        {"a": np.float32(1)},
    ]
    assert values(from_rows(rows)) == {
        "a": [1.0, None, 2.5, 1.0],
        "s": ["x", None, None, None],
        "v": [None, [1, 2], [3], None],
    }


def test_no_rows_give_an_empty_batch():
    assert values(from_rows([])) == {}


@pytest.mark.parametrize(
    "bad",
    [[{"a": 1}, {"a": "x"}], [{"a": [1]}, {"a": 2}], [{"a": object()}]],
    ids=["number and text", "list and number", "object"],
)
def test_values_that_do_not_go_together_are_refused_naming_the_column(bad):
    with pytest.raises(ColumnTypeError, match="column 'a'"):
        from_rows(bad)
    with pytest.raises(ColumnTypeError, match="column 'a'"):
        from_pandas(pd.DataFrame(bad))


def test_batches_enter_a_pipeline_in_their_order():
    batches = from_arrow(pa.table({"n": range(25)}), batch_rows=10)
    with beam.Pipeline(runner="FnApiRunner") as pipeline:
        read = pipeline | ReadBatches(batches) | beam.Map(lambda batch: batch["features"]["n"].to_pylist())
        assert_that(read, equal_to([list(range(10)), list(range(10, 20)), list(range(20, 25))]))
