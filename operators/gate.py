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
from assay.operators.shown import VERDICT_KEY, show
from assay.operators.stage import StageOperator, WriteResultsOperator, airflow_errors, resolved
from assay.plan.plan import GATE, Plan
from assay.plan.stored import plan_text
from assay.report.terminal.verdict_lines import is_stamped, short_text, verdict_lines
from assay.results.published import reasons_in, verdict_at
from assay.verdict import Status

SKIP, FAIL, WARN = "skip", "fail", "warn"

_LINES = 20


class ModelGateOperator(StageOperator, SkipMixin):
    """Judges the metrics, and closes if the candidate is not blessed.

    A closed gate skips the tasks directly after it; tasks further on follow their trigger rules. The results are
    published all the same (`WriteResultsOperator`), as they say why. A gate cannot have outlets: a task that succeeds
    fires its asset events, and a gate that closes succeeds.

    Args:
        stage: the plan's gate. "" where the plan has only one task: `inputs` then has what that task returned.
        on_not_blessed: whether tasks after it are skipped ("skip") or fail ("fail"); "warn" only logs a warning.
            NOT_EVALUATED is not blessed either.
        kwargs: arguments of `StageOperator`.
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
            plan = resolved(self.plan_json or plan_text(self.plan), self.plan_params or {})
            result = self.run_stage(context) if self.stage else self._result_before(context, plan)
            verdict = verdict_of(result)
            unchecked = unchecked_in(plan) if is_stamped(verdict) else ()
        for line in verdict_lines(verdict, unchecked):
            self.log.info("%s", line)
        context["ti"].xcom_push(VERDICT_KEY, short_text(verdict))

        if result["verdict"] == Status.BLESSED:
            self.log.info("%s: the gate is open", Status.BLESSED)
            return result

        self.log.warning("%s: the gate is closed%s", result["verdict"], self._skipped_text())
        if self.on_not_blessed == FAIL:
            raise AirflowFailException(f"{result['verdict']}: {'; '.join(reasons_of(verdict))}")
        if self.on_not_blessed == SKIP:
            # Skipping raises, and Airflow would not push what is returned.
            context["ti"].xcom_push(RESULT_KEY, result)
            skip_after(self, context["ti"])
        return result

    def _skipped_text(self) -> str:
        """Which tasks are skipped for that reason, for the log."""
        skipped = [task.task_id for task in tasks_after(self)] if self.on_not_blessed == SKIP else []
        return f"; skipped for that reason: {', '.join(sorted(skipped))}" if skipped else ""

    def _check(self) -> None:
        if self.outlets:
            raise ConfigError(f"task {self.task_id!r}: a gate has no outlets; give them to a task after it")
        if self.on_not_blessed not in (SKIP, FAIL, WARN):
            raise ConfigError(f"on_not_blessed: expected {SKIP}, {FAIL} or {WARN}, found {self.on_not_blessed!r}")

    def _result_before(self, context: Context, plan: Plan) -> dict[str, Any]:
        """What the only task before it returned, which is what this one has to show, too."""
        results = list((self.inputs or {}).values())
        if len(results) != 1 or not isinstance(results[0], Mapping) or not results[0].get("verdict"):
            raise ConfigError(f"inputs: expected what one task with a verdict returned, found {results!r}")
        show(context, self, results[0])
        return dict(results[0])


def skip_after(operator: SkipMixin, ti: Any) -> None:
    """Skips the tasks directly after an operator; in a mapped group those of its own map index only."""
    skipped = tasks_after(operator)
    if skipped and ti.map_index is not None and ti.map_index >= 0:
        raise DownstreamTasksSkipped(tasks=[(task.task_id, ti.map_index) for task in skipped])
    operator.skip(ti, skipped)


def tasks_after(operator: SkipMixin) -> list[Any]:
    """The tasks directly after an operator that a closed gate skips: all but those that publish results."""
    after = operator.get_direct_relatives(upstream=False)
    return [task for task in after if not task.is_teardown and not isinstance(task, WriteResultsOperator)]


def unchecked_in(plan: Plan) -> tuple[str, ...]:
    """The change thresholds of a plan, as text."""
    from assay.config.source import parse_eval_config
    from assay.gate.unchecked import change_thresholds

    return change_thresholds(parse_eval_config(plan.eval_config))


def reasons_of(verdict: Mapping[str, Any]) -> list[str]:
    """Why a model is not blessed, a line for each reason, as far as a message has room."""
    reasons = reasons_in(verdict)
    more = len(reasons) - _LINES
    return reasons[:_LINES] + ([f"... and {more:,} more"] if more > 0 else [])


def verdict_of(result: Mapping[str, Any], published: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """The whole verdict, as `verdict.json` has it.

    Args:
        result: what a gate, or a task that publishes results, returned.
        published: what a task that publishes results returned; used if the gate's checkpoint was deleted with the
            scratch of its run.
    """
    if result.get("manifest"):
        try:
            return verdict_at(result["manifest"], "")
        except MissingFileError:
            if not published:
                raise
    return verdict_at("", (published or result)["output"])
