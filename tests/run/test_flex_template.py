"""The program of the Flex Template describes a job that Dataflow's stand-in starts, and another call collects."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Sequence

import pytest

from assay import storage
from assay.components.flex_template import main, parser
from assay.engine.remote import Remote
from assay.errors import ConfigError
from assay.plan.plan import Plan
from assay.plan.stored import publish_plan
from assay.plan.tasks import reshaped
from assay.run import dataflow
from assay.run.stage import run_stage
from tests import dataflow_jobs
from tests.dataflow_jobs import Service
from tests.docker import ROOT
from tests.gcs_emulator import Emulator
from tests.run.test_dataflow import ROWS, options_of, planned, write_rows

METADATA = json.loads((ROOT / "components" / "flex_template.json").read_text())
PARAMETERS = {parameter["name"]: parameter for parameter in METADATA["parameters"]}
IMAGE = "europe-docker.pkg.dev/project/team/assay-core:0.1.0"
OF_BEAM = {"sdk_container_image"}


@pytest.fixture
def service(gcs: Emulator, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(dataflow, "POLL_SECONDS", 0.1)
    with dataflow_jobs.started(gcs.url) as service:
        yield service


@pytest.fixture
def path(gcs: Emulator, request: pytest.FixtureRequest) -> str:
    """A folder of the bucket for this test, with data."""
    path = f"{gcs.root}/{request.node.name.replace('[', '-').rstrip(']')}"
    write_rows(path, bad=False)
    return path


@pytest.fixture
def plan(path: str, tmp_path) -> Plan:
    return reshaped(planned(path, tmp_path), "none")


def words_of_launcher(service: Service, path: str, **parameters: str) -> list[str]:
    """What Dataflow's launcher gives the program: its own options, and the parameters of the template."""
    own = (*options_of(service, path), "--job_name=of-the-template", f"--staging_location={path}/staging")
    given = {**parameters, "template_location": f"{path}/staging/job_object"}
    return [*own, *(f"--{name}={value}" for name, value in given.items())]


def test_a_job_that_was_described_runs_and_is_collected_by_its_id(plan: Plan, service: Service, path: str):
    words = words_of_launcher(service, path, plan=publish_plan(plan, path), sdk_container_image=IMAGE)
    program = ROOT / "components" / "flex_template.py"
    done = subprocess.run(
        [sys.executable, "-P", program, *words],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert service.jobs == []
    described = json.loads(storage.read(f"{path}/staging/job_object"))
    assert IMAGE in {pool["workerHarnessContainerImage"] for pool in described["environment"]["workerPools"]}

    service.create(described)
    remote = Remote(job=service.jobs[0].id)
    result = run_stage(plan, plan.tasks[0].name, options=options_of(service, path), remote=remote)
    assert (result.verdict, result.rows) == ("BLESSED", ROWS)
    assert json.loads(storage.read(f"{result.output}/results.json"))["rows"] == ROWS
    assert len(service.jobs) == 1


def refused(words: Sequence[str], capsys: pytest.CaptureFixture[str]) -> str:
    assert main(words) == ConfigError.exit_code
    (line,) = capsys.readouterr().err.strip().splitlines()
    return line


@pytest.mark.parametrize("text", ["[1]", '{"date": 1}', "date=2026-11-27"])
def test_parameters_that_are_no_object_of_text_are_refused(plan: Plan, service: Service, path: str, text: str, capsys):
    words = words_of_launcher(service, path, plan=publish_plan(plan, path), plan_params=text)
    assert "plan_params: expected a JSON object" in refused(words, capsys)


def test_a_plan_with_checkpoints_is_refused(service: Service, path: str, tmp_path, capsys):
    uri = publish_plan(planned(path, tmp_path), path)
    assert "expected a plan without checkpoints" in refused(words_of_launcher(service, path, plan=uri), capsys)


def test_without_a_place_for_the_description_nothing_is_submitted(plan: Plan, service: Service, path: str, capsys):
    words = words_of_launcher(service, path, plan=publish_plan(plan, path))[:-1]
    assert "--template_location: expected from a Flex Template" in refused(words, capsys)
    assert service.jobs == []


def test_a_stage_command_does_not_describe_a_job_that_nobody_starts(plan: Plan, service: Service, path: str):
    options = (*options_of(service, path), f"--template_location={path}/job_object")
    with pytest.raises(ConfigError, match="--template_location: expected from a Flex Template"):
        run_stage(plan, plan.tasks[0].name, options=options)


def test_the_template_has_the_parameters_that_the_program_takes():
    taken = {action.dest: action.required for action in parser()._actions if action.dest != "help"}
    of_program = {name: not PARAMETERS[name].get("isOptional", False) for name in PARAMETERS.keys() - OF_BEAM}
    assert of_program == taken


def test_dataflows_client_knows_every_field_of_the_template():
    from google.cloud import dataflow as client

    spec = {"image": IMAGE, "sdkInfo": {"language": "PYTHON"}, "metadata": METADATA}
    read = client.ContainerSpec.from_json(json.dumps(spec), ignore_unknown_fields=False)
    assert [parameter.name for parameter in read.metadata.parameters] == list(PARAMETERS)


@pytest.mark.parametrize(
    ("name", "good", "bad"),
    [
        ("plan", ["gs://bucket/plans/0a.json"], ["plan.json", "gs://bucket", "/plans/0a.json"]),
        ("plan_params", ['{"date": "2026-11-27"}', "{}"], ["date=2026-11-27"]),
        ("sdk_container_image", [IMAGE, f"{IMAGE}@sha256:{'0' * 64}"], ["assay core", "assay-core:0.1.0"]),
    ],
)
def test_regexes_take_what_the_program_takes(name: str, good: Sequence[str], bad: Sequence[str]):
    (pattern,) = PARAMETERS[name]["regexes"]
    assert [text for text in good if not re.fullmatch(pattern, text)] == []
    assert [text for text in bad if re.fullmatch(pattern, text)] == []
