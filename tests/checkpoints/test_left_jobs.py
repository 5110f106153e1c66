"""An attempt ends the jobs that earlier attempts have left, and no others."""

from __future__ import annotations

import time

import pytest

from assay import storage
from assay.checkpoints import left_jobs
from assay.checkpoints.heartbeat import GRACE_SECONDS
from assay.checkpoints.layout import HEARTBEAT_FILE, JOB_FILE, contents_of
from assay.engine.server_jobs import ServerJob

AT = "engine:8099"


@pytest.fixture
def ended(monkeypatch):
    """Ids of the jobs that were ended."""
    ids: list[str] = []

    def end(job: ServerJob) -> bool:
        ids.append(job.id)
        return True

    monkeypatch.setattr(left_jobs, "end", end)
    return ids


def attempt(checkpoint, name, *, at=AT, run="monday", beat=True):
    """The folder of an attempt that has noted its job."""
    folder = str(checkpoint / f"attempt-{name * 16}")
    if beat:
        storage.write(storage.join(folder, HEARTBEAT_FILE), b"now")
    left_jobs.note(folder, ServerJob(at, f"job-{name}"), run)
    return folder


def test_an_earlier_try_of_the_same_run_is_over(tmp_path, ended):
    attempt(tmp_path, "a")
    assert left_jobs.end_left(str(tmp_path), AT, "monday") == 1
    assert left_jobs.end_left(str(tmp_path), AT, "monday") == 0
    assert ended == ["job-a"]


@pytest.mark.parametrize("run", ["tuesday", ""])
def test_the_job_of_another_run_goes_on_for_as_long_as_that_shows_life(tmp_path, ended, run):
    attempt(tmp_path, "a", run=run and "monday")
    assert left_jobs.end_left(str(tmp_path), AT, run) == 0
    assert left_jobs.end_left(str(tmp_path), AT, run, now=time.time() + GRACE_SECONDS + 1) == 1
    assert ended == ["job-a"]


def test_an_attempt_without_a_heartbeat_is_over(tmp_path, ended):
    attempt(tmp_path, "a", beat=False)
    assert left_jobs.end_left(str(tmp_path), AT, "tuesday") == 1


def test_jobs_of_other_servers_and_notes_that_cannot_be_read_are_left_alone(tmp_path, ended):
    attempt(tmp_path, "a", at="another:8099")
    damaged = attempt(tmp_path, "b")
    storage.write(storage.join(damaged, JOB_FILE), b"{")
    assert left_jobs.end_left(str(tmp_path), AT, "monday") == 0
    assert ended == []


def test_the_note_is_a_file_of_the_attempt_that_is_cleared_away_with_it(tmp_path, ended):
    digest = "0" * 64
    attempt(tmp_path / "EvaluateMetricsAndPlots" / digest, "a")
    contents = contents_of(str(tmp_path))
    (files,) = contents.checkpoints.values()
    assert {uri.rpartition("/")[2] for uri in files} == {JOB_FILE, HEARTBEAT_FILE}
    assert not contents.foreign
