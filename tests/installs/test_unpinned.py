"""What `pip install` gives somebody today, without our pins: every extra, every Python, in a notebook too."""

import html
import json
import sys

import pytest

from tests.installs import pythons

HERE = "{}.{}".format(*sys.version_info)
VERSIONS = pythons.named()
NOTEBOOK = ("nbconvert", "ipykernel", "scikit-learn")
OTHERS = [pytest.param(version, marks=pytest.mark.slow) for version in VERSIONS if version != HERE]

ANALYSIS = """
inputs: {format: parquet, files: [rows.parquet]}
models: [{name: m, uri: model, type: saved_model}]
output: out
eval_config:
  model_specs: [{name: m, label_key: label}]
  slicing_specs: [{}, {feature_keys: [town]}]
  metrics_specs:
    - metrics:
        - {class_name: ExampleCount}
        - {class_name: AUC, threshold: {value_threshold: {lower_bound: 0.5}}}
"""
PLAIN = ANALYSIS.replace("models: [{name: m, uri: model, type: saved_model}]\n", "").replace(
    "name: m, label_key: label", "label_key: label, prediction_key: x"
)

PREPARE = """
import numpy as np, pandas as pd, tensorflow as tf
rng = np.random.default_rng(0)
x = rng.random(1000).astype("float32")
town = np.where(np.arange(1000) % 2, "Rome", "Oslo")
pd.DataFrame({"x": x, "label": (rng.random(1000) < x).astype(int), "town": town}).to_parquet("rows.parquet")
module = tf.Module()
module.scale = tf.Variable(0.5)
@tf.function(input_signature=[tf.TensorSpec([None], tf.float32, name="x")])
def score(x):
    return {"score": x * module.scale}
tf.saved_model.save(module, "model", signatures={"serving_default": score})
"""

IN_MEMORY = """
import pandas as pd
import assay

config = {
    "model_specs": [{"label_key": "label", "prediction_key": "x"}],
    "slicing_specs": [{}, {"feature_keys": ["town"]}],
    "metrics_specs": [{"metrics": [{"class_name": "AUC"}, {"class_name": "ExampleCount"}]}],
}
assay.analyze_raw_data(pd.read_parquet("rows.parquet"), config).get_metrics_for_slice()
"""
FROM_FILES = """
assay.run_model_analysis(config, data_location="rows.parquet", file_format="parquet", output_path="notebook-out")
frame = assay.metrics_frame("notebook-out")
frame
"""

DAG = """
from pathlib import Path
from airflow.sdk import DAG
from assay.operators import model_analysis_task_group
with DAG("release") as dag:
    model_analysis_task_group(Path("analysis.yaml").absolute(), root=str(Path("root").absolute()), checkpoint="cuts")()
print(sorted(dag.task_ids))
"""


def said(done):
    """What a command printed, where it went well."""
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def prepare(environment):
    if not (environment.work / "rows.parquet").exists():
        said(environment.run("python", "-c", PREPARE))
    (environment.work / "analysis.yaml").write_text(ANALYSIS)


@pytest.mark.parametrize("version", VERSIONS)
def test_without_an_extra_every_command_does_its_work_or_names_the_extra(version, install):
    bare = install(version, "")
    (bare.work / "analysis.yaml").write_text(PLAIN)
    assert said(bare.run("assay", "--version")).startswith("assay, version")
    assert "ReadInputs" in said(bare.run("assay", "plan", "analysis.yaml"))
    plan = said(bare.run("assay", "plan", "analysis.yaml", "--format", "json"))
    assert json.loads(plan)["stages"]
    (bare.work / "plan.json").write_text(plan)
    for extra, *words in (
        ("core", "check", "analysis.yaml"),
        ("core", "run", "analysis.yaml"),
        ("core", "run", "analysis.yaml", "--checkpoints", "root"),
        ("core", "show", "out"),
        ("core", "show", "out", "--html", "page.html"),
        ("core", "checkpoints", "root"),
        ("core", "stage", "evaluate", "--plan", "plan.json", "--stage", "Evaluate"),
        ("kfp", "compile", "kfp", "analysis.yaml", "-o", "pipeline.yaml"),
    ):
        done = bare.run("assay", *words)
        assert done.returncode == 64, words
        assert f"pip install 'assay[{extra}]'" in done.stderr.splitlines()[-1], words
        assert len(done.stderr.splitlines()) == 1, done.stderr


@pytest.mark.parametrize("version", [HERE, *OTHERS])
def test_with_the_runtime_the_command_gives_a_verdict(version, install):
    runtime = install(version, "runtime", *NOTEBOOK)
    prepare(runtime)
    assert "ok" in said(runtime.run("assay", "check", "analysis.yaml"))
    assert said(runtime.run("assay", "run", "analysis.yaml", "--quiet")).startswith("BLESSED")


@pytest.mark.parametrize("version", [HERE, *OTHERS])
def test_a_notebook_shows_the_frame(version, install):
    runtime = install(version, "runtime", *NOTEBOOK)
    prepare(runtime)
    cells: list[dict[str, object]] = [
        {"cell_type": "code", "execution_count": None, "metadata": {}, "outputs": [], "source": text.strip()}
        for text in (IN_MEMORY, FROM_FILES)
    ]
    notebook = {"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 4}
    first, second = executed(runtime, json.dumps(notebook))
    assert "'example_count': {'doubleValue': 1000.0}" in "".join(shown(first, "text/plain"))
    page = "".join(shown(second, "text/html"))
    assert "<table" in page
    assert "Rome" in page
    assert "auc" in page


def executed(environment, notebook):
    """The cells of a notebook after a run of all of them."""
    (environment.work / "analysis.ipynb").write_text(notebook)
    said(environment.run("jupyter", "nbconvert", "--to", "notebook", "--execute", "analysis.ipynb", "--output", "done"))
    return json.loads((environment.work / "done.ipynb").read_text())["cells"]


@pytest.mark.parametrize("version", [HERE, *OTHERS])
def test_the_notebook_of_the_examples_shows_page_verdict_frame_and_diagrams(version, install):
    runtime = install(version, "runtime", *NOTEBOOK)
    cells = executed(runtime, (pythons.ROOT / "examples" / "verdict_in_a_notebook.ipynb").read_text())
    values = [cell for cell in cells if cell.get("outputs")]
    for cell in values:  # nothing but the value: no log, no warning
        assert [output["output_type"] for output in cell["outputs"]] == ["execute_result"], cell["outputs"]

    rows, page, verdict, frame, by_slice, curves = values
    assert "benign" in "".join(shown(rows, "text/html"))
    assert "BLESSED" in html.unescape("".join(shown(page, "text/html")))
    assert "EvalResult of new" in "".join(shown(page, "text/plain"))
    assert "BLESSED: 569 rows" in "".join(shown(verdict, "text/plain"))
    assert "size=largest" in "".join(shown(frame, "text/html"))
    for diagram in (by_slice, curves):
        assert "<svg" in html.unescape("".join(shown(diagram, "text/html")))


def shown(cell, kind):
    """What a cell shows as its value."""
    (result,) = [output for output in cell["outputs"] if output["output_type"] == "execute_result"]
    return result["data"][kind]


@pytest.mark.parametrize("version", [pytest.param(version, marks=pytest.mark.slow) for version in VERSIONS])
def test_with_the_small_runtime_scores_are_judged_and_models_name_the_extra(version, install):
    core = install(version, "core")
    (core.work / "analysis.yaml").write_text(PLAIN)
    code = "import pandas as pd; pd.DataFrame({'x': [0.1, 0.9], 'label': [0, 1], 'town': ['a', 'a']})"
    said(core.run("python", "-c", f"{code}.to_parquet('rows.parquet')"))
    assert said(core.run("assay", "run", "analysis.yaml", "--quiet")).startswith("BLESSED")
    (core.work / "model").mkdir(exist_ok=True)
    (core.work / "model" / "saved_model.pb").write_bytes(b"")
    (core.work / "analysis.yaml").write_text(ANALYSIS)
    done = core.run("assay", "run", "analysis.yaml", "--quiet")
    assert done.returncode == 64
    assert "pip install 'assay[runtime]'" in done.stderr.splitlines()[-1]


@pytest.mark.parametrize("version", [pytest.param(version, marks=pytest.mark.slow) for version in VERSIONS])
def test_with_airflow_a_dag_gets_its_tasks(version, install, monkeypatch):
    airflow = install(version, "airflow")
    (airflow.work / "analysis.yaml").write_text(PLAIN)
    monkeypatch.setenv("AIRFLOW_HOME", str(airflow.work / "airflow"))
    assert "read_inputs" in said(airflow.run("python", "-c", DAG))


@pytest.mark.parametrize("version", [HERE, *OTHERS])
def test_with_kfp_a_pipeline_is_compiled(version, install):
    kfp = install(version, "kfp")
    (kfp.work / "analysis.yaml").write_text(PLAIN)
    said(kfp.run("assay", "compile", "kfp", "analysis.yaml", "-o", "pipeline.yaml"))
    assert "deploymentSpec" in (kfp.work / "pipeline.yaml").read_text()
