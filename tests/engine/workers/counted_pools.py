"""Worker processes where they would not pay, and how many of them runs start."""

from __future__ import annotations

from typing import Any

import pytest

from assay.engine.workers import pool, runner


def let_sharing_pay(monkeypatch: pytest.MonkeyPatch) -> None:
    """Has small inputs shared, too, by forks of a process with whatever else runs in it; not where TensorFlow is."""
    monkeypatch.setattr(runner, "PAYS_AFTER", 0.0)
    monkeypatch.setattr(runner, "PAYS_AFTER_IMPORTS", 0.0)
    monkeypatch.setattr(pool, "_OWN_THREADS", "")
    monkeypatch.setattr(pool, "_UNFORKABLE", {"tensorflow"})


def sizes_of_pools(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The numbers of processes of the pools that are started from here on."""
    sizes: list[int] = []

    class Counted(pool.Pool):
        def __init__(self, count: int, *args: Any) -> None:
            sizes.append(count)
            super().__init__(count, *args)

    monkeypatch.setattr(runner, "Pool", Counted)
    return sizes
