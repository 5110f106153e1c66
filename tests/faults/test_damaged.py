"""Checkpoints that were cut off, changed or taken away: found, named, and made again by the next try."""

from __future__ import annotations

import os
import random
from pathlib import Path

import pytest

from assay import storage
from assay.checkpoints.commit import shard_uri
from assay.checkpoints.manifest import from_json
from assay.errors import CheckpointError
from tests.faults.small_run import COMMITTED, SmallRun

READERS = {
    "ReadInputs": "ExtractPredictions",
    "ExtractPredictions": "ExtractSliceKeys",
    "ExtractSliceKeys": "EvaluateMetricsAndPlots",
    "EvaluateMetricsAndPlots": "Gate",
    "EvaluateExtracts": "WriteResults",
    "Gate": "WriteResults",
}
"""Task -> one that reads its checkpoint."""


def uris(run: SmallRun, name: str) -> list[str]:
    return [shard_uri(run.root, name, shard) for shard in run.manifest(name).shards]


def flipped(content: bytes, bit: int) -> bytes:
    changed = bytearray(content)
    changed[bit // 8] ^= 1 << bit % 8
    return bytes(changed)


def truncate(uri: str) -> None:
    content = storage.read(uri)
    storage.write(uri, content[: len(content) * 2 // 3])


def flip(uri: str) -> None:
    content = storage.read(uri)
    storage.write(uri, flipped(content, 4 * len(content)))


def flip_unseen(uri: str) -> None:
    """As a disk does: neither size nor time tell."""
    before = os.stat(uri)
    flip(uri)
    os.utime(uri, ns=(before.st_atime_ns, before.st_mtime_ns))


def empty(uri: str) -> None:
    storage.write(uri, b"")


HARMS = (truncate, flip, empty, storage.delete)
QUICK = (flip, storage.delete)
HARMED = [pytest.param(harm, marks=() if harm in QUICK else pytest.mark.slow, id=harm.__name__) for harm in HARMS]
TASKS_HARMED = [
    pytest.param(name, marks=() if name in ("ReadInputs", "EvaluateMetricsAndPlots") else pytest.mark.slow)
    for name in COMMITTED
]


def heals(run: SmallRun, name: str) -> None:
    """The stage that reads is refused until the damaged one was run again; then all goes on."""
    reader = READERS[name]
    for suffix in ("", "-again"):
        assert run.run(reader, suffix) == 75
        assert run.last_line(reader, suffix).startswith("assay.errors.TransientError: ")
        assert f"run {name} again" in run.last_line(reader, suffix)
    assert not Path(run.plan.output, "verdict.json").exists()
    assert run.run(name) == 0, run.printed(name)
    assert not run.done[name].reused
    run.go_on()
    assert run.run(name) == 0
    assert run.done[name].reused


@pytest.mark.parametrize("harm", HARMED)
@pytest.mark.parametrize("name", TASKS_HARMED)
def test_a_harmed_shard_is_named_by_who_reads_it_and_made_again(name, harm, run, undisturbed):
    run.go_on(before=READERS[name])
    harm(uris(run, name)[0])
    heals(run, name)
    undisturbed.assert_same(run)


@pytest.mark.parametrize("name", COMMITTED)
def test_a_bit_that_flips_on_the_disk_is_found_by_its_checksum(name, run_in_folder, undisturbed):
    run_in_folder.go_on(before="WriteResults")
    run_in_folder.done = {n: result for n, result in run_in_folder.done.items() if n != READERS[name]}
    if READERS[name] != "WriteResults":  # or it would be found, and nothing be read
        storage.delete_folder(storage.join(run_in_folder.root, READERS[name]))
    flip_unseen(uris(run_in_folder, name)[0])
    heals(run_in_folder, name)
    undisturbed.assert_same(run_in_folder)


@pytest.mark.parametrize("name", TASKS_HARMED)
def test_a_manifest_without_its_shards_is_named_by_who_reads_it_and_made_again(name, run, undisturbed):
    run.go_on(before=READERS[name])
    for uri in uris(run, name):
        storage.delete(uri)
    heals(run, name)
    undisturbed.assert_same(run)


@pytest.mark.parametrize("harm", HARMED)
def test_a_stage_whose_own_shard_is_harmed_makes_it_again_at_once(harm, run, undisturbed):
    run.go_on()
    for name in COMMITTED:
        harm(uris(run, name)[0])
    reused = []
    for name in COMMITTED:
        assert run.run(name) == 0, run.printed(name)
        reused.append(run.done[name].reused)
    assert reused == [False] * len(COMMITTED)
    assert run.run("WriteResults") == 0
    undisturbed.assert_same(run)


# Manifests ------------------------------------------------------------------------------------------------------------


def is_manifest(content: bytes, uri: str) -> bool:
    try:
        from_json(content, uri)
    except CheckpointError:
        return False
    return True


@pytest.mark.parametrize("seed", [pytest.param(seed, marks=pytest.mark.slow if seed else ()) for seed in range(20)])
@pytest.mark.parametrize("name", COMMITTED)
def test_a_manifest_with_a_flipped_bit_is_named_by_who_reads_it_and_made_again(name, seed, run_in_folder, undisturbed):
    run = run_in_folder
    run.go_on(before=READERS[name])
    uri = run.done[name].manifest
    content, bits = storage.read(uri), random.Random(seed)
    while is_manifest(changed := flipped(content, bits.randrange(8 * len(content))), uri):
        pass  # the last digit of a float may not count
    storage.write(uri, changed)
    heals(run, name)
    undisturbed.assert_same(run)


@pytest.mark.parametrize("content", [b"", b"{", b"null", b"\x80\x04N."], ids=["empty", "cut off", "null", "pickle"])
def test_a_manifest_that_is_none_is_named_by_who_reads_it_and_made_again(content, run, undisturbed):
    run.go_on(before="ExtractPredictions")
    storage.write(run.done["ReadInputs"].manifest, content)
    heals(run, "ReadInputs")
    undisturbed.assert_same(run)


def test_no_flipped_bit_of_a_manifest_changes_what_is_read(run_in_folder):
    run_in_folder.go_on(before="WriteResults")
    for name in ("EvaluateMetricsAndPlots", "Gate"):
        uri = run_in_folder.done[name].manifest
        content = storage.read(uri)
        changed = [flipped(content, bit) for bit in range(0, 8 * len(content), 7)]
        unseen = [one for one in changed if is_manifest(one, uri)]
        assert {from_json(one, uri) == from_json(content, uri) for one in unseen} <= {True}
        assert len(unseen) < 20 < len(changed)


def test_a_manifest_that_is_gone_is_named_and_made_again(run, undisturbed):
    run.go_on(before="ExtractPredictions")
    storage.delete(run.done["ReadInputs"].manifest)
    assert run.run("ExtractPredictions") == 64
    assert "run ReadInputs first" in run.last_line("ExtractPredictions")
    assert run.run("ReadInputs") == 0
    run.go_on()
    undisturbed.assert_same(run)
