"""What a person sees of a run in a real Airflow: the log of the gate, and links that lead somewhere."""

import json
import tomllib
import urllib.error
import urllib.request
from importlib.metadata import EntryPoint, entry_points

import pytest

from assay.operators import served_pages
from tests.airflow.conftest import BAD_DAY, GOOD_DAY, ROOT, analysis
from tests.airflow.standalone import put_retraining, started

DAG_ID = "retraining"
TASKS = f"/api/v2/dags/{DAG_ID}/dagRuns/{{run}}/taskInstances/{{task}}"


@pytest.fixture(scope="module")
def airflow(tmp_path_factory, data):
    """A running Airflow with a run whose gate opened and one whose gate closed."""
    home = tmp_path_factory.mktemp("airflow-pages")
    (home / "good.json").write_text(json.dumps(analysis(data, home / "good")))
    put_retraining(home)
    if not entry_points(group="airflow.plugins", name="assay"):  # installed before there was one
        (home / "plugins").mkdir()
        (home / "plugins" / "pages.py").write_text("from assay.operators.served_pages import AssayPlugin\n")
    settings = {
        "ASSAY_TESTS": str(home),
        "ASSAY_ANALYSIS": str(home / "good.json"),
        "ASSAY_ROOT": str(home / "checkpoints"),
        "ASSAY_TRAIN": "echo trained",
        "PYTHONPATH": str(ROOT),
    }
    with started(home, settings) as running:
        running.parsed(DAG_ID)
        yield running


@pytest.fixture(scope="module")
def runs(airflow):
    runs = {day: airflow.trigger(DAG_ID, date=day) for day in (GOOD_DAY, BAD_DAY)}
    for run in runs.values():
        assert airflow.finished(DAG_ID, run)[0] == "success"
    return runs


def test_airflow_finds_the_pages_by_an_entry_point_of_the_package():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    plugin = EntryPoint("assay", project["entry-points"]["airflow.plugins"]["assay"], "airflow.plugins").load()
    assert [app["url_prefix"] for app in plugin.fastapi_apps] == ["/assay"]


@pytest.mark.parametrize("what", ["results", "checkpoint"])
def test_a_page_is_shown_to_nobody_whom_airflow_does_not_know(what, database):
    from airflow.api_fastapi.app import create_auth_manager
    from fastapi.testclient import TestClient

    create_auth_manager()
    client = TestClient(served_pages.application())
    assert client.get(f"/{what}/dag/run/task/-1").status_code == 401
    headers = {"Authorization": "Bearer made-up"}
    assert client.get(f"/{what}/dag/run/task/-1", headers=headers).status_code in (401, 403)


def links(airflow, run, task):
    uri = TASKS.format(run=run, task=task)
    return airflow.call("GET", f"{uri}/links")["extra_links"]


def opened(airflow, link):
    """Status, headers and text of a page."""
    headers = {"Authorization": f"Bearer {airflow.token}"}
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(urllib.request.Request(airflow.url + link, headers=headers), timeout=30) as answer:
            return answer.status, answer.headers, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.headers, error.read().decode()


def test_the_log_of_a_gate_has_each_threshold_with_value_and_rows(airflow, runs):
    for day, told in ((GOOD_DAY, "the gate is open"), (BAD_DAY, "the gate is closed; skipped for that reason: ")):
        log = airflow.logged(DAG_ID, runs[day], "validate.Gate")
        assert told in log
        assert "threshold  expected" in log
        assert "auc        at least 0.5" in log
        assert ": 400 rows" in log


def test_the_link_of_the_results_leads_to_their_page(airflow, runs):
    for day, verdict in ((GOOD_DAY, "BLESSED"), (BAD_DAY, "NOT BLESSED")):
        link = links(airflow, runs[day], "validate.WriteResults")["Results"]
        assert link.startswith(f"/assay/results/{DAG_ID}/")
        status, headers, page = opened(airflow, link)
        assert status == 200
        assert "<title>" in page
        assert verdict in page
        assert headers["Content-Security-Policy"].startswith("sandbox allow-scripts")
        assert "allow-same-origin" not in headers["Content-Security-Policy"]


def test_the_link_of_a_checkpoint_leads_to_its_manifest(airflow, runs):
    link = links(airflow, runs[GOOD_DAY], "validate.ReadInputs")["Checkpoint"]
    status, headers, text = opened(airflow, link)
    assert (status, headers["Content-Type"]) == (200, "application/json")
    assert json.loads(text)["task"] == "ReadInputs"


@pytest.mark.parametrize("task", ["push", "gone", "..%2F..%2Fetc"])
def test_a_task_without_results_has_no_page(airflow, runs, task):
    assert opened(airflow, f"/assay/results/{DAG_ID}/{runs[GOOD_DAY]}/{task}/-1")[0] == 404
