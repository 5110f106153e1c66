"""The gate: runs the stage that judges, and lets tasks after it run only if the candidate is blessed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from airflow.providers.standard.utils.skipmixin import SkipMixin
from airflow.sdk import Context
from airflow.sdk.exceptions import AirflowFailException, DownstreamTasksSkipped

from assay.errors import ConfigError, MissingFileError
from assay.operators.connections import google_access
from assay.operators.links import RESULT_KEY
from assay.operators.stage import StageOperator, WriteResultsOperator, airflow_errors
from assay.plan.plan import GATE
from assay.report.verdict_table import verdict_lines
from assay.results.published import reasons_in, verdict_at
from assay.verdict import Status

SKIP, FAIL, WARN = "skip", "fail", "warn"

_LINES = 20


class ModelGateOperator(StageOperator, SkipMixin):
    """Judges the metrics, and closes if the candidate is not blessed.

    A closed gate skips the tasks directly after it, in plain sight; those behind follow their trigger rules.
    Publishing the results (`WriteResultsOperator`) goes on, as they say why. It may not own outlets: a task that
    succeeds fires its asset events, and a gate that closes succeeds.

    Args:
        stage: the plan's gate; "" where the plan has one task: `inputs` then has what that returned, with the verdict.
        on_not_blessed: "skip" or "fail" what comes after, or just "warn". NOT_EVALUATED is not blessed either.
        kwargs: of `StageOperator`.
    """

    kind = GATE
    template_fields: Sequence[str] = (*StageOperator.template_fields, "on_not_blessed")
    ui_color = "#fef7e0"

    def __init__(self, *, stage: str = "", on_not_blessed: str = SKIP, **kwargs: Any) -> None:
        super().__init__(stage=stage, **kwargs)
        self.on_not_blessed = on_not_blessed

    def execute(self, context: Context) -> dict[str, Any]:
        with airflow_errors(), google_access(self.gcp_conn_id, self.impersonation_chain):
            self._check()
            done = self.run_stage(context) if self.stage else self._given()
            verdict, reasons = verdict_of(done), reasons_of(done)
        for line in verdict_lines(verdict):
            self.log.info("%s", line)
        if done["verdict"] == Status.BLESSED:
            self.log.info("%s: the gate is open", Status.BLESSED)
            return done
        self.log.warning("%s: the gate is closed%s", done["verdict"], self._told_of_skipped())
        if self.on_not_blessed == FAIL:
            raise AirflowFailException(f"{done['verdict']}: {'; '.join(reasons)}")
        if self.on_not_blessed == SKIP:
            context["ti"].xcom_push(RESULT_KEY, done)  # skipping ends the task before Airflow does
            skip_after(self, context["ti"])
        return done

    def _told_of_skipped(self) -> str:
        """Which tasks are skipped therefore."""
        skipped = [task.task_id for task in tasks_after(self)] if self.on_not_blessed == SKIP else []
        return f"; skipped for that reason: {', '.join(sorted(skipped))}" if skipped else ""

    def _check(self) -> None:
        if self.outlets:
            raise ConfigError(f"task {self.task_id!r}: a gate has no outlets; give them to a task after it")
        if self.on_not_blessed not in (SKIP, FAIL, WARN):
            raise ConfigError(f"on_not_blessed: expected {SKIP}, {FAIL} or {WARN}, found {self.on_not_blessed!r}")

    def _given(self) -> dict[str, Any]:
        """What the one task before returned."""
        found = list((self.inputs or {}).values())
        if len(found) != 1 or not isinstance(found[0], Mapping) or not found[0].get("verdict"):
            raise ConfigError(f"inputs: expected what one task with a verdict returned, found {found!r}")
        return dict(found[0])


def skip_after(operator: SkipMixin, ti: Any) -> None:
    """Skips what comes directly after an operator; in a mapped group by map index, where `SkipMixin` does not look."""
    behind = tasks_after(operator)
    if behind and ti.map_index is not None and ti.map_index >= 0:
        raise DownstreamTasksSkipped(tasks=[(task.task_id, ti.map_index) for task in behind])
    operator.skip(ti, behind)


def tasks_after(operator: SkipMixin) -> list[Any]:
    """The tasks directly after an operator that a closed gate skips; results are published all the same."""
    after = operator.get_direct_relatives(upstream=False)
    return [task for task in after if not task.is_teardown and not isinstance(task, WriteResultsOperator)]


def reasons_of(done: Mapping[str, Any], results: Mapping[str, Any] | None = None) -> list[str]:
    """Why a model is not blessed, a line for each reason; arguments as for `verdict_of`."""
    verdict = verdict_of(done, results)
    reasons = reasons_in(verdict)
    more = len(reasons) - _LINES
    return reasons[:_LINES] + ([f"... and {more:,} more"] if more > 0 else [])


def verdict_of(done: Mapping[str, Any], results: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """The whole verdict, as `verdict.json` has it.

    Args:
        done: what a gate or a task that publishes returned.
        results: what a task that publishes returned, should the gate's checkpoint have gone with its scratch.
    """
    if done.get("manifest"):
        try:
            return verdict_at(done["manifest"], "")
        except MissingFileError:
            if not results:
                raise
    return verdict_at("", (results or done)["output"])
