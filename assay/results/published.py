"""What a run leaves under a plan's output, and the verdict where there is nothing to judge. Standard library only."""

from __future__ import annotations

import glob
import json
import re
import time
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import assay
from assay import storage
from assay.errors import CorruptFileError, ResultsError
from assay.plan.as_json import digest
from assay.plan.plan import Plan
from assay.results.latest import VERDICT_FILE, Latest, folder_of_run, move_latest, results_folder
from assay.text import json_text
from assay.verdict import Counts, Reason, Status, Verdict

RESULTS_FILE, PAGE_FILE = "results.json", "page.html"

_OF_ANALYSIS = ("inputs", "models", "on_bad_rows", "max_bad_rows", "min_rows", "rubber_stamp", "seed", "code_version")
"""What a plan says beside stages, eval config and parameters; values of secrets are never in it."""

_MOST_BYTES = 1 << 30
"""Of a gate's manifest, which holds a verdict too."""

_OWN_FILE = re.compile(
    r"(metrics|plots|attributions|flat_metrics|analysis)-\d{5}-of-\d{5}\.\w+|validations\.\w+|(eval_config|eval_config_in_full|found_slices|verdict)\.json|page\.html"
)
"""The files of a run's results, but for `results.json`, which vouches for them."""


def files_in(folder: str) -> set[str]:
    """Names of all files in a folder of results."""
    return {uri.rsplit("/", 1)[-1] for uri in storage.match(storage.join(glob.escape(folder), "*"))}


def result_files_in(folder: str) -> set[str]:
    """Names of the files in a folder that a run's results consist of, without `results.json`."""
    return {name for name in files_in(folder) if _OWN_FILE.fullmatch(name)}


@dataclass(frozen=True)
class Making:
    """How results came to be.

    Attributes:
        seconds: task -> how long it took.
        checkpoints: task -> digest of the checkpoint that the results were made from.
        data: digest of the content of all files that were read; "" where it was not taken.
        models: model -> digest of the content of its files, where it was taken.
        own_metrics: metric of a module of the user's own -> what it declares.
    """

    seconds: Mapping[str, float] = field(default_factory=dict)
    checkpoints: Mapping[str, str] = field(default_factory=dict)
    data: str = ""
    models: Mapping[str, str] = field(default_factory=dict)
    own_metrics: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


def results_json(
    plan: Plan, run: str, verdict: str, counts: Mapping[str, Any], files: Iterable[str], making: Making | None = None
) -> bytes:
    """The content of `results.json`, which vouches for the other files.

    Args:
        plan: with its parameters.
        run: name of the run's folder.
        verdict: the status.
        counts: `rows`, `bad_rows`, `unmatched`, `unsliced`.
        files: names of those that belong to the results.
        making: how they came to be.
    """
    making = making or Making()
    results = {
        "assay_version": assay.__version__,
        "finished": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "seconds": {task: round(seconds, 3) for task, seconds in making.seconds.items()},
        "checkpoints": dict(making.checkpoints),
        "data_digest": making.data,
        "model_digests": dict(making.models),
        "analysis": {name: getattr(plan, name) for name in _OF_ANALYSIS} | ({"gate": plan.gate} if plan.gate else {}),
        "plan": digest(plan),
        "params": dict(plan.params),
        "run": run,
        **counts,
        "verdict": verdict,
        "files": sorted(files),
    }
    if making.own_metrics:
        results["own_metrics"] = dict(making.own_metrics)
    return (json.dumps(results, indent=2, sort_keys=True) + "\n").encode()


def verdict_at(manifest: str, output: str) -> dict[str, Any]:
    """The whole verdict, as `verdict.json` has it: that in a gate's manifest, or if there is none, that of an output.

    Raises:
        ResultsError: there is something else.
    """
    uri = manifest or storage.join(results_folder(output), VERDICT_FILE)
    try:
        content = json_text.loads(storage.read(uri, most=_MOST_BYTES), most=_MOST_BYTES)
        return dict(content["verdict"] if manifest else content)
    except (ValueError, KeyError, TypeError, CorruptFileError) as error:
        raise ResultsError(f"{uri}: expected the verdict of a run; {error}; run the analysis again") from error


def reasons_in(verdict: Mapping[str, Any]) -> list[str]:
    """Why a model is not blessed, a line for each reason."""
    return [": ".join(filter(None, (reason["slice"], reason["message"]))) for reason in verdict.get("reasons", ())]


def withdraw(folder: str) -> None:
    """Deletes the results of an earlier try of the same run, first the file that vouches for them."""
    for name in (RESULTS_FILE, *sorted(result_files_in(folder))):
        storage.delete(storage.join(folder, name))


def publish_not_evaluated(plan: Plan, run: str, why: str) -> str:
    """Publishes as the results of a run that there is nothing to judge by.

    Args:
        plan: with its parameters.
        run: name of the run.
        why: the reason, a sentence for people.

    Returns:
        The folder of the run's results.
    """
    started, verdict = time.time(), Verdict(Status.NOT_EVALUATED, reasons=(Reason(why),))
    folder = folder_of_run(plan.output, run, digest(plan))
    name = folder.rsplit("/", 1)[-1]
    withdraw(folder)

    storage.write(storage.join(folder, VERDICT_FILE), verdict.to_json().encode())
    results = results_json(plan, name, verdict.status, asdict(Counts(rows=0)), [VERDICT_FILE])
    storage.write(storage.join(folder, RESULTS_FILE), results)

    move_latest(plan.output, Latest(run=name, started=started, verdict=json.loads(verdict.to_json())))
    return folder
