"""Google Cloud Storage that fails while stages run: what passes leaves no trace, what stays is a transient fault."""

from __future__ import annotations

import random
import signal
import time
import uuid
from dataclasses import dataclass

import pytest

from assay import storage
from tests.faults.small_run import TASKS, SmallRun, nothing_half_written_looks_whole, small_run
from tests.gcs_emulator import Emulator

QUICK, ALL = 3, 60


@dataclass(frozen=True)
class Patience:
    """How long the storage of a process is waited for."""

    seconds: float

    def __call__(self) -> None:
        from assay.storage import gcs as storage_gcs

        storage_gcs.RETRY_SECONDS = self.seconds
        storage_gcs._FIRST_DELAY_SECONDS = 0.02


@pytest.fixture
def run(gcs: Emulator, undisturbed, tmp_path) -> SmallRun:
    run = small_run(tmp_path, data=undisturbed.data, root=f"{gcs.root}/{uuid.uuid4().hex}")
    run.environment = {"STORAGE_EMULATOR_HOST": gcs.url}
    return run


CHANGES = "POST|PUT|PATCH"
PASSING = {
    "503": ("503", 3, ".*", ".*"),
    "429": ("429", 3, ".*", ".*"),
    "503 to uploads": ("503", 3, CHANGES, "upload/"),
    "429 to uploads": ("429", 3, CHANGES, "upload/"),
    "connections cut in mid-upload": ("cut", 2, CHANGES, "upload/"),
    "answers to uploads lost": ("lost", 2, CHANGES, "upload/"),
    "the answer to the commit lost": ("lost", 1, CHANGES, "ifGenerationMatch"),
    "the commit refused, then done with its answer lost": ("503", 1, CHANGES, "ifGenerationMatch"),
    "503 to downloads": ("503", 1, "GET", "alt=media"),
}


@pytest.mark.parametrize("fault", PASSING)
def test_faults_that_pass_leave_no_trace_in_any_stage(fault, run, gcs, undisturbed):
    kind, times, method, path = PASSING[fault]
    for name in TASKS:
        gcs.fail(kind, times, method=method, path=path)
        if fault.endswith("its answer lost"):
            gcs.fail("lost", 1, method=method, path=path)
        assert run.run(name, seam=Patience(30)) == 0, run.printed(name)
        gcs.heal()
    nothing_half_written_looks_whole(run, undisturbed)
    undisturbed.assert_same(run)
    for name in TASKS[:-1]:
        assert run.run(name) == 0
        assert run.done[name].reused
        folders = {uri.split("/")[6] for uri, _ in storage.list(f"{run.root}/{name}") if "/attempt-" in uri}
        assert folders == {run.manifest(name).attempt}


@pytest.mark.parametrize("fault", ["503", "429", "cut"])
def test_a_commit_that_never_comes_through_is_transient_and_the_next_try_heals_it(fault, run, gcs, undisturbed):
    for name in TASKS[:-1]:
        gcs.fail(fault, 100_000, method=CHANGES, path="ifGenerationMatch")
        assert run.run(name, seam=Patience(0.3)) == 75, run.printed(name)
        assert run.last_line(name).startswith(f"assay.errors.TransientError: {run.root}/{name}/")
        assert [uri for uri, _ in storage.list(f"{run.root}/{name}") if uri.endswith("manifest.json")] == []
        gcs.heal()
        assert run.run(name) == 0
        assert not run.done[name].reused
    run.go_on()
    undisturbed.assert_same(run)


def test_a_commit_whose_answers_never_come_is_transient_and_the_next_try_makes_or_takes_it(run, gcs, undisturbed):
    for name in TASKS[:-1]:
        gcs.fail("lost", 1, method=CHANGES, path="ifGenerationMatch")
        gcs.fail("503", 100_000)
        assert run.run(name, seam=Patience(0.3)) == 75, run.printed(name)
        gcs.heal()
        assert run.run(name) == 0
    nothing_half_written_looks_whole(run, undisturbed)
    run.go_on()
    undisturbed.assert_same(run)


def test_storage_that_is_gone_is_transient_for_every_stage(run, gcs, undisturbed):
    for name in TASKS:
        gcs.fail("503", 100_000)
        assert run.run(name, seam=Patience(0.3)) == 75
        assert run.last_line(name).startswith("assay.errors.TransientError: gs://")
        gcs.heal()
        assert run.run(name) == 0
    undisturbed.assert_same(run)


@pytest.mark.parametrize("status", ["401", "403"])
def test_access_that_is_denied_is_a_matter_of_configuration_for_every_stage(status, run, gcs):
    for name in TASKS:
        gcs.fail(status, 100_000)
        assert run.run(name, seam=Patience(5)) == 64
        assert run.last_line(name).startswith("assay.errors.ConfigError: gs://")
        gcs.heal()
        assert run.run(name) == 0


@pytest.mark.parametrize(
    "seed", [pytest.param(seed, marks=pytest.mark.slow if seed >= QUICK else ()) for seed in range(ALL)]
)
def test_stages_killed_at_random_moments_and_run_again_give_the_same_bits(seed, run, undisturbed):
    moments, killed, share = random.Random(seed), 0, 1.3
    for name in TASKS:
        process = run.started(name)
        time.sleep(moments.uniform(0.02, share * undisturbed.seconds[name]))
        process.kill()
        process.join()
        in_time = process.exitcode == -signal.SIGKILL
        share = share if in_time else 0.7 * share  # it was quicker than the stage that was timed
        killed += in_time
        nothing_half_written_looks_whole(run, undisturbed)
        assert run.run(name) == 0, run.printed(name)
    assert killed > 0
    nothing_half_written_looks_whole(run, undisturbed)
    undisturbed.assert_same(run)
