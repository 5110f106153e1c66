"""Real runs: pipelines as Kubeflow compiles them, in real containers of the real images."""

import json
import shutil
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from kfp import components

from assay import storage
from assay.pipelines import compare_models, compiled, model_validation, retraining
from assay.verdict import Status
from tests.kfp.goldens import push, train
from tests.kfp.plans import BAD_DAY, GOOD_DAY, plan_of, versions_of, write_day
from tests.latest_results import latest

ALL = {"read-inputs", "extract-slice-keys", "evaluate-metrics-and-plots", "evaluate-extracts"}


def pipeline_of(here, **changes):
    return model_validation(plan_of(here.folder / "data", here.folder / "out", **changes), retries=0)


def verdict_of(here, name):
    return json.loads((latest(here.folder / "out" / name) / "verdict.json").read_text())["status"]


def test_one_compiled_pipeline_serves_every_day_and_takes_the_branch_of_its_verdict(here):
    """Good and bad day, the same YAML; what was done is found again; new metrics or data are not missed."""
    file = compiled(pipeline_of(here), here.folder / "pipeline.yaml")
    pipeline = components.load_component_from_file(str(file))
    for day, verdict in ((GOOD_DAY, Status.BLESSED), (BAD_DAY, Status.NOT_BLESSED)):
        run = here.run(pipeline, date=day)
        assert run.error == ""
        assert verdict_of(here, day) == verdict
        assert ("bless" in run.outputs) is (verdict == Status.BLESSED)
        assert run.reused() == dict.fromkeys(ALL, False)
    again = here.run(pipeline, date=GOOD_DAY)
    assert again.error == ""
    assert again.reused() == dict.fromkeys(ALL, True)
    metrics = [{"metrics": [{"class_name": "ExampleCount"}, {"class_name": "Calibration"}]}]
    config = {**plan_of("d", "o").eval_config, "metrics_specs": metrics}
    other = here.run(pipeline_of(here, eval_config=config), date=GOOD_DAY)
    assert other.reused() == {**dict.fromkeys(ALL, True), "evaluate-metrics-and-plots": False}
    write_day(here.folder / "data", GOOD_DAY, seed=2)
    changed = here.run(pipeline, date=GOOD_DAY)
    assert changed.reused() == dict.fromkeys(ALL, False)


def test_a_stage_that_fails_fails_the_pipeline_and_the_next_run_goes_on_behind_what_was_done(here):
    plan = versions_of(here.folder / "data", here.folder / "out", **own_model("no_such_function"))
    failed = here.run(model_validation(plan, retries=1), version="x")
    (refused,) = [uri for uri, _ in storage.list(f"{here.root}/runs") if "/refused-" in uri]
    assert "no_such_function" in json.loads(storage.read(refused))["refused"]
    assert "extract-predictions" in failed.error
    assert "extract-predictions" not in failed.outputs
    assert "finish" in failed.outputs
    plan = versions_of(here.folder / "data", here.folder / "out", **own_model("score"))
    run = here.run(model_validation(plan, retries=0), version="x")
    assert run.error == ""
    assert run.reused()["read-inputs"]
    assert not run.reused()["extract-predictions"]


def own_model(function):
    return {"models": [{"name": "m", "type": "callable", "uri": f"tests.end_to_end.scores:{function}"}]}


def test_a_retry_goes_on_from_the_checkpoint_where_a_container_was_killed(here):
    """The storage is out of order meanwhile, and answers again before anybody gives up."""
    marker = here.folder / "killed"
    own = {"name": "DieOnce", "factory": "tests.kfp.own_stages:die_once", "args": {"marker": str(marker)}}
    plan = plan_of(here.folder / "data", here.folder / "out", extractors=[{**own, "adds": ["features"]}])
    here.gcs.fail("503", 2)
    run = here.run(model_validation(plan, retries=1), date=GOOD_DAY)
    assert run.error == ""
    assert marker.exists()
    assert here.gcs.pending() == 0
    assert run.reused() == dict.fromkeys(ALL, False)
    assert verdict_of(here, GOOD_DAY) == Status.BLESSED


@pytest.mark.slow
def test_three_candidates_are_compared(here):
    pipeline = compare_models(versions_of(here.folder / "data", here.folder / "out"), retries=0)
    run = here.run(pipeline, versions=["score", "squared", "reversed"])
    assert run.error == ""
    found = {version: verdict_of(here, f"{version}/{GOOD_DAY}") for version in ("score", "squared", "reversed")}
    assert list(found.values()) == [Status.BLESSED, Status.BLESSED, Status.NOT_BLESSED]
    assert run.outputs["compare"]["parameterValues"]["blessed"] == ["score", "squared"]
    (summary,) = (here.folder / "kfp").rglob("compare/comparison")
    assert summary.read_text().splitlines()[0] == "|  | score | squared | reversed |"


@pytest.mark.slow
def test_what_was_trained_is_judged_and_pushed(here):
    plan = versions_of(here.folder / "data", here.folder / "out")
    pipeline = retraining(plan, train=train, push=lambda model: push(model=model), model_param="version", retries=0)
    run = here.run(pipeline)
    assert run.error == ""
    assert run.outputs["bless"]["parameterValues"]["model"] == "tests.end_to_end.scores:score"


@pytest.mark.slow
def test_a_whole_plan_in_one_task(here):
    run = here.run(pipeline_of(here, checkpoint="none"), date=GOOD_DAY)
    assert run.error == ""
    assert set(run.outputs) == {"analyse", "bless", "finish"}
    assert verdict_of(here, GOOD_DAY) == Status.BLESSED


@pytest.fixture
def own_image(docker, tmp_path):
    """An image made from ours, with a module of somebody's own."""
    folder = tmp_path / "image"
    folder.mkdir()
    shutil.copy(Path(__file__).parent / "own_stages.py", folder)
    (folder / "Dockerfile").write_text("FROM assay-core:0.1.0\nCOPY own_stages.py /opt/own/\nENV PYTHONPATH=/opt/own\n")
    tag = "assay-own-of-tests:1"
    built = docker("build", "--quiet", "--tag", tag, folder)
    assert built.returncode == 0, built.stderr
    yield tag
    docker("image", "rm", tag)


def with_writer_in(image):
    """The plan knows images of extractors and evaluators; that of who writes is up to the pipeline."""
    return lambda task, name: task.set_container_image(image) if name == "WriteResults" else None


def test_stages_of_ones_own_run_in_an_image_of_ones_own(here, own_image):
    def own(name, function, **settings):
        return {"name": name, "factory": f"own_stages:{function}", "image": own_image, **settings}

    config = plan_of("d", "o").eval_config
    highest = here.folder / "highest.jsonl"
    writer = {"name": "WriteHighest", "factory": "own_stages:write_highest", "args": {"path": str(highest)}}
    changes = {
        "extractors": [own("Halve", "halve", adds=["features"])],
        "evaluators": [own("HighestScore", "highest_score", run_after="Halve", outputs=["highest"])],
        "writers": [writer],
        "eval_config": {**config, "slicing_specs": [{}, {"feature_keys": ["half"]}]},
    }
    plan = plan_of(here.folder / "data", here.folder / "out", **changes)
    run = here.run(model_validation(plan, retries=0, for_task=with_writer_in(own_image)), date=GOOD_DAY)
    assert run.error == ""
    metrics = storage.match(str(latest(here.folder / "out" / GOOD_DAY) / "flat_metrics-*.parquet"))
    assert len(metrics) == 1
    assert {"half=0.0", "half=1.0"} <= {row["slice"] for row in pq.read_table(next(iter(metrics))).to_pylist()}
    rows = pq.read_table(here.folder / "data" / GOOD_DAY / "rows.parquet")
    assert json.loads(highest.read_text()) == max(rows["score"].to_pylist())
