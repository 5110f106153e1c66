"""The Docker launcher, with the images as `make images` left them. Without Docker: skipped; a failure where CI=true."""

from __future__ import annotations

import json
import threading
import uuid

import pytest

from assay.errors import ConfigError, TransientError
from assay.operators.launchers.docker import DockerLauncher
from assay.operators.launchers.launcher import StageCall
from tests.airflow.conftest import GOOD_DAY, analysis
from tests.airflow.runs import returned, run_dag
from tests.airflow.waiting_analysis import wait_until_it_waits, write_waiting_analysis
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


@pytest.fixture
def run():
    """Name of a run that no test has had, and left containers of."""
    return f"run-{uuid.uuid4()}"


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
    assert returned(run, "validate.read_inputs")["rows"] == 400
    assert json.loads((latest(tmp_path / f"results/{GOOD_DAY}") / "verdict.json").read_text())["status"] == "BLESSED"
    assert not [c for c in engine.containers(all=True) if "in_docker" in c["Labels"].get("assay.stage", "")]


def test_exit_code_and_last_line_of_a_container_come_through(engine):
    running = DockerLauncher(network="none").start(call("stage", "gate", "--plan", "/p.json", "--stage", "G"))
    assert "there is no plan at /p.json" in list(running.lines())[-1]
    assert running.wait() == 64


@pytest.fixture
def folder(tmp_path):
    """A folder with an analysis that waits for ever."""
    write_waiting_analysis(tmp_path / "waiting")
    return tmp_path / "waiting"


def waiting(folder, name, *more):
    """A container whose reader waits for ever, and has begun to."""
    launcher = DockerLauncher(network="none", mounts=[str(folder)], env={"PYTHONPATH": str(folder)})
    running = launcher.start(call("run", f"{folder}/analysis.json", *more, name=name))
    wait_until_it_waits(folder)
    return running


def test_stopping_ends_the_container_with_the_signal_that_it_heeds(engine, folder, run):
    running = waiting(folder, f"{run}.Gate.1")
    threading.Timer(0.5, running.stop).start()
    assert list(running.lines())[-1] == "error: interrupted"
    assert running.wait() == 130
    assert of_stage(engine, f"{run}.Gate") == []


def test_a_retry_stops_what_an_earlier_try_left_running(engine, folder, run):
    left = waiting(folder, f"{run}.Gate.1")
    again = waiting(folder, f"{run}.Gate.2")
    assert left.wait() == 130
    assert len(of_stage(engine, f"{run}.Gate")) == 1
    again.stop()
    assert again.wait() == 130


def test_a_stage_of_the_same_name_of_another_analysis_goes_on(engine, folder, run):
    ours = waiting(folder, f"{run}.Analyse.1")
    others = waiting(folder, f"{run}.Analyse.1", "--quiet")
    assert len(of_stage(engine, f"{run}.Analyse")) == 2
    for running in (ours, others):
        running.stop()
        assert running.wait() == 130
    assert of_stage(engine, f"{run}.Analyse") == []


def test_an_image_that_the_engine_does_not_have_is_not_tried_again(engine):
    with pytest.raises(ConfigError, match="nobody/has:this: the Docker engine does not have it"):
        DockerLauncher().start(call("--version", image="nobody/has:this"))


def test_an_engine_that_does_not_answer_is_tried_again():
    with pytest.raises(TransientError, match="the Docker engine does not answer"):
        DockerLauncher(base_url="tcp://127.0.0.1:9").start(call("--version"))
