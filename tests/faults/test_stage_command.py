"""Wrong calls of the stage command: exit code 64, and a last line that says which type of error and what to do."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest

from assay import cli
from assay.run.call import Checkpoints, stage_arguments
from tests.faults.small_run import SmallRun, Undisturbed, small_run

DIGEST = "a" * 64


@pytest.fixture(scope="module")
def run(undisturbed: Undisturbed, tmp_path_factory: pytest.TempPathFactory) -> SmallRun:
    """A run up to the gate, which no test changes for the worse."""
    run = small_run(tmp_path_factory.mktemp("run"), data=undisturbed.data)
    run.go_on(before="Gate")
    return run


def files(run: SmallRun) -> set[Path]:
    """All that lies in the root of the run and around it."""
    return {file for file in run.folder.parent.rglob("*") if file.is_file()}


def changed(command: list[str], option: str, value: str | None) -> list[str]:
    """A command with another value of an option, or without it."""
    at = command.index(option)
    return [*command[:at], *([option, value] if value is not None else []), *command[at + 2 :]]


def refused(command: list[str], kind: str, message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(command) == 64
    printed = capsys.readouterr()
    assert printed.out == ""
    assert "Traceback" not in printed.err
    last = printed.err.strip().splitlines()[-1]
    assert re.fullmatch(rf"assay\.errors\.{kind}: .*{message}.*", last), last


@pytest.mark.parametrize("kind", ["extract", "gate", "analyse"])
def test_a_stage_called_as_another_kind_is_refused(kind, run, capsys):
    command = run.command("EvaluateExtracts")
    command[1] = kind
    refused(command, "ConfigError", f"'EvaluateExtracts' is of kind evaluate in the plan, .* called as {kind}", capsys)


def test_a_kind_that_there_is_not_is_refused(run, capsys):
    command = run.command("Gate")
    command[1] = "gates"
    refused(command, "ConfigError", "'gates' is not one of .*'gate'", capsys)


@pytest.mark.parametrize("option", ["--plan", "--stage"])
def test_a_missing_option_is_named(option, run, capsys):
    refused(changed(run.command("Gate"), option, None), "ConfigError", f"Missing option '{option}'", capsys)


def test_an_unknown_stage_is_refused_with_its_near_miss(run, capsys):
    refused(changed(run.command("Gate"), "--stage", "Gat"), "PipelineError", "no task 'Gat'.*'?Gate'?", capsys)


def test_a_missing_root_is_refused(run, capsys):
    refused(changed(run.command("Gate"), "--root", None), "PipelineError", "expected a root", capsys)


@pytest.mark.parametrize("root", ["s3://bucket/root", "hdfs://x/y", "gs://", "file:///x", ""])
def test_a_root_of_another_scheme_is_refused(root, run, capsys):
    refused(changed(run.command("ReadInputs"), "--root", root), "ConfigError", "expected a .*gs://", capsys)


def test_a_root_that_is_a_file_is_refused(run, capsys, tmp_path):
    file = tmp_path / "file"
    file.write_bytes(b"")
    refused(changed(run.command("ReadInputs"), "--root", str(file)), "ConfigError", str(file), capsys)


def test_a_missing_input_is_named(run, capsys):
    message = "expected the manifest of EvaluateMetricsAndPlots: --input EvaluateMetricsAndPlots=URI"
    refused(changed(run.command("Gate"), "--input", None), "PipelineError", message, capsys)


def test_an_input_without_a_name_is_refused(run, capsys):
    refused(changed(run.command("Gate"), "--input", "x"), "ConfigError", "expected .*=.*, found 'x'", capsys)


def inputs(run: SmallRun) -> dict[str, str]:
    good = run.done["EvaluateMetricsAndPlots"].manifest
    relative = good.removeprefix(f"{run.root}/")
    return {
        "of another task": run.done["EvaluateExtracts"].manifest,
        "outside of the root": f"{run.folder}/EvaluateMetricsAndPlots/{DIGEST}/manifest.json",
        "on another storage": f"gs://bucket/{relative}",
        "above the root": f"{run.root}/../{relative}",
        "through another folder": f"{run.root}/plans/../{relative}",
        "relative": relative,
        "a name only": "manifest.json",
        "the root": run.root,
        "its folder": good.removesuffix("/manifest.json"),
    }


INPUTS = (
    "of another task",
    "outside of the root",
    "on another storage",
    "above the root",
    "through another folder",
    "relative",
    "a name only",
    "the root",
    "its folder",
)


@pytest.mark.parametrize("which", INPUTS)
def test_an_input_that_is_not_of_its_task_under_the_root_is_refused(which, run, capsys):
    command = changed(run.command("Gate"), "--input", f"EvaluateMetricsAndPlots={inputs(run)[which]}")
    message = f"--input EvaluateMetricsAndPlots: expected a manifest of EvaluateMetricsAndPlots under {run.root}"
    refused(command, "CheckpointError", message, capsys)


def test_an_input_that_is_not_there_is_refused(run, capsys):
    uri = f"{run.root}/EvaluateMetricsAndPlots/{DIGEST}/manifest.json"
    command = changed(run.command("Gate"), "--input", f"EvaluateMetricsAndPlots={uri}")
    refused(command, "CheckpointError", f"no manifest at {uri}; run EvaluateMetricsAndPlots first", capsys)


@pytest.mark.parametrize("name", ["../elsewhere", "a/b", "..", "/x"])
def test_a_run_whose_records_would_lie_elsewhere_is_refused(name, run, capsys):
    before = files(run)
    refused(changed(run.command("ReadInputs"), "--run", name), "ConfigError", "--run", capsys)
    assert files(run) == before


def test_a_root_relative_to_the_working_folder_is_as_good_as_its_absolute_path(run, monkeypatch):
    monkeypatch.chdir(Path(run.root).parent)
    command = changed(run.command("ReadInputs"), "--root", Path(run.root).name)
    assert cli.main(command) == 0
    assert run.remember("ReadInputs").reused
    assert run.done["ReadInputs"].manifest.startswith(f"{run.root}/")
    assert cli.main(changed(run.command("Gate"), "--root", f"{run.root}/")) == 0


# Plans ----------------------------------------------------------------------------------------------------------------


def test_a_plan_that_is_not_there_is_refused(run, capsys):
    refused(changed(run.command("Gate"), "--plan", "/no/such"), "ConfigError", "there is no plan at /no/such", capsys)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"null", b'{"version": 1}', b'{"version": 99}', b"\xff\xfe"])
def test_what_is_no_plan_is_refused(content, run, capsys, tmp_path):
    file = tmp_path / "plan.json"
    file.write_bytes(content)
    refused(changed(run.command("Gate"), "--plan", str(file)), "ConfigError", "plan", capsys)


def edited_plan(run: SmallRun, old: str, new: str) -> str:
    """The plan with all names or places of one kind replaced."""
    file = run.folder / "edited.json"
    file.write_text(Path(run.plan_uri).read_text().replace(json.dumps(old), json.dumps(new)))
    return str(file)


@pytest.mark.parametrize("name", ["../../outside", "/tmp/outside", "a/b", "..", ""])
def test_a_plan_whose_tasks_lead_outside_is_refused(name, run, capsys):
    command = changed(run.command("ReadInputs"), "--plan", edited_plan(run, "ReadInputs", name))
    before = files(run)
    refused(changed(command, "--stage", name), "PipelineError", "name", capsys)
    assert files(run) == before


def test_a_plan_whose_task_alone_leads_outside_is_refused(run, capsys, tmp_path):
    plan = json.loads(Path(run.plan_uri).read_text())
    plan["tasks"][0]["name"] = "../outside"
    for task in plan["tasks"]:
        task["after"] = [name.replace("ReadInputs", "../outside") for name in task["after"]]
    file = tmp_path / "plan.json"
    file.write_text(json.dumps(plan))
    command = changed(changed(run.command("ReadInputs"), "--plan", str(file)), "--stage", "../outside")
    refused(command, "(Pipeline|Config)Error", "outside", capsys)
    assert not Path(run.root, "..", "outside").exists()


@pytest.mark.parametrize("output", ["s3://bucket/results", "results", "../results", ""])
def test_a_plan_whose_output_lies_where_nothing_can_be_written_is_refused(output, run, capsys):
    run.go_on(before="WriteResults")
    uri = edited_plan(run, run.plan.output, output)
    refused(changed(run.command("WriteResults"), "--plan", uri), "ConfigError", "output", capsys)


# Options of Beam ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ("--runner=NoSuchRunner", "options of Beam pipelines: .*NoSuchRunner"),
        ("--runner=DaskRunner", "'DaskRunner' is refused"),
        ("--direct_num_workers=many", "options of Beam pipelines: "),
    ],
)
def test_options_that_beam_does_not_take_are_refused(option, message, run, capsys):
    command = [*run.command("EvaluateExtracts")[:-1], "--", option]
    shutil.rmtree(Path(run.root, "EvaluateExtracts"))
    refused(command, "ConfigError", message, capsys)
    assert run.run("EvaluateExtracts") == 0


def test_the_launcher_hands_on_what_the_command_says(run, tmp_path):
    assert stage_arguments("gate", "p", "Gate", Checkpoints(root="/r", inputs={"A": "b"}), "f") == (
        "stage", "gate", "--plan", "p", "--stage", "Gate", "--root", "/r", "--input", "A=b", "--result", "f", "--",
    )  # fmt: skip
