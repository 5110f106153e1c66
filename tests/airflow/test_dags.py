"""The DAGs of the folder dags, as files and as runs."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.airflow.conftest import BAD_DAY, GOOD_DAY, ROOT, analysis
from tests.airflow.runs import returned, run_dag
from tests.latest_results import latest

FILES = sorted((ROOT / "dags").glob("*.py"))
IDS = {"scheduled_model_validation", "retraining", "deployment", "backfill_model_versions"}


@pytest.fixture
def prepared(dags, data, tmp_path, monkeypatch):
    """Copies a DAG file of the folder to where Airflow looks, with an analysis of generated data; returns it."""

    def made(name, **changes):
        file = tmp_path / "analysis.json"
        file.write_text(json.dumps(analysis(data, tmp_path, **changes)))
        monkeypatch.setenv("ASSAY_ANALYSIS", str(file))
        monkeypatch.setenv("ASSAY_ROOT", str(tmp_path / "checkpoints"))
        monkeypatch.setenv("ASSAY_TRAIN", "echo trained")
        monkeypatch.setenv("ASSAY_PUSH", f"touch '{tmp_path}/pushed'")
        return shutil.copy(ROOT / "dags" / f"{name}.py", dags)

    return made


def test_every_file_is_parsed_without_an_error_on_the_census_example(database):
    from airflow.dag_processing.dagbag import DagBag

    bag = DagBag(str(ROOT / "dags"))
    assert bag.import_errors == {}
    assert set(bag.dags) == IDS


PARSE = """
import resource, runpy, sys
import airflow.sdk, airflow.providers.standard.operators.bash, airflow.providers.standard.utils.skipmixin
def cpu():
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime
before = cpu()
runpy.run_path(sys.argv[1])
print(cpu() - before)
print(*{name.partition(".")[0] for name in sys.modules})
"""


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_file_takes_less_than_a_second_beyond_airflow_and_loads_nothing_heavy(file, database):
    run = subprocess.run([sys.executable, "-c", PARSE, file], capture_output=True, text=True, check=True)
    seconds, modules = run.stdout.splitlines()[-2:]
    assert float(seconds) < 1.0
    assert not {"apache_beam", "tensorflow", "pyarrow", "numpy", "docker", "kubernetes"} & set(modules.split())


def test_scheduled_model_validation_is_green_on_the_day_of_the_run(prepared):
    run, states = run_dag(prepared("scheduled_model_validation"), "scheduled_model_validation")
    assert set(states.values()) == {"success"}
    assert Path(returned(run, "model_analysis.write_results")["output"]).parent.name == GOOD_DAY


def against_the_blessed(data, folder, candidate):
    """What an analysis has in place of predictions in the data: a candidate and whatever was blessed last."""
    models = [
        {"name": "new", "type": "callable", "uri": f"tests.end_to_end.scores:{candidate}"},
        {"name": "current", "baseline": "blessed", "uri": str(folder / "blessed.json")},
    ]
    change = {"change_threshold": {"direction": "HIGHER_IS_BETTER", "absolute": {"value": -0.01}}}
    config = analysis(data, folder)["eval_config"]
    specs = [{"name": model["name"], "label_key": "label", "is_baseline": "baseline" in model} for model in models]
    metrics = [{"metrics": [{"class_name": "AUC", "threshold": change}]}]
    return {"models": models, "eval_config": {**config, "model_specs": specs, "metrics_specs": metrics}}


@pytest.mark.slow
def test_retraining_blesses_the_first_model_and_compares_later_ones_with_the_last_that_was_blessed(
    prepared, data, tmp_path
):
    """Any model may come first; the next must be as good; a worse one is not pushed, and changes nothing."""
    blessed, pushed = tmp_path / "blessed.json", tmp_path / "pushed"
    for candidate, is_good in (("score", True), ("squared", True), ("reversed", False)):
        file = prepared("retraining", **against_the_blessed(data, tmp_path, candidate))
        run, states = run_dag(file, "retraining")
        assert run.state == "success"
        assert states["push"] == states["validate.bless"] == ("success" if is_good else "skipped")
        assert pushed.exists() == is_good
        pushed.unlink(missing_ok=True)
    blessing = json.loads(blessed.read_text())
    assert blessing["model"]["uri"].endswith(":squared")
    assert (blessing["verdict"], blessing["rows"], blessing["rubber_stamp"]) == ("BLESSED", 400, False)


@pytest.mark.slow
def test_retraining_pushes_nothing_where_the_gate_closes(prepared, tmp_path):
    run, states = run_dag(prepared("retraining"), "retraining", conf={"date": BAD_DAY})
    assert run.state == "success"
    assert states["validate.bless"] == states["push"] == "skipped"
    assert not (tmp_path / "pushed").exists()


@pytest.mark.slow
def test_backfill_evaluates_each_and_blesses_which_are_good(prepared, tmp_path):
    conf = {"runs": [{"date": GOOD_DAY}, {"date": BAD_DAY}]}
    _, states = run_dag(prepared("backfill_model_versions"), "backfill_model_versions", conf=conf)
    assert states["evaluate.write_results"] == ["success", "success"]
    assert states["evaluate.bless"] == ["success", "skipped"]
    folders = [latest(tmp_path / f"results/{day}") for day in (GOOD_DAY, BAD_DAY)]
    verdicts = [json.loads((folder / "verdict.json").read_text()) for folder in folders]
    assert [verdict["status"] for verdict in verdicts] == ["BLESSED", "NOT_BLESSED"]
