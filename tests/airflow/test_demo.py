"""The demo: Airflow with the DAGs as they are, on the census example."""

from __future__ import annotations

import json
import os
import shutil
import subprocess

import pytest

from tests.airflow.conftest import ROOT
from tests.latest_results import latest
from tests.ports import free_port

CENSUS = ROOT / "examples" / "census"


@pytest.mark.slow
def test_the_demo_runs_a_day_of_the_census_through_the_scheduler():
    output = CENSUS / "out" / "results" / "2026-11-16"
    shutil.rmtree(output, ignore_errors=True)
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("AIRFLOW", "PYTHONPATH"))}
    done = subprocess.run(
        [ROOT / "dags" / "demo.sh", "once"], env={**clean, "PORT": str(free_port())}, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "scheduled_model_validation: success" in done.stdout
    assert json.loads((latest(output) / "verdict.json").read_text())["status"] == "BLESSED"
