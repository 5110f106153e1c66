from __future__ import annotations

import io

import numpy as np
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from assay.errors import CorruptFileError, PipelineError
from assay.extractors.per_row import rows_of
from assay.extracts.arrow_file import ExtractsFile, from_record_batch, read_batches, to_record_batch
from assay.slicing.codes import codes_of, slice_rows
from assay.slicing.specs import Slicing
from tests.checkpoints.batches import batches, same

often = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def written(*extracts):
    held = io.BytesIO()
    file = ExtractsFile(held)
    for each in extracts:
        file.write(each)
    file.close()
    return held.getvalue()


def words(*values):
    return pa.array(values, pa.string()).dictionary_encode()


def streams_in(content):
    source, count = pa.BufferReader(content), 0
    while source.tell() < len(content):
        pa.ipc.open_stream(source).read_all()
        count += 1
    return count


@often
@given(batches())
def test_a_batch_comes_back_from_a_record_batch_with_the_same_keys_types_and_bits(batch):
    assert same(batch, from_record_batch(to_record_batch(batch)))


@often
@given(st.lists(batches(), max_size=3))
def test_batches_of_any_schemas_come_back_from_a_file_in_order_with_the_same_bits(several):
    found = list(read_batches(written(*several)))
    assert len(found) == len(several)
    assert all(map(same, several, found))


FORMS = {
    "text": lambda values: words(*values),
    "list": lambda values: pa.ListArray.from_arrays([0, 1, len(values)], words(*values)),
    "struct": lambda values: pa.StructArray.from_arrays([words(*values)], ["x"]),
    "dictionary of structs": lambda values: pa.DictionaryArray.from_arrays(
        pa.array([0]), pa.StructArray.from_arrays([pa.array(values)], ["x"])
    ),
    "dictionary of structs of dictionaries": lambda values: pa.DictionaryArray.from_arrays(
        pa.array([0]), pa.StructArray.from_arrays([words(*values)], ["x"])
    ),
    "dictionary of lists of dictionaries": lambda values: pa.DictionaryArray.from_arrays(
        pa.array([0]), pa.ListArray.from_arrays([0, 1, len(values)], words(*values))
    ),
}


@pytest.mark.parametrize("form", FORMS)
def test_each_batch_keeps_its_own_dictionary_in_one_stream(form):
    texts = [["a", "b"], ["a", "b"], ["b", "a"], ["a", "b", "c"], ["d"], ["a", "b"]]
    several = [{"c": FORMS[form](values)} for values in texts]
    content = written(*several)
    assert all(map(same, several, read_batches(content)))
    assert streams_in(content) == 1


@pytest.mark.parametrize("other", [np.array([0.0]), np.array([0x7FF8000000000001]).view(float)])
@pytest.mark.parametrize("nested", [False, True])
def test_dictionaries_that_differ_in_the_bits_of_a_float_only_stay_apart(other, nested):
    ours = np.array([-0.0]) if other[0] == 0 else np.array([0x7FF8000000000002]).view(float)
    columns = [pa.DictionaryArray.from_arrays(pa.array([0]), pa.array(values)) for values in (ours, other)]
    several = [{"c": pa.StructArray.from_arrays([column], ["x"]) if nested else column} for column in columns]
    found = list(read_batches(written(*several)))
    assert all(map(same, several, found))
    assert not same(found[0], found[1])


def test_slice_keys_come_back_with_the_same_codes():
    features = {"n": np.array([1.5, 2.5, 1.5]), "t": words("a", None, "b"), "l": pa.array([["x"], [], ["x", "y"]])}
    slicings = [Slicing(), Slicing(("n", "t")), Slicing(("l",)), Slicing(("absent",))]
    batch = {"_slice_key_types": {name: sliced.column for name, sliced in slice_rows(slicings, features, 3).items()}}
    (found,) = read_batches(written(batch))
    assert same(batch, found)
    for name, column in batch["_slice_key_types"].items():
        assert codes_of(found["_slice_key_types"][name]).keys == codes_of(column).keys


def test_an_extractor_finds_arrays_that_it_may_not_change():
    (found,) = read_batches(written({"labels": np.zeros(3)}))
    with pytest.raises(ValueError, match="read-only"):
        found["labels"][0] = 1


def test_contiguous_numbers_are_read_without_a_copy():
    numbers = np.arange(1000.0)
    content = pa.py_buffer(written({"labels": numbers, "pairs": np.zeros((1000, 2)), "scores": pa.array(numbers)}))
    (found,) = read_batches(content)
    inside = range(content.address, content.address + content.size)
    assert found["labels"].ctypes.data in inside
    assert found["pairs"].ctypes.data in inside
    assert found["scores"].buffers()[1].address in inside


def test_only_wanted_columns_are_read_and_their_dicts_stay():
    batch = {"features": {"a": words("x"), "b": np.zeros(1)}, "predictions": {"m": np.zeros((1, 2))}}
    (found,) = read_batches(written(batch), lambda path: path == ("features", "b"))
    assert same(found, {"features": {"b": np.zeros(1)}, "predictions": {}})


def test_any_reader_of_arrow_sees_columns_by_their_keys():
    several = [{"features": {"zone": words(*zones)}, "labels": np.array([0.0, 1.0])} for zones in ("ab", "cb")]
    table = pa.ipc.open_stream(written(*several)).read_all()
    assert table.to_pydict() == {"features.zone": ["a", "b", "c", "b"], "labels": [0.0, 1.0, 0.0, 1.0]}
    frame = pl.read_ipc_stream(written(*several))
    assert frame.get_column("features.zone").to_list() == ["a", "b", "c", "b"]


def test_closing_tells_rows_and_batches_and_leaves_the_file_open():
    held = io.BytesIO()
    file = ExtractsFile(held)
    for rows in (3, 0, 4):
        file.write({"labels": np.zeros(rows)})
    assert file.close() == (7, 3)
    assert not held.closed


def test_a_file_without_a_batch_can_be_read():
    assert list(read_batches(written())) == []


def test_a_file_that_is_cut_off_anywhere_is_refused():
    content = written({"features": {"a": words("x", "y")}, "labels": np.zeros(2)}, {"labels": np.zeros(2)})
    ends_of_a_stream = {content.index(b"\xff\xff\xff\xff\0\0\0\0") + 8}
    for size in sorted(set(range(len(content))) - ends_of_a_stream):
        with pytest.raises(CorruptFileError, match="expected"):
            list(read_batches(content[:size]))


@pytest.mark.parametrize("content", [b"", b"PAR1", b"\0" * 100, b"x" * 100 + b"\xff\xff\xff\xff\0\0\0\0"])
def test_bytes_of_another_format_are_refused(content):
    with pytest.raises(CorruptFileError, match="expected Arrow IPC streams"):
        list(read_batches(content))


def test_a_stream_of_another_origin_is_refused():
    held = io.BytesIO()
    table = pa.table({"a": [1]})
    with pa.ipc.new_stream(held, table.schema) as stream:
        stream.write_table(table)
    with pytest.raises(CorruptFileError, match="another origin"):
        list(read_batches(held.getvalue()))


def test_a_schema_that_asks_for_python_objects_is_refused():
    batch = to_record_batch({"a": np.zeros(1, np.int64)})
    forged = batch.replace_schema_metadata({"assay": '{"a": [0, "|O", []]}'})
    with pytest.raises(CorruptFileError, match="numpy type object"):
        from_record_batch(forged)


@pytest.mark.parametrize(
    ("extracts", "message"),
    [
        (next(rows_of({"labels": np.zeros(1)})), "UnbatchExtractor behind the last checkpoint"),
        ({"features": {1: np.zeros(1)}}, "the key 1 is a int; expected text"),
        ({"a": np.array([object()])}, "a is an array of object"),
        ({"a": pa.chunked_array([[1]])}, "a is ChunkedArray"),
        ({"a": np.zeros(1), "b": np.zeros(2)}, "b has 2 rows and a has 1"),
        ({"a": {"b": pa.DictionaryArray.from_arrays([0], words("x"))}}, "'a.b' has a dictionary of type dictionary"),
    ],
)
def test_what_cannot_be_written_is_refused(extracts, message):
    with pytest.raises(PipelineError, match=message):
        to_record_batch(extracts)
