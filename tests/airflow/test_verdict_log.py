"""What the gate and the blessing tell of a verdict, in their logs and beside them."""

from __future__ import annotations

import json
from types import SimpleNamespace

import pytest
from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException

from assay.operators import BlessOperator, ModelGateOperator
from assay.operators.shown import SHOWN_KEY, VERDICT_KEY
from assay.plan.analysis_file import compile_analysis
from assay.plan.as_json import to_json
from tests.airflow.conftest import analysis

CHECK = {
    "metric": "auc",
    "expected": "at least 0.5",
    "slices": "all",
    "met": 3,
    "failed": 1,
    "slice": "sex=f",
    "value": 0.4,
    "rows": 200,
}
REASON = {"slice": "sex=f", "message": "auc is 0.4; expected at least 0.5"}
BAD = {"status": "NOT_BLESSED", "rows": 400, "checks": [CHECK], "reasons": [REASON], "rubber_stamp": False}
STAMPED = {"status": "BLESSED", "rows": 400, "checks": [], "reasons": [], "rubber_stamp": True}
STAMP = "no baseline: rubber stamp; not checked: AUC (a change of at least -0.01)"


@pytest.fixture
def plan(tmp_path):
    """A file with the plan of a candidate and of what was blessed last, with a threshold for the change."""
    change = {"change_threshold": {"direction": "HIGHER_IS_BETTER", "absolute": {"value": -0.01}}}
    models = [
        {"name": "new", "type": "callable", "uri": "tests.end_to_end.scores:score"},
        {"name": "current", "baseline": "blessed", "uri": str(tmp_path / "blessed.json")},
    ]
    content = analysis(tmp_path, tmp_path, models=models)
    content["eval_config"]["model_specs"] = [
        {"name": model["name"], "label_key": "label", "is_baseline": "baseline" in model} for model in models
    ]
    content["eval_config"]["metrics_specs"] = [{"metrics": [{"class_name": "AUC", "threshold": change}]}]
    file = tmp_path / "plan.json"
    file.write_text(to_json(compile_analysis(content, tmp_path)))
    return file


@pytest.fixture
def run(tmp_path, plan, monkeypatch):
    """Executes an operator behind a task that returned a verdict; returns the lines of its log, and its XComs."""
    lines: list[str] = []
    log = SimpleNamespace(**dict.fromkeys(("info", "warning"), lambda text, *values: lines.append(text % values)))

    def executed(operator, verdict, **settings):
        (tmp_path / "verdict.json").write_text(json.dumps(verdict))
        monkeypatch.setattr(operator, "log", log)
        monkeypatch.setattr(operator, "get_direct_relatives", lambda *_, **__: [])
        result = {"verdict": verdict["status"], "output": str(tmp_path), "manifest": "", "digest": ""}
        given = {"inputs": {"Analyse": result}, "root": "/root"} if operator is ModelGateOperator else {"gate": result}
        xcoms: dict = {}
        context = {"ti": SimpleNamespace(xcom_push=xcoms.__setitem__, map_index=-1), "run_id": "r"}
        made = operator(task_id="t", plan=plan, plan_params={"date": "2026-11-01"}, **given, **settings)
        try:
            made.execute({**context, "dag": SimpleNamespace(dag_id="d"), "outlet_events": {}})
        except (AirflowFailException, AirflowSkipException) as error:
            lines.append(str(error))
        return [line for line in lines if "outside of the Task Runner" not in line], xcoms  # Airflow's own warning

    return executed


def test_the_gate_says_which_change_thresholds_had_no_baseline(run):
    lines, xcoms = run(ModelGateOperator, STAMPED)
    assert lines == ["BLESSED: 400 rows", f"  {STAMP}", "BLESSED: the gate is open"]
    assert xcoms[VERDICT_KEY] == "BLESSED; no baseline: rubber stamp"


def test_the_gate_says_of_each_threshold_what_decided_and_leaves_the_verdict_in_a_line(run):
    lines, xcoms = run(ModelGateOperator, BAD, on_not_blessed="warn")
    assert " ".join(lines[2].split()) == "auc at least 0.5 all (3) no, 1 of 3 fail sex=f 0.4 200"
    assert xcoms[VERDICT_KEY] == "NOT BLESSED; thresholds: 0 of 1 hold; sex=f: auc is 0.4; expected at least 0.5"


def test_the_blessing_says_so_too(run):
    lines, _ = run(BlessOperator, STAMPED, blessed="")
    assert lines == ["BLESSED; no baseline: rubber stamp", STAMP]


@pytest.mark.parametrize("on_not_blessed", ["skip", "fail"])
def test_a_blessing_that_is_refused_still_leads_to_results_and_verdict(run, tmp_path, on_not_blessed):
    lines, xcoms = run(BlessOperator, BAD, on_not_blessed=on_not_blessed)
    assert lines == ["NOT_BLESSED, so the model is not blessed: sex=f: auc is 0.4; expected at least 0.5"]
    assert (xcoms[SHOWN_KEY]["output"], xcoms[SHOWN_KEY]["verdict"]) == (str(tmp_path), "NOT_BLESSED")
