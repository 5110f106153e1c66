"""The demo: Airflow with the DAGs as they are, on the census example."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess

import pytest

from tests.airflow.conftest import ROOT

CENSUS = ROOT / "examples" / "census"


@pytest.mark.slow
def test_the_demo_runs_a_day_of_the_census_through_the_scheduler():
    output = CENSUS / "out" / "results" / "2026-11-16"
    shutil.rmtree(output, ignore_errors=True)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("AIRFLOW", "PYTHONPATH"))}
    done = subprocess.run(
        [ROOT / "dags" / "demo.sh", "once"], env={**clean, "PORT": str(port)}, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "scheduled_model_validation: success" in done.stdout
    assert json.loads((output / "verdict.json").read_text())["status"] == "BLESSED"
