"""What inputs and models were when a run began: later stages use exactly these, or refuse.

A pin is the fingerprint of a file's content; see `assay.storage.fingerprints`.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping

from assay.errors import ModelError, TransientError
from assay.models.known import is_code
from assay.plan.plan import Plan
from assay.storage.fingerprints import fingerprints, fingerprints_within

Pins = dict[str, str]
"""File -> what its content is."""


def pinned_inputs(files: Iterable[str]) -> Pins:
    """Pins input files, which must be there."""
    return _pinned(list(files))


def check_unchanged(pins: Mapping[str, str]) -> None:
    """Raises TransientError if one of the files is not any more what was pinned, after all have been read."""
    now = _pinned(list(pins))
    for file, pin in pins.items():
        if now[file] != pin:
            raise TransientError(f"{file}: changed while it was read; run the stage again once it is complete")


def _pinned(files: list[str]) -> Pins:
    return {file: pin or "missing" for file, pin in zip(files, fingerprints(files), strict=True)}


def pinned_models(plan: Plan) -> dict[str, Pins]:
    """Pins the files of every model that is not code: model -> file below its URI -> what its content is."""
    return {model["name"]: _model(model["uri"]) for model in plan.models if not is_code(model["type"])}


def _model(uri: str) -> Pins:
    uri = os.path.expanduser(uri).rstrip("/")
    return {file[len(uri) :]: pin for file, pin in fingerprints_within(uri).items()}


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
