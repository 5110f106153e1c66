from __future__ import annotations

import math
import subprocess
import sys

import numpy as np
import pyarrow as pa
import pytest
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.struct_pb2 import NULL_VALUE, Struct, Value
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from assay.checkpoints import elements
from assay.errors import CorruptFileError, PipelineError, ResultsError
from assay.extractors.per_row import rows_of
from assay.proto.metrics_for_slice_pb2 import MetricsForSlice
from assay.proto.validation_result_pb2 import ValidationResult
from tests.checkpoints.batches import batches, same

texts = st.text(st.characters(), max_size=5) | st.sampled_from(["\ud83d\ude00", "\0", "NaN"])
numbers = st.integers() | st.floats(allow_infinity=False) | st.sampled_from([2**64, -(10**300), -0.0, math.nan])
values = st.recursive(
    st.none() | st.booleans() | numbers | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
)


def back(element):
    return elements.decode(elements.encode(element, "Evaluate", "metrics"))


@given(st.binary())
def test_bytes_come_back(content):
    assert back(content) == content


@settings(max_examples=300)
@given(values)
def test_json_values_come_back_with_type_order_and_sign(value):
    assert repr(back(value)) == repr(value)


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(batches())
def test_extracts_come_back(batch):
    assert same(batch, back(batch))


@pytest.mark.parametrize(
    "message",
    [
        MetricsForSlice(slice_key={"single_slice_keys": [{"column": "sex", "bytes_value": b"\xff"}]}),
        ValidationResult(validation_ok=True),
        ValidationResult(),
        Struct(fields={"a": Value(number_value=1), "b": Value(null_value=NULL_VALUE)}),
    ],
)
def test_proto_messages_come_back_as_their_own_class(message):
    assert back(message) == message
    assert type(back(message)) is type(message)


def test_a_proto_message_without_its_required_fields_comes_back():
    message = descriptor_pb2.UninterpretedOption.NamePart(name_part="x")
    assert back(message) == message


def test_a_proto_message_that_nothing_defines_is_refused_by_name():
    file = descriptor_pb2.FileDescriptorProto(
        name="theirs.proto", package="theirs", message_type=[descriptor_pb2.DescriptorProto(name="Own")]
    )
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    own = message_factory.GetMessageClass(pool.FindMessageTypeByName("theirs.Own"))()
    with pytest.raises(ResultsError, match=r"'theirs\.Own', which nothing here defines; import its module"):
        back(own)


@pytest.mark.parametrize("message", [MetricsForSlice(), ValidationResult()])
def test_assays_own_messages_are_known_to_a_process_that_has_imported_nothing_else(message):
    content = elements.encode(message, "Evaluate", "metrics")
    code = f"from assay.checkpoints.elements import decode; print(type(decode({content!r})).__name__)"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert found.strip() == type(message).__name__


@pytest.mark.parametrize("element", [{1}, (1, 2), object(), [b"x"], math.inf, {"a": object()}, {"a": [np.zeros(1)]}])
def test_anything_else_is_refused_with_its_stage_and_output(element):
    with pytest.raises(PipelineError, match=r"stage 'Evaluate.*metrics"):
        elements.encode(element, "Evaluate", "metrics")


def test_single_examples_are_refused():
    with pytest.raises(PipelineError, match="single examples"):
        elements.encode(next(rows_of({"labels": pa.array([1])})), "Evaluate", "analysis")


@pytest.mark.parametrize(
    "content",
    [b"", b"q", b"\x80\x04.", b"j{", b"j\xff", b"x", b"xARROW1", b"massay.ValidationResult", b"m\xff\0", b"mx"],
)
def test_bytes_that_are_no_element_are_refused(content):
    with pytest.raises((CorruptFileError, ResultsError)):
        elements.decode(content)


@pytest.mark.parametrize("kind", [{"a": [1]}, {"a": np.zeros(2)}, MetricsForSlice(slice_key={})])
def test_an_element_that_is_cut_off_never_passes_for_one_of_another_kind(kind):
    content = elements.encode(kind, "Evaluate", "metrics")
    for size in range(1, len(content)):
        try:
            found = elements.decode(content[:size])
        except (CorruptFileError, ResultsError):
            continue
        assert isinstance(found, type(kind))
