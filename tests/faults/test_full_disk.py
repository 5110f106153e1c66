"""Disks that are full: a transient fault with a clear message, and the next try heals it."""

from __future__ import annotations

import os
import re
import resource
import shutil
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.faults.small_run import COMMITTED, TASKS, SmallRun, nothing_half_written_looks_whole, small_run


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 2 MB."""
    uri = tmp_path / "disk"
    uri.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(uri)]
    if os.geteuid() or shutil.which("mount") is None or subprocess.run(command, capture_output=True).returncode:
        pytest.skip("only root may mount a small disk; the limit on the size of files stands in for it")
    try:
        yield uri
    finally:
        subprocess.run(["umount", str(uri)], check=True)


def fill(disk: Path, *, left: int) -> Path:
    """Fills a disk but for a few pages."""
    filler = disk / "filler"
    with open(filler, "wb") as file:
        free = os.statvfs(disk)
        file.write(bytes(max(0, free.f_bavail - left) * free.f_frsize))
    return filler


@dataclass(frozen=True)
class SmallFiles:
    """Lets no file of the process grow beyond a limit, but for what it prints."""

    limit: int

    def __call__(self) -> None:
        printed = subprocess.Popen(["cat"], stdin=subprocess.PIPE)
        assert printed.stdin is not None
        for stream in (1, 2):
            os.dup2(printed.stdin.fileno(), stream)
        resource.setrlimit(resource.RLIMIT_FSIZE, (self.limit, self.limit))


def is_transient(run: SmallRun, name: str, uri: Path) -> None:
    deadline = time.monotonic() + 120
    while "assay.errors." not in run.printed(name) and time.monotonic() < deadline:  # it may go through a pipe
        time.sleep(0.01)
    line = run.last_line(name)
    assert line.startswith("assay.errors.TransientError: ")
    assert str(uri) in line
    assert re.search("No space left|File too large", line)
    assert len(line) < 600


FULL = [
    pytest.param(name, left, marks=() if left == 0 or name in ("ReadInputs", "WriteResults") else pytest.mark.slow)
    for name in TASKS
    for left in (0, 3)
]
"""Tasks, and pages of the disk that are left to them."""


@pytest.mark.parametrize(("name", "left"), FULL)
def test_a_stage_on_a_full_disk_says_so_and_the_next_try_heals_it(name, left, small_disk, undisturbed, tmp_path):
    run = small_run(
        tmp_path, data=undisturbed.data, root=str(small_disk / "root"), output=str(small_disk / "out" / "results")
    )
    run.go_on(before=name)
    filler = fill(small_disk, left=left)
    code = run.run(name)
    if left == 0 or name not in ("Gate", "WriteResults"):  # what is left may do for a small shard
        assert code == 75, run.printed(name)
        is_transient(run, name, small_disk)
        assert not Path(run.plan.output, "verdict.json").exists()
    nothing_half_written_looks_whole(run, undisturbed)
    filler.unlink()
    run.done.pop(name, None)
    run.go_on()
    undisturbed.assert_same(run)


@pytest.mark.parametrize("name", COMMITTED)
def test_a_stage_that_may_write_no_more_says_so_and_the_next_try_heals_it(name, run_in_folder, undisturbed):
    run_in_folder.go_on(before=name)
    assert run_in_folder.run(name, seam=SmallFiles(512)) == 75, run_in_folder.printed(name)
    is_transient(run_in_folder, name, Path(run_in_folder.root))
    nothing_half_written_looks_whole(run_in_folder, undisturbed)
    run_in_folder.go_on()
    undisturbed.assert_same(run_in_folder)


def test_what_an_attempt_on_a_full_disk_has_written_makes_room_again(small_disk, undisturbed, tmp_path):
    run = small_run(tmp_path, data=undisturbed.data, root=str(small_disk / "root"))
    fill(small_disk, left=8)
    free = os.statvfs(small_disk).f_bavail
    assert run.run("ReadInputs") == 75
    assert os.statvfs(small_disk).f_bavail >= free - 2  # but for empty folders and the lease of the run
