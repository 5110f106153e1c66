"""Options of Beam pipelines in a plan choose where it runs, by every door, unless the caller's choose otherwise."""

import pandas as pd
import pytest

from assay.cli import main
from assay.errors import TransientError
from assay.plan.analysis_file import compile_analysis
from assay.plan.filled import with_params
from assay.plan.stored import publish_plan
from assay.run import local
from tests.ports import free_port

HERE = ("--runner=FnApiRunner",)


@pytest.fixture
def endpoint():
    return f"127.0.0.1:{free_port()}"


@pytest.fixture
def analysis(tmp_path, endpoint):
    """Of a plan that asks for a job server that is not there."""
    pd.DataFrame({"label": [0, 1, 1, 0], "score": [0.2, 0.8, 0.6, 0.4]}).to_parquet(tmp_path / "rows.parquet")
    return {
        "inputs": {"format": "parquet", "files": ["rows.parquet"]},
        "eval_config": {
            "model_specs": [{"label_key": "label", "prediction_key": "score"}],
            "metrics_specs": [{"metrics": [{"class_name": "AUC"}]}],
        },
        "options": {"runner": "PortableRunner", "job_endpoint": endpoint},
        "output": "out",
    }


@pytest.fixture
def plan(analysis, tmp_path):
    return with_params(compile_analysis(analysis, tmp_path), {})


@pytest.mark.parametrize("checkpoints", [None, "checkpoints"])
def test_a_run_goes_where_its_plan_says(checkpoints, plan, endpoint, tmp_path):
    root = checkpoints and str(tmp_path / checkpoints)
    with pytest.raises(TransientError, match=f"{endpoint}: no Beam job server answers there"):
        local.run(plan, checkpoints=root)


def test_a_stage_command_goes_there_too(plan, endpoint, tmp_path, capsys):
    (task,) = plan.tasks
    uri = publish_plan(plan, str(tmp_path / "root"))
    assert main(["stage", "analyse", "--plan", uri, "--stage", task.name]) == 75
    assert f"{endpoint}: no Beam job server answers there" in capsys.readouterr().err


def test_options_of_the_caller_override_those_of_the_plan(plan):
    assert local.run(plan, options=HERE).counts.rows == 4
