"""Amounts of memory as people write them, and the refusal to hold more."""

import numpy as np
import pytest

from assay.engine import memory
from assay.errors import TransientError


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("4GiB", 4 << 30),
        ("800MB", 800_000_000),
        ("2G", 2_000_000_000),
        ("1.5 Gi", 3 << 29),
        ("1000", 1000),
        ("1KiB", 1024),
    ],
)
def test_an_amount_of_memory_is_read_with_its_unit(text, expected):
    assert memory.bytes_of(text) == expected


@pytest.mark.parametrize("text", ["", "much", "4 GiBs", "-1GB", "0", "0GB", "4i", "1PB", "1e9"])
def test_anything_else_is_refused_with_an_example(text):
    with pytest.raises(ValueError, match="such as 4GiB"):
        memory.bytes_of(text)


def test_a_container_with_a_limit_keeps_a_tenth_of_it_free(tmp_path, monkeypatch):
    monkeypatch.setattr(memory, "_CONTAINER", tmp_path / "memory.max")
    assert memory.of_container() is None
    (tmp_path / "memory.max").write_text("max\n")
    assert memory.of_container() is None
    (tmp_path / "memory.max").write_text("1000\n")
    assert memory.of_container() == 900


def test_what_this_process_holds_grows_with_what_it_makes():
    before = memory.resident()
    held = np.ones(8_000_000)
    assert 60e6 < memory.resident() - before < 70e6
    assert memory.peak() > 0.99 * memory.resident() > 60e6  # Linux counts one of them now and then only
    assert len(held)


def test_a_process_is_checked_only_where_there_is_a_limit():
    memory.check_process()
    with memory.limited(1 << 50):
        memory.check_process()
    with memory.limited(1000), pytest.raises(TransientError, match="--memory"):
        memory.check_process()
    memory.check_process()


def test_what_other_processes_hold_counts():
    memory.check(1 << 50, others=[1 << 40])
    with pytest.raises(TransientError, match="may hold 1,000,000 MB"):
        memory.check(10**12, others=[1 << 40])
