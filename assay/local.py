"""Runs a plan on this machine, and publishes what it found: the verdict, then `results.json`, last."""

from __future__ import annotations

import json
import os
import re
import time
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

from apache_beam.io.filesystems import FileSystems

import assay
from assay import gate
from assay.errors import ConfigError
from assay.gate import Counts
from assay.plan import Plan, digest
from assay.progress import shown
from assay.result_files import VERDICT_FILE, load_metrics, load_validation_result
from assay.stages import check_inputs, context_of, import_custom, run_stage
from assay.writers.files import path_in, remove_temporaries, write_file, writing

RESULTS_FILE = "results.json"

_OWN_FILE = re.compile(
    r"(metrics|plots|attributions|flat_metrics|analysis)-\d{5}-of-\d{5}\.\w+|validations\.\w+|(eval_config|verdict)\.json"
)
"""What a run that failed may have left without a `results.json`."""


@dataclass(frozen=True)
class RunResult:
    """What a run left behind.

    Attributes:
        output: folder of the results.
        verdict: whether the candidate may be released, and why not.
        counts: rows read, and bad rows by reason.
        seconds: wall time.
    """

    output: str
    verdict: gate.Verdict
    counts: Counts
    seconds: float


def check(plan: Plan, *, import_code: bool = False) -> None:
    """Checks, without running, that everything a resolved plan needs is there.

    Args:
        plan: a plan whose parameters are resolved.
        import_code: also import and make the user's own stages.

    Raises:
        UsageError: a model, file, column or factory is missing or wrong.
    """
    _check_output(plan.output)
    context = context_of(plan)
    check_inputs(context)
    if import_code:
        import_custom(context)


def run(plan: Plan, *, progress: TextIO | None = None, options: Sequence[str] = ()) -> RunResult:
    """Runs every task of a resolved plan and publishes the results under `plan.output`.

    Results of an earlier run are withdrawn first, so that whoever finds `results.json` finds a whole run.

    Args:
        plan: a plan whose parameters are resolved.
        progress: where to show rows, rows/s and stage while it runs; None shows nothing.
        options: Beam pipeline options as on a command line; the default runner is the in-memory one.

    Raises:
        AssayError: whatever went wrong on purpose.
    """
    started = time.monotonic()
    check(plan)
    foreign = _withdraw(plan.output)
    counts = Counts(0)
    with shown(progress) if progress is not None else nullcontext():
        for task in plan.tasks:
            done = run_stage(plan, task.name, options=options)
            counts = Counts(
                counts.rows + done.rows, {**counts.bad_rows, **done.bad_rows}, {**counts.unmatched, **done.unmatched}
            )
    verdict = judge(plan, counts)
    _publish(plan, verdict, counts, foreign)
    return RunResult(plan.output, verdict, counts, time.monotonic() - started)


def judge(plan: Plan, counts: Counts) -> gate.Verdict:
    """The verdict on the written results."""
    limits = gate.Limits(
        min_rows=plan.min_rows,
        max_bad_rows=plan.max_bad_rows,
        max_unmatched=plan.inputs.get("join", {}).get("max_unmatched", 1.0),
    )
    return gate.verdict(
        load_validation_result(plan.output),
        load_metrics(plan.output),
        counts=counts,
        limits=limits,
    )


def _check_output(output: str) -> None:
    """Raises ConfigError for a place where no results can be written."""
    try:
        FileSystems.get_filesystem(output)
    except ValueError as error:
        raise ConfigError(f"output: expected a folder or a gs:// URI, found {output!r}: {error}") from error
    if "://" in output:
        return
    existing = Path(output)
    while not existing.exists() and existing != existing.parent:
        existing = existing.parent
    if not existing.is_dir() or not os.access(existing, os.W_OK):
        what = "is not a folder" if not existing.is_dir() else "cannot be written to"
        raise ConfigError(f"output: {output}: {existing} {what}; choose another folder")


def _listed(output: str) -> list[str]:
    """The files that a run's results.json lists; none if it is damaged."""
    try:
        with FileSystems.open(path_in(output, RESULTS_FILE)) as file:
            content = json.loads(file.read())
    except (ValueError, OSError):
        return []
    names = content.get("files", []) if isinstance(content, dict) else []
    return [name for name in names if isinstance(name, str)] if isinstance(names, list) else []


def _withdraw(output: str) -> set[str]:
    """Takes back the results of an earlier run, the file that vouches for them first; returns the files of others."""
    remove_temporaries(output)  # of a run that was killed
    found = _files(output)
    if RESULTS_FILE not in found:
        return {name for name in found if not _OWN_FILE.fullmatch(name)}
    listed = _listed(output)
    with writing(path_in(output, RESULTS_FILE)):
        FileSystems.delete([path_in(output, RESULTS_FILE)])
        FileSystems.delete([path_in(output, name) for name in listed if name in found])
    return {name for name in found - {RESULTS_FILE, *listed} if not _OWN_FILE.fullmatch(name)}


def _publish(plan: Plan, verdict: gate.Verdict, counts: Counts, foreign: set[str]) -> None:
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


def _files(output: str) -> set[str]:
    found: list[Any] = FileSystems.match([path_in(output, "*")])[0].metadata_list
    return {file.path.rsplit("/", 1)[-1] for file in found}
