"""Shards get their final names: all of them, each once, however often and with whatever files that is tried."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from assay import storage
from assay.errors import TransientError
from assay.storage.framing import framed, unframed
from assay.writers.files import temporary_name
from assay.writers.shards import RecordFile, Shards, _rename


@pytest.fixture
def shards(tmp_path) -> Shards:
    return Shards(f"{tmp_path}/metrics", ".tfrecord", RecordFile)


def bundle(shards: Shards, record: bytes) -> str:
    path = temporary_name(shards.prefix)
    Path(path).write_bytes(framed(record))
    return path


def held(names: list[str]) -> set[bytes]:
    records: list[bytes] = []
    for name in names:
        with open(name, "rb") as file:
            records += unframed(file, name)
    assert len(records) == len(set(records))
    return set(records)


def check_nothing_else(shards: Shards, names: list[str]) -> None:
    assert sorted(map(str, Path(shards.prefix).parent.iterdir())) == sorted(names)


def failing_after(count: int, rename: Callable[[str, str], None]) -> Callable[[str, str], None]:
    left = iter(range(count))

    def renamed(source: str, target: str) -> None:
        if next(left, None) is None:
            raise OSError("Input/output error")
        rename(source, target)

    return renamed


@pytest.mark.parametrize("done", [0, 1, 2, 3])
def test_a_try_that_failed_is_gone_on_with(shards, done, monkeypatch):
    paths = sorted(bundle(shards, record) for record in (b"a", b"b", b"c"))
    with monkeypatch.context() as patched:
        patched.setattr(storage, "rename", failing_after(done, storage.rename))
        if done < 3:
            with pytest.raises(OSError, match="Input/output"):
                _rename(shards, paths)
        else:
            _rename(shards, paths)
    names = _rename(shards, paths)
    assert held(names) == {b"a", b"b", b"c"}
    check_nothing_else(shards, names)


@pytest.mark.parametrize("done", [1, 2])
@pytest.mark.parametrize("again", [0, 1, 2])
def test_where_bundles_were_run_again_since_no_record_is_lost_and_none_doubled(shards, done, again, monkeypatch):
    """The file of one bundle is another one now, which may come before all others, and move their numbers."""
    for _ in range(8):
        paths = sorted(bundle(shards, record) for record in (b"a", b"b", b"c"))
        records = dict(zip(paths, (next(iter(held([path]))) for path in paths), strict=True))
        with monkeypatch.context() as patched:
            patched.setattr(storage, "rename", failing_after(done, storage.rename))
            with pytest.raises(OSError, match="Input/output"):
                _rename(shards, paths)
        lost = paths.pop(again)
        names = _rename(shards, sorted([*paths, bundle(shards, records[lost])]))
        assert held(names) == {b"a", b"b", b"c"}
        assert set(names) == {shards.name(i, 3) for i in range(3)}


def test_files_that_were_published_with_others_are_refused_and_not_mixed_up(shards):
    first, second = sorted(bundle(shards, record) for record in (b"a", b"b"))
    _rename(shards, [first, second])
    with pytest.raises(TransientError, match="the file of a bundle is gone"):
        _rename(shards, sorted([first, bundle(shards, b"b")]))


def test_a_whole_try_with_new_files_replaces_the_old_ones(shards):
    _rename(shards, [bundle(shards, b"old"), bundle(shards, b"older")])
    names = _rename(shards, [bundle(shards, b"new")])
    assert held(names) == {b"new"}
    check_nothing_else(shards, names)


def test_without_files_there_is_an_empty_shard_however_often(shards):
    for _ in range(2):
        names = _rename(shards, [])
        assert held(names) == set()
        check_nothing_else(shards, names)
