"""Plans of the tests of Kubeflow: a day's rows with predictions, or a model that is code, in three shapes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from assay.plan.analysis_file import compile_analysis
from assay.plan.plan import Plan

ROWS = 400
GOOD_DAY, BAD_DAY = "2026-11-01", "2026-11-02"


def write_day(
    folder: Path, day: str, *, is_good: bool = True, seed: int = 1, groups: Sequence[str] = ("a", "b")
) -> None:
    """Writes the rows of a day; on a bad one the predictions are the wrong way round."""
    rng = np.random.default_rng(seed)
    label = (rng.random(ROWS) < 0.4).astype(float)
    score = np.clip(rng.normal(0.4 + 0.3 * label, 0.2), 0, 1)
    uri = folder / day
    uri.mkdir(parents=True, exist_ok=True)
    columns = {"label": label, "score": score if is_good else 1 - score, "group": rng.choice(groups, ROWS)}
    pq.write_table(pa.table(columns), uri / "rows.parquet")


def analysis_of(data: str | Path, output: str | Path, **changes: Any) -> dict[str, Any]:
    """An analysis of a day with one threshold."""
    threshold = {"value_threshold": {"lower_bound": 0.5}}
    return {
        "params": {"date": None},
        "inputs": {"format": "parquet", "files": [f"{data}/${{date}}/*.parquet"]},
        "eval_config": {
            "model_specs": [{"label_key": "label", "prediction_key": "score"}],
            "slicing_specs": [{}, {"feature_keys": ["group"]}],
            "metrics_specs": [
                {
                    "metrics": [
                        {"class_name": "ExampleCount"},
                        {"class_name": "AUC", "threshold": threshold},
                        {"class_name": "ConfusionMatrixPlot"},
                    ]
                }
            ],
        },
        "analysis_table": True,
        "checkpoint": "cuts",
        "output": f"{output}/${{date}}",
        **changes,
    }


def plan_of(data: str | Path, output: str | Path, **changes: Any) -> Plan:
    """The compiled plan, its parameters open."""
    return compile_analysis(analysis_of(data, output, **changes), Path("/"))


def versions_of(data: str | Path, output: str | Path, **changes: Any) -> Plan:
    """The same of a candidate that the parameter `version` names."""
    models = [{"name": "candidate", "type": "callable", "uri": "tests.end_to_end.scores:${version}"}]
    config = analysis_of(data, output)["eval_config"]
    return plan_of(
        data,
        f"{output}/${{version}}",
        **{
            "params": {"date": GOOD_DAY, "version": None},
            "models": models,
            "eval_config": {**config, "model_specs": [{"label_key": "label"}]},
            **changes,
        },
    )
