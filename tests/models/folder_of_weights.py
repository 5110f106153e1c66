"""As `tests.linear_model`, but the weights lie in a folder of the model's folder."""

from __future__ import annotations

from assay.models.model import ModelRef, Runner
from tests import linear_model
from tests.linear_model import check, needs

__all__ = ["check", "load", "needs"]


def load(ref: ModelRef, path: str) -> Runner:
    return linear_model.load(ref, f"{path}/weights/w.json")
