"""What labels and predictions mean, as the model spec says: which text is positive, which classes there are."""

from __future__ import annotations

from dataclasses import dataclass

from assay.proto.config_pb2 import ModelSpec


@dataclass(frozen=True)
class Meaning:
    """How the labels and predictions of a model are to be read.

    Attributes:
        positive_label: labels of the positive class, as text; "" where labels are numbers that say so themselves.
        classes: names of all classes, by class id; () if nobody names them.
        sparse_labels: labels are lists of the classes that a row has.
        link: what makes probabilities of predictions, "logit" or "logit_each"; "" if nothing has to.
        scale: what predictions are given in, "percent"; "" if in nothing but ones.
    """

    positive_label: str = ""
    classes: tuple[str, ...] = ()
    sparse_labels: bool = False
    link: str = ""
    scale: str = ""


def meaning_of(model: ModelSpec) -> Meaning:
    """What a model spec says."""
    return Meaning(model.positive_label, tuple(model.classes), model.sparse_labels, model.link, model.scale)
