"""The section `find_slices` of an analysis file, and the stages that it makes."""

from __future__ import annotations

import json

import pytest

from assay.errors import ConfigError
from assay.plan.analysis_file import compile_analysis
from assay.plan.as_json import to_json
from assay.plan.tasks import CUTS, reshaped, task_named

CONFIG = {
    "model_specs": [{"label_key": "label", "prediction_key": "score"}],
    "metrics_specs": [{"metrics": [{"class_name": "AUC"}]}],
}


def analysis(**more):
    return {
        "inputs": {"format": "parquet", "files": "/data/a.parquet"},
        "eval_config": CONFIG,
        "output": "/out",
        **more,
    }


def test_it_is_a_stage_of_its_own_after_the_predictions(tmp_path):
    plan = reshaped(compile_analysis(analysis(find_slices={}), tmp_path), CUTS)
    stage = plan.stage("FindSlices")
    assert (stage.kind, stage.run_after, stage.outputs) == (
        "evaluate",
        "ExtractMaterializedPredictions",
        ("found_slices",),
    )
    (task,) = [task for task in plan.tasks if task.name == "FindSlices"]
    assert task.after == ("ExtractMaterializedPredictions",)
    assert "FindSlices" in next(task for task in plan.tasks if task.name == "WriteResults").after
    assert {"name": "WriteFoundSlices"} in plan.stage("WriteResults").settings["writers"]


def test_it_sees_what_a_custom_extractor_adds(tmp_path):
    extra = {"name": "Bins", "factory": "my:bins", "adds": ["features"]}
    plan = compile_analysis(analysis(find_slices={}, extractors=[extra]), tmp_path)
    assert plan.stage("FindSlices").run_after == "Bins"


def test_a_plan_without_it_says_nothing_of_it(tmp_path):
    text = to_json(compile_analysis(analysis(), tmp_path))
    assert "find_slices" not in text
    assert "Slices" not in text.replace("max_slices", "")


def test_an_empty_section_has_defaults(tmp_path):
    settings = compile_analysis(analysis(find_slices={}), tmp_path).stage("FindSlices").settings
    assert json.loads(json.dumps(settings)) == {
        "features": [],
        "loss": None,
        "model": None,
        "baseline": False,
        "top_k": 10,
        "min_rows": 100,
        "alpha": 0.999,
        "level": 2,
        "bins": 10,
        "edges": {},
        "metrics": False,
        "most_worse": None,
        "severity": None,
    }


def test_with_metrics_it_has_the_outputs_and_the_image_of_the_stage_that_computes_them(tmp_path):
    config = {**CONFIG, "metrics_specs": [{"metrics": [{"class_name": "Huber", "module": "keras.losses"}]}]}
    plan = compile_analysis(analysis(find_slices={"metrics": True, "loss": "log_loss"}, eval_config=config), tmp_path)
    assert plan.stage("FindSlices").outputs == ("found_slices", "metrics", "plots")
    assert plan.stage("FindSlices").image == plan.stage("EvaluateMetricsAndPlots").image == "tensorflow"


@pytest.mark.parametrize(("section", "waits"), [({}, False), ({"metrics": True}, False), ({"most_worse": 0}, True)])
def test_the_gate_waits_for_the_search_only_where_it_judges_it(section, waits, tmp_path):
    plan = reshaped(compile_analysis(analysis(find_slices=section), tmp_path), CUTS)
    assert ("FindSlices" in task_named(plan, "Gate").after) is waits


@pytest.mark.parametrize(
    ("section", "message"),
    [
        ({"top": 5}, "find_slices.top: unknown key"),
        ({"loss": "logloss"}, "find_slices.loss: unknown value 'logloss'"),
        ({"alpha": 0}, "find_slices.alpha: expected a number above 0 and at most 1, found 0"),
        ({"level": 4}, "find_slices.level: expected 1 (single features), 2 (also pairs) or 3 (also triples), found 4"),
        ({"bins": 1}, "find_slices.bins: expected a whole number of at least 2, found 1"),
        ({"bins": 51}, "find_slices.bins: expected at most 50 bins, found 51"),
        ({"edges": {"age": [65, 18]}}, "find_slices.edges.age: expected more than 65 after it, found 18"),
        ({"edges": {"age": []}}, "find_slices.edges.age: expected a list of 1 to 50 numbers, found []"),
        ({"edges": {"age": ["a"]}}, "find_slices.edges.age: expected finite numbers, found 'a'"),
        (
            {"most_worse": -1},
            "find_slices.most_worse: expected a number of at least 0, in the unit of the loss, found -1",
        ),
        ({"most_worse": True}, "find_slices.most_worse: expected a number of at least 0"),
        ({"most_worse": float("nan")}, "find_slices.most_worse: expected a number of at least 0"),
        ({"most_worse": 0.1, "severity": "warning"}, "find_slices.severity: unknown value 'warning'"),
        ({"severity": "block"}, "find_slices.severity: it says what most_worse does, which is not there"),
        (
            {"metrics": True, "top_k": 101},
            "find_slices.top_k: expected at most 100 slices, as they have metrics, found 101",
        ),
        ({"metrics": "yes"}, "find_slices.metrics: expected true or false"),
        ({"features": ["a", "a"]}, "find_slices.features: expected names, each once"),
        ([], "find_slices: expected a mapping"),
    ],
)
def test_what_cannot_be_is_refused(section, message, tmp_path):
    with pytest.raises(ConfigError) as refused:
        compile_analysis(analysis(find_slices=section), tmp_path)
    assert message in str(refused.value)
