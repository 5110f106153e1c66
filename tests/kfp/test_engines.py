"""Kubeflow pipelines on an engine, as the analysis file says: its workers are the containers of the stages."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from assay.pipelines import model_validation
from tests.engines import flink, prism
from tests.engines.prism import Prism
from tests.kfp.local_runs import Local
from tests.kfp.plans import GOOD_DAY, plan_of
from tests.latest_results import latest

STAGES_WITH_BEAM = 5
"""All but the gate."""


@pytest.fixture(scope="module")
def prism_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prism]:
    with prism.running(tmp_path_factory.mktemp("prism")) as server:
        yield server


def check_runs(here: Local, options: dict[str, str], checkpoint: str) -> None:
    """Runs the pipeline of a plan with options to its verdict."""
    plan = plan_of(here.folder / "data", here.folder / "out", options=options, checkpoint=checkpoint)
    run = here.run(model_validation(plan, retries=0), date=GOOD_DAY)
    assert run.error == ""
    verdict = json.loads((latest(here.folder / "out" / GOOD_DAY) / "verdict.json").read_text())
    assert verdict["status"] == "BLESSED"


@pytest.mark.parametrize(
    ("checkpoint", "jobs"), [("none", 1), pytest.param("cuts", STAGES_WITH_BEAM, marks=pytest.mark.slow)]
)
def test_each_task_is_a_job_on_prism(here: Local, prism_server: Prism, checkpoint: str, jobs: int):
    before = prism_server.jobs_done()
    check_runs(here, prism_server.part_of_analysis, checkpoint)
    assert prism_server.jobs_done() - before == jobs


@pytest.mark.slow
def test_each_task_is_a_job_on_flink(here: Local, tmp_path_factory: pytest.TempPathFactory):
    with flink.running(tmp_path_factory.mktemp("flink")) as cluster:
        check_runs(here, cluster.part_of_analysis(parallelism=2), "cuts")
        assert cluster.jobs_done() == STAGES_WITH_BEAM
