"""Blessing: records which model may be released, and tells the DAGs that wait for it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from airflow.sdk import BaseOperator, Context
from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException

from assay.operators.connections import Chain, google_access
from assay.operators.gate import SKIP, reasons_of, unchecked_in, verdict_of
from assay.operators.links import ResultsLink, VerdictLink
from assay.operators.shown import show
from assay.operators.stage import airflow_errors, resolved
from assay.operators.template_text import template_text
from assay.plan.blessed import blessed_uri, blessing_of, move
from assay.plan.plan import Plan
from assay.plan.stored import plan_text
from assay.report.terminal.verdict_lines import is_stamped, short_text, stamp_text
from assay.storage.file_paths import FilePath
from assay.verdict import Status


class BlessOperator(BaseOperator):
    """Blesses a candidate: records it in `blessed.json`, and fires events of its outlets with the verdict as `extra`.

    It does so only if the verdict is BLESSED, even if trigger rules let it run otherwise.

    Args:
        plan: path or URI of the plan.
        gate: what the gate returned.
        plan_params: parameter of the plan -> value, as for the stages.
        blessed: path or URI of `blessed.json`, which says which model is blessed today. None is the file in which the
            plan looks up its baseline, if that is `blessed`; "" records nothing. If two runs write it at the same time,
            one of them fails and tries again.
        results: what `WriteResultsOperator` returned; None if `gate` is of a plan with one task, which publishes, too.
        on_not_blessed: what this task does if the verdict is not BLESSED: "skip" or "fail".
        gcp_conn_id: Airflow connection whose account is used for `gs://`; "" for the credentials of the environment.
        impersonation_chain: account to impersonate there, or the list of accounts that leads to it.
        kwargs: arguments of Airflow's BaseOperator; `outlets` among them.
    """

    template_fields: Sequence[str] = (
        *("plan", "gate", "plan_params", "blessed", "results", "on_not_blessed"),
        *("gcp_conn_id", "impersonation_chain"),
    )
    operator_extra_links = (ResultsLink(), VerdictLink())
    ui_color = "#e6f4ea"

    def __init__(
        self,
        *,
        plan: FilePath,
        gate: Any,
        plan_params: Mapping[str, Any] | None = None,
        blessed: FilePath | None = None,
        results: Any = None,
        on_not_blessed: str = SKIP,
        gcp_conn_id: str = "",
        impersonation_chain: Chain = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.plan = template_text(plan, "plan")
        self.gate = gate
        self.plan_params = plan_params
        self.blessed = template_text(blessed, "blessed")
        self.results = results
        self.on_not_blessed = on_not_blessed
        self.gcp_conn_id = gcp_conn_id
        self.impersonation_chain = impersonation_chain

    def execute(self, context: Context) -> dict[str, Any]:
        with airflow_errors(), google_access(self.gcp_conn_id, self.impersonation_chain):
            plan = plan_at(self.plan, self.plan_params or {})
            show(context, self, {**(self.results or self.gate), "verdict": self.gate["verdict"]})
            blessing = self._blessing(context, plan)
            uri = blessed_uri(plan) if self.blessed is None else self.blessed
            if uri:
                move(uri, blessing)
                self.log.info("%s: %s", uri, json.dumps(blessing["model"]))

        for outlet in self.outlets:
            context["outlet_events"][outlet].extra = blessing
        return blessing

    def _blessing(self, context: Context, plan: Plan) -> dict[str, Any]:
        verdict = verdict_of(self.gate, self.results)
        if self.gate["verdict"] != Status.BLESSED:
            reasons = reasons_of(verdict)
            why = f"{self.gate['verdict']}, so the model is not blessed: {'; '.join(reasons)}"
            raise AirflowSkipException(why) if self.on_not_blessed == SKIP else AirflowFailException(why)

        self.log.info("%s", short_text(verdict))
        if is_stamped(verdict):
            self.log.info("%s", stamp_text(unchecked_in(plan)))
        facts = {"digest": self.gate["digest"], "manifest": self.gate["manifest"]}
        blessing = blessing_of(plan, verdict, output=(self.results or self.gate)["output"], **facts)
        return {**blessing, "run": f"{context['dag'].dag_id} {context['run_id']}"}


def plan_at(uri: str, params: Mapping[str, Any]) -> Plan:
    """The plan at a path or URI, with its parameters filled in."""
    return resolved(plan_text(uri), params)
