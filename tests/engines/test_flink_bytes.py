"""What crosses Flink's network are states of slices, not rows."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from assay.plan.analysis_file import compile_analysis
from assay.plan.filled import with_params
from assay.run import local
from tests.engines.flink import Flink

PARTS = 4
GROUPS = 5


def bytes_sent(flink: Flink) -> int:
    """By all tasks of the job that began last, to other tasks."""
    vertices = flink.asked(f"jobs/{flink.last_job()}")["vertices"]
    return sum(int(vertex["metrics"]["write-bytes"]) for vertex in vertices)


def bytes_of(rows: int, flink: Flink, folder: Path) -> int:
    """That a run over so many rows sends."""
    folder.mkdir()
    for part in range(PARTS):
        rng = np.random.default_rng(part)
        count = rows // PARTS
        score = rng.random(count, np.float32)
        columns = {"score": score, "label": rng.random(count) < score, "group": rng.integers(0, GROUPS, count)}
        pq.write_table(pa.table(columns), folder / f"part-{part}.parquet")
    analysis = {
        "inputs": {"format": "parquet", "files": [f"{folder}/part-*.parquet"]},
        "eval_config": {
            "model_specs": [{"label_key": "label", "prediction_key": "score"}],
            "slicing_specs": [{}, {"feature_keys": ["group"]}],
            "metrics_specs": [{"metrics": [{"class_name": "AUC"}, {"class_name": "CalibrationPlot"}]}],
        },
        "output": str(folder / "out"),
    }
    result = local.run(with_params(compile_analysis(analysis, folder), {}), options=flink.options(parallelism=2))
    assert result.counts.rows == rows
    return bytes_sent(flink)


@pytest.mark.slow
def test_ten_times_the_rows_send_hardly_more_bytes(flink_cluster: Flink, tmp_path: Path):
    few, many = (bytes_of(rows, flink_cluster, tmp_path / str(rows)) for rows in (1_000_000, 10_000_000))
    assert few > 10_000
    assert many < 1.3 * few  # 1.2 times: more rows bring scores closer to 0 and 1, into cells that did not occur before
