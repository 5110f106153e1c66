"""Jobs of an engine that attempts at a checkpoint have left, because the process that started them was killed.

Such a job works for nobody: what it writes is committed by the process that started it. It may keep the cores that the
next attempt waits for. So an attempt notes its job in its folder, and the next one ends those that are left.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from assay import storage
from assay.checkpoints.heartbeat import GRACE_SECONDS
from assay.checkpoints.layout import HEARTBEAT_FILE, JOB_FILE
from assay.engine.server_jobs import ServerJob, end
from assay.errors import AssayError
from assay.text import json_text

_MOST_BYTES = 1 << 16


def note(folder: str, job: ServerJob, run: str) -> None:
    """Notes the job of an attempt.

    Args:
        folder: of the attempt.
        job: that has just started.
        run: name of the run that it is for; "" for none.
    """
    with suppress(AssayError):  # without the note the job runs as well
        storage.write(storage.join(folder, JOB_FILE), _json(job, run))


def _json(job: ServerJob, run: str) -> bytes:
    return json.dumps({"endpoint": job.endpoint, "id": job.id, "run": run}).encode()


def end_left(folder: str, endpoint: str, run: str, now: float | None = None) -> int:
    """Ends the jobs that earlier attempts have left on a job server; returns how many it knew.

    An attempt is over if it has shown no life for long, or if it was for the same run: an orchestrator tries a task
    again once the try before it is over.

    Args:
        folder: of a checkpoint, with the folders of all attempts.
        endpoint: of the job server; jobs on others are left alone.
        run: name of the run that asks; "" for none.
        now: seconds since 1970; None asks the clock.
    """
    now, ended = time.time() if now is None else now, 0
    files = dict(storage.list(folder))
    for uri in files:
        attempt, _, name = uri.rpartition("/")
        if name != JOB_FILE:
            continue
        noted, beat = _read(uri), files.get(f"{attempt}/{HEARTBEAT_FILE}")
        is_over = beat is None or now - beat.updated >= GRACE_SECONDS or bool(run and noted.get("run") == run)
        if is_over and noted.get("endpoint") == endpoint:
            ended += end(ServerJob(endpoint, str(noted.get("id", ""))))
            storage.delete(uri)
    return ended


def _read(uri: str) -> Mapping[str, Any]:
    with suppress(AssayError, ValueError):
        noted = json_text.loads(storage.read(uri), most=_MOST_BYTES)
        if isinstance(noted, dict):
            return noted
    return {}
