"""Inputs on Google Cloud Storage: the same rows as from a disk, whatever happens on the way."""

import gzip
import uuid

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from assay import storage
from assay.errors import CorruptFileError, MissingFileError, TransientError
from assay.readers import listing
from assay.storage import gcs as storage_gcs
from assay.storage.framing import framed

ROWS = 60_000


def csv_file():
    return "n,s\n" + "".join(f"{i},v{i % 7}\n" for i in range(ROWS))


def jsonl_file():
    return "".join(f'{{"n": {i}, "s": "v{i % 7}"}}\n' for i in range(ROWS))


def tfrecord_file():
    tf = pytest.importorskip("tensorflow")
    records = []
    for i in range(3000):
        n = tf.train.Feature(int64_list=tf.train.Int64List(value=[i]))
        s = tf.train.Feature(bytes_list=tf.train.BytesList(value=[b"v%d" % (i % 7)]))
        example = tf.train.Example(features=tf.train.Features(feature={"n": n, "s": s}))
        records.append(framed(example.SerializeToString()))
    return b"".join(records)


def parquet_file():
    sink = pa.BufferOutputStream()
    table = pa.table({"n": np.arange(ROWS), "s": [f"v{i % 7}" for i in range(ROWS)], "x": np.arange(ROWS) / 7})
    pq.write_table(table, sink, row_group_size=20_000)
    return sink.getvalue().to_pybytes()


MAKERS = {"csv": csv_file, "jsonl": jsonl_file, "tfrecord": tfrecord_file, "parquet": parquet_file}
KINDS = ["csv", "csv.gz", "jsonl", "jsonl.gz", "tfrecord", "tfrecord.gz", "parquet"]


@pytest.fixture(scope="module", params=KINDS)
def content(request):
    form, _, gz = request.param.partition(".")
    made = MAKERS[form]()
    raw = made.encode() if isinstance(made, str) else made
    return request.param, form, gzip.compress(raw) if gz else raw


@pytest.fixture
def there(gcs, content, monkeypatch):
    """(format, the folder of two files on the bucket)."""
    monkeypatch.setattr(storage_gcs, "RETRY_SECONDS", 5.0)
    monkeypatch.setattr(storage_gcs, "_FIRST_DELAY_SECONDS", 0.05)
    kind, form, raw = content
    folder = f"{gcs.root}/{uuid.uuid4().hex}"
    for name in ("b", "a"):
        storage.write(f"{folder}/{name}.{kind}", raw)
    return form, f"{folder}/*.{kind}"


def test_rows_are_those_of_the_same_files_on_a_disk(read, write, content, there):
    kind, form, raw = content
    here = read(form, write(f"a.{kind}", raw), write(f"b.{kind}", raw))
    got = read(*there)
    assert got.rows == here.rows
    for column in ("n", "s"):
        assert got.column(column) == here.column(column)
        assert got.types(column) == here.types(column)


def test_faults_that_pass_change_no_row(read, gcs, there):
    expected = read(*there).column("n")
    for fault in ("503", "short", "429", "short"):
        gcs.fail(fault, 1, method="GET", path="alt=media")
    assert read(*there).column("n") == expected
    assert gcs.pending() == 0


def test_a_fault_that_stays_is_transient_and_names_the_file(read, gcs, there, monkeypatch):
    monkeypatch.setattr(storage_gcs, "RETRY_SECONDS", 0.5)
    gcs.fail("503", 1000, method="GET", path="alt=media")
    with pytest.raises(TransientError, match=r"gs://bucket/.*/a\..*: storage does not answer \(503\)"):
        read(*there)


@pytest.mark.parametrize("content", [kind for kind in KINDS if kind not in ("csv", "jsonl")], indirect=True)
def test_a_file_that_is_cut_off_is_corrupt(read, gcs, there, content):
    _, form, raw = content
    uri = there[1].replace("*", "c")
    storage.write(uri, raw[: len(raw) * 2 // 3])
    with pytest.raises(CorruptFileError, match=uri):
        read(form, uri)


def test_a_glob_without_a_match_and_a_bucket_that_is_not_there_are_named(gcs):
    for pattern in (f"{gcs.root}/none-*.csv", "gs://nowhere/a.csv", "gs://nowhere/*.csv"):
        with pytest.raises(MissingFileError, match=r"none-\*|nowhere"):
            listing.find((pattern,))


def test_of_a_large_file_only_the_wanted_columns_are_fetched(gcs, read, monkeypatch):
    fetched: list[int] = []
    fetch = storage_gcs._range

    def counted(uri, blob, start, end):
        fetched.append(end - start)
        return fetch(uri, blob, start, end)

    monkeypatch.setattr(storage_gcs, "_range", counted)
    noise = np.random.default_rng(1).integers(0, 1 << 60, 3_000_000)
    sink = pa.BufferOutputStream()
    pq.write_table(pa.table({"n": np.arange(len(noise)), "noise": noise}), sink)
    uri = f"{gcs.root}/{uuid.uuid4().hex}.parquet"
    stat = storage.write(uri, sink.getvalue().to_pybytes())
    got = read("parquet", uri, columns=("n",))
    assert len(got.rows) == len(noise)
    assert sum(fetched) < 0.5 * stat.size
