"""Compiled pipelines run by `kfp.local`, with calls in this process for containers; everything else is real."""

from __future__ import annotations

import json
import os
import threading
from types import SimpleNamespace
from unittest import mock

import pyarrow.parquet as pq
import pytest
from kfp import components, local

from assay import storage
from assay.components import run
from assay.components.plan_input import PLAN_VARIABLE
from assay.pipelines import compare_models, compiled, model_validation
from assay.plan.stored import path_of_plan
from assay.results.files import load_metrics
from assay.results.keys import text_of
from tests.kfp.local_runs import told_in
from tests.kfp.plans import BAD_DAY, GOOD_DAY, analysis_of, plan_of, versions_of, write_day
from tests.latest_results import latest

pytestmark = pytest.mark.filterwarnings("ignore:.*have no effect in the current local runner")


class Containers:
    """In place of Docker: one call at a time, as Kubeflow's loop has threads, and all share one environment.

    Attributes:
        started: image and environment of each container.
    """

    def __init__(self) -> None:
        self.started: list[tuple[str, dict[str, str]]] = []
        self.running = threading.Lock()

    def start(self, client, image, command, volumes, environment=None, **_):
        self.started.append((image, environment or {}))
        assert command[:4] == ["python", "-P", "-m", "assay.components.run"]
        with self.running, mock.patch.dict(os.environ, environment or {}):
            try:
                run.main(command[4:], standalone_mode=False)
            except SystemExit as ended:
                return int(ended.code or 0)
        raise AssertionError("the command did not exit")


@pytest.fixture
def containers(monkeypatch):
    started = Containers()
    client = SimpleNamespace(close=lambda: None, info=dict)
    monkeypatch.setattr("docker.from_env", lambda: client)
    monkeypatch.setattr("kfp.local.docker_task_handler.run_docker_container", started.start)
    return started


@pytest.fixture
def data(tmp_path):
    write_day(tmp_path / "data", GOOD_DAY)
    write_day(tmp_path / "data", BAD_DAY, is_good=False)
    return tmp_path / "data"


def ran(pipeline, folder, **given):
    """Compiles a pipeline, loads it as Kubeflow does, and runs it; task -> what its container told."""
    loaded = components.load_component_from_file(str(compiled(pipeline, folder / "pipeline.yaml")))
    local.init(local.DockerRunner(), pipeline_root=str(folder / "kfp"))
    loaded(root=str(folder / "checkpoints"), **given)
    return {file.parent.name: json.loads(file.read_text()) for file in told_in(folder / "kfp")}


@pytest.mark.parametrize(("day", "verdict"), [(GOOD_DAY, "BLESSED"), (BAD_DAY, "NOT_BLESSED")])
def test_only_the_first_container_is_given_the_plan_and_all_run_it(day, verdict, containers, data, tmp_path):
    plan = plan_of(data, tmp_path / "out")
    told = ran(model_validation(plan), tmp_path, date=day)
    tasks = {"read-inputs", "extract-slice-keys", "evaluate-metrics-and-plots", "evaluate-extracts", "gate"}
    assert set(told) == {*tasks, "write-results", "finish", *(["bless"] if verdict == "BLESSED" else [])}
    assert [PLAN_VARIABLE in environment for _, environment in containers.started].count(True) == 1
    assert PLAN_VARIABLE in containers.started[0][1]
    assert (tmp_path / "checkpoints" / path_of_plan(plan)).exists()
    assert json.loads((latest(tmp_path / "out" / day) / "verdict.json").read_text())["status"] == verdict


def test_a_gate_that_asks_for_evidence_waits_for_the_search_and_closes_for_a_slice_that_nobody_listed(
    containers, data, tmp_path, capfd
):
    """The predictions for group a are the wrong way round; no slicing spec says group."""
    file = data / GOOD_DAY / "rows.parquet"
    rows = pq.read_table(file).to_pandas()
    rows["score"] = rows["score"].where(rows["group"] != "a", 1 - rows["score"])
    rows.to_parquet(file)
    metrics = [{"metrics": [{"class_name": "AUC"}]}]
    config = {**analysis_of(data, tmp_path)["eval_config"], "slicing_specs": [{}], "metrics_specs": metrics}
    config["options"] = {"compute_confidence_intervals": {"value": True}}
    gate = {"thresholds": [{"metric": "auc", "at_least": 0.2}]}
    found = {"min_rows": 50, "most_worse": 0.2, "metrics": True}
    plan = plan_of(data, tmp_path / "out", eval_config=config, gate=gate, find_slices=found)
    told = ran(model_validation(plan), tmp_path, date=GOOD_DAY)
    assert "find-slices" in told
    assert "bless" not in told
    verdict = json.loads((latest(tmp_path / "out" / GOOD_DAY) / "verdict.json").read_text())
    assert [reason["slice"] for reason in verdict["reasons"]] == ["group=a"]
    outcomes = {
        line["question"]: line["outcome"] for line in verdict["evidence"] if line["slice"] in ("Overall", "group=a")
    }
    assert outcomes == {"at_least": "PASS", "most_worse": "FAIL"}
    of_slices = {text_of(record): record for record in load_metrics(latest(tmp_path / "out" / GOOD_DAY))}
    assert of_slices["group=a"].is_found
    expected = "no found slice worse than all rows by more than 0.2"
    assert expected in capfd.readouterr().out
    (summary,) = (tmp_path / "kfp").rglob("gate/verdict_summary")
    assert expected in summary.read_text()


def test_a_whole_plan_in_one_container(containers, data, tmp_path):
    told = ran(model_validation(plan_of(data, tmp_path / "out", checkpoint="none")), tmp_path, date=GOOD_DAY)
    assert set(told) == {"analyse", "bless", "finish"}


def test_candidates_of_a_loop_find_the_same_plan(containers, data, tmp_path):
    plan = versions_of(data, tmp_path / "out")
    told = ran(compare_models(plan), tmp_path, date=GOOD_DAY, versions=["score", "reversed"])
    assert told["compare"]["parameterValues"]["blessed"] == ["score"]
    assert [uri for uri, _ in storage.list(str(tmp_path / "checkpoints" / "plans"))] == [
        str(tmp_path / "checkpoints" / path_of_plan(plan))
    ]
