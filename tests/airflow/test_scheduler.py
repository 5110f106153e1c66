"""Through the real scheduler, which runs each task in a process of its own, and its REST API."""

from __future__ import annotations

import json
import os
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import quote

import pytest

from tests.airflow.conftest import BAD_DAY, GOOD_DAY, ROOT, RUNTIME, analysis, columns_of, write_parquet
from tests.airflow.served_in_browser import link_in, text_at, wrongs
from tests.airflow.standalone import put_pages, put_retraining, started, until
from tests.latest_results import latest
from tests.report.browser import PROGRAM, browser

HOSTILE = "<img src=x:y onerror=alert(1)>`*a*`"
"""A value of the data, by which rows are sliced."""

DAG_IDS = ("retraining", "deployment", "killed", "lost", "wrong", "twice", "few", "arrival", "daily", "versions")
FIVE_DAYS = [f"2026-11-0{day}" for day in range(1, 6)]
DAY_OF_FEW = FIVE_DAYS[3]
STAGES = ("ReadInputs", "ExtractSliceKeys", "EvaluateMetricsAndPlots", "EvaluateExtracts", "Gate", "WriteResults")
INTERPRETER = """#!/bin/bash
if [[ " $* " == *" stage extract "* && ! -e "$0.done" ]]; then
  touch "$0.done"
  echo "on its way"
  {trouble}
fi
"{python}" "$@"
code=$?
echo $code >> "$0.ended"
exit $code
"""
TROUBLE = {
    "kills-itself": "kill -9 $$",
    # The worker and the task's own process, as where memory runs out; the stage is left alone.
    "kills-its-worker": "kill -9 $(awk '/^PPid:/ {print $2}' /proc/$PPID/status) $PPID",
}


@pytest.fixture(scope="module")
def home(tmp_path_factory, data):
    """A folder with analyses, data, DAGs, and interpreters that make trouble."""
    home = tmp_path_factory.mktemp("airflow")
    write_days(data, home / "days")
    for name, content in analyses(data, home).items():
        (home / f"{name}.json").write_text(json.dumps(content))
    for name, trouble in TROUBLE.items():
        (home / name).write_text(INTERPRETER.format(trouble=trouble, python=RUNTIME))
        (home / name).chmod(0o755)
    put_retraining(home)
    put_pages(home)
    shutil.copy(ROOT / "tests" / "airflow" / "scheduler_dags.py", home / "dags")
    return home


def write_days(data, folder):
    """Five days, on one of which there are few rows, and the day on which these tests run, with a hostile value."""
    now = datetime.now(UTC)
    for day in FIVE_DAYS:
        shutil.copytree(data / GOOD_DAY, folder / day)
    write_parquet(folder / DAY_OF_FEW / "rows.parquet", columns_of(40))
    today, tomorrow = (folder / f"{day:%Y-%m-%d}" for day in (now, now + timedelta(days=1)))
    write_parquet(today / "rows.parquet", with_hostile_slice(columns_of()))
    shutil.copytree(today, tomorrow)


def with_hostile_slice(columns):
    """With rows of one more slice, whose AUC of 0.75 is the lowest, so that it is what decides."""
    more = {"label": [0, 1, 0, 1] * 5, "score": [0.1, 0.9, 0.6, 0.4] * 5, "sex": [HOSTILE] * 20}
    return {name: values + more[name] for name, values in columns.items()}


def analyses(data, home):
    wrong = analysis(data, home / "wrong")
    wrong["eval_config"]["model_specs"][0]["label_key"] = "labl"
    versions = analysis(
        data,
        home / "versions",
        params={"date": None, "version": None},
        models=[{"name": "m", "type": "callable", "uri": "tests.airflow.versions:${version}"}],
        output=f"{home}/versions/results/${{version}}",
    )
    versions["eval_config"]["model_specs"] = [{"name": "m", "label_key": "label"}]
    return {
        "good": analysis(data, home / "good"),
        "wrong": wrong,
        "twice": analysis(data, home / "twice"),
        "few": analysis(data, home / "few", min_rows=401),
        "daily": analysis(home / "days", home / "daily", min_rows=100),
        "versions": versions,
    }


@pytest.fixture(scope="module")
def airflow(home):
    """A running Airflow that has parsed the DAGs."""
    settings = {
        "ASSAY_TESTS": str(home),
        "ASSAY_ANALYSIS": str(home / "good.json"),
        "ASSAY_ROOT": str(home / "checkpoints"),
        "ASSAY_TRAIN": "echo trained",
        "PYTHONPATH": str(ROOT),
    }
    with started(home, settings) as running:
        for dag_id in DAG_IDS:
            running.parsed(dag_id)
        yield running


@pytest.fixture(scope="module")
def runs(airflow):
    """All runs of the quick tests, started at once; whoever waits longest is first."""
    return {
        "lost": airflow.trigger("lost", date=GOOD_DAY),
        "wrong": airflow.trigger("wrong", date=GOOD_DAY),
        "killed": airflow.trigger("killed", date=GOOD_DAY),
        "closed": airflow.trigger("retraining", date=BAD_DAY),
        "few": airflow.trigger("few", date=GOOD_DAY),
        "one": airflow.trigger("twice", date=GOOD_DAY),
        "other": airflow.trigger("twice", date=GOOD_DAY),
        "no date": airflow.trigger("arrival"),
    }


def states(instances):
    return {name_of(task_id): ti["state"] for task_id, ti in instances.items()}


def tries(instances):
    return {name_of(task_id): ti["try_number"] for task_id, ti in instances.items()}


def name_of(task_id):
    return task_id.rpartition(".")[2]


def test_a_wrong_configuration_fails_at_once_and_says_what_is_wrong(airflow, runs):
    state, instances = airflow.finished("wrong", runs["wrong"])
    assert state == "failed"
    failed = instances["model_analysis.read_inputs"]
    assert failed["state"] == "failed"
    assert failed["try_number"] == 1
    assert "labl" in airflow.logged("wrong", runs["wrong"], "model_analysis.read_inputs")


def test_a_stage_that_was_killed_is_resumed_by_a_retry_and_what_was_done_is_not_repeated(airflow, runs):
    state, instances = airflow.finished("killed", runs["killed"])
    assert state == "success"
    assert {task for task, number in tries(instances).items() if number != 1} == {"extract_slice_keys"}
    assert instances["model_analysis.extract_slice_keys"]["try_number"] == 2
    log = airflow.logged("killed", runs["killed"], "model_analysis.extract_slice_keys")
    assert "on its way" in log
    assert "was ended by signal 9" in log


def test_a_closed_gate_skips_the_push_fires_no_event_and_starts_no_deployment(airflow, runs):
    state, instances = airflow.finished("retraining", runs["closed"])
    assert state == "success"
    assert states(instances)["write_results"] == "success"
    assert states(instances)["bless"] == states(instances)["push"] == "skipped"
    assert "expected at least 0.5" in airflow.logged("retraining", runs["closed"], "validate.gate")
    assert airflow.events("retraining") == []
    assert airflow.runs("deployment") == []


def test_a_model_that_was_not_evaluated_fires_no_event_and_starts_no_deployment(airflow, runs):
    state, instances = airflow.finished("few", runs["few"])
    assert state == "success"
    assert states(instances) == {"analyse": "success", "gate": "success", "bless": "skipped"}
    assert airflow.returned("few", runs["few"], "model_analysis.gate")["verdict"] == "NOT_EVALUATED"
    assert "min_rows" in airflow.logged("few", runs["few"], "model_analysis.gate")
    assert airflow.events("few") == []
    assert airflow.runs("after_few") == []


def test_two_runs_at_once_of_the_same_day_share_their_checkpoints_and_leave_whole_results(airflow, runs, home):
    (state, _), (other_state, _) = (airflow.finished("twice", runs[name]) for name in ("one", "other"))
    assert (state, other_state) == ("success", "success")
    one, other = (airflow.run("twice", runs[name]) for name in ("one", "other"))
    assert one["start_date"] < other["end_date"]
    assert other["start_date"] < one["end_date"]
    attempts = (home / "twice" / "checkpoints").glob("*/*/attempt-*")
    assert sorted(attempt.parts[-3] for attempt in attempts) == sorted(STAGES[:-1])
    folders = [folder for folder in (home / "twice" / "results" / GOOD_DAY).iterdir() if folder.is_dir()]
    assert len(folders) == 2
    for folder in folders:
        files = json.loads((folder / "results.json").read_text())["files"]
        assert set(files) == {file.name for file in folder.iterdir()} - {"results.json"}
    assert json.loads((home / "twice" / "blessed.json").read_text())["verdict"] == "BLESSED"


def test_a_run_without_a_logical_date_takes_the_day_on_which_it_is_due(airflow, runs):
    state, instances = airflow.finished("arrival", runs["no date"])
    run = airflow.run("arrival", runs["no date"])
    assert run["logical_date"] is None
    assert state == "success"
    assert set(states(instances).values()) == {"success"}
    found = airflow.returned("arrival", runs["no date"], "model_analysis.analyse")
    assert Path(found["output"]).parent.name == run["run_after"][:10]


def test_data_that_arrives_as_an_asset_is_evaluated(airflow, runs):
    airflow.finished("arrival", runs["no date"])
    (asset,) = airflow.call("GET", "/api/v2/assets?name_pattern=data")["assets"]
    airflow.call("POST", "/api/v2/assets/events", {"asset_id": asset["id"]})
    run = until(lambda: airflow.runs("arrival", "asset_triggered"), 60, "a run for the data")[0]["dag_run_id"]
    state, instances = airflow.finished("arrival", run)
    assert state == "success"
    assert set(states(instances).values()) == {"success"}


@pytest.fixture(scope="module")
def blessed(airflow, runs):
    """A run of the retraining whose gate opened, after that whose gate closed."""
    airflow.finished("retraining", runs["closed"])
    return airflow.trigger("retraining", date=GOOD_DAY)


def test_a_blessed_model_is_pushed_and_its_event_starts_the_deployment_with_the_verdict(airflow, blessed):
    run = blessed
    state, instances = airflow.finished("retraining", run)
    assert state == "success"
    assert set(states(instances).values()) == {"success"}
    assert "400 rows" in airflow.logged("retraining", run, "validate.read_inputs")
    (event,) = airflow.events("retraining")
    assert event["extra"]["verdict"] == "BLESSED"
    assert event["source_task_id"] == "validate.bless"
    (deployment,) = until(lambda: airflow.runs("deployment"), 120, "the deployment")
    state, _ = airflow.finished("deployment", deployment["dag_run_id"])
    assert state == "success"
    assert "BLESSED" in airflow.logged("deployment", deployment["dag_run_id"], "deploy")


def test_a_stage_whose_worker_was_killed_is_resumed_by_a_retry_and_what_was_done_is_not_repeated(airflow, runs, home):
    state, instances = airflow.finished("lost", runs["lost"])
    assert state == "success"
    assert {task for task, number in tries(instances).items() if number != 1} == {"extract_slice_keys"}
    assert instances["model_analysis.extract_slice_keys"]["try_number"] == 2
    assert (home / "kills-its-worker.done").exists()
    assert "400 rows" in airflow.logged("lost", runs["lost"], "model_analysis.extract_slice_keys", 2)
    # What was left alone has ended, too: each stage once, and the one that was resumed twice.
    ended = home / "kills-its-worker.ended"
    until(lambda: len(ended.read_text().split()) == len(STAGES) + 1, 60, "the stage that was left alone to end")


def test_a_dag_file_that_is_read_again_and_again_keeps_its_version(airflow, runs):
    airflow.finished("lost", runs["lost"])
    (version,) = airflow.call("GET", "/api/v2/dags/lost/dagVersions")["dag_versions"]
    assert version["version_number"] == 1


# What a person sees --------------------------------------------------------------------------------------------------


def test_the_log_of_a_gate_has_each_threshold_with_value_and_rows(airflow, runs, blessed):
    for run, told in ((blessed, "the gate is open"), (runs["closed"], "the gate is closed; skipped for that reason: ")):
        airflow.finished("retraining", run)
        log = airflow.logged("retraining", run, "validate.gate")
        assert told in log
        assert "threshold  expected" in log
        assert "auc        at least 0.5" in log
        assert ": 400 rows" in log


@pytest.mark.parametrize(("link", "task"), [("Results", "write_results"), ("Verdict", "gate"), ("Verdict", "bless")])
def test_links_beside_a_task_lead_to_pages_on_the_server_whatever_the_verdict(airflow, runs, blessed, link, task):
    for run, verdict in ((blessed, "✓ BLESSED"), (runs["closed"], "✗ NOT BLESSED")):
        airflow.finished("retraining", run)
        address = airflow.links("retraining", run, f"validate.{task}")[link]
        if (run, task) == (runs["closed"], "bless"):  # which was skipped
            assert address is None
            continue
        assert address.startswith(f"/assay/{link.lower()}/retraining/")
        status, _, page = airflow.page(address)
        assert status == 200
        assert verdict in page


def test_the_link_of_a_checkpoint_leads_to_its_manifest(airflow, blessed):
    airflow.finished("retraining", blessed)
    address = airflow.links("retraining", blessed, "validate.read_inputs")["Checkpoint"]
    status, kind, text = airflow.page(address)
    assert (status, kind) == (200, "application/json")
    assert json.loads(text)["task"] == "ReadInputs"


@pytest.mark.parametrize("task", ["push", "gone", "..%2F..%2Fetc"])
def test_a_task_without_results_has_no_page(airflow, blessed, task):
    assert airflow.page(f"/assay/results/retraining/{quote(blessed)}/{task}/-1")[0] == 404


@pytest.mark.skipif(
    PROGRAM is None and os.environ.get("CI") != "true",
    reason="NOT TESTED: no chromium on this machine (apt-get install chromium)",
)
def test_the_links_in_airflows_view_lead_to_pages_that_anybody_can_read_and_whose_names_do_nothing(airflow, runs):
    airflow.finished("arrival", runs["no date"])
    view = f"{airflow.url}/dags/arrival/runs/{quote(runs['no date'])}/tasks/model_analysis.analyse/details"
    with browser() as tab:
        for text in ("Results", "Verdict"):
            address = link_in(tab, view, text)
            for width in (1280, 400):
                assert HOSTILE in text_at(tab, address, width)
                assert tab.run("document.images.length", in_frame=False) == 0
                assert wrongs(tab, width) == []


@pytest.mark.slow
def test_of_three_versions_at_once_each_gate_opens_or_closes_for_itself(airflow):
    run = airflow.trigger("versions", date=GOOD_DAY)
    state, instances = airflow.finished("versions", run)
    assert state == "success"
    assert [instances[f"validate.write_results[{index}]"]["state"] for index in range(3)] == ["success"] * 3
    assert [instances[f"validate.bless[{index}]"]["state"] for index in range(3)] == ["success", "success", "skipped"]
    uris = [airflow.returned("versions", run, "validate.write_results", index)["output"] for index in range(3)]
    assert [uri.rpartition("/")[2] for uri in uris] == ["sharp", "blunt", "wrong_way_round"]
    blessed = {event["source_map_index"]: event["extra"]["model"] for event in airflow.events("versions")}
    assert set(blessed) == {0, 1}
    until(lambda: airflow.runs("after_versions"), 60, "the deployment")


@pytest.mark.slow
def test_a_backfill_evaluates_five_days_each_on_its_own_data(airflow, home):
    runs = airflow.backfilled("daily", FIVE_DAYS[0], FIVE_DAYS[-1])
    days = {run["logical_date"][:10]: airflow.finished("daily", run["dag_run_id"]) for run in runs}
    assert sorted(days) == FIVE_DAYS
    assert {state for state, _ in days.values()} == {"success"}
    assert {day for day, (_, instances) in days.items() if states(instances)["bless"] != "success"} == {DAY_OF_FEW}
    for day in FIVE_DAYS:
        verdict = json.loads((latest(home / "daily" / "results" / day) / "verdict.json").read_text())
        assert verdict["rows"] == (40 if day == DAY_OF_FEW else 400)
        assert verdict["status"] == ("NOT_EVALUATED" if day == DAY_OF_FEW else "BLESSED")
