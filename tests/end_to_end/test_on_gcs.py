"""Inputs, model, checkpoints and results on Google Cloud Storage (an emulator)."""

import json
from pathlib import Path

import pytest

from assay import storage
from assay.plan.analysis_file import load_analysis
from assay.results.files import load_metrics, load_plots
from assay.run import local
from tests.gcs_emulator import Emulator

CENSUS = Path(__file__).parents[2] / "examples" / "census"


@pytest.fixture
def census(gcs: Emulator, tmp_path: Path) -> Path:
    """The census analysis with everything on the bucket."""
    for file in sorted((CENSUS / "out" / "data").glob("eval-*")):
        storage.write(f"{gcs.root}/data/{file.name}", file.read_bytes())
    for file in (CENSUS / "models").rglob("*"):
        if file.is_file():
            storage.write(f"{gcs.root}/models/{file.relative_to(CENSUS / 'models')}", file.read_bytes())
    text = (CENSUS / "analysis.yaml").read_text()
    text = text.replace("out/data/", f"{gcs.root}/data/").replace("models/c", f"{gcs.root}/models/c")
    text = text.replace("models/b", f"{gcs.root}/models/b").replace("out/results", f"{gcs.root}/results")
    analysis = tmp_path / "analysis.yaml"
    analysis.write_text(text)
    return analysis


@pytest.mark.parametrize("checkpoints", [False, True], ids=["fused", "checkpoints"])
def test_a_run_with_everything_on_the_bucket_gives_the_same_results(census, gcs, tmp_path, checkpoints):
    result = local.run(load_analysis(census, {}), checkpoints=f"{gcs.root}/checkpoints" if checkpoints else None)
    here = (CENSUS / "analysis.yaml").read_text().replace("out/results", str(tmp_path / "results"))
    beside = CENSUS / "out" / f"here-{checkpoints}.yaml"
    beside.write_text(here.replace("out/data", str(CENSUS / "out/data")).replace("models/", f"{CENSUS}/models/"))
    try:
        expected = local.run(load_analysis(beside, {}))
    finally:
        beside.unlink()
    for load in (load_metrics, load_plots):
        assert records(load, result.output) == records(load, expected.output)
    assert result.verdict == expected.verdict
    listed = json.loads(storage.read(f"{result.output}/results.json"))["files"]
    names = {uri.rsplit("/", 1)[-1] for uri, _ in storage.list(result.output)}
    assert names == {*listed, "results.json"}


def records(load, folder):
    return sorted(record.SerializeToString(deterministic=True) for record in load(folder))
