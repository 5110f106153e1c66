"""How many predictions are their labels, where the two are no numbers of a class."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from assay.metrics.computations.table import States, Table
from assay.metrics.computations.terms import Errors, ErrorTerms
from assay.metrics.entries.domains import Domain
from assay.metrics.entries.matches import Equality
from assay.metrics.entries.streams import Reads
from assay.metrics.entries.views import WHOLE_ROWS

_JSON = "json"
_MATCHES = Errors("prediction", "weight")


@dataclass(frozen=True)
class Matched:
    """Weight of the rows whose prediction equals the label, and of all.

    Attributes:
        convert_to: "json" compares the values that texts stand for as JSON; "" compares them as they are.
    """

    convert_to: str = ""
    domain: ClassVar[Domain] = Domain(view=WHOLE_ROWS)

    def __post_init__(self) -> None:
        if self.convert_to not in ("", _JSON):
            raise ValueError(f"convert_to must be {_JSON!r}")

    @property
    def reads(self) -> Reads:
        """Labels and predictions of any type."""
        return Reads(pairing=Equality(as_json=self.convert_to == _JSON))

    def tables(self) -> tuple[Table, ...]:
        """Weights and matches."""
        return _MATCHES.tables()

    def read(self, states: States) -> ErrorTerms:
        """The two sums."""
        return _MATCHES.read(states)
