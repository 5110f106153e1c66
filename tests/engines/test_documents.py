"""The blocks of docs/engines.md run as they stand, but for the ports: those of the servers that are started here."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.blocks import ROOT, Block, blocks_of
from tests.engines import prism
from tests.engines.flink import Flink
from tests.engines.servers import HOST
from tests.engines.spark import Spark
from tests.engines.workers import WorkerPool
from tests.faults.small_run import analysis_of, write_data

BLOCKS = [block for block in blocks_of("docs/engines.md") if block.language in ("bash", "python")]
OF_FLINK = [block for block in BLOCKS if block.heading == "Flink"]
QUICK = OF_FLINK[:1]


def test_blocks_of_all_engines_are_run():
    assert {heading: len([b for b in BLOCKS if b.heading == heading]) for heading in {b.heading for b in BLOCKS}} == {
        "Flink": 3,
        "Spark": 1,
        "Prism": 1,
    }


@pytest.mark.parametrize(
    "block", [pytest.param(b, marks=() if b in QUICK else pytest.mark.slow, id=b.where) for b in OF_FLINK]
)
def test_a_block_about_flink_runs(block: Block, flink_cluster: Flink, worker_pool: WorkerPool, tmp_path: Path):
    text = block.text.replace("localhost:8099", flink_cluster.endpoint)
    text = text.replace("localhost:50000", f"{HOST}:{worker_pool.port}")
    assert text != block.text
    check_runs(block, text, tmp_path)


@pytest.mark.slow
def test_the_block_about_spark_runs(spark_cluster: Spark, tmp_path: Path):
    (block,) = (block for block in BLOCKS if block.heading == "Spark")
    text = block.text.replace("localhost:8099", f"{HOST}:{spark_cluster.ports['jobs']}")
    assert text != block.text
    check_runs(block, text, tmp_path)


def test_the_block_about_prism_runs(tmp_path: Path):
    (block,) = (block for block in BLOCKS if block.heading == "Prism")
    (tmp_path / "prism").symlink_to(prism.program())
    check_runs(block, block.text, tmp_path)


def check_runs(block: Block, text: str, folder: Path) -> None:
    """Runs a block, with other ports than it has, in a folder with an analysis and its data."""
    write_data(folder / "data")
    (folder / "analysis.yaml").write_text(yaml.safe_dump(analysis_of(Path("data"), Path("out"))))
    command = [sys.executable, "-c", text] if block.language == "python" else ["bash", "-eu", "-c", text]
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, "PATH": path, "PYTHONPATH": f"{ROOT}{os.pathsep}{folder}"}
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=300
    )
    assert done.returncode == 0, done.stderr
    assert "BLESSED" in done.stdout
    assert "Traceback" not in done.stderr
