"""Whatever ends a run or one of its processes, none is left, and the run says so in one line."""

import os
import signal

import pytest

from assay.cli import main
from assay.engine.workers import pool, runner
from assay.readers import source
from tests.engine.workers.slow_run import FILES, ROWS, SlowRun, analysis_in

pytestmark = pytest.mark.parametrize("forks", [True, pytest.param(False, marks=pytest.mark.slow)])


def test_a_worker_that_is_killed_ends_the_run_as_a_fault_that_a_retry_may_heal(tmp_path, forks):
    run = SlowRun(tmp_path, forks=forks)
    os.kill(run.workers[1].pid, signal.SIGKILL)
    code, said = run.ended()
    assert code == 75
    assert "worker process was killed (SIGKILL)" in said.splitlines()[-1]
    assert "--workers, now 2" in said.splitlines()[-1]
    assert run.left() == []
    assert not list((tmp_path / "out").glob("*/*"))


def test_the_first_process_that_is_killed_takes_the_others_with_it(tmp_path, forks):
    run = SlowRun(tmp_path, forks=forks)
    os.kill(run.first.pid, signal.SIGKILL)
    code, said = run.ended()
    assert (code, run.left()) == (75, [])
    assert "worker process was killed" in said.splitlines()[-1]


def test_an_interrupt_ends_all_processes(tmp_path, forks):
    run = SlowRun(tmp_path, forks=forks)
    os.killpg(run.process.pid, signal.SIGINT)  # as a terminal does
    code, said = run.ended()
    assert (code, run.left()) == (130, [])
    assert said.splitlines()[-1] == "error: interrupted"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_a_launcher_that_is_killed_leaves_no_process(tmp_path, forks, number):
    run = SlowRun(tmp_path, forks=forks)
    run.process.send_signal(number)
    assert run.ended()[0] == -number
    assert run.left() == []


@pytest.fixture
def shared(monkeypatch):
    monkeypatch.setattr(source, "SPLIT_BYTES", 0)
    monkeypatch.setattr(runner, "PAYS_AFTER", 0.0)
    monkeypatch.setattr(runner, "PAYS_AFTER_IMPORTS", 0.0)


def test_what_a_worker_raises_is_told_as_in_one_process(tmp_path, forks, shared, monkeypatch, capsys):
    monkeypatch.setattr(pool, "is_forkable", lambda: forks)
    file, said = str(analysis_in(tmp_path, "unlucky")), []
    for workers in ("1", "2"):
        assert main(["run", "--quiet", "--workers", workers, file]) == 64
        said.append(capsys.readouterr().err)
    assert "three and a half" in said[0]
    assert said[1] == said[0]


def test_progress_counts_the_rows_of_all_workers(tmp_path, forks, shared, monkeypatch, capsys):
    monkeypatch.setattr(pool, "is_forkable", lambda: forks)
    assert main(["run", "--workers", "3", str(analysis_in(tmp_path, "half"))]) == 0
    assert f"{FILES * ROWS:,} rows in " in capsys.readouterr().err
