"""Which columns a computation reads, of which model and output, and how it sees their rows."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field

from assay.metrics.entries.boxes import BoxKeys
from assay.metrics.entries.masks import MaskKeys
from assay.metrics.entries.meaning import Meaning
from assay.metrics.entries.pairing import Pairing
from assay.metrics.entries.views import FLAT, View
from assay.types import FEATURES_KEY


@dataclass(frozen=True)
class Reads:
    """Which columns a computation reads; the others may be absent.

    Attributes:
        labels: whether it reads labels.
        predictions: whether it reads predictions.
        feature: path of keys in the Extracts to a column of numbers that stands for the predictions; () if none.
        weights: path of keys to the weights of that column; () if every row weighs 1.
        shown: path of keys to a column of anything, of which values are shown; () if none.
        gains: path of keys to a column of numbers, what a row is worth to its query; () if labels say so.
        baseline: whether it reads the predictions of the baseline beside those of the model.
        masks: where the masks are that stand in the place of labels and predictions; None if there are none.
        boxes: where the boxes are that stand in the place of labels and predictions; None if there are none.
        pairing: how labels meet predictions where the two are no numbers; None where they are.
        attributions: whether it reads what each feature contributed to a prediction.
        origins: whether it needs a number for each row that follows from the file and row that it comes from.
    """

    labels: bool = True
    predictions: bool = True
    feature: tuple[str, ...] = ()
    weights: tuple[str, ...] = ()
    shown: tuple[str, ...] = ()
    gains: tuple[str, ...] = ()
    baseline: bool = False
    boxes: BoxKeys | None = None
    masks: MaskKeys | None = None
    pairing: Pairing | None = None
    attributions: bool = False
    origins: bool = False


@dataclass(frozen=True)
class Stream:
    """Names the entries that a computation sees.

    Attributes:
        model_name: key of the model in the Extracts; "" if there is one model.
        output_name: key of the model's output; "" if it has one.
        weighted: whether the example weights count; else every row weighs 1.
        reads: the columns.
        view: how rows become entries.
        query_key: column that tells which rows belong together, where they are seen by query; "" if they are not.
        baseline: the source of the baseline's predictions, where it reads both models'.
        meaning: what its model spec says of the values; it follows from the names of model and output.
        names: `labels`, `predictions` or `example_weights` -> the column behind it and the field of the model spec that
            names it. For errors only: two streams that differ in nothing else are one.
    """

    model_name: str = ""
    output_name: str = ""
    weighted: bool = False
    reads: Reads = Reads()
    view: View = FLAT
    query_key: str = ""
    baseline: Stream | None = None
    meaning: Meaning = field(default=Meaning(), compare=False)
    names: Mapping[str, tuple[str, str]] = field(default_factory=dict, compare=False)

    @property
    def source(self) -> Stream:
        """Stands for the columns of its model that it reads, which streams of other views read too."""
        origins = self.reads.origins and not self.reads.baseline  # columns of two models tell no origins, entries do
        reads = dataclasses.replace(self.reads, baseline=False, origins=origins)
        return dataclasses.replace(self, view=FLAT, query_key="", baseline=None, reads=reads)

    @property
    def sources(self) -> tuple[Stream, ...]:
        """The sources of all columns that it reads."""
        return (self.source,) if self.baseline is None else (self.source, self.baseline)

    @property
    def only_weights(self) -> bool:
        """Whether nothing but weights is read."""
        return self.reads == Reads(labels=False, predictions=False)

    @property
    def are_numbers(self) -> bool:
        """Whether it sees labels and predictions as the numbers that they are."""
        return self.reads.predictions and self.reads.pairing is None

    @property
    def tells_faults(self) -> bool:
        """Whether its columns say themselves which rows it cannot take, as they are no labels and predictions."""
        return self.reads.pairing is not None or self.reads.attributions

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns of the data that it names itself, rather than through a model spec."""
        paths = (self.reads.feature, self.reads.weights, self.reads.shown, self.reads.gains)
        named = [path[1] for path in paths if len(path) > 1 and path[0] == FEATURES_KEY]
        boxes = self.reads.boxes.columns if self.reads.boxes else ()
        masks = self.reads.masks.names if self.reads.masks else ()
        of_pairing = self.reads.pairing.features if self.reads.pairing else ()
        return (*named, *boxes, *masks, *of_pairing, *([self.query_key] if self.query_key else []))

    def described(self, key: str) -> str:
        """The column that serves as `key` with its role, for errors."""
        name, role = self.called(key)
        return f"column {name!r}{role}"

    def called(self, key: str) -> tuple[str, str]:
        """What errors call the column that serves as `key`: its own name, and its role in brackets behind it."""
        column, role = self.names.get(key, (key, ""))
        model = f"of model {self.model_name!r}" if self.model_name else ""
        described = " ".join(filter(None, (role, model)))
        return column, f" ({described})" if described else ""
