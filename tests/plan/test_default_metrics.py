"""A plan whose metrics may come from its models: every task knows what reading found in their files."""

import pytest

from assay.errors import EvalConfigError
from assay.plan.analysis_file import compile_analysis
from assay.plan.plan import CORE_IMAGE, TENSORFLOW_IMAGE

COUNT = {"metrics": [{"class_name": "ExampleCount"}]}
BOUND = {"value_threshold": {"lower_bound": 0.5}}


def plan_of(tmp_path, config, kind="keras"):
    """The plan of one model, which is not there yet."""
    return compile_analysis(
        {
            "inputs": {"format": "parquet", "files": ["d.parquet"]},
            "models": [{"name": "m", "type": kind, "uri": "m:f" if kind == "callable" else "m.keras"}],
            "eval_config": {"model_specs": [{"label_key": "y"}], **config},
            "checkpoint": "every",
            "output": "out",
        },
        tmp_path,
    )


@pytest.mark.parametrize(
    ("config", "may_ask"),
    [
        ({}, True),
        ({"metrics_specs": [{**COUNT, "thresholds": {"loss": BOUND}}]}, True),
        ({"metrics_specs": [COUNT], "options": {"include_default_metrics": True}}, True),
        ({"metrics_specs": [COUNT]}, False),
    ],
)
def test_all_tasks_wait_for_reading_and_evaluate_where_keras_is(tmp_path, config, may_ask):
    plan = plan_of(tmp_path, config)
    after = [task for task in plan.tasks if task.name != "ReadInputs"]
    assert all("ReadInputs" in task.after for task in after) == may_ask
    image = TENSORFLOW_IMAGE if may_ask else CORE_IMAGE
    assert plan.stage("EvaluateMetricsAndPlots").image == image


def test_without_a_model_of_keras_a_config_has_to_name_a_metric(tmp_path):
    with pytest.raises(EvalConfigError, match="no metric is asked for"):
        plan_of(tmp_path, {}, kind="callable")
