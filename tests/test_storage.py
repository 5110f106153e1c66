"""Folders and gs:// alike: whole or not at all, who comes first, what a fault is called."""

import os
import resource
import subprocess
import sys
import threading
import uuid

import pytest

from assay import storage, storage_gcs
from assay.errors import ConfigError, MissingFileError, PublishLostError, TransientError


@pytest.fixture(params=["folder", "gs"])
def root(request, tmp_path):
    if request.param == "folder":
        return str(tmp_path)
    return f"{request.getfixturevalue('gcs').root}/{uuid.uuid4().hex}"


@pytest.fixture
def bucket(gcs, monkeypatch):
    """A place of its own in the emulator, with retries that do not last."""
    monkeypatch.setattr(storage_gcs, "RETRY_SECONDS", 5.0)
    return f"{gcs.root}/{uuid.uuid4().hex}"


# Both


def test_what_is_written_is_read_again(root):
    place = storage.join(root, "a", "b.bin")
    written = storage.write(place, b"\0\r\n\xff" * 1000)
    assert storage.read(place) == b"\0\r\n\xff" * 1000
    assert storage.stat(place) == written
    assert written.size == 4000
    with storage.open_read(place) as stream:
        stream.seek(2)
        assert stream.read(2) == b"\n\xff"


def test_large_content_comes_back_whole(root, tmp_path):
    content = os.urandom(20 << 20)
    place = storage.join(root, "large.bin")
    storage.write(place, content)
    assert storage.read(place) == content
    storage.download(place, str(tmp_path / "copy"))
    assert (tmp_path / "copy").read_bytes() == content


def test_another_content_is_another_generation(root):
    place = storage.join(root, "x")
    first, second = storage.write(place, b"one"), storage.write(place, b"two")
    assert first.generation != second.generation


def test_nothing_is_told_apart_from_something(root):
    place = storage.join(root, "none", "x")
    assert storage.stat(place) is None
    with pytest.raises(MissingFileError, match=place):
        storage.read(place)
    storage.delete(place)
    assert list(storage.list(storage.join(root, "none"))) == []


def test_a_list_has_everything_below_and_nothing_beside(root):
    for name in ("a/1", "a/b/2", "ab/3"):
        storage.write(storage.join(root, name), name.encode())
    assert [place for place, _ in storage.list(storage.join(root, "a"))] == [f"{root}/a/1", f"{root}/a/b/2"]
    storage.delete_folder(storage.join(root, "a"))
    assert [place for place, _ in storage.list(root)] == [f"{root}/ab/3"]


def test_a_glob_matches_names(root):
    for name in ("d/1.csv", "d/2.csv", "d/3.txt"):
        storage.write(storage.join(root, name), b"x")
    assert sorted(storage.match(f"{root}/d/*.csv")) == [f"{root}/d/1.csv", f"{root}/d/2.csv"]


def test_only_the_first_publishes(root):
    place = storage.join(root, "manifest.json")
    storage.publish(place, b"first")
    with pytest.raises(PublishLostError):
        storage.publish(place, b"second")
    assert storage.read(place) == b"first"


def test_a_generation_is_replaced_once(root):
    place = storage.join(root, "manifest.json")
    first = storage.publish(place, b"first")
    storage.publish(place, b"second", replacing=first.generation)
    with pytest.raises(PublishLostError):
        storage.publish(place, b"third", replacing=first.generation)
    assert storage.read(place) == b"second"


def test_of_many_at_once_one_publishes(root):
    place, won = storage.join(root, "race.json"), []
    barrier = threading.Barrier(8)

    def attempt(name):
        barrier.wait()
        try:
            storage.publish(place, name)
        except PublishLostError:
            return
        won.append(name)

    threads = [threading.Thread(target=attempt, args=(f"{i}".encode(),)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [storage.read(place)] == won


def test_a_root_is_a_folder_or_a_bucket_and_nothing_else(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert storage.check_root("out/") == f"{tmp_path}/out"
    assert storage.check_root("gs://b/x/") == "gs://b/x"
    for wrong in ("s3://b/x", "hdfs://n/x", "", "gs://"):
        with pytest.raises(ConfigError, match=r"expected a (local folder or a gs://|bucket)"):
            storage.check_root(wrong)


# Faults of the bucket


@pytest.mark.parametrize("kind", ["503", "429", "500"])
def test_what_passes_is_tried_again(gcs, bucket, kind):
    place = f"{bucket}/x"
    gcs.fail(kind, 2)
    storage.write(place, b"x")
    gcs.fail(kind, 1)
    assert storage.read(place) == b"x"
    assert gcs.pending() == 0


def test_a_connection_that_is_cut_in_mid_upload_leaves_nothing_half_written(gcs, bucket):
    content = os.urandom(9 << 20)  # more than goes in one request
    gcs.fail("cut", 1, method="PUT|POST", path="upload")
    storage.write(f"{bucket}/x", content)
    assert gcs.pending() == 0
    assert storage.read(f"{bucket}/x") == content


def test_what_does_not_pass_is_a_transient_fault_that_names_the_place(gcs, bucket, monkeypatch):
    monkeypatch.setattr(storage_gcs, "RETRY_SECONDS", 1.0)
    gcs.fail("503", 1000)
    with pytest.raises(TransientError, match=f"{bucket}/x"):
        storage.write(f"{bucket}/x", b"x")


def test_a_create_whose_answer_is_lost_meets_its_own_success(gcs, bucket):
    gcs.fail("lost", 1, method="POST", path="upload")
    with pytest.raises(PublishLostError):
        storage.publish(f"{bucket}/x", b"mine")
    assert storage.read(f"{bucket}/x") == b"mine"  # by which the caller knows


def test_damage_on_the_way_is_not_taken_for_the_content(gcs, bucket):
    storage.write(f"{bucket}/x", b"content" * 100)
    gcs.fail("corrupt", 1000, method="GET", path="alt=media|/download/")
    with pytest.raises(TransientError, match="damaged on the way"):
        storage.read(f"{bucket}/x")


@pytest.mark.parametrize(("status", "message"), [("403", "access denied"), ("401", "refused")])
def test_denied_access_is_a_matter_of_configuration(gcs, bucket, status, message):
    gcs.fail(status, 1000)
    with pytest.raises(ConfigError, match=message):
        storage.read(f"{bucket}/x")


def test_without_credentials_the_error_says_what_to_do(tmp_path):
    code = "from assay import storage; storage.read('gs://b/x')"
    environment = {
        **{key: value for key, value in os.environ.items() if key != "STORAGE_EMULATOR_HOST"},
        "HOME": str(tmp_path),
        "GCE_METADATA_HOST": "127.0.0.1:9",
        "GCE_METADATA_IP": "127.0.0.1:9",
        "GCE_METADATA_TIMEOUT": "1",
        "NO_GCE_CHECK": "true",
    }
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)
    assert "ConfigError: gs://: no Google credentials found; run `gcloud auth" in done.stderr


# Faults of the disk


def test_a_full_disk_is_a_transient_fault_and_leaves_nothing(tmp_path):
    """The limit on the size of files stands for the disk: the system reports both in the middle of a write."""
    code = (
        "import signal, resource, sys; from assay import storage\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))\n"
        "storage.write(sys.argv[1], b'x' * 5000)"
    )
    assert resource.RLIMIT_FSIZE is not None
    place = tmp_path / "x"
    done = subprocess.run([sys.executable, "-c", code, str(place)], capture_output=True, text=True, check=False)
    assert "TransientError" in done.stderr
    assert "make room" in done.stderr
    assert list(tmp_path.iterdir()) == []
