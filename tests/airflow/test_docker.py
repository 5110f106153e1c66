"""The Docker launcher, with the images as `make images` left them. Without Docker: skipped; a failure where CI=true."""

from __future__ import annotations

import json
import os
import threading
import time

import pytest

from assay.errors import ConfigError, TransientError
from assay.operators.launchers.docker import DockerLauncher
from assay.operators.launchers.launcher import StageCall
from tests.airflow.conftest import GOOD_DAY, analysis
from tests.airflow.runs import returned, run_dag
from tests.latest_results import latest

DAG_FILE = """
from airflow.sdk import DAG
from assay.operators import DockerLauncher, model_analysis_task_group

with DAG("in_docker", schedule=None):
    launcher = DockerLauncher(mounts={mounts!r}, network="none")
    model_analysis_task_group({analysis!r}, root={root!r}, group_id="validate", launcher=launcher)()
"""


def call(*arguments, image="core", name="a.run.Gate.1"):
    return StageCall(arguments=arguments, image=image, name=name)


def of_stage(engine, stage):
    return engine.containers(all=True, filters={"label": f"assay.stage={stage}"})


def test_each_stage_runs_in_a_container_that_is_gone_afterwards(engine, dags, data, tmp_path):
    file = tmp_path / "analysis.json"
    file.write_text(json.dumps(analysis(data, tmp_path)))
    dag = dags / "in_docker.py"
    root = str(tmp_path / "checkpoints")
    dag.write_text(DAG_FILE.format(mounts=[str(data), str(tmp_path)], analysis=str(file), root=root))
    run, states = run_dag(dag, "in_docker")
    assert set(states.values()) == {"success"}
    assert returned(run, "validate.ReadInputs")["rows"] == 400
    assert json.loads((latest(tmp_path / f"results/{GOOD_DAY}") / "verdict.json").read_text())["status"] == "BLESSED"
    assert not [c for c in engine.containers(all=True) if "in_docker" in c["Labels"].get("assay.stage", "")]


def test_exit_code_and_last_line_of_a_container_come_through(engine):
    running = DockerLauncher(network="none").start(call("stage", "gate", "--plan", "/p.json", "--stage", "G"))
    assert "there is no plan at /p.json" in list(running.lines())[-1]
    assert running.wait() == 64


def waiting(tmp_path, name):
    """A container that waits for ever: for somebody to write to a pipe."""
    pipe = tmp_path / "analysis.yaml"
    if not pipe.exists():
        os.mkfifo(pipe)
    return DockerLauncher(network="none", mounts=[str(tmp_path)]).start(call("check", str(pipe), name=name))


def test_stopping_ends_the_container_with_the_signal_that_it_heeds(engine, tmp_path):
    running = waiting(tmp_path, "stopped.Gate.1")
    threading.Timer(3.0, running.stop).start()
    assert list(running.lines())[-1] == "error: interrupted"
    assert running.wait() == 130
    assert of_stage(engine, "stopped.Gate") == []


def test_a_retry_stops_what_an_earlier_try_left_running(engine, tmp_path):
    left = waiting(tmp_path, "left.Gate.1")
    time.sleep(3)
    again = waiting(tmp_path, "left.Gate.2")
    assert left.wait() == 130
    assert len(of_stage(engine, "left.Gate")) == 1
    again.stop()
    again.wait()


def test_an_image_that_the_engine_does_not_have_is_not_tried_again(engine):
    with pytest.raises(ConfigError, match="nobody/has:this: the Docker engine does not have it"):
        DockerLauncher().start(call("--version", image="nobody/has:this"))


def test_an_engine_that_does_not_answer_is_tried_again():
    with pytest.raises(TransientError, match="the Docker engine does not answer"):
        DockerLauncher(base_url="tcp://127.0.0.1:9").start(call("--version"))
