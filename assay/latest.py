"""Whose results are whose: each run has a folder of its own below the output, and `latest.json` names the latest.

    <output>/<run>/            the files of one run, `results.json` last
    <output>/latest.json       the run that began last of those that came to their end

Standard library only.
"""

from __future__ import annotations

import json
import re
import time
import uuid
from dataclasses import asdict, dataclass
from typing import Any

from assay import storage
from assay.errors import ConfigError, MissingFileError, PublishLostError, ResultsError, TransientError
from assay.file_paths import FilePath, path_text

LATEST_FILE = "latest.json"

_FOLDER = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:+-]*")
_TRIES = 20


@dataclass(frozen=True, kw_only=True)
class Latest:
    """The content of `latest.json`.

    Attributes:
        run: name of the run's folder, beside the file.
        started: when the run began to write its results, in seconds since 1970.
        verdict: its status.
    """

    run: str
    started: float
    verdict: str


def new_run() -> str:
    """A name for a run, unlike any other; names sort by time."""
    return f"{time.strftime('%Y%m%dT%H%M%S', time.gmtime())}-{uuid.uuid4().hex[:8]}"


def folder_of_run(output: str, run: str, plan_digest: str) -> str:
    """The folder of a run that was named by its caller.

    Several analyses may run under one name, such as that of an Airflow run, and have one output. The digest of the
    plan, parameters included, keeps their results apart.
    """
    return storage.join(output, f"{run}-{plan_digest[:8]}")


def results_folder(output: FilePath) -> str:
    """The folder of the latest run, where an output has one; else the folder itself, as of one run or of TFMA.

    Args:
        output: folder or `gs://` URI of results.

    Raises:
        ResultsError: `latest.json` is damaged.
    """
    output = path_text(output, "output_path")
    latest = read_latest(output)
    return output if latest is None else storage.join(output, latest.run)


def check_no_runs(folder: FilePath) -> None:
    """Raises ResultsError for an output with `latest.json`: who opens it sees that run, and not what lies beside it."""
    if read_latest(path_text(folder, "output_path")) is not None:
        raise ResultsError(
            f"{folder}: has runs in folders of their own, as {LATEST_FILE} says; give your writers another folder"
        )


def read_latest(output: str) -> Latest | None:
    """What `latest.json` says; None if there is none.

    Raises:
        ResultsError: it is damaged.
    """
    place = storage.join(output, LATEST_FILE)
    try:
        content = json.loads(storage.read(place))
    except (MissingFileError, ConfigError):  # a place that cannot be opened is told by who lists its files
        return None
    except ValueError as error:
        raise ResultsError(f"{place}: expected JSON; {error}; name the folder of a run instead of {output}") from error
    return _checked(content, place)


def move_latest(output: str, latest: Latest) -> bool:
    """Makes `latest.json` name a run, unless a run that began later has been named already; returns whether it does.

    Raises:
        TransientError: others moved it at the same time, again and again.
    """
    place = storage.join(output, LATEST_FILE)
    content = (json.dumps(asdict(latest), indent=2, sort_keys=True) + "\n").encode()
    for attempt in range(_TRIES):
        before = storage.stat(place)
        named = None if before is None else read_latest(output)
        if named is not None and named.started > latest.started and named.run != latest.run:
            return False

        try:
            storage.publish(place, content, replacing=None if before is None else before.generation)
            return True
        except PublishLostError:
            if attempt and before is None and storage.stat(place) is None:
                raise ResultsError(f"{place}: is a folder, or no file; remove it") from None
            time.sleep(0.01 * attempt)
    raise TransientError(f"{place}: {_TRIES} other runs moved it at the same time; try again")


def _checked(content: Any, place: str) -> Latest:
    """A name that leads elsewhere than below the output would open files that no run of this output wrote."""
    try:
        latest = Latest(run=content["run"], started=float(content["started"]), verdict=str(content.get("verdict", "")))
        if not isinstance(latest.run, str) or not _FOLDER.fullmatch(latest.run):
            raise ValueError(f"run {latest.run!r} is no name of a folder")
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ResultsError(f"{place}: expected run, started and verdict; {error!r}") from error
    return latest
