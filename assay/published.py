"""What a run leaves under a plan's output, and the verdict where there is nothing to judge. Standard library only."""

from __future__ import annotations

import glob
import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

import assay
from assay import storage
from assay.errors import MissingFileError
from assay.plan import Plan, digest

RESULTS_FILE, VERDICT_FILE = "results.json", "verdict.json"
NOT_EVALUATED = "NOT_EVALUATED"

_OWN_FILE = re.compile(
    r"(metrics|plots|attributions|flat_metrics|analysis)-\d{5}-of-\d{5}\.\w+|validations\.\w+|(eval_config|verdict)\.json"
)
"""What a run that failed may have left without a `results.json`."""


def files_in(output: str) -> set[str]:
    """Names of all files in a folder of results."""
    return {place.rsplit("/", 1)[-1] for place in storage.match(storage.join(glob.escape(output), "*"))}


def foreign_in(names: Iterable[str]) -> set[str]:
    """Those of some names that no run of assay gives to a file."""
    return {name for name in names if name != RESULTS_FILE and not _OWN_FILE.fullmatch(name)}


def listed_in(output: str) -> list[str]:
    """The files that a run's results.json lists; none if it is damaged."""
    try:
        content = json.loads(storage.read(storage.join(output, RESULTS_FILE)))
    except (ValueError, MissingFileError):
        return []
    names = content.get("files", []) if isinstance(content, dict) else []
    return [name for name in names if isinstance(name, str)] if isinstance(names, list) else []


def results_json(plan: Plan, verdict: str, counts: Mapping[str, Any], files: Iterable[str]) -> bytes:
    """The content of `results.json`, which vouches for the other files.

    Args:
        plan: with its parameters.
        verdict: the status.
        counts: `rows`, `bad_rows`, `unmatched`.
        files: names of those that belong to the results.
    """
    results = {
        "assay_version": assay.__version__,
        "plan": digest(plan),
        "params": dict(plan.params),
        **counts,
        "verdict": verdict,
        "files": sorted(files),
    }
    return (json.dumps(results, indent=2, sort_keys=True) + "\n").encode()


def verdict_at(manifest: str, output: str) -> dict[str, Any]:
    """The whole verdict as `verdict.json` has it: of a gate's manifest, or without one of a folder of results."""
    found = json.loads(storage.read(manifest or storage.join(output, VERDICT_FILE)))
    return dict(found["verdict"] if manifest else found)


def reasons_in(verdict: Mapping[str, Any]) -> list[str]:
    """Why a model is not blessed, a line for each reason."""
    return [": ".join(filter(None, (reason["slice"], reason["message"]))) for reason in verdict["reasons"]]


def publish_not_evaluated(plan: Plan, why: str) -> None:
    """Publishes that there is nothing to judge by, in place of what an earlier run has published.

    Args:
        plan: with its parameters.
        why: the reason, a sentence for people.
    """
    output, counts = plan.output, {"rows": 0, "bad_rows": {}, "unmatched": {}}
    found = files_in(output)
    stale = found & {*listed_in(output), *found.difference(foreign_in(found))} - {RESULTS_FILE}
    for name in (RESULTS_FILE, *sorted(stale)):
        storage.delete(storage.join(output, name))
    about = dict.fromkeys(("metric", "model", "output", "slice", "bound"), "")
    reason = {"message": why, **about, **dict.fromkeys(("value", "baseline", "rows"))}
    verdict = {"status": NOT_EVALUATED, "reasons": [reason], "rubber_stamp": False, **counts}
    storage.write(storage.join(output, VERDICT_FILE), (json.dumps(verdict, indent=2, sort_keys=True) + "\n").encode())
    storage.write(storage.join(output, RESULTS_FILE), results_json(plan, NOT_EVALUATED, counts, [VERDICT_FILE]))
