"""Which places of a plan exist on its author's machine only."""

import pytest

from assay.analysis_file import compile_analysis
from assay.errors import ConfigError
from assay.local_places import check_reached, local_places
from assay.plan import EVALUATE, EXTRACT, READ_INPUTS, WRITE_RESULTS

CONFIG = {
    "model_specs": [{"name": "new", "label_key": "y"}, {"name": "old", "label_key": "y", "is_baseline": True}],
    "metrics_specs": [{"metrics": [{"class_name": "AUC"}]}],
}


def plan_in(folder, **changes):
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
    return compile_analysis({**content, **changes}, folder)


def test_data_labels_models_and_output_are_looked_at_and_uris_parameters_and_functions_are_not(tmp_path):
    assert dict(local_places(plan_in(tmp_path))) == {
        "inputs.files[1]": f"{tmp_path}/day.csv",
        "inputs.join.files[0]": f"{tmp_path}/labels.csv",
        "models[0].uri": f"{tmp_path}/models/new",
        "output": f"{tmp_path}/out/${{where}}",
    }


def test_the_blessed_baseline_has_a_place_too(tmp_path):
    models = [
        {"name": "new", "uri": "gs://b/new", "type": "saved_model"},
        {"name": "old", "uri": "blessed.json", "baseline": "blessed"},
    ]
    assert ("models[1].uri", f"{tmp_path}/blessed.json") in local_places(plan_in(tmp_path, models=models))


@pytest.mark.parametrize(
    ("kind", "field"),
    [
        ("", r"inputs.files\[1\]"),
        (READ_INPUTS, r"inputs.files\[1\]"),
        (EXTRACT, r"models\[0\].uri"),
        (WRITE_RESULTS, "output"),
    ],
)
def test_a_task_must_reach_what_it_reads_or_writes(tmp_path, kind, field):
    plan = plan_in(tmp_path)
    with pytest.raises(ConfigError, match=f"^{field}: {tmp_path}/.* of this machine, which a pod does not have; give"):
        check_reached(plan, [], "a pod", kind)
    check_reached(plan, [f"{tmp_path}/"], "a pod", kind)
    check_reached(plan, [], "a pod", EVALUATE)


def test_a_folder_of_a_similar_name_is_another_one(tmp_path):
    with pytest.raises(ConfigError):
        check_reached(plan_in(tmp_path), [str(tmp_path)[:-1]], "a pod")
    check_reached(plan_in(tmp_path), ["/"], "a pod")


def test_the_root_is_looked_at_where_it_is_named(tmp_path):
    plan = plan_in(tmp_path)
    with pytest.raises(ConfigError, match=r"^root: /checkpoints"):
        check_reached(plan, [str(tmp_path)], "a pod", EVALUATE, "/checkpoints")
    check_reached(plan, [str(tmp_path)], "a pod", EVALUATE, "gs://b/checkpoints")
