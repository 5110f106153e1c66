"""A worker that lacks the module of a user's own stage says so in one line."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.engines.prism import Prism
from tests.engines.servers import ROOT
from tests.engines.spark import Spark
from tests.engines.workers import WorkerPool
from tests.faults.small_run import Undisturbed, analysis_of


def run_with_own_module(folder: Path, data: Path, options: Sequence[str]) -> subprocess.CompletedProcess[str]:
    """Runs an analysis whose model is a function of a module that only the launching process has."""
    (folder / "only_here.py").write_text("def score(columns):\n    return columns['score']\n")
    analysis = analysis_of(data, folder / "out")
    analysis["models"][0]["uri"] = "only_here:score"
    (folder / "analysis.json").write_text(json.dumps(analysis))
    return subprocess.run(
        [sys.executable, "-m", "assay", "run", "analysis.json", "--quiet", "--", *options],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": os.pathsep.join((str(ROOT), str(folder)))},
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
    )


def check_named(done: subprocess.CompletedProcess[str]) -> None:
    assert done.returncode == 64, done.stderr
    (line,) = done.stderr.strip().splitlines()
    assert "'only_here'" in line, line


def test_prism(prism_server: Prism, worker_pool: WorkerPool, undisturbed: Undisturbed, tmp_path):
    prism_server.start()
    options = (*prism_server.options, *worker_pool.options)
    check_named(run_with_own_module(tmp_path, undisturbed.data, options))


@pytest.mark.slow
def test_spark(spark_cluster: Spark, worker_pool: WorkerPool, undisturbed: Undisturbed, tmp_path):
    options = (*spark_cluster.with_parallelism(2), *worker_pool.options)
    check_named(run_with_own_module(tmp_path, undisturbed.data, options))
