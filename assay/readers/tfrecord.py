"""TFRecord files of serialised tf.Examples, plain or gzip; every checksum is checked."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from itertools import islice
from typing import Any

import pyarrow as pa

from assay import bounds
from assay.errors import CorruptFileError, MissingFileError
from assay.framing import check_frames, starts_frame, unframed
from assay.models.tensorflow import import_tensorflow
from assay.readers import bad_rows, files, signatures, tf_example
from assay.readers.bad_rows import Refuse
from assay.readers.batches import Rows, encoded
from assay.readers.source import Source
from assay.readers.unpacking import Unpacked

SAMPLE_ROWS = 1024

_TENSORFLOW_NOISE = re.compile(r"\{\{.*?\}\} ?|\[Op:.*", re.DOTALL)


def schema(file: str, source: Source) -> dict[str, pa.DataType]:
    """Returns the features that the first 1,024 records have, and their types."""
    with files.naming(file, "TFRecord"):
        return dict(_sampled(file, files.stamp(file)))


@lru_cache(maxsize=64)
def _sampled(file: str, stamp: str) -> dict[str, pa.DataType]:
    """A check before the run and the run itself look at the same file, which is the same while its stamp is."""
    return tf_example.feature_types(_first_records(file))


def _first_records(file: str) -> Iterable[bytes]:
    stream: Any = _unpacked(file, file)
    return islice(unframed(stream, file, bounds.ROW), SAMPLE_ROWS)


def _unpacked(path: str, file: str) -> Unpacked:
    """The frames of a file that lies at `path`.

    Raises:
        CorruptFileError: it is of another format, or compressed in a way that TensorFlow does not know.
    """
    stored = files.open_raw(path)
    is_plain = starts_frame(stored.read(signatures.HEAD_BYTES))
    stored.seek(0)
    stream = Unpacked(stored, file, plain=is_plain)

    # A record's length may look like the start of any other format; its checksum does not.
    head = stream.peek(signatures.HEAD_BYTES)
    found = None if starts_frame(head) else signatures.binary_format(head)
    if stream.compression not in (None, "gzip"):
        found = f"a file compressed by {stream.compression}; compress it by gzip, or not at all"
    if found is None:
        return stream
    stream.close()
    raise CorruptFileError(f"{file}: not readable as TFRecord: found {found}")


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
    """Yields string tensors of `batch_rows` records.

    TensorFlow makes room for whatever length a record claims, and takes a file that ends within the frame before a
    record for one that ends there. So the frames are looked at first.
    """
    tf = import_tensorflow()

    try:
        with files.naming(file, "TFRecord"), files.on_this_machine(file) as path:
            compression = _check(path, file)
            dataset = tf.data.TFRecordDataset(path, compression).batch(batch_rows).with_options(_one_thread())
            yield from dataset
    except tf.errors.NotFoundError as error:
        raise MissingFileError(f"{file}: no such file, though it was there when the inputs were listed") from error
    except tf.errors.OpError as error:
        what = _TENSORFLOW_NOISE.sub("", str(error)).strip()
        raise CorruptFileError(f"{file}: not readable as TFRecord: {what}") from error


def _check(path: str, file: str) -> str:
    """Walks over the frames of a file on this machine; returns TensorFlow's word for its compression."""
    stream: Any = _unpacked(path, file)
    with stream:
        check_frames(stream, file, bounds.ROW)
        return "GZIP" if stream.compression else ""


def _one_thread() -> Any:
    """Settings without tuning threads: a third less CPU for each record."""
    tf = import_tensorflow()

    options = tf.data.Options()
    options.threading.private_threadpool_size = 1
    options.threading.max_intra_op_parallelism = 1
    options.autotune.enabled = False
    return options
