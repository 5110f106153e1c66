"""What Airflow's pages say of a plan and of each task that is made of it, as Markdown."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import timedelta

from assay import storage
from assay.checkpoints.layout import SCRATCH
from assay.operators.gate import SKIP
from assay.operators.partition import in_words
from assay.plan.blessed import blessed_uri
from assay.plan.plan import EVALUATE, EXTRACT, GATE, READ_INPUTS, WRITE_RESULTS, Plan, Task
from assay.plan.tasks import is_checkpointed, kind_of
from assay.text.printable import printable_line

MAKE_SCRATCH_DOC = "Makes the folder for the checkpoints of this run. `delete_scratch` deletes it after the run."
DELETE_SCRATCH_DOC = "Deletes the folder with the checkpoints of this run, however the run ended. Results are kept."

_HOW_TO_READ = (
    "The log has each threshold with the value that decided. The XCom `verdict` has the outcome in one line, and the "
    "link **Verdict** opens it as a page."
)
_DOES: Mapping[str, str] = {
    READ_INPUTS: "Reads the data, and records which files of data and models this run uses.",
    GATE: f"Compares metrics with thresholds. {_HOW_TO_READ}",
    WRITE_RESULTS: (
        "Publishes metrics, plots, the verdict and a page, whether the model is blessed or not. The link **Results** "
        "opens the page."
    ),
}


def plan_doc(plan: Plan) -> str:
    """A description of a plan."""
    models = ", ".join(f"{model['name']}{' (baseline)' if model.get('baseline') else ''}" for model in plan.models)
    return "\n".join(
        (
            "Evaluates a model and says whether it may be released.",
            "",
            f"- models: {models or 'predictions are in the data'}",
            f"- data: {', '.join(map(code, plan.inputs.get('files', []))) or 'a custom reader'}",
            f"- results: {code(plan.output)}",
            f"- parameters: {', '.join(map(code, plan.params)) or 'none'}",
            "- verdict: open the task `gate`. The XCom `verdict` has it in one line, the link **Verdict** opens it as "
            "a page, and the log has each threshold. BLESSED: every threshold holds, and `bless` succeeds. "
            "NOT_BLESSED: a threshold does not hold. NOT_EVALUATED: there was too little data, or no threshold.",
        )
    )


def task_doc(plan: Plan, task: Task, root: str, *, is_scratch: bool) -> str:
    """A description of a task of a plan.

    Args:
        plan: whose task it is.
        task: of the plan.
        root: folder or URI of all checkpoints.
        is_scratch: whether the checkpoints are deleted after the run.
    """
    results = f"Results are in {code(plan.output)}, in a folder for each run."
    if not is_checkpointed(plan):
        return (
            "Reads the data, computes the metrics, judges them and publishes the results, in one task without "
            f"checkpoints. The links **Results** and **Verdict** open them as pages. {results}"
        )
    kind = kind_of(plan, task)
    stages = ", ".join(map(code, task.stages))
    runs = {EXTRACT: f"Runs the extractors {stages}, one after the other.", EVALUATE: f"Runs the evaluator {stages}."}
    return (
        f"{runs.get(kind) or _DOES[kind]} {results if kind == WRITE_RESULTS else _checkpoint(task, root, is_scratch)}"
    )


def gate_doc(plan: Plan) -> str:
    """A description of the gate behind the only task of a plan."""
    return f"Reads the verdict of the evaluation. {_HOW_TO_READ} Results are in {code(plan.output)}."


def bless_doc(plan: Plan, blessed: str | None, on_not_blessed: str) -> str:
    """A description of the task that blesses the candidate.

    Args:
        plan: of the candidate.
        blessed: as for `BlessOperator`.
        on_not_blessed: "skip" or "fail".
    """
    uri = blessed_uri(plan) if blessed is None else blessed
    records = f"It records the model in {code(uri)}. " if uri else ""
    otherwise = "is skipped" if on_not_blessed == SKIP else "fails"
    return (
        f"Succeeds only if the verdict is BLESSED. {records}Otherwise it {otherwise}, and the tasks after it do not "
        f"run. The log of the gate says why."
    )


def wait_doc(plan: Plan, wait: timedelta) -> str:
    """A description of the task that waits for the data."""
    files = ", ".join(map(code, plan.inputs.get("files", ())))
    return (
        f"Waits for {files or 'the data'}, for at most {in_words(wait)}. If the data does not arrive, the verdict is "
        f"NOT_EVALUATED, and the tasks after it do not run. To evaluate late data, clear this task and those after it."
    )


def code(text: str) -> str:
    """A text as code in Markdown, whatever characters it has."""
    text = printable_line(text)
    longest = max(map(len, re.findall("`+", text)), default=0)
    space = " " if longest else ""
    return f"{'`' * (longest + 1)}{space}{text}{space}{'`' * (longest + 1)}"


def _checkpoint(task: Task, root: str, is_scratch: bool) -> str:
    if is_scratch:
        return f"Its checkpoint is below {code(storage.join(root, SCRATCH))}, and is deleted after the run."
    return f"Its checkpoint is in {code(storage.join(root, task.name))}."
