"""Publishing the results of a run: into a folder of its own, `results.json` last, then it is the latest."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, replace

from assay import storage
from assay.config.resolved import parse_eval_config
from assay.errors import AssayError, ResultsError
from assay.metrics.own_facts import own_facts
from assay.plan.plan import Plan
from assay.report.page.results import PLOTS_OF_A_RUN, html_page
from assay.results import published
from assay.results.files import load_metrics, load_validation_result
from assay.results.found_slices import load_found_slices
from assay.results.latest import VERDICT_FILE, Latest, folder_of_run, move_latest, new_run
from assay.results.published import PAGE_FILE, RESULTS_FILE, Making, result_files_in, results_json
from assay.run.judging import verdict_of
from assay.verdict import Counts, Verdict
from assay.writers.files import path_in, remove_temporaries, write_file, writing


def results_folder_of(output: str, run: str, plan_digest: str, job: str = "") -> str:
    """The folder into which a run publishes, and no other run.

    Args:
        output: of the plan.
        run: name of the run as its caller has it; "" for none.
        plan_digest: of the plan with its parameters, before it has the baseline that is blessed today: a later try of
            the same run may find another one.
        job: digest of all that a job on Dataflow does; "" for none. Another call may collect what the job makes, and
            must look in the same folder.
    """
    if run:
        return folder_of_run(output, run, plan_digest)
    return storage.join(output, f"job-{job[:16]}" if job else new_run())


def withdraw(folder: str) -> None:
    """Takes back what an earlier try of the same run has published, or has left behind when it was killed."""
    remove_temporaries(folder)
    with writing(path_in(folder, RESULTS_FILE)):
        published.withdraw(folder)


@contextmanager
def removed_on_failure(folder: str, *, is_named: bool) -> Iterator[None]:
    """Leaves nothing behind of a run that fails.

    Args:
        folder: of the run.
        is_named: whether the caller named the run: another try may be writing there, so only temporary files go.
    """
    try:
        yield
    except BaseException:
        remove_temporaries(folder)
        is_whole = storage.stat(path_in(folder, RESULTS_FILE)) is not None
        if not is_named and not is_whole:
            with suppress(AssayError, OSError):
                storage.delete_folder(folder)
        raise


def judge(plan: Plan, folder: str, counts: Counts) -> Verdict:
    """The verdict on the results in the folder of a run."""
    return verdict_of(
        plan,
        parse_eval_config(plan.eval_config),
        load_validation_result(folder),
        lambda: load_metrics(folder),
        lambda: load_found_slices(folder),
        counts,
    )


def judge_if_possible(plan: Plan, folder: str, counts: Counts) -> Verdict | None:
    """The same of results of stages of the user's own, which need not have left anything that can be judged."""
    with suppress(ResultsError):
        return judge(plan, folder, counts)
    return None


def write_verdict(folder: str, verdict: Verdict | None) -> None:
    """Writes `verdict.json`, if there is a verdict."""
    if verdict is not None:
        write_file(path_in(folder, VERDICT_FILE), verdict.to_json().encode())


def publish(
    plan: Plan,
    folder: str,
    task: str,
    verdict: Verdict | None,
    counts: Counts,
    started: float,
    before: Making | None = None,
) -> None:
    """Writes `verdict.json`, `page.html` and, last, `results.json`, and makes the run the latest.

    Args:
        plan: with its parameters.
        folder: of the run.
        task: that writes the results.
        verdict: on its results; None if there is nothing to judge by, and so nothing for a page to show.
        counts: rows of the run.
        started: when the task that writes the results began, in seconds since 1970.
        before: what the tasks before it did.
    """
    run, status = folder.rsplit("/", 1)[-1], verdict.status if verdict else ""
    write_verdict(folder, verdict)
    files = result_files_in(folder) | ({PAGE_FILE} if verdict else set())
    making = before or Making()
    facts = own_facts(parse_eval_config(plan.eval_config))
    making = replace(making, seconds={**making.seconds, task: time.time() - started}, own_metrics=facts)
    shown = counts.shown(plan.min_slice_size, plan.round_counts_to)
    results = results_json(plan, run, status, asdict(shown), files, making)
    if verdict:
        page = html_page(folder, facts=json.loads(results), plots=PLOTS_OF_A_RUN)
        write_file(path_in(folder, PAGE_FILE), page.encode())
    write_file(path_in(folder, RESULTS_FILE), results)

    verdict_json = json.loads(verdict.to_json()) if verdict else {}
    with writing(path_in(plan.output, VERDICT_FILE)):
        move_latest(plan.output, Latest(run=run, started=started, verdict=verdict_json))
