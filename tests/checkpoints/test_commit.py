"""Which of several attempts becomes the checkpoint, and when one is taken for whole."""

import dataclasses
import json
import os
import time

import pytest

from assay import storage
from assay.checkpoints import heartbeat
from assay.checkpoints.commit import commit, fault_of, find, load, mark_damaged, new_attempt
from assay.checkpoints.heartbeat import alive
from assay.checkpoints.layout import HEARTBEAT_FILE, manifest_uri
from assay.checkpoints.manifest import Manifest, Shard, Step
from assay.checkpoints.transforms import Folder
from assay.errors import PublishLostError, TransientError
from assay.verdict import Counts

DIGEST = "a" * 64


def attempt_at(root, content=b"rows"):
    """A manifest with one shard that is there."""
    attempt = new_attempt()
    shard = Folder(root, "Read", f"{DIGEST}/{attempt}").store(".arrow", content, rows=4)
    return Manifest(
        task="Read",
        kind="read-inputs",
        digest=DIGEST,
        content=DIGEST,
        attempt=attempt,
        created=time.time(),
        seconds=1.0,
        version="0",
        lineage={"Read": Step(digest=DIGEST, counts=Counts(4))},
        shards=(shard,),
    )


@pytest.fixture
def root(tmp_path):
    return str(tmp_path)


def shard_file(root, manifest):
    return os.path.join(root, "Read", manifest.shards[0].name)


def test_nothing_is_a_checkpoint_before_its_manifest_is_there(root):
    attempt_at(root)
    assert find(root, "Read", DIGEST) is None


def test_a_committed_checkpoint_is_found_as_it_was(root):
    manifest = attempt_at(root)
    assert commit(root, manifest) == manifest
    assert find(root, "Read", DIGEST) == manifest


def test_who_comes_second_takes_what_the_first_one_made(root):
    first, second = attempt_at(root), attempt_at(root)
    commit(root, first)
    assert commit(root, second) == first
    assert load(manifest_uri(root, "Read", DIGEST)) == first


def test_a_retry_that_meets_its_own_success_has_won(root, monkeypatch):
    manifest = attempt_at(root)
    publish = storage.publish

    def answer_lost(uri, content, **settings):
        publish(uri, content, **settings)
        raise PublishLostError(uri)  # as when the store did it, and its answer did not come through

    monkeypatch.setattr(storage, "publish", answer_lost)
    assert commit(root, manifest) == manifest


@pytest.mark.parametrize("harm", ["missing", "cut off", "touched"])
def test_a_checkpoint_with_a_harmed_shard_is_not_found_and_is_replaced(root, harm):
    bad, good = attempt_at(root), attempt_at(root)
    commit(root, bad)
    file = shard_file(root, bad)
    if harm == "missing":
        os.remove(file)
    elif harm == "cut off":
        os.truncate(file, 2)
    else:
        os.utime(file, ns=(1, 1))
    assert find(root, "Read", DIGEST) is None
    assert commit(root, good) == good
    assert find(root, "Read", DIGEST) == good


def test_what_a_reader_marks_as_damaged_is_not_found_though_sizes_agree_and_its_successor_is(root):
    bad = attempt_at(root)
    commit(root, bad)
    error = mark_damaged(root, "Read", bad.shards[0], "has a wrong checksum")
    assert isinstance(error, TransientError)
    assert "run Read again" in str(error)
    assert "marked as damaged" in str(fault_of(root, bad))
    good = attempt_at(root)
    assert commit(root, good) == good
    assert find(root, "Read", DIGEST) == good


def test_a_manifest_that_is_no_manifest_is_replaced(root):
    uri = manifest_uri(root, "Read", DIGEST)
    storage.write(uri, b'{"format": 1, "task":')
    assert find(root, "Read", DIGEST) is None
    good = attempt_at(root)
    assert commit(root, good) == good


def test_others_that_keep_replacing_it_make_it_a_transient_fault(root, monkeypatch):
    manifest, other = attempt_at(root), attempt_at(root)
    commit(root, other)
    os.remove(shard_file(root, other))

    def lost(uri, content, **settings):
        raise PublishLostError(uri)

    monkeypatch.setattr(storage, "publish", lost)
    with pytest.raises(TransientError, match="replaced by others"):
        commit(root, manifest)


def test_an_attempt_beats_while_it_works_and_stops_when_it_ends(root, monkeypatch):
    monkeypatch.setattr(heartbeat, "HEARTBEAT_SECONDS", 0.02)
    folder = storage.join(root, "Read", DIGEST, "attempt-1")
    beat = storage.join(folder, HEARTBEAT_FILE)
    with alive(folder):
        first = storage.stat(beat)
        deadline = time.time() + 120
        while storage.stat(beat) == first and time.time() < deadline:
            time.sleep(0.01)
        assert storage.stat(beat) != first
    assert storage.stat(beat) is None


def test_a_shard_knows_its_size_and_checksum(root):
    shard = attempt_at(root, b"some rows").shards[0]
    assert isinstance(shard, Shard)
    assert shard.size == 9
    assert json.loads(json.dumps(dataclasses.asdict(shard)))["crc32c"] == shard.crc32c != 0
