"""Labels, predictions and weights of a batch, before a view makes entries of its rows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from assay.extracts.columns import Column
from assay.metrics.entries.boxes import Boxes
from assay.metrics.entries.masks import Pixels
from assay.metrics.entries.row_faults import RowFault
from assay.metrics.row_hashes import Hashes
from assay.metrics.values import Floats, Ints


class Columns(NamedTuple):
    """Labels and predictions of n rows, float64: (n,), or both (n, c) with a number for each of c classes.

    Attributes:
        labels: zeros where nobody reads them.
        predictions: the scores.
        weights: (n,)
        rows: (n,) the row of the batch that each comes from, where some were left out; else None.
        ids: (n,) the labels as they were, where they are class ids that became rows of zeros and a one.
        lengths: `labels` or `predictions` -> usual length of their lists: 1 is one number a row, and 0 says that no row
            has a value, which fits any length.
        shown: one value for each row of the batch, where values of a column are shown.
        texts: what the file has where that says less, see `TEXTS_KEY`.
        gains: (n,) what a row is worth to its query, where a column says so.
        query: (n,) ascending: which query each row belongs to, where rows were grouped by query.
        others: see `Labels`.
        classes: names of the classes by id, where the model spec or the model gives them.
        sizes: (n,) how many numbers each row has of its own, where some have fewer than others; else None.
        labelled: (n,) how many documents of each row have a label, where negative numbers fill up labels; else None.
        short_labels: whether labels were filled up to the length of predictions.
        pixels: what stands in the place of labels and predictions, which are zeros then, where rows have masks.
        boxes: what stands in the place of labels and predictions, which are zeros then, where rows have boxes.
        by_feature: feature -> what it contributed to the predictions, (n,) or (n, c).
        hashes: (n,) what `row_hashes` says of the rows, where that is read.
        bad_rows: reason -> rows (n,) of the batch that have it, where these columns say themselves which are bad.
    """

    labels: Floats
    predictions: Floats
    weights: Floats
    rows: Ints | None = None
    ids: Floats | None = None
    lengths: Mapping[str, int] = {}
    shown: Column | None = None
    texts: pa.Array | None = None
    gains: Floats | None = None
    query: Ints | None = None
    others: tuple[str, ...] | None = None
    classes: tuple[str, ...] = ()
    sizes: Ints | None = None
    labelled: Ints | None = None
    short_labels: bool = False
    boxes: Boxes | None = None
    pixels: Pixels | None = None
    by_feature: Mapping[str, Floats] = {}
    hashes: Hashes | None = None
    bad_rows: Mapping[str, npt.NDArray[np.bool_]] = {}

    @property
    def faults(self) -> Mapping[str, RowFault]:
        """Reason -> rows that were found bad when their boxes or masks were read."""
        read = self.pixels if self.boxes is None else self.boxes
        return {} if read is None else read.faults

    @property
    def width(self) -> int:
        """Predictions of a row."""
        return 1 if self.predictions.ndim == 1 else self.predictions.shape[1]

    @property
    def narrowest(self) -> int:
        """Predictions of the row that has the fewest of its own; rows without any aside."""
        return self.width if self.sizes is None else int(self.sizes[self.sizes > 0].min(initial=self.width))

    @property
    def own(self) -> npt.NDArray[np.bool_]:
        """(n, c) which numbers are a row's own, where rows have `sizes`."""
        assert self.sizes is not None
        return np.arange(self.width) < self.sizes[:, None]
