"""What OpenLineage is told: datasets that others know by the same names."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace

import pytest

from assay.models.known import FRAMEWORKS, Framework
from assay.operators.lineage import folder_of, lineage_of, name_of
from assay.plan.analysis_file import load_analysis
from assay.plan.filled import with_params
from assay.plan.tasks import reshaped
from tests.airflow.conftest import GOOD_DAY, ROOT, analysis

DAG_FILE = """
from airflow.sdk import DAG
from assay.operators import model_analysis_task_group

with DAG("lineage", schedule=None) as dag:
    model_analysis_task_group({analysis!r}, root={root!r}, group_id="g")()
"""
RUN = "import sys; from tests.airflow.runs import run_dag; print(*run_dag(sys.argv[1], 'lineage')[1].values())"


@pytest.fixture
def plan(tmp_path):
    file = tmp_path / "analysis.json"
    file.write_text(json.dumps(analysis(tmp_path / "data", tmp_path)))
    return with_params(load_analysis(file), {"date": GOOD_DAY})


def done(task="", **changes):
    manifest = f"gs://b/root/{task}/abc/manifest.json" if task else ""
    return {"manifest": manifest, "output": "", "rows": 5, "counts": {"rows": 5}, **changes}


def names(datasets):
    return [f"{dataset.namespace} {dataset.name}" for dataset in datasets]


def test_a_dag_run_tells_a_transport_of_the_provider_what_each_task_read_and_wrote(dags, data, tmp_path):
    (tmp_path / "analysis.json").write_text(json.dumps(analysis(data, tmp_path, analysis_table=False)))
    root, events = tmp_path / "checkpoints", tmp_path / "events.jsonl"
    file = dags / "lineage.py"
    file.write_text(DAG_FILE.format(analysis=str(tmp_path / "analysis.json"), root=str(root)))
    transport = {"type": "file", "log_file_path": str(events), "append": True}
    env = {**os.environ, "AIRFLOW__OPENLINEAGE__TRANSPORT": json.dumps(transport)}
    run = subprocess.run(
        [sys.executable, "-c", RUN, file], cwd=ROOT, env=env, capture_output=True, text=True, check=True
    )
    assert set(run.stdout.splitlines()[-1].split()) == {"success"}

    told = {}
    for line in events.read_text().splitlines():
        event = json.loads(line)
        task = event["job"]["name"].rpartition(".")[2]
        if event["eventType"] == "COMPLETE":
            told[task] = [[(d["namespace"], d["name"]) for d in event[side]] for side in ("inputs", "outputs")]
        if (event["eventType"], task) == ("COMPLETE", "read_inputs"):
            (written,) = event["outputs"]
    tasks = ("ReadInputs", "ExtractSliceKeys", "EvaluateMetricsAndPlots", "Gate")
    folder = {name: ("file", f"{root}/{name}") for name in tasks}
    assert told["read_inputs"] == [[("file", f"{data}/{GOOD_DAY}")], [folder["ReadInputs"]]]
    assert told["extract_slice_keys"] == [[folder["ReadInputs"]], [folder["ExtractSliceKeys"]]]
    assert told["gate"] == [[folder["EvaluateMetricsAndPlots"]], [folder["Gate"]]]
    assert told["write_results"] == [
        [folder["EvaluateMetricsAndPlots"], folder["Gate"]],
        [("file", f"{tmp_path}/results/{GOOD_DAY}")],
    ]
    assert written["outputFacets"]["outputStatistics"]["rowCount"] == 400
    (version,) = (path.name for path in (root / "ReadInputs").iterdir())
    assert written["facets"]["version"]["datasetVersion"] == version


def test_a_whole_plan_reads_data_and_models_and_writes_results(plan):
    inputs = {**plan.inputs, "files": ["gs://data/day/*.parquet", "gs://data/day/x-*.parquet"]}
    inputs["join"] = {"files": ["/labels/labels.csv"]}
    models = (
        {"name": "m", "uri": "gs://models/7", "type": "saved_model"},
        {"name": "f", "uri": "a.b", "type": "callable"},
    )
    whole = reshaped(replace(plan, inputs=inputs, models=models), "none")
    whole = replace(whole, output="gs://results/day")
    lineage = lineage_of(whole, "Analyse", {}, done(output="gs://results/day/run-1"))
    assert names(lineage.inputs) == ["gs://data day", "file /labels/labels.csv", "gs://models 7"]
    assert names(lineage.outputs) == ["gs://results day"]
    (wrote,) = lineage.outputs
    assert wrote.facets["version"].datasetVersion == "run-1"


def test_a_model_of_any_framework_is_read_unless_it_is_code(plan, monkeypatch):
    monkeypatch.setitem(FRAMEWORKS, "linear", Framework("pkg.linear", "", "core"))
    monkeypatch.setitem(FRAMEWORKS, "script", Framework("pkg.script", "", "core", is_code=True))
    models = (
        {"name": "a", "uri": "gs://models/a", "type": "linear"},
        {"name": "b", "uri": "pkg.module:function", "type": "script"},
        {"name": "c", "uri": "/models/c.keras", "type": "keras"},
    )
    whole = reshaped(replace(plan, models=models), "none")
    lineage = lineage_of(whole, "Analyse", {}, done(output="gs://results/day/run-1"))
    assert names(lineage.inputs)[-2:] == ["gs://models a", "file /models/c.keras"]


def test_inputs_may_be_uris_and_only_stages_that_run_a_model_read_it(plan):
    plan = replace(plan, models=({"name": "m", "uri": "gs://models/7", "type": "saved_model"},))
    before = {"ReadInputs": "gs://b/root/ReadInputs/abc/manifest.json"}
    lineage = lineage_of(plan, "ExtractSliceKeys", before, done("ExtractSliceKeys"))
    assert names(lineage.inputs) == ["gs://b root/ReadInputs"]
    (read,) = lineage.inputs
    assert read.facets["version"].datasetVersion == "abc"
    assert names(lineage.outputs) == ["gs://b root/ExtractSliceKeys"]


@pytest.mark.parametrize(
    ("uri", "expected"),
    [
        ("gs://bucket/a/b", ("gs://bucket", "a/b")),
        ("gs://bucket", ("gs://bucket", "/")),
        ("gs://bucket/a#1", ("gs://bucket", "a#1")),
        ("/data/day/", ("file", "/data/day")),
        ("/", ("file", "/")),
    ],
)
def test_a_uri_has_the_namespace_that_openlineage_gives_it(uri, expected):
    assert name_of(uri) == expected


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [("/d/a.csv", "/d/a.csv"), ("/d/*/a.csv", "/d"), ("gs://b/d/part-?.csv", "gs://b/d"), ("gs://b/*", "gs://b")],
)
def test_a_glob_is_the_folder_before_its_first_wildcard(pattern, expected):
    assert folder_of(pattern) == expected
