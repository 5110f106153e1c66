"""TFRecord files of serialised tf.Examples, plain or gzip; every checksum is checked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache
from itertools import islice
from typing import BinaryIO, cast

import pyarrow as pa

from assay import bounds
from assay.errors import CorruptFileError
from assay.readers import bad_rows, files, signatures, tf_example
from assay.readers.bad_rows import Refuse
from assay.readers.batches import Rows, encoded
from assay.readers.edges import Edge, Piece, piece_of
from assay.readers.source import Source, Split
from assay.readers.unpacking import Unpacked
from assay.storage.framing import skip_frames, starts_frame, unframed

SAMPLE_ROWS = 1024


def schema(file: str, source: Source) -> dict[str, pa.DataType]:
    """Returns the features that the first 1,024 records have, and their types."""
    with files.naming(file, "TFRecord"):
        return dict(_sampled(file, files.stamp(file)))


@lru_cache(maxsize=64)
def _sampled(file: str, stamp: str) -> dict[str, pa.DataType]:
    """Cached by the file's stamp, as the check before a run and the run itself look at the same file."""
    return tf_example.feature_types(islice(_records(file), SAMPLE_ROWS))


def _records(file: str) -> Iterator[bytes]:
    with files.naming(file, "TFRecord"), _unpacked(file) as stream:
        yield from unframed(cast(BinaryIO, stream), file, bounds.ROW)


def _records_of(piece: Piece) -> Iterator[bytes]:
    with files.naming(piece.file, "TFRecord"), piece.open() as stream:
        yield from unframed(cast(BinaryIO, stream), piece.file, bounds.ROW, piece.first_row)


def _unpacked(file: str) -> Unpacked:
    """The frames of a file.

    Raises:
        CorruptFileError: it has another format, or is compressed in a way that TensorFlow does not know.
    """
    stored = files.open_raw(file)
    is_plain = starts_frame(stored.read(signatures.HEAD_BYTES))
    stored.seek(0)
    stream = Unpacked(stored, file, plain=is_plain)

    # The length of a record may look like the start of another format, but its checksum shows that it is a record.
    head = stream.peek(signatures.HEAD_BYTES)
    other_format = None if starts_frame(head) else signatures.binary_format(head)
    if stream.compression not in (None, "gzip"):
        other_format = f"a file compressed by {stream.compression}; compress it by gzip, or not at all"
    if other_format is None:
        return stream

    stream.close()
    raise CorruptFileError(f"{file}: not readable as TFRecord: found {other_format}")


def names(file: str, source: Source) -> list[str]:
    """Returns the names of the columns, each once."""
    return list(schema(file, source))


def read(file: str, source: Source, columns: Mapping[str, pa.DataType], refuse: Refuse) -> Iterator[Rows]:
    """Yields the batches of a file; a feature is flat or a list, as in `tf_example.parse_examples`.

    Raises:
        CorruptFileError: the file is truncated, a checksum is wrong, or it is not a TFRecord file.
    """
    yield from _batches(_records(file), source, columns, refuse)


def read_part(split: Split, source: Source, columns: Mapping[str, pa.DataType], refuse: Refuse) -> Iterator[Rows]:
    """The same of the records that begin in a range of bytes."""
    (file,) = split.files
    with files.naming(file, "TFRecord"):
        piece = piece_of(split, _search)
    yield from _batches(_records_of(piece), source, columns, refuse, piece.first_row)


def _search(stream: BinaryIO, start: Edge, target: int) -> Edge:
    at, skipped = skip_frames(stream, start.at, target)
    return Edge(at, start.row + skipped)


def _batches(
    records: Iterator[bytes], source: Source, columns: Mapping[str, pa.DataType], refuse: Refuse, first: int = 0
) -> Iterator[Rows]:
    parser = tf_example.Parser(columns)
    while batch := list(islice(records, source.rows_per_batch)):
        parsed, kept = parser.parse(batch, bad_rows.shifted(refuse, first))
        raw = pa.array(batch, pa.binary()).take(kept) if source.raw else None
        yield Rows(encoded(parsed, source.dictionary), first + kept, raw)
        first += len(batch)
