"""Tasks that ended with 64: a retry of the orchestrator's would only say the same again, and is spared the work."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence

from assay import storage
from assay.checkpoints.layout import RECORD_SUFFIX, RUNS
from assay.errors import MissingFileError
from assay.text import json_text


def place_of(root: str, run: str, arguments: Sequence[str]) -> str:
    """Where a refusal of this very call is noted: runs have names of their own, so no later run finds it."""
    digest = hashlib.sha256(json.dumps(list(arguments)).encode()).hexdigest()[:16]
    return storage.join(root, RUNS, run, f"refused-{digest}{RECORD_SUFFIX}")


def refusal_at(place: str) -> str:
    """What was said when the call was refused; "" if it was not."""
    try:
        return str(json_text.loads(storage.read(place))["refused"])
    except MissingFileError:
        return ""


def refuse(place: str, message: str) -> None:
    """Notes a refusal; it names no manifest, so that clearing up sees a record that keeps nothing."""
    storage.write(place, json.dumps({"manifest": "", "refused": message}).encode())
