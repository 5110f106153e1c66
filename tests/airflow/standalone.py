"""A real Airflow on a loopback port: scheduler, triggerer, DAG processor, API server; and its REST API."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from http import HTTPStatus
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any
from urllib.parse import quote

from tests.ports import free_port

ROOT = Path(__file__).parents[2]
START_SECONDS, PARSE_SECONDS, RUN_SECONDS = 900, 600, 1200
LOST_SECONDS = 60
"""After which a task of which nothing is heard has no worker any more."""

DONE = {"success", "failed"}


@dataclass
class Airflow:
    """A running Airflow.

    Attributes:
        url: of its API server.
        token: that lets one in.
        log: file that has what all its processes said.
    """

    url: str
    log: Path
    token: str = field(default="", repr=False)

    def call(self, method: str, path: str, body: Any = None) -> Any:
        request = urllib.request.Request(
            self.url + path,
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Content-Type": "application/json", "Authorization": f"Bearer {self.token}"},
        )
        with _opener().open(request, timeout=120) as answer:
            return json.loads(answer.read() or "null")

    def parsed(self, dag_id: str) -> None:
        """Waits until Airflow knows a DAG."""
        until(lambda: self._knows(dag_id), PARSE_SECONDS, f"{dag_id} to be parsed")

    def _knows(self, dag_id: str) -> bool:
        try:
            return bool(self.call("GET", f"/api/v2/dags/{dag_id}"))
        except urllib.error.HTTPError as error:
            if error.code != HTTPStatus.NOT_FOUND:
                raise
            return False

    def trigger(self, dag_id: str, **conf: str) -> str:
        """Starts a run without a logical date; returns its id."""
        body = {"logical_date": None, "conf": conf}
        return str(self.call("POST", f"/api/v2/dags/{dag_id}/dagRuns", body)["dag_run_id"])

    def backfilled(self, dag_id: str, first: str, last: str) -> list[dict[str, Any]]:
        """Starts a run for each day from the first to the last; returns them."""
        body = {"dag_id": dag_id, "from_date": f"{first}T00:00:00Z", "to_date": f"{last}T00:00:00Z"}
        self.call("POST", "/api/v2/backfills", body)
        return self.runs(dag_id, "backfill")

    def runs(self, dag_id: str, kind: str = "") -> list[dict[str, Any]]:
        """The runs of a DAG, or those of a kind."""
        found = self.call("GET", f"/api/v2/dags/{dag_id}/dagRuns")["dag_runs"]
        return [run for run in found if kind in ("", run["run_type"])]

    def run(self, dag_id: str, run_id: str) -> dict[str, Any]:
        """A run."""
        return dict(self.call("GET", _path(dag_id, run_id)))

    def finished(self, dag_id: str, run_id: str) -> tuple[str, dict[str, Any]]:
        """Waits for a run; returns its state, and task id -> task instance; "TASK[INDEX]" of a mapped task."""
        state = until(lambda: _in(self.run(dag_id, run_id)["state"], DONE), RUN_SECONDS, f"the end of {dag_id}")
        found = self.call("GET", f"{_path(dag_id, run_id)}/taskInstances")["task_instances"]
        mapped = {ti["task_id"] + (f"[{ti['map_index']}]" if ti["map_index"] >= 0 else ""): ti for ti in found}
        return state, mapped

    def links(self, dag_id: str, run_id: str, task_id: str) -> dict[str, str | None]:
        """The links beside a task."""
        found = self.call("GET", f"{_path(dag_id, run_id)}/taskInstances/{task_id}/links")
        return dict(found["extra_links"])

    def page(self, link: str) -> tuple[int, str, str]:
        """Status, type and text of a page."""
        request = urllib.request.Request(self.url + link, headers={"Authorization": f"Bearer {self.token}"})
        try:
            with _opener().open(request, timeout=120) as answer:
                return answer.status, answer.headers["Content-Type"], answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.headers["Content-Type"], error.read().decode()

    def logged(self, dag_id: str, run_id: str, task_id: str, attempt: int = 1) -> str:
        """The log of a task."""
        return json.dumps(self.call("GET", f"{_path(dag_id, run_id)}/taskInstances/{task_id}/logs/{attempt}"))

    def returned(self, dag_id: str, run_id: str, task_id: str, map_index: int = -1) -> Any:
        """What a task returned."""
        entry = f"{task_id}/xcomEntries/return_value?map_index={map_index}&deserialize=true"
        return self.call("GET", f"{_path(dag_id, run_id)}/taskInstances/{entry}")["value"]

    def events(self, dag_id: str) -> list[dict[str, Any]]:
        """The events of assets that a DAG has fired."""
        return list(until(lambda: self._events(dag_id), 60, f"the events of {dag_id}")["asset_events"])

    def _events(self, dag_id: str) -> Any:
        try:
            return self.call("GET", f"/api/v2/assets/events?source_dag_id={dag_id}")
        except urllib.error.HTTPError as error:
            if error.code != HTTPStatus.INTERNAL_SERVER_ERROR:
                raise
            return None  # Airflow 3.3 cannot tell of an event whose run is made and not started


@contextlib.contextmanager
def started(home: Path, settings: dict[str, str]) -> Iterator[Airflow]:
    """Starts Airflow with its DAGs in `home / "dags"`, and ends all of it behind the block."""
    port = free_port()
    airflow = Airflow(f"http://127.0.0.1:{port}", home / "standalone.log")
    env = {
        **os.environ,
        **settings,
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",  # it looks for `airflow` there
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__DAGS_FOLDER": str(home / "dags"),
        # Readers and writers of SQLite get in each other's way; on a busy machine for longer than the usual 5 s.
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{home}/airflow.db?timeout=60",
        "AIRFLOW__CORE__EXECUTOR": "LocalExecutor",
        "AIRFLOW__CORE__PARALLELISM": "4",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS": "True",
        "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": "False",
        "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"{airflow.url}/execution/",
        "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": str(LOST_SECONDS),
        "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT_DETECTION_INTERVAL": "5",
        # A task whose first call is not answered in the usual 5 s is tried again, and its try is counted.
        "AIRFLOW__WORKERS__EXECUTION_API_TIMEOUT": "60",
        "AIRFLOW__API__PORT": str(port),
        "AIRFLOW__API__WORKERS": "1",
        "AIRFLOW__API__BASE_URL": airflow.url,
        "AIRFLOW__LOGGING__LOGGING_LEVEL": "INFO",
    }
    with running(airflow, [sys.executable, "-m", "airflow", "standalone"], env):
        with contextlib.closing(sqlite3.connect(home / "airflow.db", timeout=60)) as database:
            database.execute("PRAGMA journal_mode=WAL")
        yield airflow


@contextlib.contextmanager
def running(airflow: Airflow, command: list[str], env: dict[str, str]) -> Iterator[None]:
    """Starts a command that serves Airflow's API, waits until it answers, and ends all of it behind the block."""
    with open(airflow.log, "wb") as log:
        process = subprocess.Popen(command, env=env, stdout=log, stderr=subprocess.STDOUT, start_new_session=True)
        try:
            until(lambda: _answers(airflow), START_SECONDS, "Airflow to start")
            airflow.token = airflow.call("GET", "/auth/token")["access_token"]
            yield
        finally:
            _end(process)


def put_pages(home: Path) -> None:
    """Adds our plugin to Airflow, where the package was installed before it had an entry point for one."""
    if not entry_points(group="airflow.plugins", name="assay"):
        (home / "plugins").mkdir()
        (home / "plugins" / "pages.py").write_text("from assay.operators.served_pages import AssayPlugin\n")


def put_retraining(home: Path) -> None:
    """Copies `dags/retraining.py` to where Airflow looks, without its schedule, whose run would come first."""
    before, schedule, after = (ROOT / "dags" / "retraining.py").read_text().partition('schedule="@weekly"')
    assert schedule
    (home / "dags").mkdir()
    (home / "dags" / "retraining.py").write_text(f"{before}schedule=None{after}")


def until(condition: Any, seconds: float, what: str) -> Any:
    """Waits for a condition that is true; returns it."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found = condition()
        if found:
            return found
        time.sleep(1)
    raise TimeoutError(f"waited {seconds:.0f} s for {what}")


def _path(dag_id: str, run_id: str) -> str:
    return f"/api/v2/dags/{dag_id}/dagRuns/{quote(run_id)}"


def _opener() -> urllib.request.OpenerDirector:
    return urllib.request.build_opener(urllib.request.ProxyHandler({}))


def _answers(airflow: Airflow) -> bool:
    try:
        return bool(airflow.call("GET", "/api/v2/version"))
    except (urllib.error.URLError, OSError):
        return False


def _in(value: str, values: set[str]) -> str:
    return value if value in values else ""


def _end(process: subprocess.Popen) -> None:
    """Ends the whole group: the parent alone may leave others behind."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(timeout=10)
