"""What small slices could be computed from, taken out of all outputs: see `assay.privacy`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import apache_beam as beam
import numpy as np

from assay.engine.of_all import OfAll
from assay.metrics.slice_pairs import Figures
from assay.privacy.suppression import withheld
from assay.results.records import head_of, head_size, withheld_record
from assay.types import METRICS_KEY, SliceKey

FIGURES, ROWS = "figures", "rows"
"""Outputs of an evaluation beside its records: values of slices that are compared with others, and rows by slice."""


class Withhold(beam.PTransform):
    """Outputs by key, `FIGURES` and `ROWS` among them -> the same without the values of slices that are withheld.

    Args:
        min_slice_size: rows that a slice must have to be shown.
    """

    def __init__(self, min_slice_size: int) -> None:
        super().__init__()
        self._least = min_slice_size

    def expand(self, outputs: Mapping[str, beam.PCollection[Any]]) -> dict[str, beam.PCollection[Any]]:
        heads = beam.pvalue.AsSingleton(outputs[ROWS] | "Choose" >> OfAll(_withheld, least=self._least))
        shown: dict[str, beam.PCollection[Any]] = {}
        for name, elements in outputs.items():
            if name == METRICS_KEY:
                shown[name] = elements | "Replace" >> beam.Map(_metrics, heads, self._least).with_output_types(bytes)
            elif name == FIGURES:
                shown[name] = elements | "WithoutFigures" >> beam.FlatMap(_figures, heads)
            elif name != ROWS:
                shown[name] = elements | f"Without_{name}" >> beam.Filter(_is_shown, heads).with_output_types(bytes)
        return shown


def _withheld(rows: Iterable[Mapping[SliceKey, int]], least: int) -> dict[bytes, SliceKey]:
    """What the records of slices to withhold begin with -> these slices."""
    of_all = {key: count for of_block in rows for key, count in of_block.items()}
    return {head_of(key): key for key in withheld(of_all, least)}


def _is_shown(record: bytes, heads: Mapping[bytes, SliceKey]) -> bool:
    return not heads or record[: head_size(record)] not in heads


def _metrics(record: bytes, heads: Mapping[bytes, SliceKey], least: int) -> bytes:
    return record if _is_shown(record, heads) else withheld_record(record, least)


def _figures(compared: tuple[Figures[SliceKey], Any], heads: Mapping[bytes, SliceKey]) -> Iterator[tuple[Any, Any]]:
    """The values of slices that are shown; of the others, that they are there."""
    figures, told = compared
    keys = set(heads.values())
    is_withheld = np.array([key in keys for key in figures.keys], bool)
    if not is_withheld.any():
        yield compared
        return
    hidden = np.flatnonzero(is_withheld)
    yield figures.take(np.flatnonzero(~is_withheld)), told
    yield Figures([figures.keys[at] for at in hidden.tolist()], figures.rows[hidden]), told
