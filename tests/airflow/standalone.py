"""A real Airflow on a loopback port: scheduler, triggerer, DAG processor, API server; and its REST API."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

START_SECONDS, RUN_SECONDS = 180, 300
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
        with _opener().open(request, timeout=30) as answer:
            return json.loads(answer.read() or "null")

    def trigger(self, dag_id: str, **conf: str) -> str:
        """Starts a run without a logical date; returns its id."""
        body = {"logical_date": None, "conf": conf}
        return str(self.call("POST", f"/api/v2/dags/{dag_id}/dagRuns", body)["dag_run_id"])

    def finished(self, dag_id: str, run_id: str) -> tuple[str, dict[str, Any]]:
        """Waits for a run; returns its state, and task id -> task instance."""
        path = f"/api/v2/dags/{dag_id}/dagRuns/{run_id}"
        state = until(lambda: _in(self.call("GET", path)["state"], DONE), RUN_SECONDS, f"the end of {dag_id}")
        found = self.call("GET", f"{path}/taskInstances")["task_instances"]
        return state, {ti["task_id"]: ti for ti in found}

    def logged(self, dag_id: str, run_id: str, task_id: str, attempt: int = 1) -> str:
        """The log of a task."""
        path = f"/api/v2/dags/{dag_id}/dagRuns/{run_id}/taskInstances/{task_id}/logs/{attempt}"
        return json.dumps(self.call("GET", path))


@contextlib.contextmanager
def started(home: Path, settings: dict[str, str]) -> Iterator[Airflow]:
    """Starts Airflow with its DAGs in `home / "dags"`, and ends all of it behind the block."""
    port = _free_port()
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
        "AIRFLOW__CORE__PARALLELISM": "3",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS": "True",
        "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": "False",
        "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"{airflow.url}/execution/",
        "AIRFLOW__API__PORT": str(port),
        "AIRFLOW__API__WORKERS": "1",
        "AIRFLOW__API__BASE_URL": airflow.url,
        "AIRFLOW__LOGGING__LOGGING_LEVEL": "INFO",
    }
    with open(airflow.log, "wb") as log:
        command = [sys.executable, "-m", "airflow", "standalone"]
        process = subprocess.Popen(command, env=env, stdout=log, stderr=subprocess.STDOUT, start_new_session=True)
        try:
            until(lambda: _answers(airflow), START_SECONDS, "Airflow to start")
            with contextlib.closing(sqlite3.connect(home / "airflow.db", timeout=60)) as database:
                database.execute("PRAGMA journal_mode=WAL")
            airflow.token = airflow.call("GET", "/auth/token")["access_token"]
            yield airflow
        finally:
            _end(process)


def until(condition: Any, seconds: float, what: str) -> Any:
    """Waits for a condition that is true; returns it."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found = condition()
        if found:
            return found
        time.sleep(1)
    raise TimeoutError(f"waited {seconds:.0f} s for {what}")


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


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])
