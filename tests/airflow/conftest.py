"""An Airflow of the tests' own: a home, a database, a folder of DAGs; generated data for them; runs in one process.

Beam and TensorFlow are not installed in this environment, and Arrow is hidden.
"""

from __future__ import annotations

import importlib.abc
import json
import os
import random
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
RUNTIME = ROOT / ".venv" / "bin" / "python"


class RefuseArrow(importlib.abc.MetaPathFinder):
    """Hides Arrow, which the Google provider happens to bring along; other schedulers do not have it."""

    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "pyarrow":
            raise ModuleNotFoundError(f"{name} is not there in a scheduler's environment", name=name)


sys.meta_path.insert(0, RefuseArrow())

HOME = tempfile.TemporaryDirectory(prefix="assay-airflow-")
DAGS = Path(HOME.name, "dags")
SETTINGS = {
    "AIRFLOW_HOME": HOME.name,
    "AIRFLOW__CORE__DAGS_FOLDER": str(DAGS),
    "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
    "AIRFLOW__CORE__UNIT_TEST_MODE": "False",
    "AIRFLOW__DATABASE__LOAD_DEFAULT_CONNECTIONS": "False",
    "AIRFLOW__LOGGING__LOGGING_LEVEL": "WARNING",
    "ASSAY_PYTHON": str(RUNTIME),
    "NO_PROXY": "*",
    "no_proxy": "*",
    # So that the stages are of this very tree, also where the environments were made for another one.
    "PYTHONPATH": str(ROOT),
}
os.environ.update(SETTINGS)  # before Airflow is imported, which reads them once


@pytest.fixture(scope="session")
def database():
    """Airflow's database, made once."""
    DAGS.mkdir(exist_ok=True)
    command = [sys.executable, "-m", "airflow", "db", "migrate"]
    subprocess.run(command, check=True, capture_output=True)


@pytest.fixture
def dags(database):
    """The folder of DAGs, empty before and after."""
    yield DAGS
    for file in DAGS.iterdir():
        if file.is_file():
            file.unlink()


GOOD_DAY, BAD_DAY = "2026-11-01", "2026-11-02"
WRITE_DATA = """
import json, sys
import pyarrow as pa, pyarrow.parquet as pq
pq.write_table(pa.table(json.load(sys.stdin)), sys.argv[1])
"""


def write_parquet(file: Path, columns: dict) -> None:
    """Writes data with the interpreter that has Arrow."""
    file.parent.mkdir(parents=True, exist_ok=True)
    subprocess.run([RUNTIME, "-c", WRITE_DATA, file], input=json.dumps(columns), text=True, check=True)


def columns_of(rows: int = 400) -> dict:
    draw = random.Random(7)
    labels = [int(draw.random() < 0.4) for _ in range(rows)]
    return {
        "label": labels,
        "score": [min(max(draw.gauss(0.35 + 0.3 * label, 0.2), 0.0), 1.0) for label in labels],
        "sex": [draw.choice(["f", "m"]) for _ in labels],
    }


@pytest.fixture(scope="session")
def engine():
    """A client of Docker's engine, which has the images."""
    import docker

    from assay.operators import DockerLauncher

    reason = ""
    try:
        client = docker.APIClient("unix://var/run/docker.sock", version="auto", timeout=20)
        client.inspect_image(DockerLauncher().image_of("core"))
    except docker.errors.DockerException as error:
        reason = f"DOCKER NOT TESTED: {error}; run `make images`"
    if reason and os.environ.get("CI") == "true":
        pytest.fail(reason)
    if reason:
        pytest.skip(reason)
    return client


@pytest.fixture(scope="session")
def data(tmp_path_factory) -> Path:
    """A folder of two days, each with a file of Parquet: on the second the predictions are the wrong way round.

    All tests share it: one that needs other data writes them to a folder of its own.
    """
    folder: Path = tmp_path_factory.mktemp("data")
    good = columns_of()
    write_parquet(folder / GOOD_DAY / "rows.parquet", good)
    write_parquet(folder / BAD_DAY / "rows.parquet", {**good, "score": [1 - score for score in good["score"]]})
    return folder


def analysis(data: Path, folder: Path, *, bound: float = 0.5, **changes) -> dict:
    """An analysis of a day's rows, with one threshold."""
    threshold = {"value_threshold": {"lower_bound": bound}}
    return {
        "params": {"date": None},
        "inputs": {"format": "parquet", "files": [f"{data}/${{date}}/*.parquet"]},
        "eval_config": {
            "model_specs": [{"label_key": "label", "prediction_key": "score"}],
            "slicing_specs": [{}, {"feature_keys": ["sex"]}],
            "metrics_specs": [
                {"metrics": [{"class_name": "ExampleCount"}, {"class_name": "AUC", "threshold": threshold}]}
            ],
        },
        "analysis_table": True,
        "checkpoint": "cuts",
        "output": f"{folder}/results/${{date}}",
        **changes,
    }
