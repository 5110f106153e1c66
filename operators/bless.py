"""Blessing: says to whoever waits that a model may be released, and which model that is."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from airflow.sdk import BaseOperator, Context
from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException

from assay.operators.connections import Chain, google_access
from assay.operators.gate import SKIP, reasons_of, verdict_of
from assay.operators.links import ResultsLink
from assay.operators.stage import airflow_errors, resolved
from assay.operators.template_text import template_text
from assay.plan.blessed import blessing_of, move, place_of
from assay.plan.plan import Plan
from assay.plan.stored import plan_text
from assay.storage.file_paths import FilePath
from assay.verdict import Status


class BlessOperator(BaseOperator):
    """Blesses a candidate: moves `blessed.json` to it and fires the events of its outlets, with the verdict as `extra`.

    It does so for the verdict BLESSED only, whatever else brought it to run.

    Args:
        plan: place of the plan.
        gate: what the gate returned.
        plan_params: parameter of the plan -> value, as for the stages.
        blessed: place of `blessed.json`, which says what is blessed today; None is where the plan's baseline is
            looked up, if that is the blessed one; "" keeps none. If somebody else moves it at the same time, one of
            both is told and tries again.
        results: what `WriteResultsOperator` returned; None where the gate's has it.
        on_not_blessed: "skip" itself or "fail", if the verdict is another.
        gcp_conn_id: connection by which to go to `gs://`; "" for the credentials of the environment.
        impersonation_chain: account, or list that leads to it, as which to go there.
        kwargs: of Airflow's BaseOperator; `outlets` among them.
    """

    template_fields: Sequence[str] = (
        *("plan", "gate", "plan_params", "blessed", "results", "on_not_blessed"),
        *("gcp_conn_id", "impersonation_chain"),
    )
    operator_extra_links = (ResultsLink(),)
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
            blessing = self._blessing(context, plan)
            place = place_of(plan) if self.blessed is None else self.blessed
            if place:
                move(place, blessing)
                self.log.info("%s: %s", place, json.dumps(blessing["model"]))
        for outlet in self.outlets:
            context["outlet_events"][outlet].extra = blessing
        return blessing

    def _blessing(self, context: Context, plan: Plan) -> dict[str, Any]:
        if self.gate["verdict"] != Status.BLESSED:
            told = f"{self.gate['verdict']}, and so not to be blessed: {'; '.join(reasons_of(self.gate, self.results))}"
            raise AirflowSkipException(told) if self.on_not_blessed == SKIP else AirflowFailException(told)
        verdict = verdict_of(self.gate, self.results)
        facts = {"digest": self.gate["digest"], "manifest": self.gate["manifest"]}
        blessing = blessing_of(plan, verdict, output=(self.results or self.gate)["output"], **facts)
        return {**blessing, "run": f"{context['dag'].dag_id} {context['run_id']}"}


def plan_at(place: str, params: Mapping[str, Any]) -> Plan:
    """The plan at a place with its parameters filled in."""
    return resolved(plan_text(place), params)
