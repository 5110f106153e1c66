"""Every plan of the parity suite gives the same bits on every engine, whatever its parallelism."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from assay.readers import source
from tests.engines import prism
from tests.engines.flink import Flink
from tests.engines.prism import Prism
from tests.engines.same_bits import RunsHere, parts_of_run, runs_here
from tests.engines.spark import Spark
from tests.engines.workers import WorkerPool
from tests.parity.cases import CASE_OF
from tests.parity.results import differing

PARALLELISM = {"Flink": (1, 2, 4), "Spark": (1, 2, 4), "Prism": (1,)}
"""Prism has one Python worker, whatever it is told."""

QUICK = {
    ("Flink", 2): ("several splits",),
    ("Spark", 2): ("several splits",),
    ("Prism", 1): ("several splits", "two models, intervals", "stages of one's own"),
}
"""What `make engines` runs; the rest is slow."""

CHECKPOINTED = {
    "Flink": ("several splits", "stages of one's own", "checkpoint every stage"),
    "Spark": ("several splits",),
    "Prism": ("several splits", "stages of one's own", "checkpoint every stage"),
}
"""Plans that are run task by task in workers of a pool as well. On Spark not those with tasks side by side: each has
an executor of its own, and two executors mix up the workers of one pool."""

Options = Callable[[str, int], Sequence[str]]


@pytest.fixture(autouse=True)
def every_file_is_a_split(monkeypatch: pytest.MonkeyPatch) -> None:
    """Small files would be one split together, and there would be nothing to do at once."""
    monkeypatch.setattr(source, "SPLIT_BYTES", 0)


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> RunsHere:
    return runs_here(tmp_path_factory)


@pytest.fixture
def options_of(request: pytest.FixtureRequest) -> Options:
    """(engine, parallelism) -> options of Beam pipelines that run there."""

    def options(engine: str, parallelism: int) -> Sequence[str]:
        if engine == "Flink":
            flink: Flink = request.getfixturevalue("flink_cluster")
            return flink.options(parallelism=parallelism)
        if engine == "Spark":
            spark: Spark = request.getfixturevalue("spark_cluster")
            return spark.with_parallelism(parallelism)
        prism: Prism = request.getfixturevalue("prism_server")
        return prism.options

    return options


def matrix() -> Iterator[Any]:
    for engine, numbers in PARALLELISM.items():
        for parallelism in numbers:
            for case in CASE_OF:
                marks = () if case in QUICK.get((engine, parallelism), ()) else pytest.mark.slow
                yield pytest.param(engine, parallelism, case, marks=marks, id=f"{engine}-{parallelism}-{case}")


@pytest.mark.parametrize(("engine", "parallelism", "case"), list(matrix()))
def test_an_engine_gives_the_bits_of_the_run_in_process(
    engine: str, parallelism: int, case: str, here: RunsHere, options_of: Options, tmp_path: Path
):
    expected = here(case)
    found = parts_of_run(case, expected.data, tmp_path, options_of(engine, parallelism))
    assert differing(found, expected.parts) == {}


def checkpointed() -> Iterator[Any]:
    for engine, cases in CHECKPOINTED.items():
        for case in cases:
            marks = () if (engine, case) == ("Prism", "several splits") else pytest.mark.slow
            yield pytest.param(engine, case, marks=marks, id=f"{engine}-{case}")


@pytest.mark.parametrize(("engine", "case"), list(checkpointed()))
def test_task_by_task_in_processes_of_a_worker_pool_the_bits_are_the_same(
    engine: str, case: str, here: RunsHere, options_of: Options, worker_pool: WorkerPool, tmp_path: Path
):
    expected = here(case, checkpointed=True)
    options = (*options_of(engine, 2), *worker_pool.options)
    found = parts_of_run(case, expected.data, tmp_path, options, checkpointed=True)
    assert differing(found, expected.parts) == {}


@pytest.mark.slow
@pytest.mark.parametrize("case", ["stages of one's own", "checkpoint every stage"])
def test_task_by_task_and_side_by_side_on_spark_the_bits_are_the_same(
    case: str, here: RunsHere, options_of: Options, tmp_path: Path
):
    expected = here(case, checkpointed=True)
    found = parts_of_run(case, expected.data, tmp_path, options_of("Spark", 2), checkpointed=True)
    assert differing(found, expected.parts) == {}


@pytest.mark.slow
@pytest.mark.parametrize("engine", ["Flink", "Spark"])
def test_the_runner_that_is_named_for_an_engine_takes_the_endpoint_of_its_job_server(
    engine: str, here: RunsHere, options_of: Options, tmp_path: Path
):
    expected = here("several splits")
    options = [f"--runner={engine}Runner", *options_of(engine, 2)[1:]]
    found = parts_of_run("several splits", expected.data, tmp_path, options)
    assert differing(found, expected.parts) == {}


@pytest.mark.slow
def test_two_task_managers_share_the_work_and_give_the_same_bits(here: RunsHere, flink_cluster: Flink, tmp_path: Path):
    flink_cluster.have_task_managers(2)
    expected = here("several splits")
    found = parts_of_run("several splits", expected.data, tmp_path, flink_cluster.options(parallelism=6))
    assert differing(found, expected.parts) == {}


def test_beam_starts_the_prism_that_prism_location_names(here: RunsHere, tmp_path: Path):
    expected = here("bad rows")
    found = parts_of_run("bad rows", expected.data, tmp_path, prism.started_by_beam())
    assert differing(found, expected.parts) == {}
