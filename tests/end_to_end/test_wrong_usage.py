"""What is missing or misspelt ends in one clear line and exit code 64, before any work."""

import subprocess
import sys
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv as csv
import pyarrow.parquet as pq
import pytest
import yaml

from assay.cli import main
from tests.latest_results import latest


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("usage")
    score = np.linspace(0, 1, 50)
    table = pa.table({"label": (score > 0.3).astype(float), "score": score, "group": ["a", "b"] * 25})
    pq.write_table(table, folder / "eval.parquet")
    csv.write_csv(table, folder / "eval.csv")
    return folder


def analysis(**changes):
    config = {
        "model_specs": [{"label_key": "label", "prediction_key": "score"}],
        "slicing_specs": [{}, {"feature_keys": ["group"]}],
        "metrics_specs": [{"metrics": [{"class_name": "AUC"}]}],
    }
    content = {
        "params": {"date": None},
        "inputs": {"format": "parquet", "files": ["eval.parquet"]},
        "eval_config": config,
        "output": "out-${date}",
    }
    for path, value in changes.items():
        *parents, last = path.split("__")
        at: Any = content
        for key in parents:
            at = at[int(key) if key.isdigit() else key]
        at[int(last) if last.isdigit() else last] = value
    return content


def arguments(folder, content, *args, command="run"):
    """Of `assay`, for an analysis file that this writes."""
    (folder / "analysis.yaml").write_text(yaml.safe_dump(content))
    without_progress = ["--quiet"] if command == "run" else []  # on a slow machine, even the start has a line
    return [command, str(folder / "analysis.yaml"), *without_progress, *args]


def in_a_process(folder, *arguments):
    return subprocess.run(
        [sys.executable, "-m", "assay", *arguments], capture_output=True, text=True, check=False, cwd=folder
    )


DATE = ("--param", "date=2026-11-01")
WRONG = {
    "a missing file": (analysis(inputs__files=["gone-*.parquet"]), DATE, "gone-*.parquet"),
    "a missing label column": (analysis(eval_config__model_specs__0__label_key="lable"), DATE, "'lable'"),
    "a missing slicing column": (analysis(eval_config__slicing_specs__1={"feature_keys": ["grup"]}), DATE, "'grup'"),
    "a needed column that is not among those to read": (
        analysis(inputs__columns=["label", "group"]), DATE, "inputs.columns does not name 'score', which prediction_key"
    ),
    "a type for a column that the file does not have": (
        analysis(inputs={"format": "csv", "files": ["eval.csv"], "options": {"types": {"grupp": "text"}}}), DATE,
        "no such column; did you mean 'group'?"
    ),
    "a missing model": (
        analysis(models=[{"name": "m", "uri": "models/gone", "type": "saved_model"}]), DATE, "models/gone"
    ),
    "a missing parameter": (analysis(), (), "--param date=VALUE"),
    "an unknown parameter": (analysis(), (*DATE, "--param", "dat=1"), "did you mean 'date'?"),
    "an unknown metric": (
        analysis(eval_config__metrics_specs__0__metrics__0__class_name="AUK"), DATE, "did you mean 'AUC'?"
    ),
    "an unknown setting of a metric": (
        analysis(eval_config__metrics_specs__0__metrics__0__config='"bukets": 3'), DATE, "no setting 'bukets'"
    ),
    "an unknown field of the config": (
        analysis(eval_config__metrics_specs__0__metrixs=[]), DATE, "metrics_specs[0]"
    ),
    "an unknown key of the file": (analysis(inputz={}), DATE, "did you mean 'inputs'?"),
    "metrics of a model, and none is run": (
        analysis(eval_config__options={"include_default_metrics": True}), DATE, "options.include_default_metrics: "
    ),
}  # fmt: skip


@pytest.mark.parametrize("command", ["run", "check"])
@pytest.mark.parametrize("name", WRONG)
def test_is_one_clear_line_and_exit_code_64(folder, name, command, capsys):
    content, args, message = WRONG[name]
    assert main(arguments(folder, content, *args, command=command)) == 64
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert line.startswith("error: ")
    assert message in line
    assert not list(folder.glob("out-*"))


@pytest.mark.parametrize("command", ["run", "check"])
def test_a_process_says_and_ends_with_the_same(folder, command, capsys):
    content, args, _ = WRONG["a missing label column"]
    words = arguments(folder, content, *args, command=command)
    done = in_a_process(folder, *words)
    assert done.returncode == main(words) == 64
    assert done.stderr == capsys.readouterr().err


def test_the_same_file_without_the_mistake_runs(folder):
    assert main(arguments(folder, analysis(), *DATE, command="check")) == 0
    done = in_a_process(folder, *arguments(folder, analysis(output="good"), *DATE))
    assert done.returncode == 0, done.stderr
    assert (latest(folder / "good") / "results.json").exists()


def test_a_file_that_does_not_exist_is_named(folder):
    done = in_a_process(folder, "run", "gone.yaml")
    assert done.returncode == 64
    assert "gone.yaml" in done.stderr
