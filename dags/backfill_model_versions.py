"""Evaluate many versions of a model, or one on many days: a mapped group, an evaluation for each.

Trigger it with `runs`, a list of parameters of the analysis: [{"date": "2026-11-01"}, {"date": "2026-11-02"}]. What
one leaves out keeps its default. A version that is not blessed does not stop the others. The analysis is that of
`ASSAY_ANALYSIS`, else the census example.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from airflow.sdk import DAG, Param, task

from assay.operators import model_analysis_task_group

CENSUS = Path(__file__).resolve().parents[1] / "examples" / "census"

with DAG(
    "backfill_model_versions",
    schedule=None,
    max_active_tasks=4,
    params={"runs": Param([{}], type="array", items={"type": "object"}, title="runs", description="One for each.")},
    doc_md=__doc__,
    tags=["assay"],
):
    evaluate = model_analysis_task_group(
        os.environ.get("ASSAY_ANALYSIS", CENSUS / "daily.yaml"),
        root=os.environ.get("ASSAY_ROOT", str(CENSUS / "out" / "checkpoints")),
        group_id="evaluate",
        blessed="",  # do not change which model is released today
        checkpoint="cuts",
    )

    @task
    def runs(params: dict[str, Any] | None = None) -> list[dict[str, str | None]]:
        """The arguments of each evaluation."""
        return [{**dict.fromkeys(evaluate.function_signature.parameters), **run} for run in (params or {})["runs"]]

    evaluate.expand_kwargs(runs())
