"""A plan under a root is believed only while it is the one that its name says: through every door that reads it."""

from __future__ import annotations

import json
import os
import time

import pytest

from assay import storage
from assay.cli import main
from assay.components.plan_input import plan_uri
from assay.errors import ConfigError, UsageError
from assay.plan.analysis_file import compile_analysis
from assay.plan.as_json import digest, to_json
from assay.plan.filled import with_params
from assay.plan.plan import Plan
from assay.plan.stored import plan_at, plan_text, publish_plan, store
from assay.plan.tasks import CUTS, reshaped
from assay.run.call import Checkpoints, stage_arguments

ANALYSIS = {
    "inputs": {"format": "csv", "files": ["data.csv"]},
    "output": "out",
    "analysis_table": True,
    "eval_config": {
        "model_specs": [{"label_key": "label", "prediction_key": "score"}],
        "metrics_specs": [{"metrics": [{"class_name": "AUC"}]}],
    },
}


@pytest.fixture
def plan(tmp_path) -> Plan:
    (tmp_path / "data.csv").write_text("label,score\n0,0.1\n1,0.9\n")
    return reshaped(with_params(compile_analysis(ANALYSIS, tmp_path), {}), CUTS)


@pytest.fixture(params=["folder", "gcs"])
def root(request, tmp_path) -> str:
    if request.param == "folder":
        return str(tmp_path / "root")
    return f"{request.getfixturevalue('gcs').root}/{tmp_path.name}"


def test_a_plan_comes_back_as_it_was_published(plan, root):
    uri = publish_plan(plan, root)
    assert uri.endswith(f"/plans/{digest(plan)}.json")
    assert plan_at(uri) == plan
    assert plan_text(uri) == to_json(plan)


def with_code(content):
    for stage in content["stages"]:
        if stage["name"] == "EvaluateExtracts":
            stage["settings"] = {"factory": "os:system", "args": {"command": "exit"}}


def with_reader(content):
    content["inputs"] = {"factory": "os:system", "args": {"command": "exit"}}


def with_model(content):
    content["models"] = [{"name": "m", "type": "callable", "uri": "os:system"}]


def with_output(content):
    content["output"] = "/elsewhere"


CHANGES = [with_code, with_reader, with_model, with_output]


@pytest.fixture(params=CHANGES, ids=lambda change: change.__name__)
def changed(request, plan, root) -> str:
    """The URI of a plan that somebody has changed."""
    uri = publish_plan(plan, root)
    content = json.loads(storage.read(uri))
    request.param(content)
    storage.write(uri, json.dumps(content, sort_keys=True, separators=(",", ":")).encode())
    return uri


def test_a_changed_plan_is_refused_by_the_stage_command_before_anything_is_imported(changed, root, tmp_path, capsys):
    for task, kind in (("ReadInputs", "read-inputs"), ("EvaluateExtracts", "evaluate")):
        command = stage_arguments(kind, changed, task, Checkpoints(root=root), str(tmp_path / "r"))
        assert main(command) == 64
        assert "not the plan that its name says" in capsys.readouterr().err
    assert not (tmp_path / "r").exists()


def test_a_changed_plan_is_refused_by_whatever_else_reads_it(changed):
    with pytest.raises(ConfigError, match="somebody has changed it; nothing of it was run"):
        plan_at(changed)
    with pytest.raises(ConfigError, match="somebody has changed it; nothing of it was run"):
        plan_text(changed)


def test_a_changed_plan_is_replaced_where_it_is_published_again(changed, plan, root):
    assert plan_uri(to_json(plan), root) == changed
    assert plan_at(changed) == plan
    storage.write(changed, (to_json(plan)[:-1] + " ").encode())  # of the same size
    store(changed, to_json(plan))
    assert plan_at(changed) == plan


@pytest.mark.parametrize("changed", [with_code], indirect=True, ids=["with_code"])
@pytest.mark.parametrize("root", ["folder"], indirect=True)
def test_a_changed_plan_is_replaced_by_the_next_run(changed, plan, root, tmp_path, monkeypatch):
    (tmp_path / "a.json").write_text(json.dumps(ANALYSIS))
    monkeypatch.chdir(tmp_path)
    assert main(["run", "a.json", "--checkpoints", root, "--quiet"]) == 0
    assert plan_at(changed) == plan


@pytest.mark.parametrize("content", [b"", b"{", b"[" * 100_000, b"\xff\xfe", b'{"version": 1}'])
def test_what_is_no_plan_is_refused_on_one_line(content, tmp_path):
    for uri in (tmp_path / "mine.json", tmp_path / "root" / "plans" / f"{'a' * 64}.json"):
        storage.write(str(uri), content)
        with pytest.raises(UsageError) as refused:
            plan_at(str(uri))
        assert "\n" not in str(refused.value)


def test_a_plan_that_nests_too_deep_is_a_named_error(tmp_path):
    uri = str(tmp_path / "mine.json")
    storage.write(uri, b'{"version": 1, "stages": ' + b"[" * 900 + b"]" * 900 + b"}")
    with pytest.raises(ConfigError, match="nested more than 100 deep"):
        plan_at(uri)


def test_a_pipe_or_a_device_is_no_plan(tmp_path):
    pipe = str(tmp_path / "pipe")
    os.mkfifo(pipe)
    for uri in (pipe, "/dev/zero"):
        with pytest.raises(ConfigError, match="expected a regular file"):
            plan_at(uri)


def test_a_plan_somebody_keeps_elsewhere_may_have_any_name_and_form(plan, tmp_path):
    uri = tmp_path / "mine.json"
    uri.write_text(json.dumps(json.loads(to_json(plan)), indent=2))
    assert plan_at(str(uri)) == plan


def test_a_plan_in_use_does_not_grow_old(plan, tmp_path):
    uri = publish_plan(plan, str(tmp_path / "root"))
    os.utime(uri, (time.time() - 7200,) * 2)
    publish_plan(plan, str(tmp_path / "root"))
    assert time.time() - os.stat(uri).st_mtime < 600
