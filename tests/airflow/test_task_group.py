"""Plans as tasks and edges, run from end to end in one process; the stages run in the interpreter that has Beam."""

from __future__ import annotations

import json

import pytest

from tests.airflow.conftest import analysis
from tests.airflow.runs import returned, run_dag

DAG_FILE = """
from pathlib import Path
from airflow.sdk import DAG, Asset
from airflow.providers.standard.operators.empty import EmptyOperator
from assay.operators import model_analysis_task_group

with DAG("validation", schedule=None) as dag:
    validate = model_analysis_task_group({analysis!r}, root={root!r}, {arguments})
    validate() >> EmptyOperator(task_id="push")
"""


@pytest.fixture
def make(dags, data, tmp_path):
    """Writes a DAG file of a group; returns it."""

    def made(arguments="", **changes):
        file = tmp_path / "analysis.json"
        file.write_text(json.dumps(analysis(data, tmp_path, **changes)))
        dag = dags / "validation.py"
        dag.write_text(DAG_FILE.format(analysis=str(file), root=str(tmp_path / "checkpoints"), arguments=arguments))
        return dag

    return made


def test_a_checkpointed_plan_runs_task_by_task_and_what_comes_after_runs_too(make, tmp_path):
    run, states = run_dag(make(), "validation")
    assert set(states.values()) == {"success"}
    assert run.state == "success"
    assert json.loads((tmp_path / "results/2026-11-01/verdict.json").read_text())["status"] == "BLESSED"
    assert returned(run, "model_analysis.Gate")["verdict"] == "BLESSED"
