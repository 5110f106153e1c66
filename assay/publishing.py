"""Publishing results under a plan's output: withdrawn first, `results.json` last, so that who finds it finds all."""

from __future__ import annotations

import glob
import json
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import assay
from assay import gate, storage
from assay.errors import ConfigError, MissingFileError
from assay.gate import Counts
from assay.plan import Plan, digest
from assay.result_files import VERDICT_FILE, load_metrics, load_validation_result
from assay.verdict import Limits, Verdict
from assay.writers.files import path_in, remove_temporaries, write_file, writing

RESULTS_FILE = "results.json"

_OWN_FILE = re.compile(
    r"(metrics|plots|attributions|flat_metrics|analysis)-\d{5}-of-\d{5}\.\w+|validations\.\w+|(eval_config|verdict)\.json"
)
"""What a run that failed may have left without a `results.json`."""


def check_output(output: str) -> None:
    """Raises ConfigError for a place where no results can be written."""
    if storage.is_remote(output):
        return
    if "://" in output:
        raise ConfigError(f"output: expected a folder or a gs:// URI, found {output!r}")
    existing = Path(output)
    while not existing.exists() and existing != existing.parent:
        existing = existing.parent
    if not existing.is_dir() or not os.access(existing, os.W_OK):
        what = "is not a folder" if not existing.is_dir() else "cannot be written to"
        raise ConfigError(f"output: {output}: {existing} {what}; choose another folder")


def withdraw(output: str) -> set[str]:
    """Takes back the results of an earlier run, the file that vouches for them first; returns the files of others."""
    remove_temporaries(output)  # of a run that was killed
    found = _files(output)
    if RESULTS_FILE not in found:
        return {name for name in found if not _OWN_FILE.fullmatch(name)}
    listed = _listed(output)
    with writing(path_in(output, RESULTS_FILE)):
        for name in (RESULTS_FILE, *(name for name in listed if name in found)):
            storage.delete(path_in(output, name))
    return {name for name in found - {RESULTS_FILE, *listed} if not _OWN_FILE.fullmatch(name)}


@contextmanager
def cleaning_up(output: str) -> Iterator[None]:
    """Removes files that were complete and waited for the others, if the block fails."""
    try:
        yield
    except BaseException:
        remove_temporaries(output)
        raise


def limits_of(plan: Plan) -> Limits:
    """What the plan wants of a run before it is judged."""
    return Limits(
        min_rows=plan.min_rows,
        max_bad_rows=plan.max_bad_rows,
        max_unmatched=plan.inputs.get("join", {}).get("max_unmatched", 1.0),
    )


def judge(plan: Plan, counts: Counts) -> Verdict:
    """The verdict on the results that are written."""
    return gate.verdict(
        load_validation_result(plan.output), load_metrics(plan.output), counts=counts, limits=limits_of(plan)
    )


def publish(plan: Plan, verdict: Verdict, counts: Counts, foreign: set[str]) -> None:
    """Writes `verdict.json`, and `results.json`, which lists all files but those of others."""
    write_file(path_in(plan.output, VERDICT_FILE), verdict.to_json().encode())
    results = {
        "assay_version": assay.__version__,
        "plan": digest(plan),
        "params": dict(plan.params),
        "rows": counts.rows,
        "bad_rows": dict(counts.bad_rows),
        "unmatched": dict(counts.unmatched),
        "verdict": verdict.status,
        "files": sorted(_files(plan.output) - {RESULTS_FILE} - foreign),
    }
    text = json.dumps(results, indent=2, sort_keys=True) + "\n"
    write_file(path_in(plan.output, RESULTS_FILE), text.encode())


def _listed(output: str) -> list[str]:
    """The files that a run's results.json lists; none if it is damaged."""
    try:
        content = json.loads(storage.read(path_in(output, RESULTS_FILE)))
    except (ValueError, MissingFileError):
        return []
    names = content.get("files", []) if isinstance(content, dict) else []
    return [name for name in names if isinstance(name, str)] if isinstance(names, list) else []


def _files(output: str) -> set[str]:
    return {place.rsplit("/", 1)[-1] for place in storage.match(path_in(glob.escape(output), "*"))}
