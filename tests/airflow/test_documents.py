"""Python blocks of the documents about Airflow: a DAG file that Airflow parses, and what runs behind it."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest

from tests.airflow.conftest import ROOT

BLOCK = re.compile(r"^```(python|yaml)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
FILE_NAME = re.compile(r"# ([\w-]+\.\w+)$", re.MULTILINE)
NAMES = """
from assay.operators import *
from assay.operators import model_analysis_task_group
"""


def blocks_of(document: str, language: str) -> list[tuple[str, str]]:
    """(file name or "", text) of each block."""
    found = [match[2] for match in BLOCK.finditer((ROOT / document).read_text()) if match[1] == language]
    named = [(FILE_NAME.match(text), text) for text in found]
    return [(name[1] if name else "", text) for name, text in named]


@pytest.mark.parametrize("document", ["README.md", "docs/airflow.md"])
def test_a_dag_file_of_a_document_is_parsed_with_the_analysis_that_stands_there(document, dags):
    from airflow.dag_processing.dagbag import DagBag

    analysis = next(text for name, text in blocks_of("README.md", "yaml") if name == "analysis.yaml")
    (dags / "analysis.yaml").write_text(analysis)
    (text,) = [text for name, text in blocks_of(document, "python") if name == "release.py"]
    (dags / "release.py").write_text(text)
    bag = DagBag(str(dags / "release.py"))
    assert bag.import_errors == {}
    tasks = bag.dags["release"].task_ids
    assert {"model_analysis.read_inputs", "model_analysis.gate", "model_analysis.bless", "push"} <= set(tasks)
    assert bag.dags["release"].params["date"] is None


@pytest.mark.parametrize(
    ("document", "analysis", "dag_file", "tasks"),
    [
        (
            "docs/scheduled-validation.md",
            "daily.yaml",
            "validate_daily.py",
            ["wait_for_data", "analyse", "gate", "bless"],
        ),
        ("docs/retraining.md", "release.yaml", "retrain.py", ["read_inputs", "extract_slice_keys", "gate", "bless"]),
    ],
)
def test_a_how_to_makes_the_tasks_that_it_speaks_of(document, analysis, dag_file, tasks, dags):
    from airflow.dag_processing.dagbag import DagBag

    files = dict(blocks_of(document, "yaml") + blocks_of(document, "python"))
    for name in (analysis, dag_file):
        (dags / name).write_text(files[name])
    bag = DagBag(str(dags / dag_file))
    assert bag.import_errors == {}
    made = {task for dag in bag.dags.values() for task in dag.task_ids}
    assert {f"model_analysis.{task}" for task in tasks} <= made


def test_the_how_to_of_a_scheduled_validation_is_told_of_every_failure(dags):
    from airflow.dag_processing.dagbag import DagBag

    document = "docs/scheduled-validation.md"
    files = dict(blocks_of(document, "yaml") + blocks_of(document, "python"))
    for name in ("daily.yaml", "validate_daily.py"):
        (dags / name).write_text(files[name])
    dag = DagBag(str(dags / "validate_daily.py")).dags["validate_daily"]
    assert [task.task_id for task in dag.tasks if not task.on_failure_callback] == []


def test_the_other_blocks_of_the_document_run_behind_the_dag_file(dags):
    from airflow.sdk import DAG

    analysis = next(text for name, text in blocks_of("README.md", "yaml") if name == "analysis.yaml")
    (dags / "analysis.yaml").write_text(analysis)
    known: dict = {"__file__": str(dags / "release.py")}
    exec(NAMES, known)
    for number, (name, text) in enumerate(blocks_of("docs/airflow.md", "python")):
        if name:
            exec(text, known)
        else:
            with DAG(f"block{number}", schedule=None, start_date=datetime(2026, 11, 1, tzinfo=UTC)):
                exec(text, known)
