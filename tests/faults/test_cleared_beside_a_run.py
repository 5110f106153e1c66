"""Clearing away, with no regard for age, while a stage works: what the stage and those after it need stays."""

from __future__ import annotations

import shutil
import time
from pathlib import Path
from typing import Any

import pytest

from assay import storage
from assay.checkpoints import clearing
from assay.checkpoints.commit import fault_of, load
from assay.checkpoints.layout import clearing_uri
from assay.cli import main
from assay.engine.runner import run_pipeline
from assay.plan.analysis_file import compile_analysis
from assay.plan.stored import publish_plan
from assay.plan.tasks import CUTS, reshaped
from assay.run import make_once
from tests.faults.small_run import SmallRun, analysis_of, small_run

READ, PREDICT, EXTRACT, EVALUATE = "ReadInputs", "ExtractPredictions", "ExtractSliceKeys", "EvaluateMetricsAndPlots"


@pytest.fixture
def cleared_while_it_works(monkeypatch) -> Any:
    """Has a root cleared by somebody else when a stage in this process has looked what there is and begins to work."""

    def of(root: str) -> list[str]:
        gone: list[str] = []
        work = run_pipeline

        def interrupted(*args: Any, **settings: Any) -> Any:
            gone.extend(clearing.clear(root, 0, now=time.time() + 1))
            return work(*args, **settings)

        monkeypatch.setattr(make_once, "run_pipeline", interrupted)
        monkeypatch.setattr(clearing, "FRESH_SECONDS", -1)
        return gone

    return of


def forgotten(run: SmallRun) -> None:
    """Nobody knows any more who made the checkpoints, as when that was long ago."""
    shutil.rmtree(Path(run.root, "runs"))


@pytest.mark.parametrize("name", [EXTRACT, EVALUATE])
def test_inputs_that_another_run_made_long_ago_stay_while_they_are_read(
    name, undisturbed, tmp_path, cleared_while_it_works
):
    run = small_run(tmp_path, data=undisturbed.data)
    run.go_on(before=name)
    forgotten(run)
    unused = storage.join(run.root, "Other", "f" * 64, "attempt-0123456789abcdef", f"{1:032x}.arrow")
    storage.write(unused, b"0")
    gone = cleared_while_it_works(run.root)
    assert main(run.command(name)) == 0
    assert unused in gone
    manifests = [load(done.manifest) for done in run.done.values()]
    assert {fault_of(run.root, manifest) for manifest in manifests} == {None}


@pytest.mark.parametrize("name", [READ, PREDICT])
def test_the_plan_with_open_parameters_stays_beside_that_of_another_analysis(
    name, undisturbed, tmp_path, cleared_while_it_works
):
    analysis = {**analysis_of(undisturbed.data, tmp_path / "out"), "params": {"part": None}}
    analysis["inputs"] = {**analysis["inputs"], "files": [f"{undisturbed.data}/part-${{part}}.parquet"]}
    run = SmallRun(reshaped(compile_analysis(analysis, tmp_path), CUTS), str(tmp_path / "root"), tmp_path / "commands")

    if name == PREDICT:
        assert main(with_parameter(run.command(READ))) == 0
        run.remember(READ)
    publish_plan(small_run(tmp_path / "other", data=undisturbed.data).plan, run.root)  # which is newer
    gone = cleared_while_it_works(run.root)
    assert main(with_parameter(run.command(name))) == 0
    assert run.plan_uri not in gone
    assert storage.stat(run.plan_uri) is not None


def with_parameter(command: list[str]) -> list[str]:
    at = command.index("--")
    return [*command[:at], "--param", "part=0", *command[at:]]


def test_an_input_that_is_marked_to_go_is_not_read(undisturbed, tmp_path, capsys):
    run = small_run(tmp_path, data=undisturbed.data)
    run.go_on(before=EVALUATE)
    manifest = load(run.done[EXTRACT].manifest)
    storage.write(clearing_uri(run.root, EXTRACT, manifest.digest), b"")
    assert main(run.command(EVALUATE)) == 75
    assert f"is being cleared away; run {EXTRACT} again" in capsys.readouterr().err
    assert run.run(EXTRACT) == 0
    assert main(run.command(EVALUATE)) == 0
