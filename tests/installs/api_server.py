"""The pages that a user of Airflow opens: its API server, and the page behind the link beside a task."""

from __future__ import annotations

import urllib.request
from pathlib import Path

from tests.airflow.standalone import Airflow, running
from tests.installs.shell import Shell
from tests.ports import free_port


def settings(folder: Path) -> dict[str, str]:
    """Variables of an Airflow that the user has, whose DAGs are in their folder."""
    return {
        "AIRFLOW_HOME": str(folder.parent / "airflow"),
        "AIRFLOW__CORE__DAGS_FOLDER": str(folder),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS": "True",
        "NO_PROXY": "*",
        "no_proxy": "*",
    }


def page_behind_the_link(shell: Shell, dag_id: str, task_id: str) -> str:
    """The page to which the link "Results" of a task leads, in the latest run of a DAG."""
    port = free_port()
    airflow = Airflow(f"http://127.0.0.1:{port}", shell.folder.parent / "api-server.log")
    command = ["airflow", "api-server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
    with running(airflow, command, shell.variables):
        run = airflow.runs(dag_id)[-1]["dag_run_id"]
        links = airflow.call("GET", f"/api/v2/dags/{dag_id}/dagRuns/{run}/taskInstances/{task_id}/links")
        return _read(airflow, links["extra_links"]["Results"])


def _read(airflow: Airflow, link: str) -> str:
    request = urllib.request.Request(airflow.url + link, headers={"Authorization": f"Bearer {airflow.token}"})
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(request, timeout=120) as answer:
        page: str = answer.read().decode()
        return page
