"""One example at a time, among batches."""

import apache_beam as beam
import numpy as np
import pyarrow as pa

from assay.extractors.per_row import UnbatchExtractor, per_row
from assay.extractors.slice_keys import extract_slice_keys
from assay.extracts.columns import row_count
from assay.slicing.codes import codes_of
from assay.slicing.specs import Slicing
from tests.beam_runs import run

BATCH: dict = {
    "features": {
        "age": pa.array([30, 41, None], pa.int32()),
        "name": pa.array(["a", "b", "a"]).dictionary_encode(),
        "tags": pa.array([["x"], [], ["x", "y"]]),
        "vector": np.arange(6.0).reshape(3, 2),
    },
    "labels": np.array([1.0, 0.0, 1.0], np.float32),
}


def test_an_example_has_a_value_where_a_batch_has_a_column():
    first, _, third = run([BATCH], UnbatchExtractor().ptransform)
    assert first["features"]["age"] == 30
    assert first["labels"] == 1.0
    assert third["features"]["tags"] == ["x", "y"]
    assert third["features"]["age"] is None
    assert third["features"]["vector"].tolist() == [4.0, 5.0]


def test_a_function_of_one_example_becomes_a_transform_of_batches():
    def older(row):
        age = row["features"]["age"]
        return {**row, "features": {**row["features"], "older": None if age is None else age + 1}}

    (batch,) = run([BATCH], per_row(older))
    assert batch["features"]["older"].to_pylist() == [31, 42, None]


def test_columns_that_were_not_touched_keep_their_types():
    (batch,) = run([BATCH], per_row(lambda row: row))
    for name in ("age", "tags"):
        assert batch["features"][name].equals(BATCH["features"][name])
    assert batch["features"]["name"].to_pylist() == ["a", "b", "a"]
    assert batch["labels"].dtype == np.float32
    np.testing.assert_array_equal(batch["features"]["vector"], BATCH["features"]["vector"])


def test_rows_can_be_dropped_and_added():
    (batch,) = run([BATCH], per_row(beam.FlatMap(lambda row: [row] * int(2 * row["labels"]))))
    assert row_count(batch) == 4


def test_slices_of_rows_survive():
    sliced = extract_slice_keys(BATCH, slicings=(Slicing(), Slicing(("name",)), Slicing(("tags",)))).extracts
    (batch,) = run([sliced], per_row(beam.Filter(lambda row: row["labels"] == 1.0)))
    by_name = codes_of(batch["_slice_key_types"]["name"])
    assert by_name.keys == [(("name", "a"),)]
    np.testing.assert_array_equal(by_name.rows, [0, 1])
    assert codes_of(batch["_slice_key_types"]["overall"]).codes is None
    np.testing.assert_array_equal(codes_of(batch["_slice_key_types"]["tags"]).rows, [0, 1, 1])


def test_splits_stay_apart():
    def from_split(i):
        return {**BATCH, "_source": {"split": np.full(3, i, np.int32), "row": np.arange(3)}}

    batches = run([from_split(0), from_split(0), from_split(1)], per_row(lambda row: row))
    assert [(row_count(b), int(b["_source"]["split"][0])) for b in batches] == [(6, 0), (3, 1)]


def test_an_evaluator_of_examples_keeps_its_outputs():
    class Count(beam.PTransform):
        def expand(self, rows):
            return {"count": rows | beam.combiners.Count.Globally()}

    assert run([BATCH, BATCH], per_row(Count())) == {"count": [6]}
