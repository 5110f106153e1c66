"""Which places of a plan exist on its author's machine only, and which tasks look for them."""

import pytest

from assay.errors import ConfigError
from assay.plan.analysis_file import compile_analysis
from assay.plan.local_paths import check_reached, is_local, uris_of
from assay.plan.tasks import CUTS, EVERY, NO_CHECKPOINTS, reshaped, task_named

CONFIG = {
    "model_specs": [{"name": "new", "label_key": "y"}, {"name": "old", "label_key": "y", "is_baseline": True}],
    "metrics_specs": [{"metrics": [{"class_name": "AUC"}]}],
}


def plan_in(folder, checkpoints=EVERY, **changes):
    content = {
        "params": {"where": None},
        "inputs": {
            "format": "csv",
            "files": ["gs://b/1.csv", "day.csv", "${where}/x.csv"],
            "join": {"files": "labels.csv", "on": ["id"]},
        },
        "models": [
            {"name": "new", "uri": "models/new", "type": "saved_model"},
            {"name": "old", "uri": "my_model:score", "type": "callable", "baseline": True},
        ],
        "eval_config": CONFIG,
        "output": "out/${where}",
    }
    return reshaped(compile_analysis({**content, **changes}, folder), checkpoints)


def needed(plan, task):
    """Fields of the paths that a task needs."""
    return [field for field, uri in uris_of(plan, task_named(plan, task)) if is_local(uri)]


DATA, MODEL = ["inputs.files[1]", "inputs.join.files[0]"], ["models[0].uri"]


def test_data_labels_models_and_output_are_looked_at_and_uris_parameters_and_functions_are_not(tmp_path):
    plan = plan_in(tmp_path, NO_CHECKPOINTS)
    assert {field: uri for field, uri in uris_of(plan, plan.tasks[0]) if is_local(uri)} == {
        "inputs.files[1]": f"{tmp_path}/day.csv",
        "inputs.join.files[0]": f"{tmp_path}/labels.csv",
        "models[0].uri": f"{tmp_path}/models/new",
        "output": f"{tmp_path}/out/${{where}}",
    }


@pytest.mark.parametrize(
    ("task", "fields"),
    [
        ("ReadInputs", [*DATA, *MODEL]),  # it pins the models
        ("ExtractFeatures", []),
        ("ExtractLabels", []),
        ("ExtractPredictions", MODEL),
        ("ExtractSliceKeys", []),
        ("EvaluateMetricsAndPlots", []),
        ("Gate", []),
        ("WriteResults", ["output"]),
    ],
)
def test_a_task_needs_what_itself_reads_or_writes(tmp_path, task, fields):
    assert needed(plan_in(tmp_path), task) == fields


def test_of_extractors_that_run_together_the_task_needs_the_model_if_one_of_them_runs_it(tmp_path):
    plan = plan_in(tmp_path, CUTS)
    assert [task.name for task in plan.tasks if "models[0].uri" in needed(plan, task.name)] == [
        "ReadInputs",
        "ExtractPredictions",
    ]


def test_predictions_in_the_data_need_no_model(tmp_path):
    config = {**CONFIG, "model_specs": [{"label_key": "y", "prediction_key": "p"}]}
    plan = plan_in(tmp_path, models=[], eval_config=config)
    extractors = [task.name for task in plan.tasks if task.name.startswith("Extract")]
    assert [needed(plan, name) for name in extractors] == [[]] * len(extractors)


def test_who_was_blessed_is_looked_up_by_reading_alone(tmp_path):
    models = [
        {"name": "new", "uri": "gs://b/new", "type": "saved_model"},
        {"name": "old", "uri": "blessed.json", "baseline": "blessed"},
    ]
    plan = plan_in(tmp_path, models=models)
    assert ("models[1].uri", f"{tmp_path}/blessed.json") in uris_of(plan, plan.tasks[0])
    assert [task.name for task in plan.tasks if "models[1].uri" in needed(plan, task.name)] == ["ReadInputs"]


def test_a_container_must_see_what_it_needs(tmp_path):
    uris = [("inputs.files[0]", "gs://b/1.csv"), ("output", f"{tmp_path}/out")]
    with pytest.raises(ConfigError, match=f"^output: {tmp_path}/out is a path of this machine, which a pod does not h"):
        check_reached(uris, [], "a pod")
    check_reached(uris, [f"{tmp_path}/"], "a pod")
    check_reached(uris, ["/"], "a pod")
    check_reached(uris[:1], [], "a pod")


def test_a_folder_of_a_similar_name_is_another_one(tmp_path):
    with pytest.raises(ConfigError):
        check_reached([("root", str(tmp_path))], [str(tmp_path)[:-1]], "a pod")
