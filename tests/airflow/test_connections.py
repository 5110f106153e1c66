"""Google connections: what goes by them, what a stage is given, and that nobody else sees it."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import stat
import threading
import time
from urllib.parse import quote

import pytest

from assay import operators, storage
from assay.errors import ConfigError
from assay.operators import served_pages
from assay.operators.connections import credentials_file, google_access
from assay.operators.launchers.docker import DockerLauncher
from assay.operators.launchers.launcher import CREDENTIALS, StageCall
from assay.operators.partition import DataTrigger
from assay.storage import gcs
from tests import gcs_emulator
from tests.airflow.conftest import RUNTIME, analysis
from tests.airflow.google_door import ACCOUNT, door
from tests.airflow.runs import returned, run_dag

OPERATORS = [getattr(operators, name) for name in operators.__all__ if name.endswith("Operator")]
CHAIN = ["first@project.iam.gserviceaccount.com", "last@project.iam.gserviceaccount.com"]


@pytest.fixture(scope="module")
def emulator():
    with gcs_emulator.started(python=str(RUNTIME)) as running:
        yield running


@pytest.fixture
def google(emulator, monkeypatch):
    """The storage behind a door, and the connection `mine`, with which one gets in."""
    from google.auth import _regional_access_boundary_utils as regional

    # The library would ask Google, in the background, from where the account may be used.
    monkeypatch.setattr(regional._RegionalAccessBoundaryManager, "maybe_start_refresh", lambda *_: None)
    with door(emulator.url) as opened:
        monkeypatch.setattr(gcs, "_clients", {})
        monkeypatch.setenv("STORAGE_EMULATOR_HOST", opened.url)
        connect(monkeypatch, keyfile_dict=opened.key)
        yield opened


def connect(monkeypatch, **extra):
    connection = {"conn_type": "google_cloud_platform", "extra": extra}
    monkeypatch.setenv("AIRFLOW_CONN_MINE", json.dumps(connection))


@pytest.mark.parametrize("operator", OPERATORS, ids=lambda operator: operator.__name__)
def test_every_operator_takes_a_connection_as_a_template(operator):
    assert {"gcp_conn_id", "impersonation_chain"} <= set(operator.template_fields)


def test_storage_goes_by_the_connection_in_the_block_and_in_no_other_thread(google):
    found: list = []

    def look():
        try:
            found.append(storage.read("gs://bucket/a"))
        except ConfigError as error:
            found.append(str(error))

    with google_access("mine", None):
        storage.write("gs://bucket/a", b"x")
        assert storage.read("gs://bucket/a") == b"x"
        thread = threading.Thread(target=look)
        thread.start()
        thread.join()
    look()
    assert len(found) == 2
    assert all("credentials are refused" in said for said in found)
    assert set(google.accounts) == {ACCOUNT}


async def first_of(trigger):
    return await anext(trigger.run())


def test_a_trigger_goes_by_the_connection(google):
    with google_access("mine", None):
        storage.write("gs://bucket/day/a.csv", b"x")
    given: dict = {"patterns": ["gs://bucket/day/*.csv"], "ready_file": "", "deadline": time.time() + 60, "seconds": 1}
    event = asyncio.run(first_of(DataTrigger(**given, gcp_conn_id="mine")))
    assert event.payload == {"files": 1, "missing": [], "error": "", "passing": False}
    told = DataTrigger(**given).looked()
    assert told is not None
    assert "credentials are refused" in told["error"]


DAG_FILE = """
from datetime import timedelta
from airflow.sdk import DAG
from assay.operators import SubprocessLauncher, model_analysis_task_group

with DAG("google", schedule=None, params={{"connection": "mine"}}) as dag:
    model_analysis_task_group(
        {analysis!r},
        root="gs://bucket/checkpoints",
        checkpoint="none",
        blessed="gs://bucket/blessed.json",
        wait_for_data=timedelta(0),
        gcp_conn_id="{{{{ params.connection }}}}",
        launcher=SubprocessLauncher(python={python!r}, env={{"STORAGE_EMULATOR_HOST": {emulator!r}}}),
    )()
"""
TELLS = """#!/bin/bash
stat -c '%a %n' "$GOOGLE_APPLICATION_CREDENTIALS" > "{told}"
cat "$GOOGLE_APPLICATION_CREDENTIALS" >> "{told}"
exec "{python}" "$@"
"""


def test_a_whole_run_goes_by_the_connection_and_no_secret_is_left_anywhere(
    google, emulator, dags, data, tmp_path, capfd, caplog
):
    described = analysis(data, tmp_path, output="gs://bucket/results/${date}")
    (tmp_path / "analysis.json").write_text(json.dumps(described))
    python, told = tmp_path / "python", tmp_path / "told"
    python.write_text(TELLS.format(told=told, python=RUNTIME))
    python.chmod(0o755)
    file = dags / "google.py"
    given = {"analysis": str(tmp_path / "analysis.json"), "python": str(python), "emulator": emulator.url}
    file.write_text(DAG_FILE.format(**given))
    run, states = run_dag(file, "google")
    assert set(states.values()) == {"success"}
    with google_access("mine", None):
        assert json.loads(storage.read("gs://bucket/blessed.json"))["verdict"] == "BLESSED"

    page = page_of_run(run, "model_analysis.analyse")
    assert "BLESSED" in page

    first, _, content = told.read_text().partition("\n")
    mode, _, key_file = first.partition(" ")
    assert mode == "600"
    assert not os.path.exists(key_file)
    assert json.loads(content) == google.key
    secret = google.key["private_key"].splitlines()[1]
    assert secret not in "".join((*capfd.readouterr(), caplog.text))
    assert secret not in json.dumps([returned(run, task_id) for task_id in states]) + page
    assert secret not in file.read_text()


def page_of_run(run, task_id):
    """The page of a run's results as Airflow's API server answers to an administrator."""
    from airflow.api_fastapi.app import create_auth_manager
    from airflow.api_fastapi.auth.managers.simple.user import SimpleAuthManagerUser
    from fastapi.testclient import TestClient

    manager = create_auth_manager()
    token = manager.generate_jwt(SimpleAuthManagerUser(username="somebody", role="ADMIN"))
    client = TestClient(served_pages.application(), headers={"Authorization": f"Bearer {token}"})
    answer = client.get(f"/results/google/{quote(run.run_id)}/{task_id}/-1")
    assert answer.status_code == 200, answer.text
    return answer.text


@pytest.fixture
def kinds(google, tmp_path):
    """Ways in which a connection has its credentials."""
    path = tmp_path / "key.json"
    path.write_text(json.dumps(google.key))
    return {
        "a mapping": {"keyfile_dict": google.key},
        "text": {"keyfile_dict": json.dumps(google.key)},
        "a file": {"key_path": str(path)},
        "a file of any kind": {"credential_config_file": str(path)},
    }


@pytest.mark.parametrize("kind", ["a mapping", "text", "a file", "a file of any kind"])
def test_a_stage_gets_a_file_that_google_reads(kinds, kind, monkeypatch):
    import google.auth

    connect(monkeypatch, **kinds[kind])
    with credentials_file("mine", None) as file:
        credentials, project = google.auth.load_credentials_from_file(file)
        assert stat.S_IMODE(os.stat(file).st_mode) == 0o600
    assert (credentials.service_account_email, project) == (ACCOUNT, "project")
    assert not os.path.exists(file)


@pytest.mark.parametrize("way", ["argument", "connection"])
def test_impersonation_goes_into_the_file_as_google_has_it(google, monkeypatch, way):
    import google.auth as auth

    chain = CHAIN if way == "argument" else None
    connect(monkeypatch, keyfile_dict=google.key, **({} if chain else {"impersonation_chain": ", ".join(CHAIN)}))
    with credentials_file("mine", chain) as file:
        credentials, _ = auth.load_credentials_from_file(file)
    assert credentials.service_account_email == CHAIN[1]
    assert credentials._delegates == CHAIN[:1]
    assert credentials._source_credentials.service_account_email == ACCOUNT


def test_operators_impersonate_too(google, monkeypatch):
    from google.auth.impersonated_credentials import Credentials

    made: list = []

    def using(credentials):
        made.append(credentials)
        return contextlib.nullcontext()

    monkeypatch.setattr(gcs, "using", using)
    with google_access("mine", CHAIN[1]):
        pass
    (credentials,) = made
    assert isinstance(credentials, Credentials)
    assert credentials.service_account_email == CHAIN[1]


def test_a_container_gets_the_file_to_read_and_nothing_more(google, engine):
    with credentials_file("mine", None) as file:
        call = StageCall(arguments=("check", file), image="core", name="secret.Gate.1", credentials=file)
        running = DockerLauncher(network="none").start(call)
        (container,) = engine.containers(all=True, filters={"label": "assay.stage=secret.Gate"})
        made = engine.inspect_container(container["Id"])
        said = " ".join(running.lines())
        running.wait()
    assert f"{CREDENTIALS}={file}" in made["Config"]["Env"]
    assert made["HostConfig"]["Binds"] == [f"{file}:{file}:ro"]
    assert "type: unknown key" in said  # it was read, and is no analysis file
    assert "PRIVATE" not in said


def test_the_file_goes_also_where_the_stage_fails(google):
    with pytest.raises(RuntimeError), credentials_file("mine", None) as file:
        raise RuntimeError
    assert not os.path.exists(file)


def test_without_a_connection_a_stage_goes_by_its_own_environment():
    with credentials_file("", None) as file:
        assert file == ""


def test_a_connection_without_credentials_is_that_of_the_machine(google, monkeypatch):
    connect(monkeypatch, project="project")
    with credentials_file("mine", None) as file:
        assert file == ""
    monkeypatch.delenv(CREDENTIALS, raising=False)
    monkeypatch.setenv("CLOUDSDK_CONFIG", "/nowhere")
    with pytest.raises(ConfigError, match=f"to impersonate {CHAIN[1]} a stage needs"), credentials_file("mine", CHAIN):
        pass


@pytest.mark.parametrize("name", ["key_secret_name", "is_anonymous"])
def test_what_cannot_be_put_in_a_file_is_refused_by_name(google, monkeypatch, name):
    connect(monkeypatch, **{name: "x"})
    with (
        pytest.raises(ConfigError, match=f"a stage cannot be given credentials by {name}"),
        credentials_file("mine", None),
    ):
        pass


def test_a_connection_that_is_not_there_is_named(google):
    with pytest.raises(ConfigError, match="connection 'yours': not there"), google_access("yours", None):
        pass


@pytest.mark.parametrize(
    ("use", "key"),
    [
        pytest.param(google_access, "{broken SECRET", id="operator, not JSON"),
        pytest.param(google_access, '{"type": "service_account", "private_key": "SECRET"}', id="operator, no key"),
        pytest.param(credentials_file, "{broken SECRET", id="stage, not JSON"),
    ],
)
def test_nothing_of_a_broken_key_is_told(google, monkeypatch, use, key):
    connect(monkeypatch, keyfile_dict=key)
    with pytest.raises(ConfigError, match="cannot be used") as caught, use("mine", None):
        pass
    assert "SECRET" not in str(caught.value)
    assert caught.value.__cause__ is None
