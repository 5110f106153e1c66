"""Names of runs: of any DAG and any Airflow run a folder's, and of no two the same."""

from __future__ import annotations

import re
from types import SimpleNamespace

import pytest

from assay.errors import ConfigError
from assay.operators.run_names import run_name
from assay.results.latest import RUN_NAME
from assay.run.call import Checkpoints, checked

RUN_ID = "manual__2026-11-01T00:00:00+00:00"


def named(given="", dag="validation", run=RUN_ID, group="", index=-1):
    return run_name(
        given,
        {
            "dag": SimpleNamespace(dag_id=dag),
            "run_id": run,
            "task": SimpleNamespace(task_group=SimpleNamespace(group_id=group)),
            "ti": SimpleNamespace(map_index=index),
        },
    )


def test_a_run_is_called_after_dag_run_group_and_map_index():
    assert named() == "validation.manual__2026-11-01T00-00-00-00-00"
    assert named(group="g", index=3) == "validation.manual__2026-11-01T00-00-00-00-00.g.3"
    assert named(given="nightly", group="g") == "nightly"


@pytest.mark.parametrize("given", [".", "..", "...", "-", "__", "../..", " ", "評価"])
@pytest.mark.parametrize("index", [-1, 0])
def test_a_name_without_letters_and_digits_is_refused(given, index):
    with pytest.raises(ConfigError, match="run: expected a name with letters or digits of ASCII, found"):
        named(given, index=index)


@pytest.mark.parametrize(
    "given", ["_x", "évaluation", ".hidden", "-x", "../x", "a/b", "a b", "x\n", "x" * 300, "../../" + "y" * 300]
)
def test_any_other_name_can_be_that_of_a_folder(given):
    for name in (named(given), named(given, index=2), named(dag=given), named(run=given), named(group=given)):
        assert RUN_NAME.fullmatch(name)
        assert re.fullmatch(r"[A-Za-z0-9][\w.-]*", name, re.ASCII)
        assert len(name) < 240
        assert checked(Checkpoints(root="/root", run=name)).run == name


def test_names_that_differ_stay_different():
    given = ["évaluation", "èvaluation", "valuation", "_x", "-x", "x", "a b", "a/b", "a~b", "a-b", "z" * 300, "z" * 301]
    assert len({named(dag=name) for name in given}) == len(given)
    assert len({named(name) for name in given}) == len(given)


def test_the_tasks_of_a_run_have_the_same_name():
    assert named(dag="évaluation", group="g") == named(dag="évaluation", group="g")
