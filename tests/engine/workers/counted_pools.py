"""How many worker processes runs start."""

from __future__ import annotations

from typing import Any

import pytest

from assay.engine.workers import pool, runner


def sizes_of_pools(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The numbers of processes of the pools that are started from here on."""
    sizes: list[int] = []

    class Counted(pool.Pool):
        def __init__(self, count: int, *args: Any) -> None:
            sizes.append(count)
            super().__init__(count, *args)

    monkeypatch.setattr(runner, "Pool", Counted)
    return sizes
