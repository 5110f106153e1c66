"""What inputs and models were when a run began: later stages use exactly these, or refuse."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping

from assay import storage
from assay.errors import ModelError, TransientError
from assay.plan import Plan

Pins = dict[str, str]
"""File -> what it is: its generation on Google Cloud Storage, its time and size on a disk."""


def pinned_inputs(files: Iterable[str]) -> Pins:
    """Pins input files, which must be there."""
    return {file: _generation(file) for file in files}


def check_unchanged(pins: Mapping[str, str]) -> None:
    """Raises TransientError if one of the files is not any more what was pinned, after all have been read."""
    for file, generation in pins.items():
        if _generation(file) != generation:
            raise TransientError(f"{file}: changed while it was read; run the stage again once it is complete")


def _generation(file: str) -> str:
    stat = storage.stat(file)
    return "missing" if stat is None else stat.generation


def pinned_models(plan: Plan) -> dict[str, Pins]:
    """Pins the files of every model that is not code: model -> file below its URI -> generation."""
    return {model["name"]: _model(model["uri"]) for model in plan.models if model["type"] != "callable"}


def _model(uri: str) -> Pins:
    uri = os.path.expanduser(uri).rstrip("/")
    alone = storage.stat(uri)
    if alone is not None:
        return {"": alone.generation}
    return {place[len(uri) :]: stat.generation for place, stat in storage.list(uri)}


def check_models(plan: Plan, pinned: Mapping[str, Mapping[str, str]]) -> None:
    """Raises ModelError if a model is not any more what it was when the run began."""
    now = pinned_models(plan)
    for name, pins in now.items():
        if pinned.get(name) != pins:
            before = pinned.get(name, {})
            changed = sorted(file for file in {*pins, *before} if pins.get(file) != before.get(file))
            raise ModelError(
                f"model {name!r}: changed since the run began ({', '.join(changed[:3]) or 'its file'}); "
                f"start a new run to evaluate what is there now"
            )
