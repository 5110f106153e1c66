"""An input that can be cut keeps all subtasks of Flink busy, whatever it is stored as."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest

from assay.plan.analysis_file import compile_analysis
from assay.plan.filled import with_params
from assay.readers import pieces, source
from assay.run import local
from tests.engines.flink import Flink

ROWS, PARTS, PARALLELISM = 8_000, 8, 4


def rows() -> pa.Table:
    rng = np.random.default_rng(3)
    score = rng.random(ROWS)
    return pa.table({"score": score, "label": (rng.random(ROWS) < score).astype(float)})


def one_parquet_file(folder: Path) -> None:
    pq.write_table(rows(), folder / "all.parquet", row_group_size=ROWS // PARTS)


def one_csv_file(folder: Path) -> None:
    pyarrow.csv.write_csv(rows(), folder / "all.csv")


def parquet_files(folder: Path) -> None:
    for part in range(PARTS):
        pq.write_table(rows().slice(part * ROWS // PARTS, ROWS // PARTS), folder / f"{part}.parquet")


def csv_files(folder: Path) -> None:
    for part in range(PARTS):
        pyarrow.csv.write_csv(rows().slice(part * ROWS // PARTS, ROWS // PARTS), folder / f"{part}.csv")


@pytest.mark.slow
@pytest.mark.parametrize("write", [one_parquet_file, one_csv_file, parquet_files, csv_files])
def test_every_subtask_reads_as_many_parts(
    write: Callable[[Path], None], flink_cluster: Flink, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    data = tmp_path / "data"
    data.mkdir()
    write(data)
    files = [*data.iterdir()]
    monkeypatch.setattr(source, "SPLIT_BYTES", 0)
    monkeypatch.setattr(pieces, "PIECE_BYTES", sum(file.stat().st_size for file in files) // PARTS)
    analysis = {
        "inputs": {"format": files[0].suffix[1:], "files": [f"{data}/*"]},
        "eval_config": {
            "model_specs": [{"label_key": "label", "prediction_key": "score"}],
            "metrics_specs": [{"metrics": [{"class_name": "AUC"}]}],
        },
        "output": str(tmp_path / "out"),
    }
    options = flink_cluster.options(parallelism=PARALLELISM)
    result = local.run(with_params(compile_analysis(analysis, tmp_path), {}), options=options)
    assert result.counts.rows == ROWS
    assert parts_read(flink_cluster) == [PARTS // PARALLELISM] * PARALLELISM


def parts_read(flink: Flink) -> list[int]:
    """By each subtask of the last job that reads: it comes behind the step by which Flink spreads elements."""
    job = flink.last_job()
    (spread,) = (vertex for vertex in flink.asked(f"jobs/{job}")["vertices"] if vertex["name"] == "Partition")
    subtasks: list[dict[str, Any]] = flink.asked(f"jobs/{job}/vertices/{spread['id']}")["subtasks"]
    return [int(subtask["metrics"]["read-records"]) for subtask in subtasks]
