"""Bins by quantiles of all rows of some files, as text for an eval config, in which they stay what they are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from assay.errors import InputError
from assay.extracts.columns import is_list, plain
from assay.proposal.sample import source_of_files
from assay.proposal.yaml_words import comment, text
from assay.readers.bad_rows import refusal
from assay.readers.source import Source, check_names, first_schema, format_of, splits
from assay.slicing.bins import numbers_of
from assay.slicing.feature_bins import number_text
from assay.slicing.quantiles import QuantileBins, quantile_bins
from assay.text.counted import counted


@dataclass(frozen=True)
class Numbers:
    """The values of a column.

    Attributes:
        values: (m,) of all rows, those of lists one by one.
        missing: rows without a value.
    """

    values: npt.NDArray[Any]
    missing: int


def quantile_bins_text(patterns: Sequence[str], features: Sequence[str], count: int, form: str = "") -> str:
    """The `bins` of an eval config as YAML, with comments that say what they were made from.

    Args:
        patterns: files, folders or globs, all of whose rows are read.
        features: the columns.
        count: how many bins each should have, at least 2.
        form: format of the files; "" to tell it from the first bytes.

    Raises:
        MissingFileError: a name or glob matches nothing.
        MissingColumnError: no such column.
        ColumnTypeError: a column of something else than numbers.
        BadRowError: a row that cannot be read.
        InputError: a column whose values make no bins.
    """
    features = tuple(dict.fromkeys(features))
    source = replace(source_of_files(patterns, form), on_bad_rows="fail")
    rows, columns = _read(source, features)
    made_of = comment(f"{counted(rows, 'row')} of {', '.join(patterns)}")
    lines = [f"# {count} bins by quantiles of all {made_of}; put them into the eval config", "bins:"]
    for name in features:
        bins = quantile_bins(columns[name].values, count)
        _refuse_no_bins(bins, name)
        edges = ", ".join(map(number_text, bins.edges))
        lines.append(f"  {text(name)}: {{edges: [{edges}]}} # {_described(bins, columns[name].missing, count)}")
    return "\n".join(lines)


def _read(source: Source, features: Sequence[str]) -> tuple[int, dict[str, Numbers]]:
    """How many rows there are, and the values of their columns."""
    parts: dict[str, list[Numbers]] = {name: [] for name in features}
    all_splits, rows = splits(source), 0
    file, schema = first_schema(source, all_splits)
    check_names(file, schema, dict.fromkeys(features, "--feature"))
    kinds = {name: schema[name] for name in features if name in schema}
    for file in (file for split in all_splits for file in split.files):
        for batch in format_of(source).read(file, source, kinds, refusal(file, source.on_bad_rows, Counter())):
            rows += len(batch.rows)
            for name, column in batch.columns.items():
                parts[name].append(_numbers(column, name))
    return rows, {name: _joined(of_column) for name, of_column in parts.items()}


def _numbers(column: pa.Array, name: str) -> Numbers:
    rows = len(column)
    column = plain(column)
    if is_list(column.type):
        lengths = pc.list_value_length(column).fill_null(0).to_numpy(zero_copy_only=False)
        values = numbers_of(column.flatten(), name)
        return Numbers(values[~np.isnan(values)], int((lengths == 0).sum()))
    values = numbers_of(column.dictionary_decode() if pa.types.is_dictionary(column.type) else column, name)
    known = values[~np.isnan(values)]
    return Numbers(known, rows - len(known))


def _joined(parts: Sequence[Numbers]) -> Numbers:
    arrays = [part.values for part in parts] or [np.zeros(0)]
    return Numbers(np.concatenate(arrays), sum(part.missing for part in parts))


def _refuse_no_bins(bins: QuantileBins, name: str) -> None:
    if not bins.edges:
        found = "its values are all equal, or most are its least" if sum(bins.sizes) else "it has no values"
        raise InputError(f"column {name!r}: no bins: {found}; choose another column, or write edges yourself")


def _described(bins: QuantileBins, missing: int, count: int) -> str:
    return "; ".join(_facts(bins, missing, count))


def _facts(bins: QuantileBins, missing: int, count: int) -> Iterator[str]:
    least, most = min(bins.sizes), max(bins.sizes)
    each = f"{most:,}" if least == most else f"{least:,} to {most:,}"
    yield f"{len(bins.sizes)} bins of {each} values"
    if len(bins.sizes) < count:
        yield "fewer, as equal values stay together"
    if missing:
        yield f"{counted(missing, 'row')} without a value"
