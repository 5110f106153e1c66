"""From a plan to Airflow's tasks and edges: a task group, which can be mapped, and a whole DAG."""

from __future__ import annotations

import inspect
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from airflow.sdk import DAG, Asset, BaseOperator, Label, Param, task_group
from airflow.sdk.definitions._internal.contextmanager import DagContext

from assay import storage
from assay.errors import ConfigError, MissingFileError
from assay.operators.bless import BlessOperator
from assay.operators.connections import Chain
from assay.operators.descriptions import (
    DELETE_SCRATCH_DOC,
    MAKE_SCRATCH_DOC,
    bless_doc,
    gate_doc,
    plan_doc,
    task_doc,
    wait_doc,
)
from assay.operators.gate import FAIL, SKIP, WARN, ModelGateOperator
from assay.operators.launchers.launcher import Contained, Launcher
from assay.operators.partition import MINUTE, WaitForDataOperator
from assay.operators.scratch import DeleteScratchOperator, MakeScratchOperator
from assay.operators.stage import (
    AnalyseOperator,
    EvaluateOperator,
    ExtractOperator,
    ReadInputsOperator,
    StageOperator,
    WriteResultsOperator,
)
from assay.operators.task_ids import check_task_ids, task_id_of
from assay.plan.as_json import from_json, to_json
from assay.plan.local_paths import check_reached, uris_of
from assay.plan.plan import EVALUATE, EXTRACT, GATE, READ_INPUTS, WRITE_RESULTS, Plan, Task, edges
from assay.plan.secret_params import refuse_values
from assay.plan.stored import uri_of_plan
from assay.plan.tasks import CHECKPOINTS, image_of, is_checkpointed, kind_of, reshaped
from assay.storage.file_paths import FilePath, path_text
from assay.types import GATE_STAGE_NAME

BLESS = "bless"
WAIT, MAKE_SCRATCH, DELETE_SCRATCH = "wait_for_data", "make_scratch", "delete_scratch"
DATE = "date"
"""The parameter that is the day of the run, unless another value is given."""

_OPERATORS: Mapping[str, type[StageOperator]] = {
    READ_INPUTS: ReadInputsOperator,
    EXTRACT: ExtractOperator,
    EVALUATE: EvaluateOperator,
    GATE: ModelGateOperator,
    WRITE_RESULTS: WriteResultsOperator,
}
_DAY = "(dag_run.logical_date or dag_run.run_after) | ds"


def model_analysis_task_group(
    plan: Plan | FilePath,
    *,
    root: FilePath,
    group_id: str = "model_analysis",
    checkpoint: str | None = None,
    launcher: Launcher | None = None,
    launchers: Mapping[str, Launcher] | None = None,
    on_not_blessed: str = SKIP,
    blessed: FilePath | None = None,
    outlets: Sequence[Asset] = (),
    options: Sequence[str] = (),
    wait_for_data: timedelta | None = None,
    poke_interval: timedelta = MINUTE,
    ready_file: str = "",
    keep_checkpoints: bool = True,
    gcp_conn_id: str = "",
    impersonation_chain: Chain = None,
    default_args: Mapping[str, Any] | None = None,
) -> Any:
    """Makes a task group of a plan: a task of Airflow for each task of the plan, and one that blesses the candidate.

    Extractors run one after the other, and each evaluator directly after the extractor of its `run_after`, in parallel
    with later extractors. The last task of the group is `bless`. It runs only if the candidate may be released, and so
    do the tasks after the group. Ids of tasks are the names of the plan's tasks in snake case.

        validate = model_analysis_task_group(HERE / "analysis.yaml", root="gs://bucket/checkpoints")
        train() >> validate() >> push()
        validate.partial(date="2026-11-01").expand(model=["gs://models/1", "gs://models/2"])

    Args:
        plan: a plan, or the absolute path of an analysis file or of a plan as `assay plan --format json` prints it.
        root: folder or `gs://` URI of all checkpoints; a template.
        group_id: name of the task group.
        checkpoint: "none", "cuts" or "every", instead of what the analysis file says. If neither says anything, it is
            "none": one task evaluates, and `gate` and `bless` follow.
        launcher: where stages run; None is `SubprocessLauncher()`.
        launchers: task of the plan, such as `ExtractPredictions` -> where that task runs instead.
        on_not_blessed: whether `bless` and the tasks after the group are skipped ("skip") or fail ("fail").
        blessed: path or URI of `blessed.json`, in which a blessed candidate is recorded. None is the file in which the
            plan looks up its baseline, if that is `blessed`; "" records nothing.
        outlets: assets of `bless`, whose events have the verdict as `extra`.
        options: options of Beam pipelines, for all stages.
        wait_for_data: how long the first task waits for the data; None does not wait. If the data does not come in
            time, the verdict is NOT_EVALUATED.
        poke_interval: how often the first task looks for the data.
        ready_file: the file that shows that the data is complete; see `WaitForDataOperator`.
        keep_checkpoints: False puts the checkpoints of a run in a folder of its own, which is deleted after the run.
        gcp_conn_id: Airflow connection whose account tasks and stages use for Google Cloud; see `StageOperator`. A
            template.
        impersonation_chain: account to impersonate there, or the list of accounts that leads to it. A template.
        default_args: arguments for all operators of the group, as Airflow's `default_args`.

    Returns:
        What `@task_group` returns: call it, or map it with `partial` and `expand`. Its arguments are the parameters of
        the plan. Those that are not given become Params of the DAG, which the form that triggers a run shows; one that
        is named "date" is then the day of the run.

    Raises:
        ConfigError: the plan or an argument is wrong.
    """
    loaded = _loaded(plan)
    if checkpoint is not None:
        loaded = _cut(loaded, checkpoint)
    wiring = _Wiring(
        plan=loaded,
        root=_root(root),
        launcher=launcher,
        launchers=launchers or {},
        on_not_blessed=on_not_blessed,
        blessed=blessed if blessed is None else path_text(blessed, "blessed"),
        outlets=tuple(outlets),
        options=tuple(options),
        wait_for_data=wait_for_data,
        poke_interval=poke_interval,
        ready_file=ready_file,
        is_scratch=is_checkpointed(loaded) and not keep_checkpoints,
        google={"gcp_conn_id": gcp_conn_id, "impersonation_chain": impersonation_chain},
    )
    wiring.check()

    def group(**params: Any) -> None:
        refuse_values(params, loaded.secrets, group_id, "as env= of the launcher")
        wiring.make({**_templates(loaded, params), **params})

    # Airflow takes the names of arguments from the signature. A secret is none: it would be stored with the task.
    names = [name for name in loaded.params if name not in loaded.secrets]
    arguments = [inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None) for name in names]
    group.__signature__ = inspect.Signature(arguments)  # type: ignore[attr-defined]
    return task_group(group_id=group_id, default_args=dict(default_args or {}), doc_md=plan_doc(loaded))(group)


def model_analysis_dag(plan: Plan | FilePath, *, dag_id: str, root: FilePath, **settings: Any) -> DAG:
    """Makes a whole DAG of a plan; its parameters are those of the plan.

    Args:
        plan: as for `model_analysis_task_group`.
        dag_id: name of the DAG.
        root: as for `model_analysis_task_group`.
        settings: any other argument of `model_analysis_task_group`, or of Airflow's `DAG`.
    """
    names = set(inspect.signature(model_analysis_task_group).parameters) - {"default_args"}
    for_group = {name: value for name, value in settings.items() if name in names}
    for_dag = {name: value for name, value in settings.items() if name not in names}

    loaded = _loaded(plan)
    with DAG(dag_id, **{"schedule": None, "catchup": False, "doc_md": plan_doc(loaded), **for_dag}) as dag:
        model_analysis_task_group(loaded, root=root, **for_group)()
    return dag


@dataclass(frozen=True, kw_only=True)
class _Wiring:
    """Makes tasks and edges of a plan."""

    plan: Plan
    root: str
    launcher: Launcher | None
    launchers: Mapping[str, Launcher]
    on_not_blessed: str
    blessed: str | None
    outlets: tuple[Asset, ...]
    options: tuple[str, ...]
    wait_for_data: timedelta | None
    poke_interval: timedelta
    ready_file: str
    is_scratch: bool
    google: Mapping[str, Any]

    def check(self) -> None:
        tasks = [task.name for task in self.plan.tasks]
        unknown = sorted(set(self.launchers) - set(tasks))
        if unknown:
            raise ConfigError(f"launchers: the plan has no task {unknown[0]!r}; expected one of {', '.join(tasks)}")
        if self.on_not_blessed not in (SKIP, FAIL):
            raise ConfigError(f"on_not_blessed: expected {SKIP} or {FAIL}, found {self.on_not_blessed!r}")
        check_task_ids(tasks, self._own_ids)
        for task in self.plan.tasks:
            self._check_reached(task)

    @property
    def _own_ids(self) -> set[str]:
        """Ids of tasks that are none of the plan."""
        gate = set() if is_checkpointed(self.plan) else {task_id_of(GATE_STAGE_NAME)}
        wait = set() if self.wait_for_data is None else {WAIT}
        return {BLESS, *gate, *wait, *({MAKE_SCRATCH, DELETE_SCRATCH} if self.is_scratch else ())}

    def _check_reached(self, task: Task) -> None:
        """Checks that the container of a task sees what the task reads and writes, as far as its mounts are known."""
        launcher = self.launchers.get(task.name, self.launcher)
        mounted = launcher.mounted() if isinstance(launcher, Contained) else None
        if mounted is not None:
            where = f"the container of {task.name} ({type(launcher).__name__})"
            check_reached([("root", self.root), *uris_of(self.plan, task)], mounted, where)

    def make(self, params: Mapping[str, Any]) -> None:
        """Makes all tasks in the current task group."""
        wait = None if self.wait_for_data is None else self._wait(self.wait_for_data, params)
        stages: dict[str, StageOperator] = {}
        for task in self.plan.tasks:
            waited = None if wait is None or task.after else wait.output
            inputs = {name: stages[name].output for name in task.after}
            stages[task.name] = self._stage(task, params, inputs, waited)
        _label(self.plan, stages)

        last = stages[self.plan.tasks[-1].name]
        gate = stages[GATE_STAGE_NAME] if is_checkpointed(self.plan) else self._gate(last, params)
        bless = self._bless(gate, last, params)
        _ = [gate, last] >> bless

        if self.is_scratch:
            self._scratch(wait, stages[self.plan.tasks[0].name], bless, params)

    def _wait(self, wait: timedelta, params: Mapping[str, Any]) -> WaitForDataOperator:
        return WaitForDataOperator(
            task_id=WAIT,
            doc_md=wait_doc(self.plan, wait),
            plan=self._plan_uri,
            plan_json=to_json(self.plan),
            plan_params=dict(params),
            wait=wait,
            poke_interval=self.poke_interval,
            ready_file=self.ready_file,
            on_not_blessed=self.on_not_blessed,
            **self.google,
        )

    def _scratch(
        self, wait: BaseOperator | None, first: BaseOperator, last: BaseOperator, params: Mapping[str, Any]
    ) -> None:
        """Puts setup and teardown of the scratch around all tasks but the one that waits for data."""
        common = self._common(params)
        make = MakeScratchOperator(task_id=MAKE_SCRATCH, doc_md=MAKE_SCRATCH_DOC, **common).as_setup()
        delete = DeleteScratchOperator(task_id=DELETE_SCRATCH, doc_md=DELETE_SCRATCH_DOC, **common)
        _ = make >> first, last >> delete.as_teardown(setups=make)
        if wait is not None:
            _ = wait >> make

    def _stage(self, task: Task, params: Mapping[str, Any], inputs: Mapping[str, Any], waited: Any) -> StageOperator:
        operator = _OPERATORS[kind_of(self.plan, task)] if is_checkpointed(self.plan) else AnalyseOperator
        # With "fail" it is `bless` that fails, not the gate, so that the results are published in any case.
        closes: dict[str, Any] = {"on_not_blessed": self._gate_does} if operator is ModelGateOperator else {}
        return operator(
            task_id=task_id_of(task.name),
            doc_md=task_doc(self.plan, task, self.root, is_scratch=self.is_scratch),
            stage=task.name,
            inputs=dict(inputs),
            image=image_of(self.plan, task),
            launcher=self.launchers.get(task.name, self.launcher),
            options=self.options,
            scratch=self.is_scratch,
            waited=waited,
            **self._common(params),
            **closes,
        )

    def _gate(self, analysis: StageOperator, params: Mapping[str, Any]) -> ModelGateOperator:
        """The gate of a plan that has only one task, which has judged already."""
        return ModelGateOperator(
            task_id=task_id_of(GATE_STAGE_NAME),
            doc_md=gate_doc(self.plan),
            inputs={analysis.stage: analysis.output},
            on_not_blessed=self._gate_does,
            **self._common(params),
        )

    def _bless(self, gate: StageOperator, last: StageOperator, params: Mapping[str, Any]) -> BlessOperator:
        return BlessOperator(
            task_id=BLESS,
            doc_md=bless_doc(self.plan, self.blessed, self.on_not_blessed),
            plan=self._plan_uri,
            gate=gate.output,
            results=last.output,
            plan_params=dict(params),
            blessed=self.blessed,
            on_not_blessed=self.on_not_blessed,
            outlets=list(self.outlets),
            **self.google,
        )

    def _common(self, params: Mapping[str, Any]) -> dict[str, Any]:
        return {
            "plan": self._plan_uri,
            "plan_json": to_json(self.plan),
            "root": self.root,
            "plan_params": dict(params),
            **self.google,
        }

    @property
    def _plan_uri(self) -> str:
        return uri_of_plan(self.plan, self.root)

    @property
    def _gate_does(self) -> str:
        return SKIP if self.on_not_blessed == SKIP else WARN


def _label(plan: Plan, stages: Mapping[str, StageOperator]) -> None:
    """Labels each edge between tasks with its reason."""
    dag = DagContext.get_current()
    home = {stage: task.name for task in plan.tasks for stage in task.stages}
    for edge in edges(plan):
        before, after = home[edge.before], home[edge.after]
        if dag is not None and edge.label and before != after:
            Label(edge.label).add_edge_info(dag, stages[before].task_id, stages[after].task_id)


def _templates(plan: Plan, params: Mapping[str, Any]) -> dict[str, str]:
    """Templates for the parameters that a group is not given; they read Params of the DAG, which are added to it."""
    dag = DagContext.get_current()
    templates = {}
    for name, default in plan.params.items():
        if params.get(name) is not None or name in plan.secrets:  # a secret comes from the environment of the launcher
            continue

        if dag is not None and name not in dag.params:
            dag.params[name] = _param(name, default)
        value = f"params[{name!r}]"
        templates[name] = f"{{{{ {value} or ({_DAY}) }}}}" if name == DATE else f"{{{{ {value} or '' }}}}"
    return templates


def _param(name: str, default: str | None) -> Param:
    empty = "the day of the run" if name == DATE else "the default of the plan"
    return Param(default, f"Parameter ${{{name}}} of the plan; empty: {empty}.", type=["null", "string"], title=name)


def _loaded(plan: Plan | FilePath) -> Plan:
    if isinstance(plan, Plan):
        return plan
    file = Path(plan)
    if not file.is_absolute():
        raise ConfigError(f"plan: expected an absolute path, as Path(__file__).with_name(...) is; found {str(plan)!r}")
    if file.suffix == ".json":
        text = _text(file)
        if "tasks" in json.loads(text):
            return from_json(text)
    from assay.plan.analysis_file import load_analysis

    return load_analysis(file)


def _cut(plan: Plan, checkpoint: str) -> Plan:
    if checkpoint not in CHECKPOINTS:
        expected = f"{', '.join(CHECKPOINTS[:-1])} or {CHECKPOINTS[-1]}"
        raise ConfigError(f"checkpoint: expected {expected}, found {checkpoint!r}")
    return reshaped(plan, checkpoint)


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except OSError as error:
        raise MissingFileError(f"{file}: expected a plan or an analysis file; {error.strerror}") from error


def _root(root: FilePath) -> str:
    root = path_text(root, "root")
    return root if "{{" in root else storage.check_root(root)
