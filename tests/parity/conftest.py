"""What back ends need."""

from __future__ import annotations

import pytest

from tests.parity.airflow_run import Airflow, airflow_at


@pytest.fixture(scope="session")
def airflow(tmp_path_factory: pytest.TempPathFactory) -> Airflow:
    """An Airflow with a database, made once."""
    return airflow_at(tmp_path_factory.mktemp("airflow"))
