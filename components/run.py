"""The command of Kubeflow's containers: `python -P -m assay.components.run KIND --run JOB --executor-input JSON`.

It runs a stage with the command that everything else uses, too, and hands the result to Kubeflow.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TextIO

import click

from assay import cli, storage
from assay.checkpoints.layout import RECORD_SUFFIX, RUNS
from assay.cli import own_process
from assay.components import drawn
from assay.components.executor import Executor, Outputs
from assay.components.plan_input import plan_uri
from assay.components.refusals import refusal_at, refusal_uri, refuse
from assay.components.volumes import check_paths, check_task
from assay.errors import AssayError, ConfigError, UsageError
from assay.plan import blessed
from assay.plan.blessed import move
from assay.plan.filled import with_params
from assay.plan.plan import GATE, KINDS, Plan
from assay.plan.secret_params import refuse_values
from assay.plan.stored import plan_at
from assay.report.page.results import html_page, markdown_summary
from assay.report.page.verdict_markdown import verdict_document
from assay.report.terminal.verdict_lines import verdict_lines
from assay.results.published import verdict_at
from assay.run.call import Checkpoints, stage_arguments
from assay.run.outcome import ANALYSE, StageResult
from assay.text import json_text
from assay.text.counted import counted
from assay.types import METRICS_KEY, PLOTS_KEY
from assay.verdict import Status

LOCAL = "ASSAY_KFP_LOCAL"
"""Environment variable that is set under `kfp.local`, which takes a container that is gone when it looks for a success.
So a task that failed waits a moment."""


MOST_COPIED = 500_000
"""Characters of the longest manifest of which an artifact has a copy; of a longer one it has the URI only."""


class Tee:
    """A stream that also keeps the last line."""

    def __init__(self, stream: TextIO) -> None:
        self._stream, self.last = stream, ""

    def write(self, text: str) -> int:
        """Writes text, and keeps its last line."""
        lines = text.strip().splitlines()
        self.last = lines[-1] if lines else self.last
        return self._stream.write(text)

    def flush(self) -> None:
        """Flushes the stream."""
        self._stream.flush()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


@click.command()
@click.argument("kind", type=click.Choice([*KINDS, ANALYSE, "bless", "compare", "finish"]))
@click.option("--run", required=True, help="Name of the pipeline's run.")
@click.option("--executor-input", "text", required=True, help="What Kubeflow puts for {{$}}.")
def main(kind: str, run: str, text: str) -> None:
    """Does one task of a pipeline."""
    stream = Tee(sys.stderr)
    sys.stderr = stream
    try:
        code = _DOES.get(kind, _stage)(Executor.from_json(text), kind, run, stream)
    except AssayError as error:
        click.echo(f"{type(error).__module__}.{type(error).__name__}: {error}", err=True)
        code = error.exit_code
    finally:
        sys.stderr = stream._stream
    if code and os.environ.get(LOCAL):
        time.sleep(1)
    sys.exit(code)


def _stage(executor: Executor, kind: str, run: str, stream: Tee) -> int:
    params, root = executor.mapping("params"), storage.check_root(executor.text("root"))
    stage, uri = executor.text("stage"), plan_uri(executor.text("plan"), root)
    plan = plan_at(uri)
    refuse_values(params, plan.secrets, "params", "by secret_env of the pods")
    _check_volumes(plan, stage, params, root)
    run = run_name(run, params)
    call = (kind, uri, stage, Checkpoints(root=root, inputs=executor.mapping("inputs"), run=run))

    # A retry of a call that was refused would only be refused again.
    record = refusal_uri(root, run, stage_arguments(*call, "", params, executor.texts("options")))
    refusal = refusal_at(record)
    if refusal:
        click.echo(refusal, err=True)
        return UsageError.exit_code

    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "result.json")
        code = cli.main(stage_arguments(*call, str(file), params, executor.texts("options")))
        if code == UsageError.exit_code:
            refuse(record, stream.last)
        if code:
            return code
        result = StageResult.from_json(file.read_text())
    tell(executor, with_params(plan, params), result)
    return 0


def _check_volumes(plan: Plan, stage: str, params: Mapping[str, str], root: str) -> None:
    """Checks the paths of a task; a stage that the plan does not have is refused by the stage's own command."""
    for task in plan.tasks:
        if task.name == stage:
            check_task(with_params(plan, params), task, root)


def run_name(run: str, params: Mapping[str, str]) -> str:
    """Name of a run. Iterations of a loop have different parameters, and so different names."""
    return f"{run}-{hashlib.sha256(json.dumps(dict(params), sort_keys=True).encode()).hexdigest()[:8]}"


def tell(executor: Executor, plan: Plan, result: StageResult) -> None:
    """Sets all outputs that the component has."""
    outputs = Outputs(executor)
    facts = {"task": result.task, "digest": result.digest, "rows": result.rows, "reused": result.reused}
    for name in ("manifest", "digest", "verdict", "output"):
        outputs.parameter(name, getattr(result, name))

    if result.verdict:
        outputs.parameter("blessed", result.verdict == Status.BLESSED)
        outputs.parameter("blessing", json.dumps(blessing_of(plan, result)))
    if result.manifest:
        where = {"checkpoint": result.manifest.rpartition("/")[0], "manifest": result.manifest}
        content = storage.read(result.manifest).decode()
        small = content if len(content) <= MOST_COPIED else json.dumps({**facts, **where})
        outputs.artifact("checkpoint", {**facts, **where}, small)
    draw(outputs, plan, result)

    if result.output:
        outputs.artifact("results", {"output": result.output, "verdict": result.verdict}, result.to_json())
        outputs.artifact("results_page", {"verdict": result.verdict}, html_page(result.output))
        outputs.artifact("results_summary", {"verdict": result.verdict}, markdown_summary(result.output))
    elif result.kind == GATE:
        _tell_verdict(outputs, plan, result)
    outputs.write()


def _tell_verdict(outputs: Outputs, plan: Plan, result: StageResult) -> None:
    """Prints what a gate found, and sets its document, which says that the manifest has all of it."""
    verdict = verdict_at(result.manifest, plan.output)
    for line in verdict_lines(verdict):
        click.echo(line)
    text = verdict_document(verdict, result.manifest)
    outputs.artifact("verdict_summary", {"verdict": result.verdict}, text)


def blessing_of(plan: Plan, result: StageResult) -> dict[str, Any]:
    """The input of `bless`: which model may be released and why, and where to record it."""
    output = result.output or plan.output
    verdict = verdict_at(result.manifest, output)
    blessing = blessed.blessing_of(plan, verdict, digest=result.digest, manifest=result.manifest, output=output)
    return {**blessing, "uri": blessed.blessed_uri(plan)}


def draw(outputs: Outputs, plan: Plan, result: StageResult) -> None:
    """Sets metrics and curves of all rows, if the component has them as outputs."""
    if "overall_metrics" not in outputs.executor.artifacts:
        return
    read, uri = (drawn.in_results, result.output) if result.output else (drawn.in_checkpoint, result.manifest)
    outputs.artifact("overall_metrics", drawn.metrics_metadata(read(uri, METRICS_KEY)))
    model = drawn.candidate_in(plan.eval_config)
    outputs.artifact("roc_and_confusion_matrix", drawn.classification_metadata(read(uri, PLOTS_KEY), model))


def _bless(executor: Executor, kind: str, run: str, stream: Tee) -> int:
    """Records the candidate in `blessed.json`, if the gate has blessed it."""
    try:
        blessing = json.loads(executor.text("blessing"))
        model, verdict, uri = dict(blessing["model"]), blessing["verdict"], blessing.pop("uri")
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ConfigError(f"blessing: expected what a gate told; {error!r}") from error

    if verdict != Status.BLESSED:
        raise ConfigError(f"{verdict}, so the model cannot be blessed; run this task only if the verdict is BLESSED")
    uri = executor.text("blessed") or uri
    check_paths([("blessed", uri)], kind)
    if uri:
        move(uri, blessing)
        click.echo(f"{uri}: {json.dumps(model)}")
    outputs = Outputs(executor)
    outputs.parameter("model", str(model.get("uri", "")))
    outputs.write()
    return 0


def _compare(executor: Executor, kind: str, run: str, stream: Tee) -> int:
    """Writes a table of the results of several candidates."""
    folders = dict(zip(executor.texts("names"), executor.texts("outputs"), strict=True))
    verdicts = {name: verdict_at("", folder)["status"] for name, folder in folders.items()}
    metrics = {name: drawn.metrics_metadata(drawn.in_results(folder, METRICS_KEY)) for name, folder in folders.items()}

    outputs = Outputs(executor)
    outputs.parameter("blessed", [name for name, verdict in verdicts.items() if verdict == Status.BLESSED])
    outputs.artifact("comparison", {}, drawn.comparison(verdicts, metrics))
    outputs.write()
    return 0


def _finish(executor: Executor, kind: str, run: str, stream: Tee) -> int:
    """Prints how the run ended, and how each of its tasks did."""
    status = executor.parameters.get("status") or {}
    click.echo(f"{run}: {status.get('state', 'ended')} {(status.get('error') or {}).get('message', '')}".rstrip())
    root = storage.check_root(executor.text("root"))
    for uri, _ in sorted(storage.list(storage.join(root, RUNS))):
        if uri.split("/")[-2].startswith(f"{run}-") and uri.endswith(RECORD_SUFFIX):
            click.echo(_line(json_text.loads(storage.read(uri))))
    Outputs(executor).write()
    return 0


def _line(record: Mapping[str, Any]) -> str:
    if "refused" in record:
        return f"  refused: {record['refused']}"
    did = "there already" if record["reused"] else f"{record['seconds']:.1f} s"
    parts = (f"{record['task']}: {counted(record['rows'], 'row')}", did, record["verdict"])
    return f"  {', '.join(filter(None, parts))}"


_DOES: Mapping[str, Callable[[Executor, str, str, Tee], int]] = {
    "bless": _bless,
    "compare": _compare,
    "finish": _finish,
}

if __name__ == "__main__":
    own_process.claim()
    main()
