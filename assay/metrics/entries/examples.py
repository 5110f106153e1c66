"""What a computation sees of a batch: entries, each with a label, a prediction and a weight."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import pyarrow as pa

from assay.extracts.columns import Column
from assay.metrics.entries.queries import Queries
from assay.metrics.row_hashes import Hashes
from assay.metrics.values import Floats, Ints


class Examples(NamedTuple):
    """Labels, predictions and weights of m entries, float64 (m,).

    A view of whole rows has labels and predictions (m, c), with a number for each of c classes.

    Attributes:
        labels: zeros where nobody reads them.
        predictions: the scores.
        weights: of the rows that the entries come from.
        rows: (m,) ascending: the row of each entry; None where entry i comes from row i.
        part: (m,) the part (a class, a k) of each entry; None where there is one part.
        shown: one value for each row of the batch, where values of a column are shown.
        texts: what the file has where that says less, see `TEXTS_KEY`.
        queries: the rows of each query, where an entry is a whole query: labels and predictions are empty then.
        of_baseline: the baseline's predictions, of the shape of `predictions`, where both models' are read.
        by_feature: feature -> what it contributed to the predictions of the rows of the batch, (n,) or (n, c).
        hashes: (n,) what `row_hashes` says of the rows of the batch, where that is read.
    """

    labels: Floats
    predictions: Floats
    weights: Floats
    rows: Ints | None = None
    part: Ints | None = None
    shown: Column | None = None
    texts: pa.Array | None = None
    queries: Queries | None = None
    of_baseline: Floats | None = None
    hashes: Hashes | None = None
    by_feature: Mapping[str, Floats] = {}
