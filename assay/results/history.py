"""The runs of an output: whose results lie in folders of their own below it. Standard library only."""

from __future__ import annotations

import calendar
import glob
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from assay import storage
from assay.errors import AssayError, ResultsError
from assay.results.latest import read_latest
from assay.results.published import RESULTS_FILE
from assay.storage.file_paths import FilePath, path_text
from assay.text import json_text

_STAMP = re.compile(r"(\d{8}T\d{6})-")


@dataclass(frozen=True)
class PublishedRun:
    """A run whose results are complete.

    Attributes:
        name: of its folder.
        folder: its path or URI.
        when: when it began, if its name says so, as those of `assay run` do; else when its results were written; in
            seconds since 1970.
        is_latest: whether who opens the output sees this run.
        facts: the content of `results.json`; empty if it is damaged.
        fault: why it could not be read; "" if it could.
    """

    name: str
    folder: str
    when: float
    is_latest: bool
    facts: Mapping[str, Any] = field(default_factory=dict)
    fault: str = ""


def runs_of(output: FilePath) -> list[PublishedRun]:
    """The runs of an output, the newest first.

    Args:
        output: folder or `gs://` URI.

    Raises:
        ResultsError: there are none, or it is the folder of one run.
    """
    output = path_text(output, "output_path")
    found = storage.match(storage.join(glob.escape(output.rstrip("/") or "/"), "*", RESULTS_FILE))
    if not found:
        is_run = _is_run(output)
        what = "it is the folder of one run; give the output that it lies in" if is_run else "there is no run in it"
        raise ResultsError(f"{output}: expected an output with folders of runs; {what}")
    latest = read_latest(output)
    latest_name = latest.run if latest else ""
    runs = [_run(uri, stat.updated, latest_name) for uri, stat in found.items()]
    return sorted(runs, key=lambda run: (run.when, run.name), reverse=True)


def _is_run(folder: str) -> bool:
    return storage.stat(storage.join(folder, RESULTS_FILE)) is not None


def _run(uri: str, updated: float, latest: str) -> PublishedRun:
    folder = uri.rpartition("/")[0]
    name = folder.rpartition("/")[2]
    when, is_latest = _began(name, updated), name == latest
    try:
        storage.check_regular(uri, "results", ResultsError)
        facts = json_text.loads(storage.read(uri, most=json_text.MOST_CHARACTERS))
        if not isinstance(facts, dict):
            raise ResultsError(f"{uri}: expected an object")
    except (AssayError, ValueError) as error:
        return PublishedRun(name, folder, when, is_latest, fault=f"{uri}: {error}")
    return PublishedRun(name, folder, when, is_latest, facts)


def _began(name: str, updated: float) -> float:
    stamp = _STAMP.match(name)
    try:
        return float(calendar.timegm(time.strptime(stamp[1], "%Y%m%dT%H%M%S"))) if stamp else updated
    except ValueError:  # digits that are no date
        return updated
