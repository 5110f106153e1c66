"""Tasks that may run side by side come to their end where an engine runs one job at a time."""

import threading

import pytest

from assay.errors import BusyError
from assay.plan.filled import with_params
from assay.run import local
from assay.run.stage import run_stage
from tests.parity.cases import CASE_OF

CASE = CASE_OF["stages of one's own"]
BUSY = BusyError("the job server for Spark runs one job at a time, and was busy with another")


@pytest.fixture
def run(tmp_path):
    def ran():
        (tmp_path / "data").mkdir()
        CASE.write(tmp_path / "data")
        plan = with_params(CASE.plan(), {"data": str(tmp_path / "data"), "out": str(tmp_path)})
        return local.run(plan, checkpoints=str(tmp_path / "checkpoints"))

    return ran


def test_a_task_that_finds_the_engine_busy_is_started_again_when_another_is_done(run, monkeypatch):
    engine, refused = threading.Lock(), []
    has_refused = threading.Event()

    def one_at_a_time(plan, plan_uri, task, checkpoints, options):
        if not engine.acquire(blocking=False):
            refused.append(task.name)
            has_refused.set()
            raise BUSY
        try:
            has_refused.wait(60)  # so that the tasks do meet
            return run_stage(plan, task.name, checkpoints=checkpoints, options=options)
        finally:
            engine.release()

    monkeypatch.setattr(local, "_in_process", one_at_a_time)
    result = run()
    assert refused
    assert set(refused) < {stage.task for stage in result.stages}
    assert result.verdict.status == CASE.status


def test_an_engine_that_is_busy_with_a_job_of_somebody_else_is_told(run, monkeypatch):
    def busy(*_, **__):
        raise BUSY

    monkeypatch.setattr(local, "_in_process", busy)
    with pytest.raises(BusyError, match="one job at a time"):
        run()
