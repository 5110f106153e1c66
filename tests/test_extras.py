"""A package that is not installed is named with the extra that brings it, whoever asks."""

import importlib
import json
import os
import subprocess
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from assay.engine.recovery import recover
from assay.errors import MissingPackageError
from assay.extras import EXTRAS, missing_package

ROOT = Path(__file__).parents[1]

# An interpreter in which some packages are not installed, as far as anybody can tell.
WITHOUT = """
import json, sys
from importlib.machinery import PathFinder
hidden = json.loads(sys.argv.pop(1))
find = PathFinder.find_spec
PathFinder.find_spec = classmethod(lambda cls, name, *more: None if name in hidden else find(name, *more))
"""
COMMAND = WITHOUT + "from assay.cli import main\nsys.exit(main(sys.argv[1:]))"

ANALYSIS = """
inputs: {format: csv, files: [rows.csv]}
output: out
eval_config:
  model_specs: [{label_key: label, prediction_key: score}]
  metrics_specs: [{metrics: [{class_name: ExampleCount}]}]
"""


@pytest.fixture
def without(tmp_path):
    (tmp_path / "analysis.yaml").write_text(ANALYSIS)
    (tmp_path / "rows.csv").write_text("label,score\n1,0.5\n0,0.2\n")

    def run(hidden, code, *words):
        command = [sys.executable, "-c", code, json.dumps(hidden), *words]
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        return subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)

    return run


@pytest.mark.parametrize(
    ("hidden", "words", "extra"),
    [
        ("apache_beam", ("run", "analysis.yaml"), "core"),
        ("pyarrow", ("check", "analysis.yaml"), "core"),
        ("numpy", ("run", "analysis.yaml", "--checkpoints", "root"), "core"),
        ("rich", ("show", "out"), "core"),
        ("pyarrow", ("show", "out", "--html", "page.html"), "core"),
        ("kfp", ("compile", "kfp", "analysis.yaml", "-o", "pipeline.yaml"), "kfp"),
    ],
)
def test_a_command_names_the_extra_that_it_lacks(hidden, words, extra, without):
    done = without([hidden], COMMAND, *words)
    assert done.returncode == 64
    assert done.stderr.splitlines()[-1] == (
        f"error: {hidden} is not installed, and this needs it; the extra '{extra}' brings it: "
        f"pip install 'assay[{extra}]'"
    )


def test_a_stage_says_it_under_its_tag(without, tmp_path):
    plan = without([], COMMAND, "plan", "analysis.yaml", "--format", "json").stdout
    (tmp_path / "plan.json").write_text(plan)
    done = without(["apache_beam"], COMMAND, "stage", "evaluate", "--plan", "plan.json", "--stage", "Evaluate")
    assert done.returncode == 64
    assert done.stderr.splitlines()[-1].startswith("assay.errors.MissingPackageError: apache_beam is not installed")


def test_a_plan_is_printed_without_any_extra(without):
    hidden = ["apache_beam", "numpy", "pandas", "pyarrow", "rich", "tensorflow", "keras", "kfp"]
    assert "ReadInputs" in without(hidden, COMMAND, "plan", "analysis.yaml").stdout


@pytest.mark.parametrize("caught", ["ImportError", "assay.errors.UsageError"])
def test_python_names_the_extra_too(caught, without):
    code = f"import assay.errors\ntry:\n    from assay import analyze_raw_data\nexcept {caught} as e:\n    print(e)"
    done = without(["pyarrow"], WITHOUT + code)
    assert "pyarrow is not installed" in done.stdout
    assert "pip install 'assay[core]'" in done.stdout


def test_a_model_of_tensorflow_names_the_extra_where_only_tensorflow_is_missing(without, tmp_path):
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "saved_model.pb").write_bytes(b"")
    (tmp_path / "analysis.yaml").write_text(
        ANALYSIS.replace("prediction_key: score", "name: m") + "models: [{name: m, uri: model, type: saved_model}]\n"
    )
    for words in (("check", "analysis.yaml"), ("run", "analysis.yaml")):
        done = without(["tensorflow"], COMMAND, *words)
        assert done.returncode == 64
        assert "tensorflow is not installed, and this needs it; the extra 'runtime'" in done.stderr.splitlines()[-1]


def test_beside_airflow_an_extra_belongs_in_another_environment(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "airflow").mkdir()  # a folder of DAGs, maybe
    elsewhere = "pip install 'assay[core]' in another environment, because Airflow needs other versions"
    assert elsewhere not in str(missing_package(ModuleNotFoundError("gone", name="pyarrow")))
    (tmp_path / "airflow" / "__init__.py").touch()
    importlib.invalidate_caches()
    assert elsewhere in str(missing_package(ModuleNotFoundError("gone", name="pyarrow")))
    assert "environment" not in str(missing_package(ModuleNotFoundError("gone", name="airflow")))


@pytest.mark.parametrize("name", ["sklearn", "my_stages", None])
def test_a_package_of_no_extra_is_left_alone(name):
    assert missing_package(ModuleNotFoundError("gone", name=name)) is None
    assert recover(ModuleNotFoundError("gone", name=name)) is None


def test_a_module_inside_of_a_package_names_the_package():
    found = recover(ModuleNotFoundError("gone", name="google.cloud.storage.blob"))
    assert isinstance(found, MissingPackageError)
    assert str(found).startswith("google.cloud.storage is not installed")


def test_a_package_that_is_there_but_broken_is_not_said_to_be_missing():
    assert missing_package(ImportError("DLL load failed", name="numpy")) is None


def test_each_extra_brings_what_it_is_said_to_bring():
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    extras["runtime"] = [*extras["core"], *extras["tensorflow"]]
    homes = packages_distributions()
    for package, extra in EXTRAS.items():
        if package in ("airflow", "kubernetes", "keras", "httplib2") or package.startswith("google"):
            continue  # in another environment, or brought by those that are named
        brought = {Requirement(text).name.lower() for text in extras[extra]}
        assert {name.lower() for name in homes.get(package, ["google-apitools"])} & brought, package
