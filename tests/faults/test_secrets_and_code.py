"""Checkpoints hold no credentials and no code, and lead nowhere else."""

from __future__ import annotations

import ast
import json
import os
import pickle
from dataclasses import replace
from pathlib import Path

import google_crc32c
import pytest

from assay import storage
from assay.checkpoints.commit import shard_uri
from assay.checkpoints.manifest import Manifest, Shard, to_json
from assay.storage.framing import framed
from tests.faults.small_run import COMMITTED, TASKS, SmallRun
from tests.faults.test_damaged import READERS
from tests.faults.test_storage_faults import Patience

PACKAGE = Path(__file__).parents[2] / "assay"
SECRET = "hunter2-S3CR3T"

# Credentials ----------------------------------------------------------------------------------------------------------

ENVIRONMENT = {
    "AWS_SECRET_ACCESS_KEY": f"{SECRET}-aws",
    "AWS_SESSION_TOKEN": f"{SECRET}-session",
    "AZURE_STORAGE_CONNECTION_STRING": f"AccountKey={SECRET}-azure",
    "GOOGLE_OAUTH_ACCESS_TOKEN": f"ya29.{SECRET}-google",
    "HTTPS_PROXY": f"http://user:{SECRET}-proxy@127.0.0.1:9",
    "NO_PROXY": "localhost,127.0.0.1",
    "DATABASE_PASSWORD": f"{SECRET}-database",
}
OPTIONS = (
    f"--s3_secret_access_key={SECRET}-option",
    f"--s3_session_token={SECRET}-session",
    f"--azure_connection_string=AccountKey={SECRET}-azure",
)


@pytest.fixture
def guarded(run: SmallRun, tmp_path: Path) -> SmallRun:
    """A run whose processes know secrets."""
    key = tmp_path / "outside" / "key.json"
    key.parent.mkdir()
    key.write_text(json.dumps({"type": "service_account", "private_key": f"{SECRET}-key", "client_email": "a@b"}))
    run.environment = {**run.environment, **ENVIRONMENT, "GOOGLE_APPLICATION_CREDENTIALS": str(key)}
    run.options = OPTIONS
    return run


def everything(run: SmallRun, folder: Path) -> dict[str, bytes]:
    """All that the run has written and printed: URI -> content."""
    files = [file for file in folder.rglob("*") if file.is_file() and "outside" not in file.parts]
    written = {str(file): file.read_bytes() for file in files}
    return written | {uri: storage.read(uri) for uri, _ in storage.list(run.root)}


def telling(found: dict[str, bytes]) -> list[str]:
    return [uri for uri, content in found.items() if SECRET.encode() in content]


def test_secrets_of_environment_and_options_are_neither_written_nor_printed(guarded, tmp_path, undisturbed):
    guarded.go_on()
    found = everything(guarded, tmp_path)
    assert len(found) > 20
    assert any(uri.endswith("manifest.json") for uri in found)
    assert telling(found) == []
    undisturbed.assert_same(guarded)


@pytest.mark.parametrize("name", COMMITTED[1:])
def test_secrets_are_neither_written_nor_printed_when_a_stage_fails(name, guarded, tmp_path):
    guarded.go_on(before=name)
    source = guarded.task(name).after[0]
    storage.delete(shard_uri(guarded.root, source, guarded.manifest(source).shards[0]))
    assert guarded.run(name) == 75
    assert telling(everything(guarded, tmp_path)) == []


@pytest.mark.parametrize("new_run", ["gcs"], indirect=True)
@pytest.mark.parametrize("status", ["401", "403", "503"])
def test_secrets_are_not_printed_when_storage_refuses(status, gcs, guarded):
    gcs.fail(status, 100_000)
    assert guarded.run("ReadInputs", seam=Patience(0.3)) in (64, 75)
    assert SECRET not in guarded.printed("ReadInputs")


def test_an_option_that_beam_does_not_know_is_not_printed_with_its_value(run_in_folder):
    run_in_folder.options = (f"--my_password={SECRET}",)
    assert run_in_folder.run("ReadInputs") == 0
    (told,) = (line for line in run_in_folder.printed("ReadInputs").splitlines() if "option" in line)
    assert told == "options of Beam pipelines: Unparseable argument: --my_password=..."
    assert SECRET not in run_in_folder.printed("ReadInputs")


# Code -----------------------------------------------------------------------------------------------------------------

UNSAFE = {"pickle", "_pickle", "cPickle", "dill", "cloudpickle", "marshal", "shelve", "joblib", "jsonpickle", "yaml"}
ROOM = [
    *sorted((PACKAGE / "checkpoints").glob("*.py")),
    *sorted((PACKAGE / "storage").glob("*.py")),
    *sorted((PACKAGE / "extracts").glob("*.py")),
    *(PACKAGE / f"{name}.py" for name in ("plan/tasks", "run/outcome", "run/command")),
]


@pytest.mark.parametrize("file", ROOM, ids=lambda file: file.stem)
def test_the_room_of_checkpoints_knows_nothing_that_makes_code_of_bytes(file):
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            assert not {alias.name.split(".")[0] for alias in node.names} & UNSAFE
        elif isinstance(node, ast.ImportFrom):
            assert (node.module or "").split(".")[0] not in UNSAFE
            assert not {alias.name for alias in node.names} & UNSAFE
        elif isinstance(node, ast.Name | ast.Attribute):
            name = node.id if isinstance(node, ast.Name) else node.attr
            assert name not in {"eval", "exec", "__import__", "loads_pickle", "read_pickle", "deserialize"}
        elif isinstance(node, ast.keyword):
            assert node.arg != "allow_pickle"


class _Touch:
    """Whose pickle makes a file when it is loaded."""

    def __init__(self, path: str) -> None:
        self._path = path

    def __reduce__(self):
        return os.system, (f"touch {self._path}",)


def vouched_for(run: SmallRun, name: str, content: bytes) -> None:
    """Puts `content` in place of a shard, and has the manifest say that this is how it should be."""
    manifest = run.manifest(name)
    first, *others = manifest.shards
    stat = storage.write(shard_uri(run.root, name, first), content)
    crc = google_crc32c.value(content)
    harmful = replace(first, size=stat.size, generation=stat.generation, crc32c=crc)
    rewrite(run, name, replace(manifest, shards=(harmful, *others)))


def rewrite(run: SmallRun, name: str, manifest: Manifest) -> None:
    storage.write(run.done[name].manifest, to_json(manifest))


@pytest.mark.parametrize("wrapped", [False, True], ids=["bare", "framed"])
@pytest.mark.parametrize("name", COMMITTED)
def test_a_pickle_in_place_of_a_shard_is_refused_and_not_loaded(name, wrapped, run_in_folder, tmp_path):
    run, sign = run_in_folder, tmp_path / "loaded"
    run.go_on(before=READERS[name])
    evil = pickle.dumps(_Touch(str(sign)))
    pickle.loads(evil)
    assert sign.exists()  # it is able to
    sign.unlink()
    vouched_for(run, name, framed(evil) if wrapped else evil)
    assert run.run(READERS[name]) in (64, 75)
    assert run.last_line(READERS[name]).startswith("assay.errors.")
    assert not sign.exists()
    assert not Path(run.plan.output, "verdict.json").exists()


@pytest.mark.parametrize("wrapped", [False, True], ids=["bare", "framed"])
@pytest.mark.parametrize("name", COMMITTED)
def test_a_shard_that_is_none_though_its_manifest_vouches_for_it_is_made_again(
    name, wrapped, run_in_folder, undisturbed
):
    run = run_in_folder
    run.go_on(before=READERS[name])
    vouched_for(run, name, framed(b"\x00none") if wrapped else b"\x00none")
    assert run.run(READERS[name]) == 75, run.last_line(READERS[name])
    assert f"run {name} again" in run.last_line(READERS[name])
    assert run.run(name) == 0
    assert not run.done[name].reused
    run.go_on()
    undisturbed.assert_same(run)


# Elsewhere ------------------------------------------------------------------------------------------------------------


def outside_names(digest: str) -> tuple[str, ...]:
    return (
        "../../../outside/attempt/secret",
        f"{digest}/../secret",
        f"{digest}/attempt/../../secret",
        "/etc/passwd",
        "gs://other/bucket",
        f"{digest}/attempt",
        "",
    )


@pytest.mark.parametrize(
    "number", [pytest.param(number, marks=() if number in (0, 3) else pytest.mark.slow) for number in range(7)]
)
@pytest.mark.parametrize("name", ["ReadInputs", "Gate"])
def test_a_manifest_that_leads_outside_is_refused_and_made_again(name, number, run, undisturbed):
    run.go_on(before=READERS[name])
    manifest = run.manifest(name)
    harmful = outside_names(manifest.content)[number]
    shard: Shard = replace(manifest.shards[0], name=harmful)
    rewrite(run, name, replace(manifest, shards=(shard, *manifest.shards[1:])))
    assert run.run(READERS[name]) == 75
    assert "names a shard outside of its folder" in run.last_line(READERS[name])
    assert f"run {name} again" in run.last_line(READERS[name])
    assert run.run(name) == 0
    run.go_on()
    undisturbed.assert_same(run)


@pytest.mark.parametrize("change", ["task", "digest", "lineage"])
def test_a_manifest_of_something_else_is_refused(change, run_in_folder):
    run = run_in_folder
    run.go_on(before="ExtractPredictions")
    manifest = run.manifest("ReadInputs")
    step = manifest.lineage["ReadInputs"]
    changes = {
        "task": {"task": "../ReadInputs"},
        "digest": {"digest": ".."},
        "lineage": {"lineage": {"../..": replace(step, digest="..")}},
    }
    rewrite(run, "ReadInputs", replace(manifest, **changes[change]))  # type: ignore[arg-type]
    assert run.run("ExtractPredictions") == 75
    assert "run ReadInputs again" in run.last_line("ExtractPredictions")


def test_a_run_writes_nothing_but_its_root_and_its_output(run_in_folder, tmp_path):
    run = run_in_folder
    before = files(tmp_path)
    run.go_on()
    new = files(tmp_path) - before
    commands = {file for name in TASKS for file in (run.result_file(name), run.log_file(name))}
    allowed = (Path(run.root), Path(run.plan.output))
    assert {file for file in new - commands if not any(file.is_relative_to(uri) for uri in allowed)} == set()
    names = {file.relative_to(run.root).parts[0] for file in new if file.is_relative_to(run.root)}
    assert names == {*COMMITTED, "runs"}


def files(folder: Path) -> set[Path]:
    return {file for file in folder.rglob("*") if file.is_file()}
