"""Pages on Airflow's API server: who may see them, what they are read with, and what they say where that fails."""

import contextlib
import json
import tomllib
from importlib.metadata import EntryPoint
from types import SimpleNamespace
from typing import Any

import pytest

from assay import storage
from assay.errors import ConfigError, TransientError
from assay.operators import served_pages
from assay.operators.shown import SHOWN_KEY, Instance, Shown, show, shown_of
from tests.airflow.conftest import ROOT
from tests.memory_store import SCHEME, MemoryStore

BUCKET = f"{SCHEME}://bucket/results/day one"
VERDICT: dict[str, Any] = {
    "status": "NOT_BLESSED",
    "rows": 3,
    "reasons": [{"message": "auc is <b>low</b>", "slice": "Overall"}],
}
PAGES = [("results", "/x/page.html"), ("verdict", "/x/verdict.json"), ("checkpoint", "/x/manifest.json")]


@pytest.fixture(scope="module")
def application(database):
    """The application with the users of Airflow's own login."""
    from airflow.api_fastapi.app import create_auth_manager

    create_auth_manager().init()
    return served_pages.application()


@pytest.fixture
def client(application, monkeypatch):
    """A browser of a user who may see all DAGs; `client.shown` is what each task has to show."""
    from airflow.api_fastapi.app import get_auth_manager
    from airflow.api_fastapi.auth.managers.simple.user import SimpleAuthManagerUser
    from fastapi.testclient import TestClient

    token = get_auth_manager().generate_jwt(SimpleAuthManagerUser(username="somebody", role="VIEWER"))
    client = TestClient(application, headers={"Authorization": f"Bearer {token}"})
    client.shown, client.asked = Shown(), []

    def shown_by(instance):
        client.asked.append(instance)
        return client.shown

    monkeypatch.setattr(served_pages, "shown_by", shown_by)
    return client


@pytest.fixture
def bucket(monkeypatch):
    store = MemoryStore()
    monkeypatch.setitem(storage.STORES, SCHEME, lambda: store)
    return store


def test_airflow_finds_the_pages_by_an_entry_point_of_the_package():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    plugin = EntryPoint("assay", project["entry-points"]["airflow.plugins"]["assay"], "airflow.plugins").load()
    assert [app["url_prefix"] for app in plugin.fastapi_apps] == ["/assay"]


@pytest.mark.parametrize("what", ["results", "checkpoint", "verdict"])
def test_a_page_is_shown_to_nobody_whom_airflow_does_not_know(what, application):
    from fastapi.testclient import TestClient

    client = TestClient(application)
    assert client.get(f"/{what}/dag/run/task/-1").status_code == 401
    headers = {"Authorization": "Bearer made-up"}
    assert client.get(f"/{what}/dag/run/task/-1", headers=headers).status_code in (401, 403)


def test_a_page_is_read_from_a_bucket_with_the_connection_of_the_task(client, bucket, monkeypatch):
    accounts = []

    @contextlib.contextmanager
    def access(*account):
        accounts.append(account)
        yield

    monkeypatch.setattr(served_pages, "google_access", access)
    bucket.write(f"{BUCKET}/page.html", b"<h1>of the bucket</h1>")
    client.shown = Shown(output=BUCKET, gcp_conn_id="theirs", impersonation_chain=["reader"])
    answer = client.get("/results/dag/manual__2026-11-01T00%3A00%3A00/group.task/3")
    assert (answer.status_code, answer.text) == (200, "<h1>of the bucket</h1>")
    assert answer.headers["Content-Security-Policy"].startswith("sandbox allow-scripts")
    assert "allow-same-origin" not in answer.headers["Content-Security-Policy"]
    assert client.asked == [Instance("dag", "manual__2026-11-01T00:00:00", "group.task", 3)]
    assert accounts == [("theirs", ["reader"])]


def test_a_verdict_is_a_page_and_json(client, bucket):
    bucket.write(f"{BUCKET}/verdict.json", json.dumps(VERDICT).encode())
    client.shown = Shown(output=BUCKET, verdict="NOT_BLESSED")
    page = client.get("/verdict/dag/run/task/-1")
    assert page.status_code == 200
    assert "✗ NOT BLESSED" in page.text
    assert "auc is &lt;b&gt;low&lt;/b&gt;" in page.text
    assert 'href="/assay/results/dag/run/task/-1"' in page.text
    assert client.get("/verdict/dag/run/task/-1?format=json").json() == VERDICT


def test_the_verdict_of_a_gate_is_in_its_checkpoint(client, bucket):
    manifest = f"{SCHEME}://bucket/checkpoints/Gate/1/manifest.json"
    bucket.write(manifest, json.dumps({"verdict": VERDICT}).encode())
    client.shown = Shown(manifest=manifest, verdict="NOT_BLESSED")
    assert "✗ NOT BLESSED" in client.get("/verdict/dag/run/gate/-1").text
    assert client.get("/checkpoint/dag/run/gate/-1").json() == {"verdict": VERDICT}


@pytest.mark.parametrize(("what", "uri"), PAGES)
@pytest.mark.parametrize(
    ("error", "status"),
    [(None, 404), (ConfigError("access denied to <b>it</b>"), 502), (TransientError("it does not answer"), 503)],
)
def test_a_page_that_cannot_be_read_says_why_and_leads_to_the_console_of_the_bucket(
    client, bucket, monkeypatch, what, uri, error, status
):
    if error:
        monkeypatch.setattr(storage, "read", lambda *_, **__: (_ for _ in ()).throw(error))
    folder, _, _ = f"{SCHEME}://bucket{uri}".rpartition("/")
    client.shown = Shown(output=folder, manifest=f"{folder}/manifest.json", verdict="BLESSED")
    answer = client.get(f"/{what}/dag/run/task/-1")
    assert answer.status_code == status
    assert "This page cannot be shown" in answer.text
    assert ("it" if error else "there is no such object") in answer.text
    assert "<b>it" not in answer.text
    assert f"reads the page from {folder}, with the credentials of its environment" in answer.text
    assert 'href="https://memory.example/bucket/x"' in answer.text


def test_the_connection_that_is_missing_is_named(client, bucket):
    client.shown = Shown(output=BUCKET, gcp_conn_id="nobody's")
    answer = client.get("/results/dag/run/task/-1")
    assert answer.status_code == 502
    assert "connection &quot;nobody&#x27;s&quot;: not there" in answer.text
    assert "with the connection &quot;nobody&#x27;s&quot;" in answer.text


@pytest.mark.parametrize(
    "shown",
    [Shown(), Shown(manifest="/etc/passwd"), Shown(manifest="/etc/")],
)
@pytest.mark.parametrize("what", ["results", "checkpoint", "verdict"])
def test_what_a_task_has_not_left_has_no_page(client, what, shown):
    client.shown = shown
    answer = client.get(f"/{what}/dag/run/task/-1")
    assert answer.status_code == 404
    assert "Nothing to show" in answer.text


def test_a_storage_is_not_waited_for_longer_than_a_person_waits(client, bucket, monkeypatch):
    from assay.storage.patience import at_most

    monkeypatch.setattr(storage, "read", lambda *_, **__: str(at_most(120.0)).encode())
    client.shown = Shown(output=BUCKET)
    assert client.get("/results/dag/run/task/-1").text == str(served_pages.SECONDS)
    assert at_most(120.0) == 120.0


def test_what_a_task_shows_is_what_its_operator_used():
    pushed: dict = {}
    context = {"ti": SimpleNamespace(xcom_push=pushed.__setitem__)}
    operator = SimpleNamespace(gcp_conn_id="mine", impersonation_chain=None)
    show(context, operator, {"output": "", "manifest": ""})
    assert pushed == {}
    show(context, operator, {"output": "/results", "verdict": "BLESSED", "rows": 3})
    expected = Shown(output="/results", verdict="BLESSED", gcp_conn_id="mine")
    assert shown_of(pushed[SHOWN_KEY]) == expected


@pytest.mark.parametrize("value", [None, "text", {"other": 1}])
def test_an_xcom_of_something_else_shows_nothing(value):
    assert shown_of(value) == Shown()
