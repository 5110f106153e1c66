"""What back ends need, and the data that they read."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

from tests.parity.airflow_run import Airflow, airflow_at
from tests.parity.cases import CASE_OF


@pytest.fixture(scope="session")
def airflow(tmp_path_factory: pytest.TempPathFactory) -> Airflow:
    """An Airflow with a database, made once."""
    return airflow_at(tmp_path_factory.mktemp("airflow"))


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Case -> folder of its data."""

    @cache
    def written(case: str) -> Path:
        folder = tmp_path_factory.mktemp("data")
        CASE_OF[case].write(folder)
        return folder

    return written
