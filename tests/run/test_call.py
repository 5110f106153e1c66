"""What a call notes of a task, and who may read it: records of a run, by task and plan."""

import json
from dataclasses import replace

import pytest

from assay import storage
from assay.checkpoints.layout import manifest_uri, name_in_run
from assay.checkpoints.runs import lease, runs_of
from assay.errors import CheckpointError, MissingFileError
from assay.plan.analysis_file import compile_analysis
from assay.plan.as_json import digest
from assay.plan.filled import with_params
from assay.run.call import Checkpoints, record, recorded
from assay.run.outcome import StageResult

ANALYSIS = {
    "params": {"date": None},
    "inputs": {"format": "csv", "files": "./${date}.csv"},
    "eval_config": {
        "model_specs": [{"label_key": "y", "prediction_key": "p"}],
        "metrics_specs": [{"metrics": [{"class_name": "ExampleCount"}]}],
    },
    "output": "out",
}


@pytest.fixture
def plan(tmp_path):
    """Makes a plan with its parameters; of another day, or changed otherwise, it is another."""

    def made(date="monday", **changes):
        return with_params(compile_analysis({**ANALYSIS, **changes}, tmp_path), {"date": date})

    return made


@pytest.fixture
def given(tmp_path):
    return Checkpoints(root=str(tmp_path / "root"), run="dag.run")


def result(verdict, task="Analyse"):
    return StageResult(task=task, kind="analyse", verdict=verdict, output="/out", rows=3)


def test_tasks_of_one_name_in_one_run_are_told_apart_by_plan_and_parameters(plan, given):
    plans = {
        "BLESSED": plan(),
        "NOT_BLESSED": plan("tuesday"),
        "NOT_EVALUATED": plan(min_rows=10),
        "": plan(seed=1),
    }
    for verdict, which in plans.items():
        record(which, result(verdict), given)
    assert {recorded(which, "Analyse", given).verdict for which in plans.values()} == set(plans)
    assert all(recorded(which, "Analyse", given) == result(verdict) for verdict, which in plans.items())


def test_tasks_of_one_plan_have_a_record_each(plan, given):
    for task in ("Read", "Read-2", "Gate"):
        record(plan(), result(task.upper(), task), given)
    assert [recorded(plan(), task, given).verdict for task in ("Read", "Read-2", "Gate")] == ["READ", "READ-2", "GATE"]


def test_what_another_plan_has_done_is_not_what_this_one_did(plan, given):
    record(plan(), result("BLESSED"), given)
    with pytest.raises(MissingFileError):
        recorded(plan("tuesday"), "Analyse", given)


def noted_as(uri, **changes):
    """Another's note in place of a record."""
    storage.write(uri, json.dumps({**json.loads(storage.read(uri)), **changes}).encode())


@pytest.mark.parametrize(
    ("other", "told"),
    [({"plan": "f" * 64}, f"of the plan {'f' * 64}"), ({"task": "Gate"}, "found that of task 'Gate' of the plan")],
)
def test_a_record_in_which_another_plan_or_task_is_noted_is_refused(plan, given, other, told):
    record(plan(), result("BLESSED"), given)
    noted_as(uri_of(plan(), given), **other)
    with pytest.raises(CheckpointError, match=f"expected the record of task 'Analyse' of the plan .*{told}"):
        recorded(plan(), "Analyse", given)


@pytest.mark.parametrize("content", [b"{}", b"[]", b"{", b'{"task": "Analyse"}'])
def test_a_record_that_is_none_is_refused_by_its_place(plan, given, content):
    uri = uri_of(plan(), given)
    storage.write(uri, content)
    with pytest.raises(CheckpointError, match=f"^{uri}: expected the record of a task"):
        recorded(plan(), "Analyse", given)


def uri_of(plan, given):
    return storage.join(given.root, "runs", given.run, f"Analyse-{digest(plan)[:8]}.json")


def test_a_record_ends_the_lease_of_its_own_plan_only(plan, given):
    monday, tuesday = plan(), plan("tuesday")
    done, ahead = (manifest_uri(given.root, "Read", digest(which)) for which in (monday, tuesday))
    lease(given.root, given.run, name_in_run("Read", digest(monday)), [done])
    lease(given.root, given.run, name_in_run("Read", digest(tuesday)), [ahead])
    record(monday, replace(result("", "Read"), manifest=done), given)
    (run,) = runs_of(given.root)
    assert run.leased == (ahead,)
    assert run.manifests == (done,)
    assert run.plans == (digest(monday),)
