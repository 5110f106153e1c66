"""A user's type checker knows the types of the public names."""

import ast
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import assay
from assay import types

ROOT = Path(__file__).parents[1]

USER = """
from typing import Any
import apache_beam as beam
import assay

def own_extractor(transform: beam.PTransform[Any, Any]) -> assay.Extractor:
    return assay.Extractor("Own", transform)

def area(frame: object) -> float:
    result = assay.analyze_raw_data(frame, {}, on_bad_rows="skip")
    reveal_type(result)
    reveal_type(result.verdict)
    return float(assay.metrics_frame("out").value.max())

reveal_type(assay.Extractor)
reveal_type(assay.run_model_analysis)
reveal_type(assay.LABELS_KEY)
"""
WRONG = """
import assay

assay.analyse_raw_data([], {})
assay.analyze_raw_data([], {}, seed="1")
assay.Evaluator("Own", "ExtractLabels")
"""
MISSPELT = """
from functools import partial
from assay.metrics.computations.terms import Weights
from assay.metrics.declare import metric, plot

metric("Own", needs=Weights(), undefned="no rows")
metric("Own", needs=Weights(), is_estimate="no")
plot("Own", needs=Weights(), bettr="higher")
of_family = partial(metric, needs=Weights())
of_family("Own", rang="[0, 1]")
of_family("Own", range="[0, 1]", better=None)
"""


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    """Name of a file -> what mypy says of it; once for all, as most of its time goes to the packages behind them."""
    folder = tmp_path_factory.mktemp("user")
    texts = {"user": USER, "wrong": WRONG, "misspelt": MISSPELT}
    for name, text in texts.items():
        (folder / f"{name}.py").write_text(text)
    command = [sys.executable, "-m", "mypy", "--strict", "--follow-untyped-imports", *(f"{name}.py" for name in texts)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "MYPYPATH": "", "COLUMNS": "1000"}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    lines = done.stdout.splitlines(keepends=True)
    assert [line for line in lines[:-1] if not line.startswith(tuple(texts))] == []
    return {name: "".join(line for line in lines if line.startswith(f"{name}.py:")) for name in texts}


def test_results_settings_and_stages_have_their_types(told):
    revealed = re.findall(r'Revealed type is "(.*)"', told["user"])
    assert "error" not in told["user"], told["user"]
    assert revealed[:2] == ["assay.notebook.eval_result.EvalResult", "assay.verdict.Verdict | None"]
    assert "assay.types.Extractor" in revealed[2]
    assert "data_location: " in revealed[3]
    assert revealed[4] == "str"


def test_a_wrong_name_a_wrong_setting_and_a_missing_one_are_told(told):
    said = told["wrong"]
    assert 'wrong.py:4: error: Module has no attribute "analyse_raw_data"' in said
    assert (
        'wrong.py:5: error: Argument "seed" to "analyze_raw_data" has incompatible type "str"; expected "int"' in said
    )
    assert 'wrong.py:6: error: Missing positional argument "ptransform"' in said


def test_misspelt_facts_of_a_metric_are_told(told):
    said = told["misspelt"]
    assert 'misspelt.py:6: error: Unexpected keyword argument "undefned"' in said
    assert 'misspelt.py:7: error: Argument "is_estimate" to "metric" has incompatible type "str"' in said
    assert 'misspelt.py:8: error: Unexpected keyword argument "bettr"' in said
    assert 'misspelt.py:10: error: Unexpected keyword argument "rang"' in said
    assert "misspelt.py:11" not in said


def test_the_stub_has_the_names_and_the_homes_of_the_package():
    stub = ast.parse((ROOT / "assay" / "__init__.pyi").read_text())
    homes = {alias.name: node.module for node in stub.body if isinstance(node, ast.ImportFrom) for alias in node.names}
    constants = {name for name in homes if name.isupper()}
    assert {name: home for name, home in homes.items() if name not in constants} == vars(assay)["_HOMES"]
    assert constants == {name for name in vars(types) if name.endswith(("_KEY", "_STAGE_NAME"))}
