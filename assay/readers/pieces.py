"""Large files as several splits, so that more than one worker can read them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import pairwise

from assay.readers import files, parquet
from assay.readers.source import Source, Split
from assay.storage.framing import starts_frame

PIECE_BYTES = 128 * 2**20
"""Bytes of a piece: at least of Parquet, and at most of other formats, which take longer for each byte.

A piece costs as much as a further million rows, for its states are taken out and merged.
"""


def cut(source: Source, splits: Sequence[Split]) -> tuple[Split, ...]:
    """Cuts splits of one large file each: Parquet at row groups, other formats by bytes; all are numbered anew.

    Other splits stay, and so do files that can only be read from their beginning. Where to cut depends on the files
    alone, so that results do not depend on the number of workers.

    Raises:
        CorruptFileError: a large Parquet file cannot be read.
    """
    pieces = [piece for split in splits for piece in _pieces(split, source)]
    return tuple(replace(piece, index=index) for index, piece in enumerate(pieces))


def _pieces(split: Split, source: Source) -> Iterator[Split]:
    count = _count(source, split)
    if len(split.files) > 1 or count < 2:
        yield split
    elif source.format == "parquet":
        yield from _by_row_groups(split, count)
    elif read_whole_because(source, split.files[0]):
        yield split
    else:
        yield from _by_bytes(split, count)


def _count(source: Source, split: Split) -> int:
    """How many pieces would be of the right size."""
    size = sum(split.sizes)
    return size // PIECE_BYTES if source.format == "parquet" else -(-size // PIECE_BYTES)


def read_whole_because(source: Source, file: str) -> str | None:
    """Why a file can only be read from its beginning; None if rows can be found in its middle."""
    if source.format == "tfrecord":
        return None if starts_frame(files.head(file)) else "it is compressed"
    if source.options.get("encoding"):
        return "it is in another encoding"
    if source.options.get("escape"):
        return "line ends in it may be escaped"
    return files.not_plain_because(file)


def whole_files(source: Source, splits: Sequence[Split]) -> Iterator[str]:
    """A line for each file that is so large that `cut` would have cut it, with the reason why it did not."""
    for split in splits:
        is_whole = len(split.files) == 1 and (not split.is_part or (split.groups is not None and split.row == 0))
        if is_whole and _count(source, split) > 1:
            file = split.files[0]
            reason = "it has few row groups" if split.groups else read_whole_because(source, file)
            yield f"{file} keeps one core busy: {reason}; write several files to use more cores"


def _by_bytes(split: Split, count: int) -> Iterator[Split]:
    (size,) = split.sizes
    for start, stop in pairwise(size * number // count for number in range(count + 1)):
        yield replace(split, sizes=(stop - start,), span=(start, stop))


def _by_row_groups(split: Split, count: int) -> Iterator[Split]:
    (file,), (size,) = split.files, split.sizes
    groups = parquet.row_groups(file)
    rows = sum(groups)
    first = start = 0
    for group, end in enumerate(_ends(groups)):
        is_last = group + 1 == len(groups)
        if is_last or (end - start) * count >= rows:
            share = (end - start) / max(rows, 1)
            yield replace(split, sizes=(round(size * share),), groups=(first, group + 1), row=start)
            first, start = group + 1, end


def _ends(rows: Sequence[int]) -> Iterator[int]:
    end = 0
    for of_group in rows:
        end += of_group
        yield end
