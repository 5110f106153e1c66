"""The cores that a process may use are those of its affinity and of its container."""

import os

import pytest

from assay.engine.workers import cores


@pytest.fixture
def quota(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(8)))
    file = tmp_path / "cpu.max"
    monkeypatch.setattr(cores, "_QUOTA", file)
    return file


@pytest.mark.parametrize(
    ("text", "expected"), [("max 100000", 8), ("250000 100000", 2), ("50000 100000", 1), ("1600000 100000", 8)]
)
def test_a_container_that_may_use_fewer_cores_has_fewer(quota, text, expected):
    quota.write_text(text)
    assert cores.available_cores() == expected


@pytest.mark.parametrize("text", [None, "", "what"])
def test_without_a_limit_that_can_be_read_the_affinity_counts(quota, text):
    if text is not None:
        quota.write_text(text)
    assert cores.available_cores() == 8
