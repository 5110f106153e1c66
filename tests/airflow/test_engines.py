"""Stages of Airflow tasks on an engine, as the analysis file says: in processes and in containers beside the engine."""

from __future__ import annotations

import json

import pytest

from tests.airflow.conftest import GOOD_DAY, analysis
from tests.airflow.runs import run_dag
from tests.engines import flink, prism
from tests.latest_results import latest

DAG_FILE = """
from airflow.sdk import DAG
from assay.operators import DockerLauncher, SubprocessLauncher, model_analysis_task_group

with DAG("on_engine", schedule=None):
    model_analysis_task_group({analysis!r}, root={root!r}, group_id="validate", launcher={launcher})()
"""

STAGES_WITH_BEAM = 5
"""All but the gate."""


@pytest.fixture(scope="module")
def prism_server(tmp_path_factory):
    with prism.running(tmp_path_factory.mktemp("prism")) as server:
        yield server


@pytest.fixture
def run_on(dags, data, tmp_path):
    """Runs the plan on a server, all stages by a launcher."""

    def run(options, launcher, **changes):
        file = tmp_path / "analysis.json"
        file.write_text(json.dumps(analysis(data, tmp_path, options=options, **changes)))
        dag = dags / "on_engine.py"
        dag.write_text(DAG_FILE.format(analysis=str(file), root=str(tmp_path / "checkpoints"), launcher=launcher))
        _, states = run_dag(dag, "on_engine")
        assert set(states.values()) == {"success"}
        verdict = json.loads((latest(tmp_path / f"results/{GOOD_DAY}") / "verdict.json").read_text())
        assert verdict["status"] == "BLESSED"

    return run


@pytest.mark.parametrize(
    ("checkpoint", "jobs"), [("none", 1), pytest.param("cuts", STAGES_WITH_BEAM, marks=pytest.mark.slow)]
)
def test_each_stage_in_a_process_is_a_job_on_prism(prism_server, run_on, checkpoint, jobs):
    before = prism_server.jobs_done()
    run_on(prism_server.part_of_analysis, "SubprocessLauncher()", checkpoint=checkpoint)
    assert prism_server.jobs_done() - before == jobs


def test_a_plan_in_a_container_is_a_job_on_prism(engine, prism_server, run_on, data, tmp_path):
    before = prism_server.jobs_done()
    launcher = f"DockerLauncher(mounts={[str(data), str(tmp_path)]!r}, network='host')"
    run_on(prism_server.part_of_analysis, launcher, checkpoint="none")
    assert prism_server.jobs_done() - before == 1


@pytest.mark.slow
def test_each_stage_in_a_process_is_a_job_on_flink(run_on, tmp_path_factory):
    with flink.running(tmp_path_factory.mktemp("flink")) as cluster:
        run_on(cluster.part_of_analysis(parallelism=2), "SubprocessLauncher()")
        assert cluster.jobs_done() == STAGES_WITH_BEAM
