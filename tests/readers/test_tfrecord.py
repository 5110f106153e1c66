import gzip

import numpy as np
import pytest

from assay.errors import BadRowError, CorruptFileError
from assay.readers.tf_example import parse_examples
from assay.storage.framing import framed
from tests.lying_records import lying

tf = pytest.importorskip("tensorflow")


def example(**features):
    """A serialised tf.Example; the type of the values tells the type of the feature."""
    lists = {
        int: lambda v: tf.train.Feature(int64_list=tf.train.Int64List(value=v)),
        float: lambda v: tf.train.Feature(float_list=tf.train.FloatList(value=v)),
        bytes: lambda v: tf.train.Feature(bytes_list=tf.train.BytesList(value=v)),
    }
    values = {name: value if isinstance(value, list) else [value] for name, value in features.items()}
    feature = {name: lists[type(v[0])](v) if v else tf.train.Feature() for name, v in values.items()}
    return tf.train.Example(features=tf.train.Features(feature=feature)).SerializeToString(deterministic=True)


@pytest.fixture
def write_records(tmp_path):
    def write(name, records, compression=""):
        with tf.io.TFRecordWriter(str(tmp_path / name), compression) as writer:
            for record in records:
                writer.write(record)
        return tmp_path / name

    return write


RECORDS = [example(i=i, x=i / 8, s=b"v%d" % (i % 3)) for i in range(5000)]


@pytest.mark.parametrize("compression", ["", "GZIP"])
def test_features_come_as_flat_columns_in_batches(read, write_records, compression):
    got = read("tfrecord", write_records("a.tfrecord", RECORDS, compression), batch_rows=2000, dictionary=("s",))
    assert [len(batch.rows) for batch in got.batches] == [2000, 2000, 1000]
    assert got.rows == got.column("i") == list(range(5000))
    assert got.column("x") == [i / 8 for i in range(5000)]
    assert got.column("s") == [f"v{i % 3}" for i in range(5000)]
    assert set(got.types("s")) == {"dictionary<values=string, indices=int32, ordered=0>"}
    assert set(got.types("x")) == {"float"}


def test_only_wanted_features_come_and_records_where_asked_for(read, write_records):
    got = read("tfrecord", write_records("a.tfrecord", RECORDS[:10]), columns=("x",), raw=True)
    assert list(got.batches[0].columns) == ["x"]
    assert got.batches[0].records.to_pylist() == RECORDS[:10]


def test_missing_values_are_null_and_several_values_are_lists():
    records = [example(one=1, many=[b"a", b"b"], some=2.0), example(one=2, many=b"c", none=[]), example(one=3)]
    got = {name: column.to_pylist() for name, column in parse_examples(records).items()}
    assert got == {"one": [1, 2, 3], "many": [["a", "b"], ["c"], None], "some": [2.0, None, None], "none": [None] * 3}


def test_bytes_that_are_no_text_stay_bytes():
    assert parse_examples([example(b=b"\xff\x00"), example(b=b"ok")])["b"].to_pylist() == [b"\xff\x00", b"ok"]


def test_vectors_become_lists_of_one_length():
    assert parse_examples([example(v=[1.0, 2.0]), example(v=[3.0, 4.0])])["v"].to_pylist() == [[1, 2], [3, 4]]


def test_a_feature_that_comes_late_is_found_when_it_is_wanted(read, write_records):
    late = [*RECORDS[:3000], example(i=7, x=1.0, late=2.5)]
    file = write_records("a.tfrecord", [example(i=1, x=0.0, late=[]), *late])
    assert read("tfrecord", file, columns=("late", "i")).column("late") == [None] * 3001 + [2.5]


def test_a_record_that_is_no_example_fails_naming_file_and_row_or_is_left_out(read, write_records):
    file = write_records("a.tfrecord", [*RECORDS[:1500], b"\xff\xffgarbage", *RECORDS[1500:2000]])
    with pytest.raises(BadRowError, match=r"a\.tfrecord, row 1500: not a serialised tf\.Example"):
        read("tfrecord", file, batch_rows=1000)
    got = read("tfrecord", file, batch_rows=1000, on_bad_rows="skip", raw=True)
    assert got.column("i") == list(range(2000))
    assert got.rows == [*range(1500), *range(1501, 2001)]
    assert [record for batch in got.batches for record in batch.records.to_pylist()] == RECORDS[:2000]
    assert got.refused == [(1500, "not a serialised tf.Example")]


def test_a_feature_of_another_type_is_a_bad_row(read, write_records):
    file = write_records("a.tfrecord", [*RECORDS[:5], example(i=5, x=b"text")])
    with pytest.raises(BadRowError, match=r"row 5: feature x.*[Tt]ype.*float.*string"):
        read("tfrecord", file)


@pytest.mark.parametrize("cut", [1, 5, 11, 14, 17, 40])
def test_a_file_cut_off_anywhere_is_named(read, write, write_records, cut):
    last = len(RECORDS[-1]) + 16
    data = write_records("ok.tfrecord", RECORDS).read_bytes()
    with pytest.raises(CorruptFileError, match=r"cut\.tfrecord"):
        read("tfrecord", write("cut.tfrecord", data[: len(data) - last + cut]))


@pytest.mark.parametrize("left", [0.5, 0.9, 0.999])
def test_a_gzip_file_cut_off_is_named(read, write, write_records, left):
    data = write_records("ok.tfrecord", RECORDS, "GZIP").read_bytes()
    with pytest.raises(CorruptFileError, match=r"cut\.tfrecord"):
        read("tfrecord", write("cut.tfrecord", data[: int(len(data) * left)]))


def test_a_gzip_file_cut_off_between_records_is_named(read, write, write_records):
    whole = write_records("ok.tfrecord", RECORDS).read_bytes()
    half = whole[: sum(len(record) + 16 for record in RECORDS[:2500]) + 4]
    with pytest.raises(CorruptFileError, match=r"cut\.tfrecord: truncated; after the last whole record stand 4 more"):
        read("tfrecord", write("cut.tfrecord", gzip.compress(half)))


def test_gzip_members_one_after_the_other_are_one_file(read, write, write_records):
    data = write_records("ok.tfrecord", RECORDS[:100], "GZIP").read_bytes()
    assert len(read("tfrecord", write("two.tfrecord", data * 2)).rows) == 200


@pytest.mark.parametrize("offset", [3, 30, 5000])
def test_a_flipped_bit_is_found_and_the_file_named(read, write, write_records, offset):
    data = bytearray(write_records("ok.tfrecord", RECORDS).read_bytes())
    data[offset] ^= 4
    with pytest.raises(CorruptFileError, match=r"bad\.tfrecord: not readable as TFRecord: corrupted record"):
        read("tfrecord", write("bad.tfrecord", bytes(data)))


def test_another_format_is_named(read, write):
    with pytest.raises(CorruptFileError, match=r"a\.csv: not readable as TFRecord"):
        read("tfrecord", write("a.csv", "a,b\n1,2\n" * 100))


def test_empty_shards_give_no_rows(read, write, write_records):
    write_records("1.tfrecord", [])
    write("0.tfrecord", b"")
    file = write_records("2.tfrecord", RECORDS[:3])
    assert read("tfrecord", file.parent / "*.tfrecord").column("i") == [0, 1, 2]


def test_parsing_refuses_what_is_no_example_outside_of_files_too():
    with pytest.raises(CorruptFileError, match=r"record 1 of a batch of 2: not a serialised tf\.Example"):
        parse_examples([RECORDS[0], b"garbage"])


def test_float_values_are_those_of_the_example():
    values = np.random.default_rng(0).normal(size=100).astype(np.float32)
    got = parse_examples([example(x=float(v)) for v in values])["x"].to_numpy()
    assert got.dtype == np.float32
    assert (got == values).all()


@pytest.mark.parametrize("length", [2**27, 2**40, 2**62, 2**63, 2**64 - 1, 2**64 - 16])
@pytest.mark.parametrize("before", [0, 3])
@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "gzip"])
def test_a_record_that_claims_too_many_bytes_is_named(read, write, length, before, pack):
    with pytest.raises(CorruptFileError, match=rf"a\.tfrecord, row {before}: a record of .*at most 64 MB \(set ASSAY_"):
        read("tfrecord", write("a.tfrecord", pack(lying(length, *RECORDS[:before]))))


@pytest.mark.parametrize("length", [101, 5000, 2**25])
@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "gzip"])
def test_a_record_that_claims_more_bytes_than_there_are_is_cut_off(read, write, length, pack):
    with pytest.raises(CorruptFileError, match=r"a\.tfrecord, row \d: (truncated|cut off)"):
        read("tfrecord", write("a.tfrecord", pack(lying(length, *RECORDS[:2]))))


def test_a_record_behind_the_first_thousand_is_looked_at_before_tensorflow_sees_it(read, write):
    with pytest.raises(CorruptFileError, match=r"a\.tfrecord, row 1500: a record of"):
        read("tfrecord", write("a.tfrecord", lying(2**50, *RECORDS[:1500])))


def test_the_bound_of_a_record_can_be_raised(read, write, monkeypatch):
    file = write("a.tfrecord", framed(example(x=b"y" * (3 << 20))))
    monkeypatch.setenv("ASSAY_MAX_ROW_MB", "2")
    with pytest.raises(CorruptFileError, match="row 0: a record of"):
        read("tfrecord", file)
    monkeypatch.setenv("ASSAY_MAX_ROW_MB", "4")
    assert [len(text) for text in read("tfrecord", file).column("x")] == [3 << 20]
