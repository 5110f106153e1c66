"""The census analysis, everything on Google Cloud Storage, stage by stage in containers; one of them is killed."""

import time
import uuid
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
import yaml

from assay import storage
from assay.checkpoints.layout import MANIFEST_FILE, name_in_run
from assay.plan.analysis_file import compile_analysis
from assay.plan.as_json import digest
from assay.plan.filled import with_params
from assay.plan.stored import publish_plan
from assay.plan.tasks import CUTS, image_of, reshaped, task_named
from assay.run import local
from tests.containers.container_run import ContainerRun
from tests.docker import ROOT, tag_of
from tests.parity.results import differing, parts_of

CENSUS = ROOT / "examples" / "census"
KILLED = "ExtractSliceKeys"
WITH_TENSORFLOW = {"ReadInputs", "ExtractPredictions"}
"""They parse tf.Examples and run the models."""


@pytest.fixture(scope="module")
def gcs(gcs_server):
    """The emulator, in whose place also this process looks."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("STORAGE_EMULATOR_HOST", gcs_server.url)
        yield gcs_server


def census(uri, output):
    """The plan of the demo's analysis file with data and models elsewhere."""
    analysis = yaml.safe_load((CENSUS / "analysis.yaml").read_text())
    analysis["inputs"]["files"] = [f"{uri}/{file}" for file in analysis["inputs"]["files"]]
    analysis["models"] = [{**model, "uri": f"{uri}/{model['uri']}"} for model in analysis["models"]]
    return compile_analysis({**analysis, "output": str(output)}, CENSUS)


@pytest.fixture(scope="module")
def run(gcs, images, tmp_path_factory):
    """A run to its end, and what `docker wait` said of the container that was killed on the way."""
    assert (CENSUS / "models" / "trained").exists(), "the demo's models are missing; run: make end-to-end"
    uri = f"{gcs.root}/{uuid.uuid4().hex}"
    for file in [*CENSUS.glob("out/data/eval-*"), *CENSUS.glob("models/**/*")]:
        if file.is_file():
            storage.write(storage.join(uri, *file.relative_to(CENSUS).parts), file.read_bytes())
    plan = reshaped(census(uri, f"{uri}/results"), CUTS)
    folder = tmp_path_factory.mktemp("stage-results")
    run = ContainerRun(docker=images, gcs=gcs, plan=plan, root=f"{uri}/checkpoints", folder=folder)
    run.run(task_named(plan, "ReadInputs"))
    run.run(task_named(plan, "ExtractPredictions"))
    exit_code, left = killed_before_it_commits(run, task_named(plan, KILLED))
    run.go_on()
    return SimpleNamespace(run=run, exit_code=exit_code, left=left)


def killed_before_it_commits(run, task):
    """Kills a container once its shards are written; returns its exit code and the names of what it left."""
    name = f"assay-test-{uuid.uuid4().hex}"
    run.gcs.fail("503", 1_000_000, method="POST", path="ifGenerationMatch=0")
    run.docker_run(*run.command(task), options=("--detach", "--name", name))
    try:
        wait_for(lambda: run.gcs.pending() < 1_000_000)
        run.docker("kill", name)
        exit_code = int(run.docker("wait", name).stdout)
    finally:
        run.docker("rm", "--force", name)
        run.gcs.heal()
    return exit_code, {Path(uri).name for uri, _ in storage.list(f"{run.root}/{task.name}")}


def wait_for(condition, seconds=300):
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.1)


def test_only_stages_that_need_tensorflow_run_in_the_large_image(run):
    used = {task.name: image_of(run.run.plan, task) for task in run.run.plan.tasks}
    assert {name for name, image in used.items() if image == "tensorflow"} == WITH_TENSORFLOW
    assert {name for name, image in used.items() if image == "core"} == set(run.run.done) - WITH_TENSORFLOW


def test_results_are_those_of_a_fused_run_on_this_machine_bit_for_bit(run, tmp_path):
    output = run.run.plan.output
    for uri, _ in storage.list(output):
        file = tmp_path / "results" / uri.removeprefix(f"{output}/")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(storage.read(uri))
    local.run(census(CENSUS, tmp_path / "here" / "results"))
    expected = parts_of(tmp_path / "here")
    assert min(len(expected[part]) for part in ("metrics", "plots", "validations", "flat_metrics")) > 0
    assert differing(parts_of(tmp_path), expected) == {}


def test_a_killed_container_leaves_no_checkpoint_and_its_stage_runs_again(run):
    assert run.exit_code == 137
    assert [name for name in run.left if name.endswith(".arrow")]
    assert MANIFEST_FILE not in run.left
    assert not run.run.done[KILLED].reused


def test_a_second_run_finds_every_checkpoint(run):
    before = dict(storage.list(run.run.root))
    second = replace(run.run, name="second", done={})
    second.go_on()
    assert {name for name, result in second.done.items() if not result.reused} == {"WriteResults"}
    manifests = {name: result.manifest for name, result in run.run.done.items()}
    assert {name: result.manifest for name, result in second.done.items()} == manifests
    after = dict(storage.list(run.run.root))
    ours = f"{run.run.root}/runs/second/"
    written = {uri.removeprefix(ours) for uri in after if after[uri] != before.get(uri)}
    plan = digest(with_params(second.plan, second.params))
    names = {name: name_in_run(name, plan) for name in second.done}
    leases = {f"{names[name]}.lease" for name in second.done}
    assert written == {"alive", *(f"{name}.json" for name in names.values())} | leases


def test_a_stage_whose_input_is_missing_ends_with_64_and_says_what_to_do(run):
    uri, root = publish_plan(run.run.plan, run.run.root), run.run.root
    missing = f"EvaluateMetricsAndPlots={root}/EvaluateMetricsAndPlots/0/manifest.json"
    command = ("stage", "gate", "--plan", uri, "--stage", "Gate", "--root", root, "--input", missing)
    ended = run.run.docker_run(tag_of("core"), *command)
    assert ended.returncode == 64
    last = ended.stderr.splitlines()[-1]
    assert last.startswith(
        "assay.errors.CheckpointError: --input EvaluateMetricsAndPlots: there is no manifest at gs://"
    )
    assert last.endswith("; run EvaluateMetricsAndPlots first")
