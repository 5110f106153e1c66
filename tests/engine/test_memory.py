"""Amounts of memory as people write them, and the refusal to hold more."""

import subprocess
import sys

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


def test_what_other_processes_of_the_run_hold_counts():
    memory.beside(1 << 40)
    try:
        with memory.limited(10**12), pytest.raises(TransientError, match="may hold 1,000,000 MB"):
            memory.check_process()
    finally:
        memory.beside(0)
    with memory.limited(10**12):
        memory.check_process()


@pytest.mark.skipif(sys.platform != "linux", reason="other systems do not tell")
def test_pages_that_a_fork_shares_count_once():
    held = np.ones(20_000_000)
    code = (
        "import os, numpy as np; from assay.engine import memory\n"
        "held = np.ones(20_000_000); read, write = os.pipe(); go, told = os.pipe()\n"
        "if not os.fork():\n"
        "    os.write(write, b'%d' % memory.share()); os.read(go, 1); os._exit(0)\n"
        "of_fork = int(os.read(read, 99)); print(of_fork, memory.share(), memory.resident()); os.write(told, b'.')\n"
    )
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    of_fork, own, resident = map(int, printed.split())
    assert of_fork < 0.7 * resident
    assert own < 0.7 * resident
    assert of_fork + own > held.nbytes


def test_what_is_no_longer_used_goes_back_to_the_system():
    code = (
        "from assay.engine import memory; memory.tune(); import numpy as np\n"
        "held = [np.ones(125_000) for _ in range(100)]; most = memory.resident(); del held[:-1]\n"
        "memory.give_back(); print(most - memory.resident())\n"
    )
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert int(printed) > 90e6
