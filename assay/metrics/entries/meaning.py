"""What labels and predictions mean, as the model spec says: which text is positive, which classes there are."""

from __future__ import annotations

from dataclasses import dataclass

from assay.config.model_values import spec_of_output
from assay.proto.config_pb2 import ModelSpec


@dataclass(frozen=True)
class Padding:
    """What the shorter of the lists of a row is filled up with.

    Attributes:
        label: a negative one stands for no class.
        prediction: above no prediction of its row.
    """

    label: float = 0.0
    prediction: float = 0.0


@dataclass(frozen=True)
class Meaning:
    """How the labels and predictions of a model are to be read.

    Attributes:
        positive_label: labels of the positive class, as text; "" where labels are numbers that say so themselves.
        classes: names of all classes, by class id; () if nobody names them.
        sparse_labels: labels are lists of the classes that a row has.
        link: what makes probabilities of predictions, "logit" or "logit_each"; "" if nothing has to.
        scale: what predictions are given in, "percent"; "" if in nothing but ones.
        padding: what short lists are filled up with; None if all must have one length.
    """

    positive_label: str = ""
    classes: tuple[str, ...] = ()
    sparse_labels: bool = False
    link: str = ""
    scale: str = ""
    padding: Padding | None = None


def meaning_of(model: ModelSpec, output: str = "") -> Meaning:
    """What a model spec says of an output."""
    spec = spec_of_output(model, output)
    padding = None if spec.sparse_labels else _padding_of(model)
    return Meaning(spec.positive_label, tuple(spec.classes), spec.sparse_labels, spec.link, spec.scale, padding)


def _padding_of(model: ModelSpec) -> Padding | None:
    options = model.padding_options
    if not model.HasField("padding_options"):
        return None
    label, prediction = options.WhichOneof("label_padding"), options.WhichOneof("prediction_padding")
    return Padding(getattr(options, label) if label else 0.0, getattr(options, prediction) if prediction else 0.0)
