"""Folders and gs:// alike: whole or not at all, who comes first, what a fault is called."""

import errno
import io
import os
import random
import subprocess
import sys
import threading
import time
import uuid
from contextlib import suppress

import pytest
from google.cloud.storage import Blob

from assay import storage
from assay.checkpoints.commit import commit, new_attempt
from assay.checkpoints.manifest import Manifest, Step
from assay.errors import ConfigError, MissingFileError, PublishLostError, TransientError
from assay.storage import gcs as storage_gcs
from assay.storage.streams import Ranges
from assay.verdict import Counts


@pytest.fixture(params=["folder", "gs"])
def root(request, tmp_path):
    if request.param == "folder":
        return str(tmp_path)
    return f"{request.getfixturevalue('gcs').root}/{uuid.uuid4().hex}"


@pytest.fixture
def bucket(gcs, monkeypatch):
    """A folder of its own in the emulator, with retries that do not last."""
    monkeypatch.setattr(storage_gcs, "RETRY_SECONDS", 5.0)
    monkeypatch.setattr(storage_gcs, "_FIRST_DELAY_SECONDS", 0.05)
    monkeypatch.setattr(storage_gcs, "_CHUNK_BYTES", 1 << 20)
    return f"{gcs.root}/{uuid.uuid4().hex}"


SMALL, LARGE = 1 << 20, 9 << 20
"""What is uploaded by one POST, and by a session: a POST that opens it and PUTs of the content."""


# Both


def test_what_is_written_is_read_again(root):
    uri = storage.join(root, "a", "b.bin")
    written = storage.write(uri, b"\0\r\n\xff" * 1000)
    assert storage.read(uri) == b"\0\r\n\xff" * 1000
    assert storage.stat(uri) == written
    assert written.size == 4000
    with storage.open_read(uri) as stream:
        stream.seek(2)
        assert stream.read(2) == b"\n\xff"


def test_large_content_comes_back_whole(root, tmp_path):
    content = os.urandom(LARGE)
    uri = storage.join(root, "large.bin")
    storage.write(uri, content)
    assert storage.read(uri) == content
    storage.download(uri, str(tmp_path / "copy"))
    assert (tmp_path / "copy").read_bytes() == content


def test_another_content_is_another_generation(root):
    uri = storage.join(root, "x")
    first, second = storage.write(uri, b"one"), storage.write(uri, b"two")
    assert first.generation != second.generation


def test_nothing_is_told_apart_from_something(root):
    uri = storage.join(root, "none", "x")
    assert storage.stat(uri) is None
    with pytest.raises(MissingFileError, match=uri):
        storage.read(uri)
    storage.delete(uri)
    assert list(storage.list(storage.join(root, "none"))) == []


def test_a_list_has_everything_below_and_nothing_beside(root):
    for name in ("a/1", "a/b/2", "ab/3"):
        storage.write(storage.join(root, name), name.encode())
    assert [uri for uri, _ in storage.list(storage.join(root, "a"))] == [f"{root}/a/1", f"{root}/a/b/2"]
    storage.delete_folder(storage.join(root, "a"))
    assert [uri for uri, _ in storage.list(root)] == [f"{root}/ab/3"]


def test_a_glob_matches_names(root):
    for name in ("d/1.csv", "d/2.csv", "d/3.txt"):
        storage.write(storage.join(root, name), b"x")
    assert sorted(storage.match(f"{root}/d/*.csv")) == [f"{root}/d/1.csv", f"{root}/d/2.csv"]


TREE = ["a.csv", "b.txt", "day=1/a.csv", "day=1/hour=2/b.csv", "day=1/hour=2/deep/c.csv", "days.csv", "day=2/a.csv"]


@pytest.mark.parametrize(
    ("pattern", "names"),
    [
        ("**/*.csv", [name for name in TREE if name != "b.txt"]),
        ("**/a.csv", ["a.csv", "day=1/a.csv", "day=2/a.csv"]),
        ("**/hour=*/**/*.csv", ["day=1/hour=2/b.csv", "day=1/hour=2/deep/c.csv"]),
        ("day=1/**/b.csv", ["day=1/hour=2/b.csv"]),
        ("day=1/**/**/?.csv", ["day=1/a.csv", "day=1/hour=2/b.csv", "day=1/hour=2/deep/c.csv"]),
        ("day=1/**", ["day=1/a.csv", "day=1/hour=2/b.csv", "day=1/hour=2/deep/c.csv"]),
        ("day=[12]/*.csv", ["day=1/a.csv", "day=2/a.csv"]),
        ("**", TREE),
        ("day**.csv", [name for name in TREE if name.startswith("day")]),
        ("day=1/**b.csv", ["day=1/hour=2/b.csv"]),
        ("*/**/none.csv", []),
    ],
)
def test_two_stars_stand_for_any_folders_or_none(root, pattern, names):
    for name in TREE:
        storage.write(storage.join(root, name), b"x")
    assert sorted(storage.match(f"{root}/{pattern}")) == sorted(f"{root}/{name}" for name in names)


def test_only_the_first_publishes(root):
    uri = storage.join(root, "manifest.json")
    storage.publish(uri, b"first")
    with pytest.raises(PublishLostError):
        storage.publish(uri, b"second")
    assert storage.read(uri) == b"first"


def test_a_generation_is_replaced_once(root):
    uri = storage.join(root, "manifest.json")
    first = storage.publish(uri, b"first")
    storage.publish(uri, b"second", replacing=first.generation)
    with pytest.raises(PublishLostError):
        storage.publish(uri, b"third", replacing=first.generation)
    assert storage.read(uri) == b"second"


def test_nothing_is_left_beside_what_is_replaced_or_deleted(root):
    uri = storage.join(root, "verdict.json")
    first = storage.publish(uri, b"first")
    second = storage.publish(uri, b"second", replacing=first.generation)
    with pytest.raises(PublishLostError):
        storage.publish(uri, b"third", replacing=first.generation)
    assert names_in(root) == ["verdict.json"]
    storage.delete(uri, generation=first.generation)
    assert names_in(root) == ["verdict.json"]
    storage.delete(uri, generation=second.generation)
    assert names_in(root) == []


def names_in(root):
    """Of all files, also those that no list has."""
    if storage.is_remote(root):
        return [uri.rsplit("/", 1)[-1] for uri, _ in storage.list(root)]
    return sorted(os.listdir(root))


def test_of_many_at_once_each_generation_is_replaced_once(root):
    uri, barrier = storage.join(root, "race.json"), threading.Barrier(8)
    storage.publish(uri, b"0")

    def add_one():
        barrier.wait()
        while True:
            stat = storage.stat(uri)
            assert stat is not None
            try:
                storage.publish(uri, f"{int(storage.read(uri)) + 1}".encode(), replacing=stat.generation)
                return
            except PublishLostError:
                time.sleep(0.001)

    threads = [threading.Thread(target=add_one) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert storage.read(uri) == b"8"


def test_of_many_at_once_one_publishes(root):
    uri, won = storage.join(root, "race.json"), []
    barrier = threading.Barrier(8)

    def attempt(name):
        barrier.wait()
        try:
            storage.publish(uri, name)
        except PublishLostError:
            return
        won.append(name)

    threads = [threading.Thread(target=attempt, args=(f"{i}".encode(),)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [storage.read(uri)] == won


def test_a_list_is_sorted_by_place(root):
    for name in ("a/z", "a/b/c", "a/b.x", "a/a"):
        storage.write(f"{root}/{name}", b"x")
    assert [uri for uri, _ in storage.list(f"{root}/a")] == [f"{root}/a/{n}" for n in ("a", "b.x", "b/c", "z")]


def test_a_root_is_a_folder_or_a_bucket_and_nothing_else(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert storage.check_root("out/") == f"{tmp_path}/out"
    assert storage.check_root("gs://b/x/") == "gs://b/x"
    for wrong in ("s3://b/x", "hdfs://n/x", "", "gs://", "gs:///x"):
        with pytest.raises(ConfigError, match=r"expected a (local folder or a gs://|bucket)"):
            storage.check_root(wrong)


# Faults of the bucket


@pytest.mark.parametrize("kind", ["503", "429", "500"])
def test_what_passes_is_tried_again(gcs, bucket, kind):
    uri = f"{bucket}/x"
    gcs.fail(kind, 2)
    storage.write(uri, b"x")
    gcs.fail(kind, 1)
    assert storage.read(uri) == b"x"
    assert gcs.pending() == 0


@pytest.mark.parametrize(("size", "method"), [(SMALL, "POST"), (LARGE, "POST"), (LARGE, "PUT")])
@pytest.mark.parametrize("kind", ["cut", "lost"])
def test_a_write_survives_a_connection_that_goes_in_the_middle(gcs, bucket, kind, size, method):
    content = os.urandom(size)
    gcs.fail(kind, 1, method=method, path="upload")
    storage.write(f"{bucket}/x", content)
    assert gcs.pending() == 0
    assert storage.read(f"{bucket}/x") == content


@pytest.mark.parametrize("size", [SMALL, LARGE])
def test_an_upload_that_keeps_being_cut_leaves_nothing_and_the_next_try_heals_it(gcs, bucket, monkeypatch, size):
    monkeypatch.setattr(storage_gcs, "RETRY_SECONDS", 1.0)
    gcs.fail("cut", 1000, method="PUT|POST", path="upload")
    with pytest.raises(TransientError, match=f"{bucket}/x: storage does not answer"):
        storage.publish(f"{bucket}/x", b"x" * size)
    gcs.heal()
    assert storage.stat(f"{bucket}/x") is None
    storage.publish(f"{bucket}/x", b"x" * size)
    assert storage.read(f"{bucket}/x") == b"x" * size


def test_a_slow_answer_is_waited_for(gcs, bucket):
    gcs.fail("slow", 1)
    assert storage.stat(f"{bucket}/x") is None
    assert gcs.pending() == 0


def test_an_answer_that_breaks_off_is_asked_for_again(gcs, bucket, tmp_path):
    content = os.urandom(SMALL)
    storage.write(f"{bucket}/x", content)
    gcs.fail("short", 1, method="GET", path="alt=media")
    assert storage.read(f"{bucket}/x") == content
    gcs.fail("short", 1, method="GET", path="alt=media")
    storage.download(f"{bucket}/x", str(tmp_path / "x"))
    assert (tmp_path / "x").read_bytes() == content
    gcs.fail("short", 1, method="GET", path="alt=media")
    with storage.open_read(f"{bucket}/x") as stream:
        assert stream.read() == content
    assert gcs.pending() == 0


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


def test_a_download_that_is_damaged_on_the_way_leaves_nothing(gcs, bucket, tmp_path):
    storage.write(f"{bucket}/x", b"content" * 100)
    gcs.fail("corrupt", 1000, method="GET", path="alt=media")
    with pytest.raises(TransientError, match="damaged on the way"):
        storage.download(f"{bucket}/x", str(tmp_path / "x"))
    assert not (tmp_path / "x").exists()


def test_an_attempt_whose_answer_is_lost_has_won_and_the_next_one_takes_its_manifest(gcs, bucket):
    first, second = manifest_at(), manifest_at()
    gcs.fail("lost", 1, method="POST", path="upload")
    assert commit(bucket, first) == first
    assert gcs.pending() == 0
    assert commit(bucket, second) == first


def manifest_at():
    """A manifest without shards."""
    return Manifest(
        task="Read",
        kind="read-inputs",
        digest="d" * 64,
        content="c" * 64,
        attempt=new_attempt(),
        created=time.time(),
        seconds=1.0,
        version="0",
        lineage={"Read": Step(digest="d" * 64, counts=Counts(0))},
        shards=(),
    )


@pytest.mark.parametrize("wrong", ["gs://", "gs:///x", "gs://bucket", "s3://b/x"])
def test_a_place_that_is_none_is_a_matter_of_configuration(gcs, wrong):
    with pytest.raises(ConfigError, match="expected"):
        storage.read(wrong)


@pytest.mark.parametrize("call", [storage.read, storage.open_read, lambda uri: storage.write(uri, b"x")])
def test_a_bucket_that_is_not_there_is_named(gcs, call):
    with pytest.raises(MissingFileError, match="gs://nowhere/x: there is no such object or bucket"):
        call("gs://nowhere/x")


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


# Streams


@pytest.mark.parametrize("size", [0, 5, 1 << 20, (3 << 20) + 1])
def test_what_is_written_to_a_stream_is_there_when_it_is_closed(root, size, monkeypatch):
    monkeypatch.setattr(storage_gcs, "_CHUNK_BYTES", 1 << 20)
    content, uri = os.urandom(size), f"{root}/sub/x"
    with storage.open_write(uri) as stream:
        for start in range(0, size, 300_000):
            assert stream.write(content[start : start + 300_000]) == min(300_000, size - start)
        assert stream.tell() == size
    assert storage.read(uri) == content
    storage.rename(uri, f"{root}/y")
    assert storage.stat(uri) is None
    assert storage.read(f"{root}/y") == content


def test_a_stream_reads_as_a_file_does(root):
    content = os.urandom(3 << 20)
    storage.write(f"{root}/x", content)
    same, choose = io.BytesIO(content), random.Random(4)
    with storage.open_read(f"{root}/x") as stream:
        for _ in range(200):
            if choose.random() < 0.5:
                offset, whence = choose.choice([(choose.randrange(len(content) + 9), 0), (-8, 2), (5, 1)])
                assert stream.seek(offset, whence) == same.seek(offset, whence)
            size = choose.choice([0, 1, 7, 1000, 300_000])
            assert stream.read(size) == same.read(size)
            assert stream.tell() == same.tell()
        stream.seek(2 << 20)
        assert stream.read() == content[2 << 20 :]
    with pytest.raises(ValueError, match="closed"):
        stream.read(1)


def test_a_small_read_fetches_little_and_reading_on_fetches_ever_more():
    fetched = []

    def fetch(start, end):
        fetched.append(end - start)
        return bytes(end - start)

    stream = Ranges(1 << 30, fetch)
    assert stream.read(3) == bytes(3)
    assert fetched[0] <= 1 << 20
    while stream.tell() < 200 << 20:
        stream.read(64 << 10)
    assert len(fetched) < 30
    stream.seek(-8, os.SEEK_END)
    stream.read(8)
    assert fetched[-1] == 8


def test_a_stream_whose_block_fails_leaves_nothing_on_the_bucket(gcs, bucket):
    with suppress(RuntimeError), storage.open_write(f"{bucket}/x") as stream:
        stream.write(bytes(LARGE))
        raise RuntimeError
    assert storage.stat(f"{bucket}/x") is None


def write_and_close(stream, content):
    stream.write(content)
    stream.close()


@pytest.mark.parametrize("kind", ["503", "cut"])
@pytest.mark.parametrize("size", [1000, LARGE])
def test_a_stream_that_cannot_be_written_is_a_transient_fault_and_leaves_nothing(gcs, bucket, monkeypatch, kind, size):
    monkeypatch.setattr(storage_gcs, "RETRY_SECONDS", 1.0)
    stream = storage.open_write(f"{bucket}/x")
    gcs.fail(kind, 1000, method="PUT|POST")
    with pytest.raises(TransientError, match=f"{bucket}/x: storage does not answer"):
        write_and_close(stream, bytes(size))
    gcs.heal()
    stream.close()
    assert storage.stat(f"{bucket}/x") is None


def test_a_stream_that_may_not_be_written_is_a_matter_of_configuration(gcs, bucket):
    stream = storage.open_write(f"{bucket}/x")
    gcs.fail("403", 1, method="PUT")
    with pytest.raises(ConfigError, match=r"access denied \(403\)"):
        write_and_close(stream, b"x")


def test_chunks_of_a_stream_whose_answers_are_lost_are_not_there_twice(gcs, bucket):
    content = os.urandom(LARGE)
    gcs.fail("lost", 3, method="PUT")
    with storage.open_write(f"{bucket}/x") as stream:
        stream.write(content)
    assert gcs.pending() == 0
    assert storage.read(f"{bucket}/x") == content


def test_who_starts_to_publish_first_but_ends_second_has_lost(gcs, bucket, monkeypatch):
    begin = Blob._initiate_resumable_upload

    def begin_and_be_overtaken(blob, *args, **settings):
        session = begin(blob, *args, **settings)
        storage.publish(f"{bucket}/x", b"second")
        return session

    monkeypatch.setattr(Blob, "_initiate_resumable_upload", begin_and_be_overtaken)
    with pytest.raises(PublishLostError):
        storage.publish(f"{bucket}/x", bytes(LARGE))
    assert storage.read(f"{bucket}/x") == b"second"


def test_a_fault_in_mid_reading_is_a_transient_fault(gcs, bucket, monkeypatch):
    monkeypatch.setattr(storage_gcs, "RETRY_SECONDS", 1.0)
    storage.write(f"{bucket}/x", bytes(SMALL))
    stream = storage.open_read(f"{bucket}/x")
    gcs.fail("503", 1000)
    with pytest.raises(TransientError, match=rf"{bucket}/x: storage does not answer \(503\)"):
        stream.read()


def test_a_stream_never_mixes_two_contents(gcs, bucket):
    storage.write(f"{bucket}/x", b"a" * LARGE)
    stream = storage.open_read(f"{bucket}/x")
    assert stream.read(10) == b"a" * 10
    storage.write(f"{bucket}/x", b"b" * LARGE)
    with pytest.raises(TransientError, match=f"{bucket}/x: replaced or deleted while it was read"):
        stream.read()


# Faults of the disk


@pytest.fixture
def small_disk(tmp_path):
    """A disk of one megabyte, where this user may mount one."""
    folder = tmp_path / "disk"
    folder.mkdir()
    command = ("mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder))
    if os.getuid() != 0 or subprocess.run(command, capture_output=True, check=False).returncode != 0:
        pytest.skip("mounting a small disk needs root")
    yield folder
    subprocess.run(("umount", str(folder)), check=True)


@pytest.mark.parametrize("call", [storage.write, storage.publish])
def test_a_full_disk_is_a_transient_fault_leaves_what_was_there_and_heals(small_disk, call):
    kept, uri = str(small_disk / "kept"), str(small_disk / "x")
    storage.write(kept, b"before")
    (small_disk / "other").write_bytes(bytes(900_000))
    with pytest.raises(TransientError, match=f"{uri}: No space left on device; make room, then try again"):
        call(uri, bytes(500_000))
    with pytest.raises(TransientError):
        storage.write(kept, bytes(500_000))
    assert sorted(os.listdir(small_disk)) == ["kept", "other"]
    assert storage.read(kept) == b"before"
    (small_disk / "other").unlink()
    call(uri, bytes(500_000))
    assert storage.read(uri) == bytes(500_000)


def test_a_download_to_a_full_disk_is_a_transient_fault_that_names_the_copy(root, small_disk):
    storage.write(f"{root}/x", bytes(2 << 20))
    with pytest.raises(TransientError, match=f"{small_disk}/copy: No space left on device"):
        storage.download(f"{root}/x", str(small_disk / "copy"))
    assert os.listdir(small_disk) == []


def test_a_limit_on_the_size_of_files_is_as_a_full_disk(tmp_path):
    code = (
        "import signal, resource, sys; from assay import storage\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))\n"
        "storage.write(sys.argv[1], b'x' * 5000)"
    )
    uri = tmp_path / "x"
    done = subprocess.run([sys.executable, "-c", code, str(uri)], capture_output=True, text=True, check=False)
    assert "TransientError" in done.stderr
    assert "make room" in done.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("seed", range(5))
def test_a_killed_writer_leaves_one_whole_content(tmp_path, seed):
    code = (
        "import itertools, sys; from assay import storage\n"
        "for i in itertools.count():\n"
        "    storage.write(sys.argv[1], bytes([i % 256]) * 3_000_000)\n"
        "    print(flush=True)\n"
    )
    uri = tmp_path / "x"
    with subprocess.Popen([sys.executable, "-c", code, str(uri)], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        time.sleep(random.Random(seed).uniform(0, 0.05))
        process.kill()
    content = uri.read_bytes()
    assert content == content[:1] * 3_000_000


def test_where_a_disk_has_no_links_the_first_publishes_all_the_same(tmp_path, monkeypatch):
    def no_links(*_):
        raise OSError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "link", no_links)
    uri = str(tmp_path / "x")
    storage.publish(uri, b"first")
    with pytest.raises(PublishLostError):
        storage.publish(uri, b"second")
    assert storage.read(uri) == b"first"


def test_a_file_has_its_time_from_the_precise_clock_for_ticks_of_disks_are_coarse(tmp_path, monkeypatch):
    ticks = iter((10**18, 10**18 + 1))
    monkeypatch.setattr(time, "time_ns", lambda: next(ticks))
    uri = str(tmp_path / "x")
    first, second = storage.write(uri, b"one"), storage.write(uri, b"two")
    assert first.updated == 10**9
    assert first.generation != second.generation
    assert storage.stat(uri) == second


def test_a_folder_that_cannot_be_looked_into_is_not_left_out_of_a_list(tmp_path, monkeypatch):
    storage.write(f"{tmp_path}/open/x", b"x")
    storage.write(f"{tmp_path}/shut/x", b"x")
    looked = os.scandir

    def scandir(folder):
        if str(folder).endswith("shut"):
            raise PermissionError(errno.EACCES, "Permission denied", str(folder))
        return looked(folder)

    monkeypatch.setattr(os, "scandir", scandir)
    with pytest.raises(ConfigError, match="Permission denied"):
        list(storage.list(str(tmp_path)))
