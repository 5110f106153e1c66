"""Metrics of a user's own module, by `assay run` on real data: values by slice, verdict, checkpoints, absence."""

import importlib
import sys

import numpy as np
import pandas as pd
import pytest
import yaml
from sklearn.datasets import load_breast_cancer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import median_absolute_error, precision_score
from sklearn.preprocessing import StandardScaler

import assay
from assay import load_metrics, load_verdict
from assay.cli import main
from assay.errors import ConfigError, EvalConfigError
from assay.plan.analysis_file import compile_analysis
from assay.plan.filled import with_params
from assay.plan.tasks import image_of
from assay.results.keys import slice_key_from_proto
from assay.run import local
from assay.run.call import Checkpoints
from assay.run.stage import run_stage
from tests.latest_results import latest

SOURCE = """
import numpy as np
from assay.metrics.own import Confusion, metric, ratio

@metric("Lift", needs=Confusion(), better="higher", range="[0, inf)", undefined="no positive predictions or labels")
def lift(c):
    return ratio(ratio(c.tp, c.tp + c.fp), ratio(c.tp + c.fn, c.tp + c.fn + c.tn + c.fp)) * 1

class MedianError:
    better = "lower"
    def __init__(self):
        self.errors = []
    def update(self, labels, predictions):
        self.errors.append(abs(labels - predictions))
    def merge(self, other):
        self.errors += other.errors
    def result(self):
        return np.median(np.concatenate(self.errors))
"""


@pytest.fixture
def data() -> pd.DataFrame:
    frame = load_breast_cancer(as_frame=True).frame
    features = StandardScaler().fit_transform(frame[["mean texture", "mean smoothness", "mean symmetry"]])
    frame["score"] = LogisticRegression().fit(features, frame["target"]).predict_proba(features)[:, 1]
    frame["size"] = pd.cut(frame["mean radius"], [0, 12, 15, 99], labels=["small", "medium", "large"]).astype(str)
    chosen: pd.DataFrame = frame[["target", "score", "size"]]
    return chosen


@pytest.fixture
def folder(data, tmp_path, monkeypatch):
    data.to_parquet(tmp_path / "cancer.parquet")
    (tmp_path / "cancer_metrics.py").write_text(SOURCE)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path, str(tmp_path)])
    yield tmp_path
    sys.modules.pop("cancer_metrics", None)


def analysis(bound=1.0, **changes):
    threshold = {"value_threshold": {"lower_bound": bound}}
    return {
        "inputs": {"format": "parquet", "files": ["cancer.parquet"]},
        "eval_config": {
            "model_specs": [{"label_key": "target", "prediction_key": "score"}],
            "slicing_specs": [{}, {"feature_keys": ["size"]}],
            "metrics_specs": [
                {
                    "metrics": [
                        {"class_name": "AUC"},
                        {"class_name": "Lift", "module": "cancer_metrics", "threshold": threshold},
                        {"class_name": "MedianError", "module": "cancer_metrics"},
                    ]
                }
            ],
        },
        "output": "out",
        **changes,
    }


def run(folder, checkpoints=False, **changes):
    plan = with_params(compile_analysis(analysis(**changes), folder), {})
    return local.run(plan, checkpoints=str(folder / "checkpoints") if checkpoints else None)


def values(folder):
    return {
        slice_key_from_proto(record.slice_key): {
            item.key.name: item.value.double_value.value for item in record.metric_keys_and_values
        }
        for record in load_metrics(str(folder / "out"))
    }


def assert_right(found, data):
    assert len(found) == 4
    for key, of_slice in found.items():
        rows = data if not key else data[data["size"] == key[0][1]]
        predicted = rows["score"] > 0.5
        lift = precision_score(rows["target"], predicted) / rows["target"].mean() if predicted.any() else np.nan
        assert of_slice["lift"] == pytest.approx(lift, rel=1e-12)
        assert of_slice["median_error"] == pytest.approx(median_absolute_error(rows["target"], rows["score"]))


@pytest.mark.parametrize("checkpoints", [False, True])
def test_every_slice_has_the_values_of_scikit_learn_and_is_judged(checkpoints, folder, data):
    run(folder, checkpoints)
    assert_right(values(folder), data)
    assert load_verdict(str(folder / "out")).status == "BLESSED"
    run(folder, checkpoints, bound=1.2)
    verdict = load_verdict(str(folder / "out"))
    assert verdict.status == "NOT_BLESSED"
    assert {reason.slice for reason in verdict.reasons} >= {"size=small", "size=medium"}
    assert all(reason.message.startswith("lift is ") for reason in verdict.reasons)


def test_the_commands_find_a_module_in_the_current_folder(folder, data):
    (folder / "analysis.yaml").write_text(yaml.safe_dump(analysis()))
    sys.path.remove(str(folder))
    assert main(["check", "analysis.yaml"]) == 0
    assert "cancer_metrics" not in sys.modules
    assert main(["check", "analysis.yaml", "--import"]) == 0
    assert main(["run", "analysis.yaml"]) == 0
    assert_right(values(folder), data)


def test_a_changed_module_runs_its_metrics_again_and_nothing_before_them(folder):
    assert not any(stage.reused for stage in run(folder, checkpoints=True).stages)
    assert all(stage.reused for stage in run(folder, checkpoints=True).stages if stage.task != "WriteResults")

    sys.modules.pop("cancer_metrics")
    (folder / "cancer_metrics.py").write_text(SOURCE.replace("* 1", "* 1.0 + 0"))
    again = [stage.task for stage in run(folder, checkpoints=True).stages if not stage.reused]
    assert again == ["EvaluateMetricsAndPlots", "Gate", "WriteResults"]


def test_a_module_that_is_not_there_is_told_by_the_stage_that_needs_it_and_not_by_the_plan(folder, capsys):
    (folder / "cancer_metrics.py").unlink()
    with pytest.raises(
        EvalConfigError, match=r"^metrics_specs\[0\].metrics\[1\]: module 'cancer_metrics' cannot be imp"
    ):
        run(folder)
    with pytest.raises(ConfigError, match="cancer_metrics"):
        run(folder, checkpoints=True)
    made = {path.parent.parent.name for path in (folder / "checkpoints").glob("*/*/manifest.json")}
    assert made == {"ReadInputs", "ExtractSliceKeys"}


def test_the_image_that_has_the_module_is_that_of_the_tasks_that_need_it(folder):
    everything = analysis(metrics_image="me/own:1", checkpoint="cuts", analysis_table=True, find_slices={})
    plan = compile_analysis(everything, folder)
    images = {task.name: image_of(plan, task) for task in plan.tasks}
    assert images == {
        "ReadInputs": "core",
        "ExtractMaterializedPredictions": "core",
        "ExtractSliceKeys": "core",
        "EvaluateMetricsAndPlots": "me/own:1",
        "EvaluateExtracts": "core",
        "FindSlices": "me/own:1",
        "Gate": "me/own:1",
        "WriteResults": "me/own:1",
    }
    of_ours = analysis(metrics_image="me/own:1")
    del of_ours["eval_config"]["metrics_specs"][0]["metrics"][1:]
    with pytest.raises(ConfigError, match=r"^metrics_image: no metric of the eval config has a module of its own"):
        compile_analysis(of_ours, folder)


def test_a_task_whose_image_need_not_have_the_module_does_not_import_it(folder):
    plan = with_params(compile_analysis(analysis(checkpoint="cuts", analysis_table=True), folder), {})
    (folder / "cancer_metrics.py").rename(folder / "elsewhere.py")
    manifests: dict[str, str] = {}

    def run_task(name):
        before = {task.name: task.after for task in plan.tasks}[name]
        inputs = {one: manifests[one] for one in before}
        result = run_stage(plan, name, checkpoints=Checkpoints(root=str(folder / "checkpoints"), inputs=inputs))
        manifests[name] = result.manifest

    for name in ("ReadInputs", "ExtractSliceKeys", "EvaluateExtracts"):
        run_task(name)
    with pytest.raises(ConfigError, match="cancer_metrics"):
        run_task("EvaluateMetricsAndPlots")


def test_python_takes_the_class_and_the_function_themselves(folder, data):
    cancer_metrics = importlib.import_module("cancer_metrics")
    config = {
        "model_specs": [{"label_key": "target", "prediction_key": "score"}],
        "slicing_specs": [{}, {"feature_keys": ["size"]}],
        "metrics_specs": [{"metrics": [cancer_metrics.lift, {"class_name": cancer_metrics.MedianError}]}],
    }
    assay.analyze_raw_data(data, config, str(folder / "out"))
    assert_right(values(folder), data)
    assert latest(folder / "out")


@pytest.mark.parametrize(
    ("metric", "message"),
    [
        ({"class_name": int, "module": "builtins"}, r"metrics\[0\].module: class_name is int itself; remove module"),
        (lambda e: e, r"metrics\[0\].class_name: .*<lambda> is not declared; expected @metric\(...\) above it"),
        (
            type("Inner", (), {}),
            r"metrics\[0\].class_name: Inner cannot be found in its module .*; expected a class at",
        ),
    ],
)
def test_what_python_gives_must_have_a_name(metric, message):
    with pytest.raises(EvalConfigError, match=rf"^metrics_specs\[0\].{message}"):
        assay.parse_eval_config({"metrics_specs": [{"metrics": [metric]}]})
