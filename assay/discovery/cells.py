"""The cells of a feature: the values of a text, or ranges of a number, that rows are counted by.

Ranges of a number are found while rows are read. A number belongs to the cell of its leading bits, and as many bits are
kept as give at most `MOST_RANGES` different cells: of all rows, so that neither their order nor their workers matter.
Two sets of cells meet by dropping bits.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from assay.errors import ColumnTypeError
from assay.extracts.columns import Column, is_list, plain
from assay.metrics.values import Floats, Ints
from assay.slicing.coded import encode
from assay.slicing.values import to_python

MOST_RANGES = 64
"""Cells of a number."""
MOST_IN_PAIRS = 100
"""Values of a text with which pairs are formed."""
MOST_VALUES = 10_000
"""Values of a text that are counted at all."""

NOTHING, NUMBER, TEXT, TOO_MANY, OTHER, MIXED = "nothing", "number", "text", "too many", "other", "mixed"
_ONE_KIND = {TOO_MANY: TEXT}
_SIGN = np.int64(-(2**63))


@dataclass(frozen=True)
class Cells:
    """The cells that occur; the code of a cell is its position, and that of a row without a value is their number.

    Attributes:
        kind: NUMBER or TEXT; NOTHING where no row has a value; or why the feature is not searched: TOO_MANY texts,
            OTHER values such as lists, MIXED where some rows have texts and others numbers.
        numbers: of NUMBER: the leading bits of each cell, ascending, as `_keys` has them; or numbers of bins.
        texts: of TEXT: the values, ascending.
        dropped: of NUMBER: how many bits are left out.
        edges: of NUMBER: where bins begin, if they were given.
    """

    kind: str = NOTHING
    numbers: tuple[int, ...] = ()
    texts: tuple[str, ...] = ()
    dropped: int = 0
    edges: tuple[float, ...] = ()

    @property
    def size(self) -> int:
        """Codes: of cells, and of rows without a value."""
        return len(self.numbers) + len(self.texts) + 1

    @property
    def is_searched(self) -> bool:
        """Whether rows are counted by it."""
        return self.kind in (NOTHING, NUMBER, TEXT)

    @property
    def in_pairs(self) -> bool:
        """Whether pairs are formed with it."""
        return self.is_searched and len(self.texts) <= MOST_IN_PAIRS


def joined(one: Cells, other: Cells) -> Cells:
    """The cells of the rows of both."""
    if NOTHING in (one.kind, other.kind):
        return other if one.kind == NOTHING else one
    kinds = {_ONE_KIND.get(cells.kind, cells.kind) for cells in (one, other)}
    if len(kinds) > 1:
        return Cells(MIXED)
    (kind,) = kinds
    if kind == NUMBER:
        dropped = max(one.dropped, other.dropped)
        both = [cell >> (dropped - cells.dropped) for cells in (one, other) for cell in cells.numbers]
        return _fewer(set(both), dropped, one.edges or other.edges)
    if TOO_MANY in (one.kind, other.kind):
        return Cells(TOO_MANY)
    if kind == TEXT:
        texts = tuple(sorted({*one.texts, *other.texts}))
        return Cells(TEXT, texts=texts) if len(texts) <= MOST_VALUES else Cells(TOO_MANY)
    return Cells(kind)


def _fewer(cells: set[int], dropped: int, edges: tuple[float, ...]) -> Cells:
    while len(cells) > MOST_RANGES:
        cells, dropped = {cell >> 1 for cell in cells}, dropped + 1
    return Cells(NUMBER, tuple(sorted(cells)), dropped=dropped, edges=edges)


def places(cells: Cells, among: Cells) -> Ints:
    """The code (size,) among other cells, which are those of more rows, of each code."""
    if not among.is_searched:
        return np.zeros(cells.size, np.int64)
    if cells.numbers:
        moved = [cell >> (among.dropped - cells.dropped) for cell in cells.numbers]
        known = np.searchsorted(np.array(among.numbers), moved)
    else:
        at = {text: i for i, text in enumerate(among.texts)}
        known = np.array([at[text] for text in cells.texts], np.int64)
    return np.append(known, among.size - 1).astype(np.int64)


# A batch --------------------------------------------------------------------------------------------------------------


def coded(column: Column, name: str, held: Cells, edges: tuple[float, ...] = ()) -> tuple[Ints, Cells]:
    """The code (n,) of each row, and the cells.

    Args:
        column: n rows.
        name: its name, for errors.
        held: the cells of earlier rows: what these leave out need not be looked at.
        edges: where bins of a number begin, if they are given.
    """
    nothing = np.zeros(len(column), np.int64)
    if held.kind == MIXED:
        return nothing, held
    flat = _flat(column)
    if flat is None:
        return nothing, Cells(OTHER)
    if pa.types.is_null(flat.type):
        return nothing, Cells()
    numbers = _numbers(flat)
    if numbers is not None:
        return _ranges(numbers, held.dropped if held.kind == NUMBER else None, edges)
    if held.kind == TOO_MANY:
        return nothing, held
    try:
        return _values(flat, name)
    except ColumnTypeError:
        return nothing, Cells(OTHER)


def _flat(column: Column) -> pa.Array | None:
    """One value a row, or None of lists."""
    if isinstance(column, np.ndarray):
        if column.ndim == 2 and column.shape[1] == 1:
            column = column[:, 0]
        return pa.array(column) if column.ndim == 1 else None
    column = plain(column)
    return None if is_list(column.type) or pa.types.is_struct(column.type) else column


def _numbers(column: pa.Array) -> Floats | None:
    """The numbers, NaN where there is none; None of what is no number."""
    if pa.types.is_dictionary(column.type):
        of_values = _numbers(column.dictionary)
        if of_values is None:
            return None
        return np.append(of_values, np.nan)[column.indices.fill_null(-1).to_numpy(zero_copy_only=False)]
    kind = column.type
    if pa.types.is_boolean(kind):
        column = column.cast(pa.int8())
    elif not (pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind)):
        return None
    numbers: Floats = column.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False)
    return numbers


def _ranges(numbers: Floats, dropped: int | None, edges: tuple[float, ...]) -> tuple[Ints, Cells]:
    is_number = np.isfinite(numbers)
    whole = bool(is_number.all())
    known = numbers if whole else numbers[is_number]
    if not len(known):
        return np.zeros(len(numbers), np.int64), Cells()
    if edges:
        keys, dropped = np.searchsorted(np.array(edges), known, side="right").astype(np.int64), 0
    else:
        keys = _keys(known)
        if dropped is None:  # a few rows tell about how many bits are too many
            dropped = _fewer(set((keys[:: max(1, len(keys) // 2048)]).tolist()), 0, ()).dropped
        keys = keys >> dropped
    encoded = pa.array(keys).dictionary_encode()
    of_values = encoded.dictionary.to_numpy()
    cells = _fewer(set(of_values.tolist()), dropped, edges)
    place = np.searchsorted(np.array(cells.numbers), of_values >> (cells.dropped - dropped))
    codes = place[encoded.indices.to_numpy()]
    if whole:
        return codes, cells
    all_codes = np.full(len(numbers), cells.size - 1)
    all_codes[is_number] = codes
    return all_codes, cells


def _keys(numbers: Floats) -> Ints:
    """Numbers as whole numbers of 64 bits in the same order, such that cells of leading bits are half-open: [2, 3)."""
    bits = (numbers + 0.0).view(np.int64)  # -0.0 becomes 0.0
    return np.where(bits < 0, _SIGN - bits, bits)


def number_of(key: int) -> float:
    """The number with a key; beyond the largest numbers an infinite one."""
    magnitude = np.array([min(abs(key), 0x7FF0000000000000)], np.int64).view(np.float64)[0]
    return float(-magnitude if key < 0 else magnitude)


def _values(column: pa.Array, name: str) -> tuple[Ints, Cells]:
    codes, values = encode(column, name)
    if len(values) > MOST_VALUES:
        return np.zeros(len(codes), np.int64), Cells(TOO_MANY)
    texts = [str(value) for value in to_python(values)]
    order = np.argsort(np.array(texts, object), kind="stable") if texts else np.zeros(0, np.int64)
    place = np.empty(len(texts) + 1, np.int64)
    place[order] = np.arange(len(texts))
    place[-1] = len(texts)
    return place[codes], Cells(TEXT, texts=tuple(texts[i] for i in order)) if texts else Cells()
