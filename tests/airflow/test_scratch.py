"""Checkpoints of one run, in a folder of its own: made before it, deleted after it, begun again where it is gone."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from assay import storage
from assay.errors import ConfigError
from assay.operators.scratch import delete_scratch
from assay.operators.stage import tasks_before
from tests.airflow.conftest import BAD_DAY, GOOD_DAY, analysis
from tests.airflow.runs import dag_in, returned, run_dag
from tests.latest_results import latest

DAG_FILE = """
from airflow.sdk import DAG, task
from airflow.providers.standard.operators.empty import EmptyOperator
from assay.operators import SubprocessLauncher, model_analysis_task_group

ANALYSIS, ROOT = {analysis!r}, {root!r}
with DAG("scratch", schedule=None) as dag:
    group = model_analysis_task_group(ANALYSIS, root=ROOT, group_id="g", keep_checkpoints=False, {settings})
    {call} >> EmptyOperator(task_id="push")
"""
FAILS_ONCE_IN_GATE = """#!/bin/bash
if [[ " $* " == *" stage gate "* ]]; then ls "{root}"/scratch/*/ > "{seen}"; exit 1; fi
exec "$ASSAY_PYTHON" "$@"
"""


@pytest.fixture
def make(dags, data, tmp_path):
    """Writes a DAG file; returns it."""

    def made(settings="", call="group()", **changes):
        file = tmp_path / "analysis.json"
        file.write_text(json.dumps(analysis(data, tmp_path, **{"analysis_table": False, **changes})))
        dag = dags / "scratch.py"
        root = str(tmp_path / "checkpoints")
        dag.write_text(DAG_FILE.format(analysis=str(file), root=root, settings=settings, call=call))
        return dag

    return made


def left(tmp_path):
    """Files under the root, but plans."""
    files = (file for file in (tmp_path / "checkpoints").rglob("*") if file.is_file())
    return [file for file in files if file.parent.name != "plans"]


def run_again(file, run, task_id):
    """Runs one task of a run that is over, as one does that is cleared; returns its state."""
    from airflow.sdk.definitions.dag import _run_task

    dag, ti = dag_in(file, "scratch"), run.get_task_instance(task_id)
    ti.refresh_from_task(dag.get_task(task_id))
    _run_task(ti=ti, task=dag.get_task(task_id))
    return run.get_task_instance(task_id).state


def test_after_a_run_there_are_results_and_no_checkpoints(make, tmp_path):
    run, states = run_dag(make(), "scratch")
    assert set(states.values()) == {"success"}
    name = f"scratch.{run.run_id}.g".replace(":", "-").replace("+", "-")
    uri = returned(run, "g.make_scratch")
    assert re.fullmatch(f"{re.escape(f'{tmp_path}/checkpoints/scratch/{name}')}-[0-9a-f]{{8}}", uri)
    assert returned(run, "g.read_inputs")["manifest"].startswith(f"{uri}/ReadInputs/")
    assert left(tmp_path) == []
    assert (latest(tmp_path / f"results/{GOOD_DAY}") / "results.json").exists()


def test_setup_and_teardown_are_around_all_tasks_and_what_comes_after_does_not_wait_for_the_teardown(make):
    dag = dag_in(make(), "scratch")
    make_it, delete = dag.get_task("g.make_scratch"), dag.get_task("g.delete_scratch")
    assert make_it.is_setup
    assert delete.is_teardown
    assert delete.trigger_rule == "all_done_setup_success"
    assert make_it.downstream_task_ids == {"g.read_inputs", "g.delete_scratch"}
    assert delete.upstream_task_ids == {"g.make_scratch", "g.bless"}
    assert dag.get_task("push").upstream_task_ids == {"g.bless"}


@pytest.mark.slow
def test_a_closed_gate_does_not_keep_it(make, tmp_path):
    _, states = run_dag(make(), "scratch", conf={"date": BAD_DAY})
    assert states["g.bless"] == states["push"] == "skipped"
    assert states["g.delete_scratch"] == "success"
    assert left(tmp_path) == []


@pytest.mark.slow
def test_a_failure_does_not_keep_it_either(make, tmp_path):
    python, seen = tmp_path / "python", tmp_path / "seen"
    python.write_text(FAILS_ONCE_IN_GATE.format(root=tmp_path / "checkpoints", seen=seen))
    python.chmod(0o755)
    run, states = run_dag(make(f"launcher=SubprocessLauncher(python={str(python)!r})"), "scratch")
    assert run.state == "failed"
    assert states["g.gate"] == "failed"
    assert states["g.delete_scratch"] == "success"
    assert {"ReadInputs", "EvaluateMetricsAndPlots", "owner.json"} <= set(seen.read_text().split())
    assert left(tmp_path) == []


@pytest.mark.slow
def test_in_a_mapped_group_each_has_its_own(make, tmp_path):
    run, states = run_dag(make(call=f'group.expand(date=["{GOOD_DAY}", "{BAD_DAY}"])'), "scratch")
    assert states["g.bless"] == ["success", "skipped"]
    assert states["g.delete_scratch"] == ["success", "success"]
    assert returned(run, "g.make_scratch", 0) != returned(run, "g.make_scratch", 1)
    assert left(tmp_path) == []


def test_data_that_does_not_come_needs_no_scratch(make, tmp_path):
    file = make("wait_for_data=__import__('datetime').timedelta(0)")
    run, states = run_dag(file, "scratch", conf={"date": "2026-11-03"})
    assert run.state == "success"
    assert states["g.make_scratch"] == states["g.delete_scratch"] == states["push"] == "skipped"
    assert left(tmp_path) == []


def test_a_fused_plan_has_none(make):
    assert "g.make_scratch" not in dag_in(make(checkpoint="none"), "scratch").task_ids


@pytest.mark.slow
def test_stages_that_are_cleared_later_begin_again(make, tmp_path):
    file = make()
    run, _ = run_dag(file, "scratch")
    results = latest(tmp_path / f"results/{GOOD_DAY}") / "results.json"
    results.unlink()
    assert run_again(file, run, "g.bless") == "success"  # what it needs of the gate is with the results, too
    assert run_again(file, run, "g.write_results") == "success"
    assert results.exists()
    assert (tmp_path / "checkpoints/scratch").exists()
    assert run_again(file, run, "g.delete_scratch") == "success"
    assert left(tmp_path) == []


def test_what_a_task_starts_from_are_all_tasks_before_it_in_order(make, tmp_path):
    from assay.plan.analysis_file import load_analysis

    make(analysis_table=True)
    plan = load_analysis(tmp_path / "analysis.json")
    assert [task.name for task in tasks_before(plan, "EvaluateExtracts")] == ["ReadInputs", "ExtractSliceKeys"]
    assert [task.name for task in tasks_before(plan, "ReadInputs")] == []
    assert "EvaluateExtracts" not in [task.name for task in tasks_before(plan, "Gate")]
    assert len(tasks_before(plan, "WriteResults")) == len(plan.tasks) - 1


BY_HAND = """
from airflow.sdk import DAG
from assay.operators import DeleteScratchOperator, MakeScratchOperator

with DAG("by_hand", schedule=None):
    for name, plan, date in {analyses!r}:
        common = dict(plan=plan, root={root!r}, plan_params={{"date": date}}, run={run!r})
        make = MakeScratchOperator(task_id=f"make_{{name}}", **common)
        make >> DeleteScratchOperator(task_id=f"delete_{{name}}", **common)
"""


@pytest.mark.parametrize("run_name", ["", "nightly"])
def test_analyses_of_one_run_have_a_scratch_each_by_plan_and_parameters(dags, data, tmp_path, run_name):
    plans = [plan_file(tmp_path / f"{bound}.json", analysis(data, tmp_path, bound=bound)) for bound in (0.5, 0.99)]
    analyses = [("a", plans[0], GOOD_DAY), ("b", plans[1], GOOD_DAY), ("c", plans[0], BAD_DAY)]
    file, root = dags / "by_hand.py", str(tmp_path / "checkpoints")
    file.write_text(BY_HAND.format(analyses=analyses, root=root, run=run_name))
    run, states = run_dag(file, "by_hand")
    assert set(states.values()) == {"success"}
    uris = [returned(run, f"make_{name}") for name in "abc"]
    assert len(set(uris)) == 3
    assert uris == [returned(run, f"delete_{name}") for name in "abc"]


def plan_file(file, content):
    """Writes the plan of an analysis; returns its URI."""
    from assay.plan.analysis_file import compile_analysis
    from assay.plan.as_json import to_json

    file.write_text(to_json(compile_analysis(content, file.parent)))
    return str(file)


@pytest.mark.parametrize("name", ["", ".", "..", "../ReadInputs", "run/..", "run/../..", "a/b", "_x", "/etc"])
def test_only_a_folder_right_below_that_of_all_scratches_is_deleted(tmp_path, name):
    (tmp_path / "scratch" / "run").mkdir(parents=True)
    (tmp_path / "ReadInputs").mkdir()
    with pytest.raises(ConfigError, match=f"expected a folder right below {tmp_path}/scratch; nothing is deleted"):
        delete_scratch(str(tmp_path), storage.join(str(tmp_path), "scratch", name))
    assert sorted(str(uri.relative_to(tmp_path)) for uri in tmp_path.rglob("*")) == [
        "ReadInputs",
        "scratch",
        "scratch/run",
    ]


def test_a_scratch_of_another_root_or_behind_a_link_is_not_deleted(tmp_path):
    mine, other = tmp_path / "mine", tmp_path / "other"
    (other / "scratch" / "run").mkdir(parents=True)
    (mine / "scratch").mkdir(parents=True)
    (mine / "scratch" / "run").symlink_to(other)
    for uri in (other / "scratch" / "run", mine / "scratch" / "run"):
        with pytest.raises(ConfigError, match="nothing is deleted"):
            delete_scratch(str(mine), str(uri))
    assert Path(other, "scratch", "run").is_dir()
