"""Masks: images whose pixels are class ids, the true ones beside the predicted ones."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from assay.metrics.entries.row_faults import RowFault
from assay.metrics.values import Ints


@dataclass(frozen=True)
class MaskKeys:
    """Where masks are.

    Attributes:
        truth: column, or output of `label_keys`.
        predicted: output of the model, or column.
        decodes_truth: whether the true masks are encoded images, such as PNG.
        decodes_predicted: whether the predicted ones are.
    """

    truth: str = ""
    predicted: str = ""
    decodes_truth: bool = True
    decodes_predicted: bool = False

    @property
    def names(self) -> tuple[str, str]:
        """Both names, of columns or of outputs."""
        return self.truth, self.predicted


class Pixels(NamedTuple):
    """The pixels of n rows, each row an image, counted by pair of classes.

    Attributes:
        rows: (m,) ascending: the row of each pair.
        truth: (m,) the true class of the pixels.
        predicted: (m,) the predicted one.
        counts: (m,) how many pixels of the row have both.
        faults: reason -> rows whose masks cannot be taken; these have no pixels here.
    """

    rows: Ints
    truth: Ints
    predicted: Ints
    counts: Ints
    faults: Mapping[str, RowFault] = {}
