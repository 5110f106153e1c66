"""Attempts of one stage at the same time, as orchestrators make them when they lose sight of one."""

from __future__ import annotations

import importlib
import json
import multiprocessing
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from assay import storage
from assay.checkpoints.commit import load, shard_uri
from tests.faults.small_run import COMMITTED, SmallRun, manifests, nothing_half_written_looks_whole, small_run
from tests.latest_results import latest

KERAS = {
    "class_name": "Functional",
    "config": {
        "layers": [{"class_name": "InputLayer", "name": "score", "config": {"name": "score"}}],
        "input_layers": [["score", 0, 0]],
    },
}


@dataclass(frozen=True)
class TogetherAt:
    """Lets all attempts wait for each other right before a function of a module."""

    module: str
    function: str
    barrier: Any

    def __call__(self) -> None:
        module = importlib.import_module(self.module)
        function = getattr(module, self.function)

        def together(*args: Any, **settings: Any) -> Any:
            self.barrier.wait(60)
            return function(*args, **settings)

        setattr(module, self.function, together)


def at_once(
    run: SmallRun, name: str, count: int, module: str = "assay.run.make_once", function: str = "commit"
) -> list[int]:
    """Runs several attempts of a task; returns their exit codes."""
    seam = TogetherAt(module, function, multiprocessing.get_context("forkserver").Barrier(count))
    processes = [run.started(name, f"-{number}", seam) for number in range(count)]
    for process in processes:
        process.join(120)
    return [process.exitcode or 0 for process in processes]


def one_has_won(run: SmallRun, name: str, count: int) -> None:
    """All took the same manifest, and nothing is left of those that lost."""
    results = [run.remember(name, f"-{number}") for number in range(count)]
    assert len({(result.manifest, result.digest, result.rows) for result in results}) == 1
    manifest = run.manifest(name)
    assert [uri for uri in manifests(run.root) if f"/{name}/" in uri] == [run.done[name].manifest]
    left = {uri.split("/")[-2] for uri, _ in storage.list(storage.join(run.root, name)) if "/attempt-" in uri}
    assert left == {manifest.attempt}


@pytest.mark.parametrize("name", COMMITTED)
def test_of_two_attempts_at_once_one_commits_and_the_other_takes_its_checkpoint(name, run, undisturbed):
    run.go_on(before=name)
    assert at_once(run, name, 2) == [0, 0]
    one_has_won(run, name, 2)
    run.go_on()
    nothing_half_written_looks_whole(run, undisturbed)
    undisturbed.assert_same(run)


@pytest.mark.parametrize("name", ["ReadInputs", "Gate"])
def test_of_two_attempts_at_replacing_a_damaged_checkpoint_one_does(name, run, undisturbed):
    run.go_on()
    storage.delete(shard_uri(run.root, name, run.manifest(name).shards[0]))
    before = run.manifest(name).attempt
    assert at_once(run, name, 2) == [0, 0]
    results = [run.remember(name, f"-{number}") for number in range(2)]
    assert results[0].manifest == results[1].manifest
    assert run.manifest(name).attempt != before
    nothing_half_written_looks_whole(run, undisturbed)


def test_of_six_attempts_one_commits(run_in_folder, undisturbed):
    assert at_once(run_in_folder, "ReadInputs", 6) == [0] * 6
    one_has_won(run_in_folder, "ReadInputs", 6)
    run_in_folder.go_on()
    undisturbed.assert_same(run_in_folder)


def test_attempts_at_reading_that_also_pins_a_model_agree_on_both_manifests(undisturbed, tmp_path):
    model = tmp_path / "m.keras"
    with zipfile.ZipFile(model, "w") as archive:  # no more of a model than reading looks at
        archive.writestr("config.json", json.dumps(KERAS))
    models = [{"name": "m", "type": "keras", "uri": str(model)}]
    run = small_run(tmp_path, data=undisturbed.data, models=models)
    assert at_once(run, "ReadInputs", 2) == [0, 0]
    results = [run.remember("ReadInputs", f"-{number}") for number in range(2)]
    assert results[0].manifest == results[1].manifest
    found = [load(uri) for uri in manifests(run.root)]
    assert len(found) == 2
    assert len({manifest.shards for manifest in found}) == 1
    assert sorted(bool(manifest.models) for manifest in found) == [False, True]


def test_two_that_publish_at_once_leave_whole_results_or_the_next_try_does(run_in_folder, undisturbed):
    run_in_folder.go_on(before="WriteResults")
    codes = at_once(run_in_folder, "WriteResults", 2, "assay.run.publishing", "withdraw")
    output = Path(run_in_folder.plan.output)
    assert set(codes) <= {0, 75}, [run_in_folder.last_line("WriteResults", f"-{n}") for n in range(2)]
    if 0 in codes:
        assert (latest(output) / "results.json").exists()
    nothing_half_written_looks_whole(run_in_folder, undisturbed)
    run_in_folder.go_on()
    undisturbed.assert_same(run_in_folder)
