"""How labels meet predictions where the two are no numbers: texts, sets of classes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar, Protocol

from assay.metrics.entries.columns import Columns
from assay.metrics.values import Floats
from assay.types import Extracts

if TYPE_CHECKING:
    from assay.metrics.entries.streams import Stream


class Pairing(Protocol):
    """Makes numbers of the labels and predictions of a batch; a frozen dataclass, so that equal ones share all state.

    Attributes:
        described: `labels` and `predictions` -> what they have to be, in words.
    """

    described: ClassVar[Mapping[str, str]]

    @property
    def features(self) -> tuple[str, ...]:
        """Columns of the data that it reads beside labels and predictions."""

    def columns(self, extracts: Extracts, stream: Stream, weights: Floats) -> Columns:
        """The numbers of a batch, for a view that takes them as they are; rows that it cannot take are `bad_rows`.

        Args:
            extracts: n rows.
            stream: names labels and predictions.
            weights: example weights, float64 (n,).

        Raises:
            MissingColumnError: a column that is not there.
            ColumnTypeError: a column that holds something else.
        """
