"""Whose results are whose: each run has a folder of its own below the output, and the verdict there names the latest.

    <output>/<run>/            the files of one run, `results.json` last
    <output>/verdict.json      verdict and name of the latest run: of those that came to an end, the one whose last
                               task, which writes the results, began last (without checkpoints there is one task)

Standard library only.
"""

from __future__ import annotations

import json
import re
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from assay import storage
from assay.errors import ConfigError, CorruptFileError, MissingFileError, PublishLostError, ResultsError, TransientError
from assay.storage.file_paths import FilePath, path_text
from assay.text import json_text

VERDICT_FILE = "verdict.json"
"""Of a run: its verdict. Of an output: that of the latest run, and its name."""

_MOST_BYTES = 64 << 20

RUN_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:+-]*")
"""Of a run, and of the folders that are called after it."""

_TRIES = 20


@dataclass(frozen=True, kw_only=True)
class Latest:
    """The content of an output's `verdict.json`.

    Attributes:
        run: name of the run's folder, beside the file.
        started: when the task that writes the results began, in seconds since 1970.
        verdict: as the run's own `verdict.json` has it; empty if it has none.
    """

    run: str
    started: float
    verdict: Mapping[str, Any]


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
        ResultsError: `verdict.json` is damaged.
    """
    output = path_text(output, "output_path")
    latest = read_latest(output)
    return output if latest is None else storage.join(output, latest.run)


def check_no_runs(folder: FilePath) -> None:
    """Raises ResultsError for an output of runs: who opens it sees the latest, and not what lies beside it."""
    if read_latest(path_text(folder, "output_path")) is not None:
        raise ResultsError(
            f"{folder}: has runs in folders of their own, as {VERDICT_FILE} says; give your writers another folder"
        )


def read_latest(output: str) -> Latest | None:
    """Which run is the latest of an output; None if none has been published, or for the folder of a run.

    Raises:
        ResultsError: it is damaged.
    """
    uri = storage.join(output, VERDICT_FILE)
    storage.check_regular(uri, "results", ResultsError)
    try:
        content = json_text.loads(storage.read(uri, most=_MOST_BYTES))
    except (MissingFileError, ConfigError):  # a folder that cannot be opened is reported when its files are listed
        return None
    except (ValueError, CorruptFileError) as error:
        raise ResultsError(f"{uri}: expected JSON; {error}; name the folder of a run instead of {output}") from error
    return _checked(content, uri)


def move_latest(output: str, latest: Latest) -> bool:
    """Makes a run the latest, unless a run that began later is so already; returns whether it is.

    Raises:
        TransientError: others moved it at the same time, again and again.
    """
    uri = storage.join(output, VERDICT_FILE)
    about = {"run": latest.run, "started": latest.started}
    content = (json.dumps({**latest.verdict, **about}, indent=2, sort_keys=True, allow_nan=False) + "\n").encode()
    for attempt in range(_TRIES):
        before = storage.stat(uri)
        named = None if before is None else read_latest(output)
        if named is not None and named.started > latest.started and named.run != latest.run:
            return False

        try:
            storage.publish(uri, content, replacing=None if before is None else before.generation)
            return True
        except PublishLostError:
            if attempt and before is None and storage.stat(uri) is None:
                raise ResultsError(f"{uri}: is a folder, or no file; remove it") from None
            time.sleep(0.01 * attempt)
    raise TransientError(f"{uri}: {_TRIES} other runs moved it at the same time; try again")


def _checked(content: Any, uri: str) -> Latest | None:
    """A name that leads elsewhere than below the output would open files that no run of this output wrote."""
    if isinstance(content, dict) and "status" in content and "run" not in content:
        return None

    try:
        run, started = content.pop("run"), float(content.pop("started"))
        if not isinstance(run, str) or not RUN_NAME.fullmatch(run):
            raise ValueError(f"run {run!r} is not the name of a folder")
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ResultsError(f"{uri}: expected the verdict of a run, and its name; {error!r}") from error
    return Latest(run=run, started=started, verdict=content)
