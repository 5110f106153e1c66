"""Adds the slices that each row is in."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from functools import partial

import numpy as np
import pyarrow as pa

from assay.extractors.each_batch import Counted, EachBatch
from assay.extracts.columns import Column, row_count
from assay.extracts.transformed import transformed_of_rows
from assay.proto.config_pb2 import EvalConfig
from assay.slicing.codes import codes_of, slice_rows
from assay.slicing.feature_bins import Bins, bins_of
from assay.slicing.specs import Slicing, slicings_of
from assay.slicing.text import texts_of
from assay.types import (
    FEATURES_KEY,
    SLICE_KEY_EXTRACTOR_STAGE_NAME,
    SLICE_KEY_TYPES_KEY,
    SLICE_KEYS_KEY,
    TEXTS_KEY,
    Extractor,
    Extracts,
)
from assay.verdict import Counts


def SliceKeyExtractor(eval_config: EvalConfig, *, materialize: bool = False) -> Extractor:
    """Extractor that adds `_slice_key_types`: slicing name -> column of slices (see `assay.slicing.codes`).

    Args:
        eval_config: a resolved config, with the slicing specs.
        materialize: whether to add `slice_keys` as well: a list of readable slice keys for each row, for tables.
    """
    extract = partial(
        extract_slice_keys, slicings=slicings_of(eval_config), bins=bins_of(eval_config), materialize=materialize
    )
    return Extractor(SLICE_KEY_EXTRACTOR_STAGE_NAME, EachBatch(extract, counts=True))


def extract_slice_keys(
    extracts: Extracts,
    *,
    slicings: tuple[Slicing, ...],
    bins: Mapping[str, Bins] | None = None,
    materialize: bool = False,
) -> Counted:
    """Returns `extracts` with the slices of its rows; the batch is not changed.

    Transformed features come before raw ones. Rows without a value of a feature are counted as `unsliced`.
    """
    transformed = transformed_of_rows(extracts, {column for slicing in slicings for column in slicing.columns})
    features: Mapping[str, Column] = {**extracts.get(FEATURES_KEY, {}), **transformed}
    rows = row_count(extracts)
    sliced = slice_rows(slicings, features, rows, _texts_of(extracts, transformed), bins)
    unsliced = {name: slices.left_out for name, slices in sliced.items() if slices.left_out}

    columns = {name: slices.column for name, slices in sliced.items()}
    added: Extracts = {SLICE_KEY_TYPES_KEY: columns}
    if materialize:
        added[SLICE_KEYS_KEY] = readable(columns, rows)
    return Counted({**extracts, **added}, Counts(0, unsliced=unsliced))


def _texts_of(extracts: Extracts, transformed: Collection[str]) -> dict[str, pa.Array]:
    """The texts that the file has for some numbers. Features that an extractor has computed are not from the file."""
    return {name: texts for name, texts in extracts.get(TEXTS_KEY, {}).items() if name not in transformed}


def readable(columns: Mapping[str, pa.Array], rows: int) -> pa.Array:
    """The slices of each row as a list of texts, in the order of the slicings."""
    owners, texts = [], []
    for column in columns.values():
        codes = codes_of(column)
        labels = np.array([*texts_of(codes.keys), ""], object)
        entry = np.zeros(rows, np.int64) if codes.codes is None else codes.codes
        owner = np.arange(rows) if codes.rows is None else codes.rows
        owners.append(owner[entry >= 0])
        texts.append(labels[entry[entry >= 0]])

    # Bring the texts of all slicings into the order of their rows.
    owner = np.concatenate(owners)
    order = np.argsort(owner, kind="stable")
    offsets = np.searchsorted(owner[order], np.arange(rows + 1)).astype(np.int32)
    return pa.ListArray.from_arrays(pa.array(offsets), pa.array(np.concatenate(texts)[order], pa.string()))
