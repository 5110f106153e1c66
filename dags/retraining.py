"""Train, compare the candidate with the baseline, and push it if it is blessed; deploy whenever one is.

Training and pushing are commands: `ASSAY_TRAIN` and `ASSAY_PUSH`, else the census example's and a line in the log.
The analysis is that of `ASSAY_ANALYSIS`, else the census example.
"""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import DAG, Asset

from assay.operators import model_analysis_task_group

CENSUS = Path(__file__).resolve().parents[1] / "examples" / "census"
ROOT = os.environ.get("ASSAY_ROOT", str(CENSUS / "out" / "checkpoints"))
BLESSED = Asset(name="blessed_model", uri="x-assay://blessed/model")

with DAG(
    "retraining",
    schedule="@weekly",
    start_date=datetime(2026, 11, 1, tzinfo=UTC),
    catchup=False,
    max_active_runs=1,
    default_args={"retries": 2},
    doc_md=__doc__,
    tags=["assay"],
):
    train = BashOperator(
        task_id="train",
        bash_command=os.environ.get("ASSAY_TRAIN", f'"${{ASSAY_PYTHON:-python}}" "{CENSUS / "train.py"}"'),
    )
    validate = model_analysis_task_group(
        os.environ.get("ASSAY_ANALYSIS", CENSUS / "daily.yaml"),
        root=ROOT,
        group_id="validate",
        checkpoint="cuts",
        outlets=[BLESSED],
    )
    push = BashOperator(
        task_id="push",
        bash_command=os.environ.get("ASSAY_PUSH", 'echo \'{{ ti.xcom_pull("validate.bless")["model"] | tojson }}\''),
    )
    train >> validate() >> push

with DAG("deployment", schedule=[BLESSED], start_date=datetime(2026, 11, 1, tzinfo=UTC), catchup=False, tags=["assay"]):
    BashOperator(
        task_id="deploy",
        bash_command=(
            "{% for events in triggering_asset_events.values() %}{% for event in events %}"
            'echo \'{{ event.extra["verdict"] }} {{ event.extra["model"] | tojson }}\'\n'
            "{% endfor %}{% endfor %}"
        ),
    )
