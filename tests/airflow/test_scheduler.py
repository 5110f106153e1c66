"""Through the real scheduler, which runs each task in a process of its own, and its REST API."""

from __future__ import annotations

import json
import shutil
import urllib.error

import pytest

from tests.airflow.conftest import BAD_DAY, GOOD_DAY, ROOT, RUNTIME, analysis
from tests.airflow.standalone import started, until

TROUBLE = """
from datetime import timedelta
from airflow.sdk import DAG
from assay.operators import SubprocessLauncher, model_analysis_task_group

for dag_id, analysis, root, python in {cases!r}:
    with DAG(dag_id, schedule=None, default_args={{"retries": 2, "retry_delay": timedelta(seconds=1)}}):
        launcher = SubprocessLauncher(python=python)
        model_analysis_task_group(analysis, root=root, group_id="validate", launcher=launcher)()
"""
KILLS_ITSELF_ONCE = """#!/bin/bash
if [[ " $* " == *" stage extract "* && ! -e "{marker}" ]]; then
  touch "{marker}"
  echo "on its way"
  kill -9 $$
fi
exec "{python}" "$@"
"""


@pytest.fixture(scope="module")
def airflow(tmp_path_factory, data):
    """Airflow with the DAG of retraining, one whose stage is killed once, and one that is wrong."""
    home = tmp_path_factory.mktemp("airflow")
    (home / "dags").mkdir()
    good, wrong = analysis(data, home / "good"), analysis(data, home / "wrong")
    wrong["eval_config"]["model_specs"][0]["label_key"] = "labl"
    for name, content in (("good", good), ("wrong", wrong)):
        (home / f"{name}.json").write_text(json.dumps(content))
    kills = home / "python"
    kills.write_text(KILLS_ITSELF_ONCE.format(marker=home / "killed", python=RUNTIME))
    kills.chmod(0o755)
    cases = [
        ("killed", str(home / "good.json"), str(home / "killed-checkpoints"), str(kills)),
        ("wrong", str(home / "wrong.json"), str(home / "wrong-checkpoints"), ""),
    ]
    (home / "dags" / "trouble.py").write_text(TROUBLE.format(cases=cases))
    shutil.copy(ROOT / "dags" / "retraining.py", home / "dags")
    settings = {
        "ASSAY_ANALYSIS": str(home / "good.json"),
        "ASSAY_ROOT": str(home / "checkpoints"),
        "ASSAY_TRAIN": "echo trained",
    }
    with started(home, settings) as running:
        for dag_id in ("retraining", "deployment", "killed", "wrong"):
            until(lambda dag_id=dag_id: is_known(running, dag_id), 120, f"{dag_id} to be parsed")
        yield running


def is_known(airflow, dag_id):
    try:
        return airflow.call("GET", f"/api/v2/dags/{dag_id}")
    except urllib.error.HTTPError:
        return None


@pytest.fixture(scope="module")
def runs(airflow):
    """All runs, started at once."""
    return {
        "wrong": airflow.trigger("wrong", date=GOOD_DAY),
        "killed": airflow.trigger("killed", date=GOOD_DAY),
        "closed": airflow.trigger("retraining", date=BAD_DAY),
    }


def states(instances):
    return {task_id.removeprefix("validate."): ti["state"] for task_id, ti in instances.items()}


def test_a_wrong_configuration_fails_at_once_and_says_what_is_wrong(airflow, runs):
    state, instances = airflow.finished("wrong", runs["wrong"])
    assert state == "failed"
    failed = instances["validate.ReadInputs"]
    assert failed["state"] == "failed"
    assert failed["try_number"] == 1
    assert "labl" in airflow.logged("wrong", runs["wrong"], "validate.ReadInputs")


def test_a_stage_that_was_killed_is_resumed_by_a_retry_and_what_was_done_is_not_repeated(airflow, runs):
    state, instances = airflow.finished("killed", runs["killed"])
    assert state == "success"
    tries = {task_id.removeprefix("validate."): ti["try_number"] for task_id, ti in instances.items()}
    assert tries["ExtractSliceKeys"] == 2
    assert {number for task, number in tries.items() if task != "ExtractSliceKeys"} == {1}
    log = airflow.logged("killed", runs["killed"], "validate.ExtractSliceKeys")
    assert "on its way" in log
    assert "was ended by signal 9" in log


def test_a_closed_gate_skips_the_push_fires_no_event_and_starts_no_deployment(airflow, runs):
    state, instances = airflow.finished("retraining", runs["closed"])
    assert state == "success"
    assert states(instances)["WriteResults"] == "success"
    assert states(instances)["Bless"] == states(instances)["push"] == "skipped"
    assert "expected at least 0.5" in airflow.logged("retraining", runs["closed"], "validate.Gate")
    assert airflow.call("GET", "/api/v2/assets/events")["asset_events"] == []
    assert airflow.call("GET", "/api/v2/dags/deployment/dagRuns")["dag_runs"] == []


def test_a_blessed_model_is_pushed_and_its_event_starts_the_deployment_with_the_verdict(airflow, runs):
    airflow.finished("retraining", runs["closed"])
    run = airflow.trigger("retraining", date=GOOD_DAY)
    state, instances = airflow.finished("retraining", run)
    assert state == "success"
    assert set(states(instances).values()) == {"success"}
    assert "400 rows" in airflow.logged("retraining", run, "validate.ReadInputs")
    (event,) = airflow.call("GET", "/api/v2/assets/events")["asset_events"]
    assert event["extra"]["verdict"] == "BLESSED"
    assert event["source_task_id"] == "validate.Bless"
    (deployment,) = until(
        lambda: airflow.call("GET", "/api/v2/dags/deployment/dagRuns")["dag_runs"], 120, "the deployment"
    )
    state, _ = airflow.finished("deployment", deployment["dag_run_id"])
    assert state == "success"
    assert "BLESSED" in airflow.logged("deployment", deployment["dag_run_id"], "deploy")
