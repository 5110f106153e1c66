"""Runs DAG files in this process, as `dag.test()` does, and tells what became of their tasks."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

DAY = datetime(2026, 11, 1, tzinfo=UTC)


def dag_in(file: Path, dag_id: str):
    from airflow.dag_processing.dagbag import DagBag

    bag = DagBag(str(file))
    assert bag.import_errors == {}
    return bag.dags[dag_id]


def run_dag(file: Path, dag_id: str, conf: dict | None = None, logical_date: datetime | None = DAY):
    """The run of a DAG, and task id -> state; of a mapped task a list of states."""
    run = dag_in(file, dag_id).test(run_conf=conf, logical_date=logical_date)
    states: dict = {}
    for ti in sorted(run.get_task_instances(), key=lambda ti: (ti.task_id, ti.map_index)):
        if ti.map_index < 0:
            states[ti.task_id] = ti.state
        else:
            states.setdefault(ti.task_id, []).append(ti.state)
    return run, states


def returned(run, task_id: str, map_index: int = -1):
    """What a task returned."""
    ti = run.get_task_instance(task_id, map_index=map_index)
    return ti.xcom_pull(task_ids=task_id, map_indexes=map_index if map_index >= 0 else None)
