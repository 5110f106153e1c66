"""DAGs of the tests of the scheduler; the folder `ASSAY_TESTS` has their analyses. A file for Airflow to read."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.sdk import DAG, Asset

from assay.operators import SubprocessLauncher, model_analysis_dag, model_analysis_task_group

HOME = Path(os.environ["ASSAY_TESTS"])
RETRIED = {"retries": 2, "retry_delay": timedelta(seconds=1)}
NO_CHECKPOINTS = {"checkpoint": "none"}
DATA, FEW, VERSIONS = (Asset(name=name, uri=f"x-tests://{name}") for name in ("data", "few", "versions"))
DAILY = {
    "schedule": "@daily",
    "start_date": datetime(2026, 11, 1, tzinfo=UTC),
    "end_date": datetime(2026, 11, 5, tzinfo=UTC),  # long ago: only a backfill makes runs
}

for dag_id, analysis, settings in (
    ("wrong", "wrong", {"default_args": RETRIED}),
    ("killed", "good", {"default_args": RETRIED, "launcher": SubprocessLauncher(python=str(HOME / "kills-itself"))}),
    ("lost", "good", {"default_args": RETRIED, "launcher": SubprocessLauncher(python=str(HOME / "kills-its-worker"))}),
    ("twice", "twice", {"default_args": RETRIED, "blessed": str(HOME / "twice" / "blessed.json")}),
    ("few", "few", {**NO_CHECKPOINTS, "outlets": [FEW]}),
    ("arrival", "daily", {**NO_CHECKPOINTS, "schedule": [DATA]}),
    ("daily", "daily", {**NO_CHECKPOINTS, **DAILY}),
):
    model_analysis_dag(HOME / f"{analysis}.json", dag_id=dag_id, root=str(HOME / dag_id / "checkpoints"), **settings)

with DAG("versions", schedule=None):
    validate = model_analysis_task_group(
        HOME / "versions.json", root=str(HOME / "versions" / "checkpoints"), group_id="validate", outlets=[VERSIONS]
    )
    validate.partial(date="{{ params.date }}").expand(version=["sharp", "blunt", "wrong_way_round"])

for asset in (FEW, VERSIONS):
    with DAG(f"after_{asset.name}", schedule=[asset]):
        EmptyOperator(task_id="deploy")
