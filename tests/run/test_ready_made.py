"""assay's own stages have one owner: what a plan names can be made, and the defaults of the API are the plan's."""

from __future__ import annotations

import pytest

import assay
from assay.config.resolved import parse_eval_config
from assay.models.model import ModelRef
from assay.plan.analysis_file import compile_analysis
from assay.plan.plan import EVALUATE, EXTRACT, WRITE_RESULTS
from assay.run.build import evaluators_of, extractors_of, writers_of
from assay.run.context import context_of

MODEL = {"name": "m", "uri": "/models/m", "type": "saved_model"}
OF_COLUMNS = {"label_key": "y", "prediction_key": "p"}


def plan_of(tmp_path, **changes):
    written = {
        "inputs": {"format": "csv", "files": [str(tmp_path / "data.csv")]},
        "eval_config": {"model_specs": [OF_COLUMNS], "metrics_specs": [{"metrics": [{"class_name": "ExampleCount"}]}]},
        "output": str(tmp_path / "out"),
        **changes,
    }
    return compile_analysis(written, tmp_path)


@pytest.fixture(params=["columns", "model", "analysis table"])
def plan(request, tmp_path):
    if request.param == "model":
        config = {"model_specs": [{"label_key": "y"}], "metrics_specs": [{"metrics": [{"class_name": "ExampleCount"}]}]}
        return plan_of(tmp_path, models=[MODEL], eval_config=config)
    return plan_of(tmp_path, analysis_table=request.param == "analysis table")


def test_every_stage_of_a_plan_is_made_under_its_name_in_the_plans_order(plan):
    context = context_of(plan)
    assert [made.stage_name for made in extractors_of(context)] == [stage.name for stage in plan.of_kind(EXTRACT)]
    assert [made.stage_name for made in evaluators_of(context)] == [stage.name for stage in plan.of_kind(EVALUATE)]
    named = [writer["name"] for writer in plan.of_kind(WRITE_RESULTS)[0].settings["writers"]]
    assert [made.stage_name for made in writers_of(context, plan.output)] == named


def test_evaluators_start_where_the_plan_says(plan):
    starts = {stage.name: stage.run_after for stage in plan.of_kind(EVALUATE)}
    assert {made.stage_name: made.run_after for made in evaluators_of(context_of(plan))} == starts


@pytest.mark.parametrize("models", [(), (ModelRef("m", "/models/m", "saved_model"),)], ids=["columns", "model"])
def test_the_defaults_of_the_api_are_the_stages_of_a_plan_that_names_none(tmp_path, models):
    spec = {"label_key": "y"} if models else OF_COLUMNS
    config = {"model_specs": [spec], "metrics_specs": [{"metrics": [{"class_name": "ExampleCount"}]}]}
    plan = plan_of(tmp_path, models=[MODEL] if models else [], eval_config=config)
    resolved = parse_eval_config(plan.eval_config)

    extractors = assay.default_extractors(resolved, models)
    assert [made.stage_name for made in extractors] == [stage.name for stage in plan.of_kind(EXTRACT)]
    evaluators = assay.default_evaluators(resolved)
    assert [made.stage_name for made in evaluators] == [stage.name for stage in plan.of_kind(EVALUATE)]
    writers = assay.default_writers(tmp_path / "out", resolved)
    named = [writer["name"] for writer in plan.of_kind(WRITE_RESULTS)[0].settings["writers"]]
    assert [made.stage_name for made in writers] == named
