"""What inputs and models were when a run began: later stages use exactly these, or refuse.

A pin stands for the content of a file: its generation on Google Cloud Storage; on a disk a hash, since `cp -p`,
`rsync -t` and archives give other data the size and the time of the old.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor

from assay import storage
from assay.errors import ModelError, TransientError
from assay.plan.plan import Plan

Pins = dict[str, str]
"""File -> what its content is."""

_THREADS = 4
"""Hashing releases the interpreter's lock, and a disk serves several readers."""


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
    if any(map(storage.is_remote, files)):  # nothing to hash, and credentials are of this thread
        found = [storage.fingerprint(file) for file in files]
    else:
        with ThreadPoolExecutor(_THREADS) as pool:
            found = [*pool.map(storage.fingerprint, files)]
    return {file: pin or "missing" for file, pin in zip(files, found, strict=True)}


def pinned_models(plan: Plan) -> dict[str, Pins]:
    """Pins the files of every model that is not code: model -> file below its URI -> what its content is."""
    return {model["name"]: _model(model["uri"]) for model in plan.models if model["type"] != "callable"}


def _model(uri: str) -> Pins:
    uri = os.path.expanduser(uri).rstrip("/")
    alone = storage.fingerprint(uri)
    if alone is not None:
        return {"": alone}
    if storage.is_remote(uri):  # the list tells generations, without a call for each file
        return {place[len(uri) :]: stat.generation for place, stat in storage.list(uri)}
    return {file[len(uri) :]: pin for file, pin in _pinned([place for place, _ in storage.list(uri)]).items()}


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
