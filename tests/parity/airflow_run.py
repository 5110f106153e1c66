"""A plan run by Airflow, which has an environment of its own; without, tests are skipped and say so."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from assay.operators.task_ids import task_id_of
from assay.plan.as_json import to_json
from assay.plan.plan import Plan
from assay.plan.tasks import CUTS, is_checkpointed, reshaped

ROOT = Path(__file__).parents[2]
PYTHON = ROOT / ".venv-airflow" / "bin" / "python"
DAG_FILE = Path(__file__).with_name("airflow_dag.py")
RAN = {"success", "skipped"}
"""What becomes of a task: a gate that closes skips what comes after it."""


@dataclass(frozen=True)
class Airflow:
    """An Airflow with a database of its own.

    Attributes:
        home: its folder.
        env: variables of its processes.
    """

    home: Path
    env: Mapping[str, str]

    def __call__(self, *args: str | Path) -> str:
        """Runs its interpreter; returns what it prints."""
        done = subprocess.run([PYTHON, *args], env=self.env, cwd=ROOT, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{done.stdout[-5000:]}\n{done.stderr[-5000:]}"
        return done.stdout


def airflow_at(home: Path) -> Airflow:
    """An Airflow whose home is an empty folder, and whose stages run in the interpreter of these tests."""
    if not PYTHON.exists():
        _refuse(f"there is no {PYTHON.relative_to(ROOT)}")
    airflow = Airflow(
        home,
        {
            **os.environ,
            "AIRFLOW_HOME": str(home),
            "AIRFLOW__CORE__DAGS_FOLDER": str(home / "dags"),
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
            "AIRFLOW__DATABASE__LOAD_DEFAULT_CONNECTIONS": "False",
            "ASSAY_PYTHON": sys.executable,
            "NO_PROXY": "*",
            "no_proxy": "*",
            "PYTHONPATH": str(ROOT),
        },
    )
    (home / "dags").mkdir()
    shutil.copy(DAG_FILE, home / "dags")  # Airflow runs what is there, and nothing else
    airflow("-m", "airflow", "db", "migrate")
    return airflow


def in_airflow(plan: Plan, data: Path, folder: Path, airflow: Airflow) -> Path:
    """A back end of the parity suite: a task group of the plan, its stages by the launcher of subprocesses."""
    cut = plan if is_checkpointed(plan) else reshaped(plan, CUTS)
    file = folder / "plan.json"
    file.write_text(to_json(cut))
    said = airflow(airflow.home / "dags" / DAG_FILE.name, file, folder, data)
    states = json.loads(said.splitlines()[-1])
    assert set(states) == {*(task_id_of(task.name) for task in cut.tasks), "bless"}
    assert set(states.values()) <= RAN, said[-5000:]
    return folder


def _refuse(reason: str) -> None:
    reason = f"AIRFLOW NOT TESTED: {reason}; run `make airflow`"
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)
