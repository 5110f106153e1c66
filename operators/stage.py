"""One thin operator for a stage of a plan, and its kinds by name. It imports nothing heavier than Airflow."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, replace
from typing import Any, ClassVar

from airflow.sdk import BaseOperator, Context
from airflow.sdk.exceptions import AirflowException, AirflowFailException

from assay import storage
from assay.errors import AssayError, ConfigError, TransientError, UsageError
from assay.operators.launchers.launcher import Launcher, Running, StageCall
from assay.operators.launchers.process import SubprocessLauncher
from assay.operators.links import CheckpointLink, ResultsLink
from assay.plan import CORE_IMAGE, EVALUATE, EXTRACT, READ_INPUTS, WRITE_RESULTS
from assay.stage_call import Checkpoints, recorded, stage_arguments
from assay.stage_result import ANALYSE

HANDED_ON = ("task", "manifest", "digest", "rows", "counts", "verdict", "output", "reused")
"""What of a stage's result goes to XCom."""


class StageOperator(BaseOperator):
    """Runs one task of a plan by a launcher.

    Returns (to XCom) where the checkpoint's manifest is, its digest, counts and the verdict; never data. A wrong
    configuration fails at once, anything else is retried as Airflow is told; a retry goes on from the checkpoints.

    Args:
        plan: place of the plan, an absolute path or `gs://` URI.
        stage: name of the task in the plan: that of its last stage.
        root: folder or `gs://` URI of all checkpoints.
        inputs: task -> what its operator returned, or the URI of its manifest, for each task before this one.
        plan_params: parameter of the plan -> value; None and "" leave the plan's default.
        plan_json: the plan itself, put at `plan` if there is nothing yet.
        run: name under which the run is recorded; "" makes one of DAG, run, task group and map index.
        image: the image that the stage needs, for launchers of containers.
        options: of Beam pipelines, as on a command line.
        launcher: where the stage runs; None is `SubprocessLauncher()`.
        kwargs: of Airflow's BaseOperator.
    """

    kind: ClassVar[str] = ANALYSE
    template_fields: Sequence[str] = ("plan", "stage", "root", "inputs", "plan_params", "run", "image", "options")
    template_fields_renderers: ClassVar[dict[str, str]] = {"inputs": "json", "plan_params": "json", "options": "json"}
    operator_extra_links = (ResultsLink(), CheckpointLink())
    ui_color = "#e8f0fe"

    def __init__(
        self,
        *,
        plan: str,
        stage: str,
        root: str,
        inputs: Mapping[str, Any] | None = None,
        plan_params: Mapping[str, Any] | None = None,
        plan_json: str = "",
        run: str = "",
        image: str = CORE_IMAGE,
        options: Sequence[str] = (),
        launcher: Launcher | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.plan = plan
        self.stage = stage
        self.root = root
        self.inputs = inputs
        self.plan_params = plan_params
        self.plan_json = plan_json
        self.run = run
        self.image = image
        self.options = options
        self.launcher = launcher
        self._running: Running | None = None

    def execute(self, context: Context) -> dict[str, Any]:
        with airflow_errors():
            return self.run_stage(context)

    def run_stage(self, context: Context) -> dict[str, Any]:
        """Publishes the plan, runs the stage and returns what of its result is handed on."""
        root = _checked_root(self.root)
        if self.plan_json and storage.stat(self.plan) is None:
            storage.write(self.plan, self.plan_json.encode())
        run = run_name(self.run, context)
        inputs = {task: _manifest(task, given) for task, given in (self.inputs or {}).items()}
        params = {name: str(value) for name, value in (self.plan_params or {}).items() if value not in (None, "")}
        given = Checkpoints(root=root, inputs=inputs, run=run)
        arguments = stage_arguments(self.kind, self.plan, self.stage, given, os.devnull, params, self.options)
        name = f"{run}.{self.stage}.{context['ti'].try_number}"
        self._launch(context, StageCall(arguments=arguments, image=self.image, name=name))
        done = asdict(recorded(root, run, self.stage))
        return {key: done[key] for key in HANDED_ON}

    def _launch(self, context: Context, call: StageCall) -> None:
        """Runs the command to its end, its output into the task's log."""
        launcher = rendered(self.launcher or SubprocessLauncher(), self, context)
        self._running = launcher.start(call)
        last = ""
        try:
            for line in self._running.lines():
                self.log.info("%s", line)
                last = line or last
            code = self._running.wait()
        except BaseException:
            self._running.stop()
            raise
        if code:
            raise error_of(code, self.stage, last)

    def on_kill(self) -> None:
        if self._running is not None:
            self._running.stop()


class AnalyseOperator(StageOperator):
    """Runs a whole plan as one Beam job: the task of a fused plan."""


class ReadInputsOperator(StageOperator):
    """Reads the data, and pins data and models."""

    kind = READ_INPUTS


class ExtractOperator(StageOperator):
    """Runs extractors in series."""

    kind = EXTRACT


class EvaluateOperator(StageOperator):
    """Runs an evaluator on what the extractor of its `run_after` left."""

    kind = EVALUATE


class WriteResultsOperator(StageOperator):
    """Publishes the results, blessed or not."""

    kind = WRITE_RESULTS


def rendered(launcher: Launcher, operator: BaseOperator, context: Context) -> Launcher:
    """A copy of a launcher with its templates filled in; tasks share launchers, so it stays as it is."""
    given = {name: getattr(launcher, name) for name in launcher.template_fields}
    return replace(launcher, **operator.render_template(given, context))  # type: ignore[type-var] # all are dataclasses


def run_name(given: str, context: Context) -> str:
    """Name of a run in letters, digits, `_`, `.` and `-`; the tasks of a group share it, mapped ones do not."""
    group = context["task"].task_group
    index = context["ti"].map_index
    parts = [context["dag"].dag_id, context["run_id"], (group.group_id if group else "") or ""]
    name = given or ".".join(part for part in parts if part)
    return re.sub(r"[^\w.-]+", "-", name if index is None or index < 0 else f"{name}.{index}", flags=re.ASCII)


def error_of(code: int, stage: str, last: str) -> AssayError:
    """The error that a stage command ended with: what it said last, and whether a retry can help."""
    known = re.search(r"assay\.errors\.\w+: (?P<message>.*)", last)
    said = known["message"] if known else last or "it said nothing"
    ended = f"was ended by signal {-code}" if code < 0 else f"ended with exit code {code}"
    kind = {UsageError.exit_code: UsageError, TransientError.exit_code: TransientError}.get(code, AssayError)
    return kind(f"stage {stage!r} {ended}: {said}")


@contextmanager
def airflow_errors() -> Iterator[None]:
    """Turns assay's errors into Airflow's: what a retry cannot heal fails at once."""
    try:
        yield
    except UsageError as error:
        raise AirflowFailException(str(error)) from error
    except AssayError as error:
        raise AirflowException(str(error)) from error


def _checked_root(root: str) -> str:
    checked = storage.check_root(root)
    if not storage.is_remote(root) and not os.path.isabs(root):
        raise ConfigError(f"root: expected an absolute path or a gs:// URI, found {root!r}")
    return checked


def _manifest(task: str, given: Any) -> str:
    place = given.get("manifest") if isinstance(given, Mapping) else given
    if not isinstance(place, str) or not place:
        raise ConfigError(f"inputs: expected the manifest of {task}, found {given!r}")
    return place
