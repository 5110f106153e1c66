"""Operators by themselves: what they hold, what they refuse, which errors are retried."""

from __future__ import annotations

import ast
import importlib
import inspect
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest
from airflow.sdk import DAG, BaseOperator, task
from airflow.sdk.exceptions import AirflowException, AirflowFailException

from assay import operators
from assay.operators.gate import ModelGateOperator
from assay.operators.provider_info import get_provider_info
from assay.operators.stage import airflow_errors, error_of
from assay.plan.analysis_file import compile_analysis
from assay.plan.as_json import to_json
from tests.airflow.conftest import ROOT, analysis
from tests.secret_code import SECRET, SECRETLY

FILES = sorted((ROOT / "operators").rglob("*.py"))
OPERATORS = [getattr(operators, name) for name in operators.__all__ if name.endswith("Operator")]


def inits_of_operators():
    for file in FILES:
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.ClassDef) and node.name.endswith("Operator"):
                yield from (f for f in node.body if isinstance(f, ast.FunctionDef) and f.name == "__init__")


def only_assigns(statement):
    """`super().__init__(...)`, or `self.name = name` (or a constant, or the text of a path)."""
    if isinstance(statement, ast.Expr):
        return ast.unparse(statement).startswith("super().__init__(")
    if isinstance(statement, ast.AnnAssign):
        return isinstance(statement.value, ast.Constant)
    (name,) = [target.attr for target in statement.targets]
    return ast.unparse(statement) in (f"self.{name} = {name}", f"self.{name} = template_text({name}, '{name}')")


def test_constructors_of_operators_only_assign():
    inits = list(inits_of_operators())
    assert len(inits) == 5
    assert [ast.unparse(s) for init in inits for s in init.body if not only_assigns(s)] == []


def test_a_place_may_be_a_path_or_come_from_another_task():
    with DAG("uris", schedule=None) as dag:
        written = task(task_id="write_plan")(lambda: "/plan.json")()
        made = operators.StageOperator(task_id="t", plan=written, stage="Gate", root=Path("/root/{{ ds }}"))
    assert made.root == "/root/{{ ds }}"
    assert dag.get_task("t").upstream_task_ids == {"write_plan"}


@pytest.mark.parametrize("operator", OPERATORS, ids=lambda operator: operator.__name__)
def test_what_is_templated_is_an_attribute_that_the_constructor_takes(operator):
    needed = {"plan": "/plan.json", "stage": "Gate", "root": "/root", "gate": {}, "wait": timedelta(hours=6)}
    taken = {name for kind in operator.__mro__ for name in inspect.signature(kind.__init__).parameters}
    made = operator(task_id="t", **{name: value for name, value in needed.items() if name in taken})
    assert isinstance(made, BaseOperator)
    assert all(hasattr(made, name) for name in operator.template_fields)


@pytest.mark.parametrize("package", ["apache_beam", "tensorflow", "keras", "pyarrow"])
def test_this_environment_cannot_import(package):
    with pytest.raises(ModuleNotFoundError):
        importlib.import_module(package)


IMPORT_EACH = """
import importlib, sys
for module in sys.argv[1:]:
    importlib.import_module(module)
    print(module, *{name for name in sys.modules})
"""
LIGHT = ("assay.operators", "assay.operators.provider_info")
"""Modules that load not even Airflow."""


def module_of(file):
    return ".".join(("assay", *file.relative_to(ROOT).with_suffix("").parts)).removesuffix(".__init__")


@pytest.mark.parametrize("are_light", [True, False], ids=["nothing", "Airflow"])
def test_modules_load_of_heavy_packages_only_airflow(are_light):
    # One interpreter for all: the first module that loads more is the one to blame.
    expected = [module for module in map(module_of, FILES) if (module in LIGHT) == are_light]
    run = subprocess.run([sys.executable, "-c", IMPORT_EACH, *expected], capture_output=True, text=True, check=True)
    heavy = {"numpy", "pandas", "pyarrow", "apache_beam", "tensorflow", "docker", "kubernetes", "google.cloud.storage"}
    heavy |= {"airflow"} if are_light else set()
    loaded = {module: heavy & set(names) for module, *names in map(str.split, run.stdout.splitlines())}
    assert list(loaded) == expected
    assert {module: names for module, names in loaded.items() if names} == {}


def test_the_description_for_airflow_names_modules_and_links_that_are_there():
    info = get_provider_info()
    for module in (*info["operators"][0]["python-modules"], *info["triggers"][0]["python-modules"]):
        importlib.import_module(module)
    for link in info["extra-links"]:
        module, _, name = link.rpartition(".")
        assert hasattr(importlib.import_module(module), name)


@pytest.mark.parametrize(
    ("code", "last", "expected", "told"),
    [
        (64, "assay.errors.MissingColumnError: no column 'x'", AirflowFailException, "no column 'x'"),
        (75, "assay.errors.TransientError: storage does not answer", AirflowException, "storage does not answer"),
        (1, "error: ValueError: something", AirflowException, "something"),
        (-9, "0:05  ReadInputs", AirflowException, "was ended by signal 9"),
    ],
)
def test_only_what_a_retry_cannot_heal_fails_at_once(code, last, expected, told):
    with pytest.raises(AirflowException, match=told) as caught, airflow_errors():
        raise error_of(code, "ReadInputs", last)
    assert type(caught.value) is expected


@pytest.mark.parametrize(
    ("operator", "more"),
    [
        (operators.StageOperator, {"stage": "Analyse", "root": "/root"}),
        (operators.MakeScratchOperator, {"root": "/root"}),
        (operators.WaitForDataOperator, {"wait": timedelta(0)}),
        (operators.BlessOperator, {"gate": {"verdict": "BLESSED"}}),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_no_task_takes_a_secret_among_its_parameters(tmp_path, operator, more):
    plan = compile_analysis(analysis(tmp_path, tmp_path, **SECRETLY), tmp_path)
    (tmp_path / "plan.json").write_text(to_json(plan))
    given = {"date": "2026-11-01", "db_password": SECRET}
    made = operator(task_id="t", plan=tmp_path / "plan.json", plan_params=given, **more)
    run = {"dag": SimpleNamespace(dag_id="d"), "run_id": "r"}
    context = {**run, "task": SimpleNamespace(task_group=None), "ti": SimpleNamespace(map_index=-1)}
    told = "plan_params: 'db_password' is secret; set ASSAY_PARAM_DB_PASSWORD as env= of the launcher"
    with pytest.raises(AirflowFailException, match=told):
        made.execute(context)


def test_a_gate_with_outlets_is_refused():
    from airflow.sdk import Asset

    gate = ModelGateOperator(task_id="gate", plan="/p", root="/r", outlets=[Asset("x://model")])
    with pytest.raises(AirflowFailException, match="a gate has no outlets"):
        gate.execute({})
