"""Publishing results under a plan's output: withdrawn first, `results.json` last, so that who finds it finds all."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

from assay import gate, storage
from assay.errors import ConfigError
from assay.gate import Counts
from assay.plan import Plan
from assay.published import RESULTS_FILE, VERDICT_FILE, files_in, foreign_in, listed_in, results_json
from assay.result_files import load_metrics, load_validation_result
from assay.verdict import Limits, Verdict
from assay.writers.files import path_in, remove_temporaries, write_file, writing


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
    found = files_in(output)
    if RESULTS_FILE not in found:
        return foreign_in(found)
    listed = listed_in(output)
    with writing(path_in(output, RESULTS_FILE)):
        for name in (RESULTS_FILE, *(name for name in listed if name in found)):
            storage.delete(path_in(output, name))
    return foreign_in(found - set(listed))


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
    files = files_in(plan.output) - {RESULTS_FILE} - foreign
    write_file(path_in(plan.output, RESULTS_FILE), results_json(plan, verdict.status, asdict(counts), files))
