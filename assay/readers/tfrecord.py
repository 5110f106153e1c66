"""TFRecord files of serialised tf.Examples, plain or gzip; every checksum is checked."""

from __future__ import annotations

import re
import struct
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from itertools import islice
from typing import Any

import pyarrow as pa

from assay import storage
from assay.errors import CorruptFileError, MissingFileError
from assay.framing import unframed
from assay.models.tensorflow import import_tensorflow
from assay.readers import bad_rows, files, tf_example
from assay.readers.bad_rows import Refuse
from assay.readers.batches import Rows, encoded
from assay.readers.source import Source

SAMPLE_ROWS = 1024

_FRAME_BYTES = 16
"""What stands around each record: its length (8 bytes) and two checksums (4 each)."""

_TENSORFLOW_NOISE = re.compile(r"\{\{.*?\}\} ?|\[Op:.*", re.DOTALL)
_READ_BYTES = 1 << 20


def schema(file: str, source: Source) -> dict[str, pa.DataType]:
    """Returns the features that the first 1,024 records have, and their types."""
    with files.naming(file, "TFRecord"):
        return dict(_sampled(file, files.stamp(file)))


@lru_cache(maxsize=64)
def _sampled(file: str, stamp: str) -> dict[str, pa.DataType]:
    """A check before the run and the run itself look at the same file, which is the same while its stamp is."""
    return tf_example.feature_types(_first_records(file))


def _first_records(file: str) -> Iterable[bytes]:
    if storage.is_remote(file):  # of which TensorFlow would have to have the whole
        stream: Any = files.open_text(file)
        return islice(unframed(stream, file), SAMPLE_ROWS)
    sample = next(_record_batches(file, SAMPLE_ROWS), None)
    return () if sample is None else sample.numpy()


def read(file: str, source: Source, columns: Mapping[str, pa.DataType], refuse: Refuse) -> Iterator[Rows]:
    """Yields the batches of a file; a feature is flat or a list, as in `tf_example.parse_examples`.

    Raises:
        CorruptFileError: the file is truncated, a checksum is wrong, or it is no TFRecord file.
    """
    parser = tf_example.Parser(columns)
    first = 0
    for records in _record_batches(file, source.rows_per_batch):
        parsed, kept = parser.parse(records, bad_rows.shifted(refuse, first))
        raw = pa.array(records.numpy()[kept], pa.binary()) if source.raw else None
        yield Rows(encoded(parsed, source.dictionary), first + kept, raw)
        first += int(records.shape[0])


def _record_batches(file: str, batch_rows: int) -> Iterator[Any]:
    """Yields string tensors of `batch_rows` records."""
    tf = import_tensorflow()

    length = 0
    try:
        with files.naming(file, "TFRecord"):
            compression = "GZIP" if files.is_gzip(file) else ""
        with files.on_this_machine(file) as path:
            dataset = tf.data.TFRecordDataset(path, compression).batch(batch_rows).with_options(_one_thread())
            for records in dataset:
                yield records
                sizes = tf.cast(tf.strings.length(records), tf.int64)
                length += int(tf.reduce_sum(sizes)) + _FRAME_BYTES * int(sizes.shape[0])
    except tf.errors.NotFoundError as error:
        raise MissingFileError(f"{file}: no such file, though it was there when the inputs were listed") from error
    except tf.errors.OpError as error:
        what = _TENSORFLOW_NOISE.sub("", str(error)).strip()
        raise CorruptFileError(f"{file}: not readable as TFRecord: {what}") from error
    _check_length(file, length)


def _one_thread() -> Any:
    """Settings without tuning threads: a third less CPU for each record."""
    tf = import_tensorflow()

    options = tf.data.Options()
    options.threading.private_threadpool_size = 1
    options.threading.max_intra_op_parallelism = 1
    options.autotune.enabled = False
    return options


def _check_length(file: str, length: int) -> None:
    """TensorFlow takes a file that ends within the frame before a record for one that ends there; we do not."""
    with files.naming(file, "TFRecord"):
        stored = _gzip_length(file, length) if files.is_gzip(file) else _size(file)
    if stored != length:
        raise CorruptFileError(f"{file}: truncated; after the last whole record stand {stored - length} more bytes")


def _size(file: str) -> int:
    with files.open_raw(file) as stream:
        return int(stream.size())


def _gzip_length(file: str, expected: int) -> int:
    """Bytes after decompression: from the trailer if it agrees, else (several members, or cut off) by counting."""
    with files.open_raw(file) as stream:
        stream.seek(stream.size() - 4)
        (trailer,) = struct.unpack("<I", stream.read(4))
    if trailer == expected % 2**32:
        return expected
    with files.open_text(file) as stream:
        return sum(len(block) for block in iter(lambda: stream.read(_READ_BYTES), b""))
