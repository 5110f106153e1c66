"""Records of calls that ended with 64, so that an orchestrator's retries fail at once."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence

from assay import storage
from assay.checkpoints.layout import RECORD_SUFFIX, RUNS
from assay.errors import MissingFileError
from assay.text import json_text


def refusal_uri(root: str, run: str, arguments: Sequence[str]) -> str:
    """The URI of the record for a call. It is that of a run, so no other run finds it."""
    digest = hashlib.sha256(json.dumps(list(arguments)).encode()).hexdigest()[:16]
    return storage.join(root, RUNS, run, f"refused-{digest}{RECORD_SUFFIX}")


def refusal_at(uri: str) -> str:
    """The error with which the call was refused; "" if it was not."""
    try:
        return str(json_text.loads(storage.read(uri))["refused"])
    except MissingFileError:
        return ""


def refuse(uri: str, message: str) -> None:
    """Records a refusal. It names no manifest, so it keeps no checkpoint from being deleted."""
    storage.write(uri, json.dumps({"manifest": "", "refused": message}).encode())
