"""A task that is killed, or takes too long, leaves no process of its stage."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time

import pytest

from tests.airflow.conftest import ROOT, analysis
from tests.airflow.runs import run_dag
from tests.airflow.standalone import until
from tests.airflow.test_launchers import is_alive

DAG_FILE = """
from datetime import timedelta
from airflow.sdk import DAG
from assay.operators import SubprocessLauncher, model_analysis_task_group

with DAG("killed", schedule=None) as dag:
    launcher = SubprocessLauncher(python={python!r})
    model_analysis_task_group(
        {analysis!r}, root={root!r}, checkpoint="none", launcher=launcher, default_args={settings}
    )()
"""
SLEEPS = """#!/bin/bash
sleep 300 &
echo $$ $! > "{pids}.tmp"
mv "{pids}.tmp" "{pids}"
wait
"""
RUN = "import sys; from tests.airflow.runs import run_dag; run_dag(sys.argv[1], 'killed')"


@pytest.fixture
def make(dags, data, tmp_path):
    """Writes a DAG whose first stage sleeps and has a child that does; returns its file and that of the process ids."""

    def made(settings):
        (tmp_path / "analysis.json").write_text(json.dumps(analysis(data, tmp_path)))
        python, pids = tmp_path / "python", tmp_path / "pids"
        python.write_text(SLEEPS.format(pids=pids))
        python.chmod(0o755)
        file = dags / "killed.py"
        given = {"analysis": str(tmp_path / "analysis.json"), "root": str(tmp_path / "checkpoints")}
        file.write_text(DAG_FILE.format(python=str(python), settings=settings, **given))
        return file, pids

    return made


def started_in(pids):
    return [int(pid) for pid in pids.read_text().split()]


def test_a_task_that_takes_too_long_fails_and_leaves_no_process(make):
    file, pids = make("dict(execution_timeout=timedelta(seconds=3))")
    started = time.monotonic()
    run, states = run_dag(file, "killed")
    assert time.monotonic() - started < 60
    assert run.state == "failed"
    assert states["model_analysis.analyse"] == "failed"
    assert [pid for pid in started_in(pids) if is_alive(pid)] == []


def test_a_task_that_is_killed_leaves_no_process(make):
    file, pids = make("dict()")
    worker = subprocess.Popen(
        [sys.executable, "-c", RUN, file], cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        until(pids.exists, 120, "the stage to start")
        stage = started_in(pids)
        assert all(map(is_alive, stage))
        os.kill(worker.pid, signal.SIGTERM)
        until(lambda: not any(map(is_alive, stage)), 30, "the stage to end")
    finally:
        worker.kill()
        worker.wait()
