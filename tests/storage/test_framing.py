"""Framed records, with TensorFlow as the reference."""

import io
import random

import pytest

from assay.bounds import Bound
from assay.errors import CorruptFileError
from assay.storage.framing import framed, unframed

tf = pytest.importorskip("tensorflow")

MEGABYTE = 1 << 20
SIZES = {
    "empty records": [0, 0, 5, 0],
    "records of 6,000 lengths": [*range(6000)],
    "records that end where a block ends": [MEGABYTE - 16, MEGABYTE - 17, 1, MEGABYTE - 16, 4],
    "records of several blocks": [3 * MEGABYTE, 7, 5 * MEGABYTE + 1, 0],
    "no record": [],
}


def records_of(sizes):
    source = random.Random(0)
    return [source.randbytes(size) for size in sizes]


@pytest.mark.parametrize("sizes", SIZES.values(), ids=SIZES)
def test_records_are_those_that_tensorflow_reads_and_wrote(tmp_path, sizes):
    records = records_of(sizes)
    with tf.io.TFRecordWriter(str(tmp_path / "a.tfrecord")) as writer:
        for record in records:
            writer.write(record)
    content = b"".join(map(framed, records))
    assert (tmp_path / "a.tfrecord").read_bytes() == content
    assert list(unframed(io.BytesIO(content), "a")) == records
    assert [read.numpy() for read in tf.data.TFRecordDataset(str(tmp_path / "a.tfrecord"))] == records


def test_a_file_that_ends_at_any_byte_of_its_last_record_is_cut_off():
    first, last = map(framed, records_of([100, 50]))
    for length in range(1, len(last)):
        with pytest.raises(CorruptFileError, match=r"truncated; .* write the file again"):
            list(unframed(io.BytesIO(first + last[:length]), "a"))


def test_a_flipped_bit_in_any_byte_is_told():
    content = b"".join(map(framed, records_of([20, 30])))
    for at in range(len(content)):
        damaged = bytearray(content)
        damaged[at] ^= 1
        with pytest.raises(CorruptFileError, match=f"corrupted record {int(at >= 36)}: its checksum is wrong"):
            list(unframed(io.BytesIO(bytes(damaged)), "a"))


def test_records_before_a_damaged_one_are_read():
    records = records_of([MEGABYTE, 10])
    read = unframed(io.BytesIO(framed(records[0]) + framed(records[1])[:-1]), "a")
    assert next(read) == records[0]
    with pytest.raises(CorruptFileError, match=r"a, row 1: truncated; 1 of the 26 bytes"):
        next(read)


def test_the_longest_record_is_one_as_long_as_its_bound():
    bound = Bound("ASSAY_MAX_TEST_MB", 1, "MB")
    content = framed(bytes(MEGABYTE))
    assert len(list(unframed(io.BytesIO(content), "a", bound))) == 1
    with pytest.raises(CorruptFileError, match="row 0: a record of 1,048,577 bytes; expected at most 1 MB"):
        list(unframed(io.BytesIO(framed(bytes(MEGABYTE + 1))), "a", bound))
