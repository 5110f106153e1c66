"""Large Parquet files as several splits, each of some row groups, so that more than one worker can read them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from assay.readers import parquet
from assay.readers.source import Source, Split

PIECE_BYTES = 128 * 2**20
"""Bytes of a piece, at least: each costs as much as a further million rows, for its states are taken out and merged."""


def cut(source: Source, splits: Sequence[Split]) -> tuple[Split, ...]:
    """Cuts splits of one large file each at row groups; other splits stay, all are numbered anew.

    Where to cut depends on the files alone, so that results do not depend on the number of workers.

    Raises:
        CorruptFileError: a large file cannot be read.
    """
    if source.format != "parquet":
        return tuple(splits)
    pieces = [piece for split in splits for piece in _pieces(split, source)]
    return tuple(replace(piece, index=index) for index, piece in enumerate(pieces))


def _pieces(split: Split, source: Source) -> Iterator[Split]:
    count = sum(split.sizes) // PIECE_BYTES
    if len(split.files) > 1 or count < 2:
        yield split
        return

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
