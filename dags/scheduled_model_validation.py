"""Every day: may the model stay in production, judged on the day's data?

The analysis is that of `ASSAY_ANALYSIS`, else the census example; its parameter `date`, if it has one, is the day. One
task evaluates it, unless the file has `checkpoint: cuts`, which pays for much data or a slow model.
Airflow parses only files that contain the word "airflow".
"""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

from assay.operators import model_analysis_dag

CENSUS = Path(__file__).resolve().parents[1] / "examples" / "census"

dag = model_analysis_dag(
    os.environ.get("ASSAY_ANALYSIS", CENSUS / "daily.yaml"),
    dag_id="scheduled_model_validation",
    root=os.environ.get("ASSAY_ROOT", str(CENSUS / "out" / "checkpoints")),
    schedule="@daily",
    start_date=datetime(2026, 11, 1, tzinfo=UTC),
    default_args={"retries": 2},
    tags=["assay"],
)
