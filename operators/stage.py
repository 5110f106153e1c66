"""The operator that runs a task of a plan, and one for each kind of task. It imports nothing heavier than Airflow."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any, ClassVar

from airflow.sdk import BaseOperator, Context
from airflow.sdk.configuration import conf
from airflow.sdk.exceptions import AirflowException, AirflowFailException, AirflowSkipException

from assay import storage
from assay.checkpoints.layout import SCRATCH
from assay.engine.remote import job_of
from assay.errors import AssayError, ConfigError, TransientError, UsageError
from assay.operators.connections import Chain, credentials_file, google_access
from assay.operators.launchers.launcher import Detaching, Launcher, Running, StageCall
from assay.operators.launchers.process import SubprocessLauncher
from assay.operators.links import RESULT_KEY, CheckpointLink, DataflowLink, ResultsLink, VerdictLink
from assay.operators.run_names import run_name
from assay.operators.shown import show
from assay.operators.template_text import template_text
from assay.plan.as_json import digest, from_json
from assay.plan.filled import with_params
from assay.plan.plan import CORE_IMAGE, EVALUATE, EXTRACT, READ_INPUTS, WRITE_RESULTS, Plan, Task
from assay.plan.secret_params import refuse_values
from assay.plan.stored import plan_text, store
from assay.plan.tasks import image_of, kind_of
from assay.results.latest import folder_of_run
from assay.run.call import Checkpoints, recorded, remotely, stage_arguments
from assay.run.outcome import ANALYSE, StageResult
from assay.storage.file_paths import FilePath

if TYPE_CHECKING:
    from airflow.providers.openlineage.extractors.base import OperatorLineage

HANDED_ON = ("task", "manifest", "digest", "rows", "counts", "verdict", "output", "reused", "job")
"""The fields of a stage's result that go to XCom."""


class StageOperator(BaseOperator):
    """Runs one task of a plan by a launcher.

    Returns (to XCom) the URI of the checkpoint's manifest, its digest, counts and the verdict; never data. A wrong
    configuration fails at once. Any other failure is retried as `retries` says, and continues from the checkpoints.

    Args:
        plan: absolute path or `gs://` URI of the plan.
        stage: name of the task in the plan, which is that of its last stage.
        root: folder or `gs://` URI of all checkpoints.
        inputs: task -> what its operator returned, or the URI of its manifest, for each task that this one starts from.
        plan_params: parameter of the plan -> value; None and "" mean the plan's default.
        plan_json: the plan itself, which is stored at `plan` if there is none.
        run: name under which the run is recorded; "" makes one of DAG, run, task group and map index. Tasks of several
            plans may have the same.
        image: the image that the stage needs, for launchers of containers.
        options: options of Beam pipelines, as on a command line.
        launcher: where the stage runs; None is `SubprocessLauncher()`.
        scratch: whether checkpoints are in a folder of the run below the root, which is deleted after the run. If a
            stage is cleared later, it runs the stages before it again.
        waited: what `WaitForDataOperator` returned; the stage is skipped if the data did not come.
        gcp_conn_id: Airflow connection whose account this task uses for `gs://`, and the stage for Google Cloud if its
            launcher can pass it on; "" for the credentials of the environment.
        impersonation_chain: account to impersonate there, or the list of accounts that leads to it.
        deferrable: whether a triggerer waits for the job, if the launcher can leave it to one; otherwise a worker does.
        kwargs: arguments of Airflow's BaseOperator.
    """

    kind: ClassVar[str] = ANALYSE
    template_fields: Sequence[str] = (
        *("plan", "stage", "root", "inputs", "plan_params", "run", "image", "options"),
        *("waited", "gcp_conn_id", "impersonation_chain"),
    )
    template_fields_renderers: ClassVar[dict[str, str]] = {"inputs": "json", "plan_params": "json", "options": "json"}
    operator_extra_links = (ResultsLink(), VerdictLink(), CheckpointLink(), DataflowLink())
    ui_color = "#e8f0fe"

    def __init__(
        self,
        *,
        plan: FilePath,
        stage: str,
        root: FilePath,
        inputs: Mapping[str, Any] | None = None,
        plan_params: Mapping[str, Any] | None = None,
        plan_json: str = "",
        run: str = "",
        image: str = CORE_IMAGE,
        options: Sequence[str] = (),
        launcher: Launcher | None = None,
        scratch: bool = False,
        waited: Any = None,
        gcp_conn_id: str = "",
        impersonation_chain: Chain = None,
        deferrable: bool = conf.getboolean("operators", "default_deferrable", fallback=False),
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.plan = template_text(plan, "plan")
        self.stage = stage
        self.root = template_text(root, "root")
        self.inputs = inputs
        self.plan_params = plan_params
        self.plan_json = plan_json
        self.run = run
        self.image = image
        self.options = options
        self.launcher = launcher
        self.scratch = scratch
        self.waited = waited
        self.gcp_conn_id = gcp_conn_id
        self.impersonation_chain = impersonation_chain
        self.deferrable = deferrable
        self._running: Running | None = None
        self._result: dict[str, Any] | None = None

    def execute(self, context: Context) -> dict[str, Any]:
        with airflow_errors(), google_access(self.gcp_conn_id, self.impersonation_chain):
            return self.run_stage(context)

    def resume(self, context: Context, event: Mapping[str, str]) -> dict[str, Any]:
        """Collects the output of a job for which a triggerer has waited, or says why the job failed."""
        with airflow_errors(), google_access(self.gcp_conn_id, self.impersonation_chain):
            return self.run_stage(context, job=event["id"])

    def run_stage(self, context: Context, job: str = "") -> dict[str, Any]:
        """Publishes the plan, runs the stage, and returns the fields of its result that go to XCom.

        Args:
            context: Airflow's.
            job: id of the job on Dataflow that has done the work already; "" for none.
        """
        if self.waited and self.waited["verdict"]:
            raise AirflowSkipException(f"{self.waited['verdict']}: there is no data")

        root, run = checked_root(self.root), run_name(self.run, context)
        plan = resolved(self.plan_json or plan_text(self.plan), self.plan_params or {})
        if self.plan_json:
            store(self.plan, self.plan_json)

        inputs = {task: _manifest(task, source) for task, source in (self.inputs or {}).items()}
        folder = scratch_of(root, run, plan) if self.scratch else root
        checkpoints = Checkpoints(root=folder, inputs=inputs, run=run)
        with credentials_file(self.gcp_conn_id, self.impersonation_chain) as credentials:
            if self.scratch and not all(storage.stat(manifest) for manifest in inputs.values()):
                checkpoints = self._begun_again(context, plan, checkpoints, credentials)
            call = self._call(context, self.kind, self.stage, self.image, checkpoints, credentials)
            self._launch(context, self._detached(call, job))

        record = recorded(plan, self.stage, checkpoints)
        fields = asdict(record)
        result = {key: fields[key] for key in HANDED_ON}
        if record.is_detached:
            context["ti"].xcom_push(RESULT_KEY, result)  # so that a link leads to the job while the task is deferred
            self._wait_for(context, record)
        self._result = result
        show(context, self, self._kept(result))
        return result

    def _kept(self, result: Mapping[str, Any]) -> Mapping[str, Any]:
        """The part of a result that is there after the run: a checkpoint in its scratch is not."""
        return {**result, "manifest": ""} if self.scratch else result

    def _detached(self, call: StageCall, job: str) -> StageCall:
        """The call that collects a job; or, if a triggerer can wait for the job, the call that does not."""
        if job:
            return replace(call, arguments=remotely(call.arguments, job=job))

        leaves = self.deferrable and isinstance(self.launcher, Detaching)
        return replace(call, arguments=remotely(call.arguments, detach=True)) if leaves else call

    def _wait_for(self, context: Context, result: StageResult) -> None:
        launcher, job = rendered(self.launcher or SubprocessLauncher(), self, context), job_of(result.job)
        assert isinstance(launcher, Detaching)
        assert job is not None
        self.defer(trigger=launcher.trigger(job), method_name="resume", timeout=self.execution_timeout)

    def _begun_again(self, context: Context, plan: Plan, checkpoints: Checkpoints, credentials: str) -> Checkpoints:
        """Runs the tasks before this one again, as the scratch is gone; returns the checkpoints to start from."""
        manifests: dict[str, str] = {}
        for task in tasks_before(plan, self.stage):
            self.log.info("%s: its checkpoint was deleted with the scratch, so it runs again", task.name)
            own = replace(checkpoints, inputs={name: manifests[name] for name in task.after})
            call = self._call(context, kind_of(plan, task), task.name, image_of(plan, task), own, credentials)
            self._launch(context, call)
            manifests[task.name] = recorded(plan, task.name, own).manifest
        return replace(checkpoints, inputs={name: manifests[name] for name in checkpoints.inputs})

    def _call(
        self, context: Context, kind: str, stage: str, image: str, checkpoints: Checkpoints, credentials: str
    ) -> StageCall:
        params = _with_values(self.plan_params or {})
        arguments = stage_arguments(kind, self.plan, stage, checkpoints, os.devnull, params, self.options)
        name = f"{checkpoints.run}.{stage}.{context['ti'].try_number}"
        return StageCall(arguments=arguments, image=image, name=name, credentials=credentials)

    def _launch(self, context: Context, call: StageCall) -> None:
        """Runs the command to its end, and writes its output to the task's log."""
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

    def get_openlineage_facets_on_complete(self, task_instance: Any) -> OperatorLineage | None:
        """What the stage read and wrote, for OpenLineage."""
        from assay.operators.lineage import lineage_of

        if self._result is None:
            return None
        with google_access(self.gcp_conn_id, self.impersonation_chain):
            plan = resolved(self.plan_json or plan_text(self.plan), self.plan_params or {})
        return lineage_of(plan, self.stage, self.inputs or {}, self._result)

    def on_kill(self) -> None:
        if self._running is not None:
            self._running.stop()


class AnalyseOperator(StageOperator):
    """Runs a whole plan as one Beam job, without checkpoints."""


class ReadInputsOperator(StageOperator):
    """Reads the data, and records which files of data and models the run uses."""

    kind = READ_INPUTS


class ExtractOperator(StageOperator):
    """Runs extractors, one after the other."""

    kind = EXTRACT


class EvaluateOperator(StageOperator):
    """Runs an evaluator on the Extracts of the extractor in its `run_after`."""

    kind = EVALUATE


class WriteResultsOperator(StageOperator):
    """Publishes the results, blessed or not."""

    kind = WRITE_RESULTS


def rendered(launcher: Launcher, operator: BaseOperator, context: Context) -> Launcher:
    """A copy of a launcher with its templates filled in; the launcher itself is shared by tasks and does not change."""
    fields = {name: getattr(launcher, name) for name in launcher.template_fields}
    inner = {name: fields.pop(name) for name in list(fields) if hasattr(fields[name], "template_fields")}
    settings = operator.render_template(fields, context)
    settings |= {name: rendered(other, operator, context) for name, other in inner.items()}
    return replace(launcher, **settings)  # type: ignore[type-var] # all are dataclasses


def resolved(text: str, params: Mapping[str, Any]) -> Plan:
    """The plan of a JSON text with its parameters filled in; None and "" mean its defaults.

    Raises:
        ConfigError: a parameter is unknown, has no value, or is secret: anyone can read command lines and rendered
            templates.
    """
    plan, values = from_json(text), _with_values(params)
    refuse_values(values, plan.secrets, "plan_params", "as env= of the launcher")
    return with_params(plan, values)


def scratch_of(root: str, run: str, plan: Plan) -> str:
    """The folder for the checkpoints of an analysis that does not keep them.

    Args:
        root: folder or URI of all checkpoints.
        run: name of the run.
        plan: with its parameters, as each of several analyses in a run has its own scratch.
    """
    return folder_of_run(storage.join(root, SCRATCH), run, digest(plan))


def tasks_before(plan: Plan, name: str) -> list[Task]:
    """All tasks of a plan that have to run before the named one, in order."""
    needed = {name}
    for task in reversed(plan.tasks):
        if task.name in needed:
            needed |= set(task.after)
    return [task for task in plan.tasks if task.name in needed - {name}]


def error_of(code: int, stage: str, last: str) -> AssayError:
    """The error of a stage command, with the last line that it printed; its type says whether a retry can help."""
    own = re.search(r"assay\.errors\.\w+: (?P<message>.*)", last)
    message = own["message"] if own else last or "it said nothing"
    ended = f"was ended by signal {-code}" if code < 0 else f"ended with exit code {code}"
    kind = {UsageError.exit_code: UsageError, TransientError.exit_code: TransientError}.get(code, AssayError)
    return kind(f"stage {stage!r} {ended}: {message}")


@contextmanager
def airflow_errors() -> Iterator[None]:
    """Turns assay's errors into Airflow's: an error that a retry cannot cure fails the task at once."""
    try:
        yield
    except UsageError as error:
        raise AirflowFailException(str(error)) from error
    except AssayError as error:
        raise AirflowException(str(error)) from error


def checked_root(root: str) -> str:
    """The root in its usual form; ConfigError for a relative path, which would depend on where a task runs."""
    checked = storage.check_root(root)
    path = storage.local_path(root)
    if path is not None and not os.path.isabs(path):
        raise ConfigError(f"root: expected an absolute path or a gs:// URI, found {root!r}")
    return checked


def _manifest(task: str, source: Any) -> str:
    manifest = source.get("manifest") if isinstance(source, Mapping) else source
    if not isinstance(manifest, str) or not manifest:
        raise ConfigError(f"inputs: expected the manifest of {task}, found {source!r}")
    return manifest


def _with_values(params: Mapping[str, Any]) -> dict[str, str]:
    return {name: str(value) for name, value in params.items() if value not in (None, "")}
