"""A baseline that is whatever was blessed last: read when a run begins, and by all of its stages the same."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from assay import storage
from assay.errors import ConfigError, PublishLostError
from assay.plan import blessed
from assay.plan.analysis_file import compile_analysis
from assay.plan.filled import with_params
from assay.plan.plan import Plan
from assay.plan.tasks import CUTS, reshaped
from assay.results.published import publish_not_evaluated
from assay.run import local
from assay.run.call import Checkpoints
from assay.run.outcome import StageResult
from assay.run.stage import run_stage
from tests.latest_results import latest
from tests.parity.results import differing, parts_of

SCORE, SQUARED, REVERSED = (f"tests.end_to_end.scores:{name}" for name in ("score", "squared", "reversed"))
BLESSED = {"name": "current", "baseline": "blessed"}
CHANGE = {"change_threshold": {"direction": "HIGHER_IS_BETTER", "absolute": {"value": 0.0}}}


@pytest.fixture
def data(tmp_path: Path) -> Path:
    rng = np.random.default_rng(5)
    label = (rng.random(300) < 0.4).astype(float)
    score = np.clip(rng.normal(0.4 + 0.3 * label, 0.2), 0, 1)
    file = tmp_path / "data.parquet"
    pq.write_table(pa.table({"label": label, "score": score, "group": rng.choice(["a", "b"], 300)}), file)
    return file


@pytest.fixture
def uri(tmp_path: Path) -> Path:
    return tmp_path / "blessed.json"


def plan_of(data: Path, uri: Path, candidate: str = SCORE, output: str = "out", **changes: Any) -> Plan:
    analysis = {
        "inputs": {"format": "parquet", "files": [str(data)]},
        "models": [
            {"name": "new", "type": "callable", "uri": candidate},
            BLESSED | {"uri": str(uri)},
        ],
        "eval_config": {
            "model_specs": [
                {"name": "new", "label_key": "label"},
                {"name": "current", "label_key": "label", "is_baseline": True},
            ],
            "slicing_specs": [{}, {"feature_keys": ["group"]}],
            "metrics_specs": [{"metrics": [{"class_name": "AUC", "threshold": CHANGE}]}],
        },
        "output": output,
        **changes,
    }
    return with_params(compile_analysis(analysis, data.parent), {})


def bless(uri: Path, plan: Plan) -> None:
    blessed.move(str(uri), {"model": blessed.candidate_of(plan), "verdict": "BLESSED"})


def test_the_first_candidate_has_no_baseline_and_is_stamped(data, uri):
    run = local.run(plan_of(data, uri))
    assert run.verdict.status == "BLESSED"
    assert run.verdict.rubber_stamp


@pytest.mark.parametrize("checkpointed", [False, True])
@pytest.mark.parametrize(("candidate", "verdict"), [(SCORE, "BLESSED"), (REVERSED, "NOT_BLESSED")])
def test_a_later_candidate_is_compared_with_what_was_blessed(checkpointed, candidate, verdict, data, uri, tmp_path):
    bless(uri, plan_of(data, uri, SQUARED))
    checkpoints = str(tmp_path / "checkpoints") if checkpointed else None
    run = local.run(plan_of(data, uri, candidate), checkpoints=checkpoints)
    assert run.verdict.status == verdict
    assert not run.verdict.rubber_stamp


def test_it_is_as_if_the_analysis_had_named_that_model(data, uri):
    bless(uri, plan_of(data, uri, SQUARED))
    models = [
        {"name": "new", "type": "callable", "uri": SCORE},
        {"name": "current", "type": "callable", "uri": SQUARED, "baseline": True},
    ]
    local.run(plan_of(data, uri, output="blessed/results"))
    local.run(plan_of(data, uri, output="named/results", models=models))
    assert differing(parts_of(data.parent / "blessed"), parts_of(data.parent / "named")) == {}


def in_steps(plan: Plan, root: Path, between: Any) -> list[StageResult]:
    """Runs a plan task by task, with something that happens after reading."""
    cut = reshaped(plan, CUTS)
    done: dict[str, StageResult] = {}
    for task in cut.tasks:
        inputs = {name: done[name].manifest for name in task.after}
        done[task.name] = run_stage(cut, task.name, checkpoints=Checkpoints(root=str(root), inputs=inputs, run="run"))
        if len(done) == 1:
            between()
    return list(done.values())


def test_what_is_blessed_while_a_run_is_under_way_is_for_the_next_run(data, uri, tmp_path):
    bless(uri, plan_of(data, uri, SQUARED))
    plan = plan_of(data, uri, REVERSED, output="steps/results")
    *_, last = in_steps(plan, tmp_path / "checkpoints", lambda: bless(uri, plan))
    assert last.verdict == "NOT_BLESSED"
    again = in_steps(plan, tmp_path / "checkpoints", lambda: None)
    assert again[-1].verdict == "BLESSED"  # as good as itself
    assert again[-1].output == last.output, "tries of one run have one folder, whatever the baseline is today"
    assert publish_not_evaluated(reshaped(plan, CUTS), "run", "no data yet") == last.output


def test_a_first_run_stays_one_when_something_is_blessed_while_it_is_under_way(data, uri, tmp_path):
    plan = plan_of(data, uri, REVERSED)
    *_, last = in_steps(plan, tmp_path / "checkpoints", lambda: bless(uri, plan_of(data, uri)))
    assert last.verdict == "BLESSED"
    verdict = json.loads((latest(plan.output) / "verdict.json").read_text())
    assert verdict["rubber_stamp"] is True


def test_an_unchanged_blessing_runs_nothing_again_and_another_one_runs_inference(data, uri, tmp_path):
    plan = plan_of(data, uri)
    bless(uri, plan_of(data, uri, SQUARED))
    assert not any(done.reused for done in in_steps(plan, tmp_path / "checkpoints", lambda: None))
    again = in_steps(plan, tmp_path / "checkpoints", lambda: None)
    assert [done.reused for done in again] == [True] * (len(again) - 1) + [False]
    bless(uri, plan_of(data, uri, REVERSED))
    moved = {done.task: done.reused for done in in_steps(plan, tmp_path / "checkpoints", lambda: None)}
    assert moved["ReadInputs"]
    assert not moved["ExtractPredictions"]


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"model": {}}', '{"model": {"type": "blessed", "uri": "x"}}'])
def test_what_is_no_blessing_is_refused_by_name(content, data, uri):
    uri.write_text(content)
    with pytest.raises(ConfigError, match=f"{uri}: expected blessed.json as BlessOperator writes it, with a model"):
        local.run(plan_of(data, uri))


@pytest.mark.parametrize(("key", "value"), [("type", "keras"), ("features", ["score"]), ("signature", "s")])
def test_settings_of_the_blessed_model_are_refused(key, value, data, uri):
    models = [
        {"name": "new", "type": "callable", "uri": SCORE},
        BLESSED | {"uri": str(uri), key: value},
    ]
    with pytest.raises(ConfigError, match=rf"models\[1\]\.{key}: expected nothing"):
        plan_of(data, uri, models=models)


def test_any_other_model_without_a_type_is_refused(data, uri):
    with pytest.raises(ConfigError, match=r"models\[0\]\.type: expected one of saved_model"):
        plan_of(data, uri, models=[{"name": "new", "uri": SCORE}, BLESSED | {"uri": str(uri)}])


def test_it_is_moved_only_from_what_it_was(uri, monkeypatch):
    blessed.move(str(uri), {"model": 1})
    blessed.move(str(uri), {"model": 2})
    before = storage.stat(str(uri))
    blessed.move(str(uri), {"model": 33})
    monkeypatch.setattr(storage, "stat", lambda uri: before)  # somebody was quicker
    with pytest.raises(PublishLostError):
        blessed.move(str(uri), {"model": 4})
    blessed.move(str(uri), {"model": 33})  # but it was this very one
