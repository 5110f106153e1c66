"""A worker that lacks the module of a user's own stage says so in one line; one whose image has it does the work."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import uuid
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.docker import Docker
from tests.engines.environments import by_boot, by_docker, worker_image
from tests.engines.flink import Flink
from tests.engines.prism import Prism
from tests.engines.servers import ROOT
from tests.engines.spark import Spark
from tests.engines.workers import WorkerPool
from tests.faults.small_run import Undisturbed, analysis_of
from tests.gcs_emulator import Emulator
from tests.parity.in_bucket import upload

MODULE = "only_here"


def run_with_own_module(
    folder: Path, data: Path | str, options: Sequence[str], output: str = ""
) -> subprocess.CompletedProcess[str]:
    """Runs an analysis whose model is a function of a module in the folder, which the launching process sees."""
    module_in(folder)
    analysis = analysis_of(folder, folder / "out")
    analysis["inputs"]["files"] = [f"{data}/part-*.parquet"]
    analysis["models"][0]["uri"] = f"{MODULE}:score"
    analysis["output"] = output or analysis["output"]
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


def module_in(folder: Path) -> Path:
    file = folder / f"{MODULE}.py"
    file.write_text("def score(columns):\n    return columns['score']\n")
    return file


def check_named(done: subprocess.CompletedProcess[str]) -> None:
    assert done.returncode == 64, done.stderr
    (line,) = done.stderr.strip().splitlines()
    assert f"cannot import '{MODULE}'" in line, line


@pytest.fixture
def uri(gcs: Emulator, undisturbed: Undisturbed) -> str:
    """A folder of the bucket, with data."""
    uri = f"{gcs.root}/{uuid.uuid4().hex}"
    upload(undisturbed.data, f"{uri}/data")
    return uri


def test_prism_with_a_pool(prism_server: Prism, worker_pool: WorkerPool, undisturbed: Undisturbed, tmp_path: Path):
    prism_server.start()
    options = (*prism_server.options, *worker_pool.options)
    check_named(run_with_own_module(tmp_path, undisturbed.data, options))


@pytest.mark.slow
def test_prism_with_containers_needs_an_image_that_has_the_module(
    docker: Docker, gcs: Emulator, uri: str, prism_server: Prism, tmp_path: Path
):
    prism_server.start()
    with_module, without = tmp_path / "with", tmp_path / "without"
    for folder in (with_module, without):
        folder.mkdir()
    with worker_image(docker, gcs, without) as image:
        done = run_with_own_module(tmp_path, f"{uri}/data", (*prism_server.options, *by_docker(image)))
        check_named(done)
    with worker_image(docker, gcs, with_module, modules=[module_in(tmp_path)]) as image:
        options = (*prism_server.options, *by_docker(image))
        done = run_with_own_module(tmp_path, f"{uri}/data", options, output=f"{uri}/out")
        assert done.returncode == 0, done.stderr


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["PROCESS", "EXTERNAL", "DOCKER"])
def test_flink(
    kind: str,
    flink_cluster: Flink,
    worker_pool: WorkerPool,
    gcs: Emulator,
    uri: str,
    tmp_path: Path,
    request: pytest.FixtureRequest,
):
    if kind == "PROCESS":
        check_named(run_with_own_module(tmp_path, f"{uri}/data", (*flink_cluster.options(), *by_boot(gcs))))
    elif kind == "EXTERNAL":
        data = request.getfixturevalue("undisturbed").data
        check_named(run_with_own_module(tmp_path, data, (*flink_cluster.options(), *worker_pool.options)))
    else:
        (tmp_path / "image").mkdir()
        with worker_image(request.getfixturevalue("docker"), gcs, tmp_path / "image") as image:
            check_named(run_with_own_module(tmp_path, f"{uri}/data", (*flink_cluster.options(), *by_docker(image))))


@pytest.mark.slow
def test_spark(spark_cluster: Spark, worker_pool: WorkerPool, undisturbed: Undisturbed, tmp_path: Path):
    options = (*spark_cluster.with_parallelism(2), *worker_pool.options)
    check_named(run_with_own_module(tmp_path, undisturbed.data, options))
