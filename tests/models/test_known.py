"""Another framework is one module and one row: plans, checkpoints and every door take it from there."""

from __future__ import annotations

import json
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest

import assay
from assay import storage
from assay.checkpoints import digests
from assay.checkpoints.digests import settings_of
from assay.checkpoints.pins import pinned_models
from assay.cli import main
from assay.errors import ConfigError, ModelError
from assay.models import model
from assay.models.known import FRAMEWORKS, Framework
from assay.models.model import ModelRef
from assay.plan.analysis_file import compile_analysis
from assay.plan.filled import with_params
from assay.plan.plan import Plan
from assay.plan.tasks import CUTS, image_named, image_of, reshaped
from assay.types import PREDICTIONS_EXTRACTOR_STAGE_NAME
from tests import linear_model
from tests.memory_store import SCHEME, MemoryStore

ROWS = "label,x,y\n0,1,1\n1,3,2\n1,5,1\n0,2,0\n"
WEIGHTS = {"x": 0.125, "y": 0.25}  # predictions 0.375, 0.875, 0.875, 0.25
CONFIG = {
    "model_specs": [{"label_key": "label"}],
    "metrics_specs": [{"metrics": [{"class_name": "MeanPrediction"}, {"class_name": "MeanLabel"}]}],
}


@pytest.fixture
def linear(monkeypatch) -> None:
    monkeypatch.setitem(FRAMEWORKS, "linear", linear_model.ROW)


@pytest.fixture
def memory(monkeypatch) -> str:
    store = MemoryStore()
    monkeypatch.setitem(storage.STORES, SCHEME, lambda: store)
    return f"{SCHEME}://bucket"


def write(folder: str, weights: dict[str, float] = WEIGHTS) -> None:
    storage.write(f"{folder}/rows.csv", ROWS.encode())
    storage.write(f"{folder}/weights.json", json.dumps(weights).encode())


def analysis(**model: Any) -> dict[str, Any]:
    return {
        "inputs": {"format": "csv", "files": "rows.csv"},
        "models": [{"name": "m", "type": "linear", "uri": "weights.json", **model}],
        "eval_config": CONFIG,
        "output": "out",
    }


def plan_of(folder: Path, *models: dict[str, Any]) -> Plan:
    """Of several models each has its spec."""
    described = analysis()
    if models:
        described["models"] = [{"uri": "weights.json", **model} for model in models]
        described["eval_config"] = {
            **CONFIG,
            "model_specs": [{"name": model["name"], "label_key": "label"} for model in models],
        }
    return with_params(compile_analysis(described, folder), {})


def mean_prediction(output: str) -> float:
    frame = assay.metrics_frame(output)
    return float(dict(zip(frame["metric"], frame["value"], strict=True))["mean_prediction"])


@pytest.mark.parametrize("where", ["folder", SCHEME])
@pytest.mark.parametrize("checkpoints", [False, True])
def test_the_command_evaluates_a_model_of_a_framework_of_ones_own(linear, memory, tmp_path, where, checkpoints):
    root = str(tmp_path) if where == "folder" else memory
    write(root)
    (tmp_path / "a.json").write_text(json.dumps(analysis()))
    call = ["run", str(tmp_path / "a.json"), "--quiet", "--base", root]
    call += ["--checkpoints", f"{root}/root"] if checkpoints else []
    assert main(call) == 0
    assert mean_prediction(f"{root}/out") == 0.59375

    write(root, {"x": 0.0625})  # another model: 0.0625, 0.1875, 0.3125, 0.125
    assert main(call) == 0
    assert mean_prediction(f"{root}/out") == 0.171875


def test_python_evaluates_a_model_of_a_framework_of_ones_own(linear, tmp_path):
    write(str(tmp_path))
    assay.run_model_analysis(
        CONFIG,
        data_location=tmp_path / "rows.csv",
        file_format="csv",
        models=[ModelRef("", str(tmp_path / "weights.json"), "linear")],
        output_path=tmp_path / "out",
    )
    assert mean_prediction(str(tmp_path / "out")) == 0.59375


def test_a_model_spec_may_call_the_framework_by_its_name(linear, tmp_path):
    write(str(tmp_path))
    config = {**CONFIG, "model_specs": [{"label_key": "label", "model_type": "linear"}]}
    (tmp_path / "a.json").write_text(json.dumps({**analysis(), "eval_config": config}))
    assert main(["run", str(tmp_path / "a.json"), "--quiet"]) == 0
    assert mean_prediction(str(tmp_path / "out")) == 0.59375


def test_models_run_in_the_image_of_their_framework(linear, tmp_path):
    plan = reshaped(plan_of(tmp_path), CUTS)
    needed = {task.name: image_of(plan, task) for task in plan.tasks}
    assert needed[PREDICTIONS_EXTRACTOR_STAGE_NAME] == "linear:1"
    assert {image for name, image in needed.items() if name != PREDICTIONS_EXTRACTOR_STAGE_NAME} == {"core"}
    assert image_named("linear:1", {}) == "linear:1"


@pytest.mark.parametrize(
    ("types", "image"),
    [
        (["keras"], "tensorflow"),
        (["saved_model", "keras"], "tensorflow"),
        (["callable", "keras"], "tensorflow"),
        (["linear", "callable"], "linear:1"),
        (["callable"], "core"),
    ],
)
def test_models_of_several_frameworks_run_in_the_image_that_has_them_all(linear, tmp_path, types, image):
    models = [{"name": f"m{i}", "type": kind, "uri": "pkg.module:name"} for i, kind in enumerate(types)]
    assert plan_of(tmp_path, *models).stage(PREDICTIONS_EXTRACTOR_STAGE_NAME).image == image


def test_models_that_no_image_runs_together_are_refused(linear, tmp_path):
    with pytest.raises(ConfigError, match="no image runs all of them: 'a' needs linear:1 and 'b' needs tensorflow"):
        plan_of(tmp_path, {"name": "a", "type": "linear"}, {"name": "b", "type": "keras"})


def framework_in_digest(plan: Plan) -> str:
    (settings,) = settings_of(plan, plan.stage(PREDICTIONS_EXTRACTOR_STAGE_NAME))["models"]
    return str(settings["framework"])


def test_predictions_are_made_again_by_another_version_of_the_package_and_of_no_other(linear, tmp_path, monkeypatch):
    plan, of_keras = plan_of(tmp_path), plan_of(tmp_path, {"name": "m", "type": "keras"})
    assert framework_in_digest(of_keras) == version("tensorflow")
    assert framework_in_digest(plan) == f"scikit-learn {version('scikit-learn')}"

    monkeypatch.setattr(digests, "version", lambda package: "99" if package == "tensorflow" else version(package))
    assert framework_in_digest(of_keras) == "99"
    assert framework_in_digest(plan) == f"scikit-learn {version('scikit-learn')}"


@pytest.mark.parametrize("package", ["", "no_such_package"])
def test_a_framework_without_a_package_has_no_version(tmp_path, monkeypatch, package):
    monkeypatch.setitem(FRAMEWORKS, "linear", Framework("tests.linear_model", package, "core"))
    assert framework_in_digest(plan_of(tmp_path)) == ""


def test_a_model_is_pinned_by_its_files_unless_it_is_code(linear, tmp_path):
    write(str(tmp_path))
    models = [{"name": "file", "type": "linear"}, {"name": "code", "type": "callable", "uri": "pkg.module:name"}]
    assert list(pinned_models(plan_of(tmp_path, *models))) == ["file"]


def test_a_folder_of_a_model_is_loaded_again_if_any_of_its_files_changes(monkeypatch, tmp_path):
    monkeypatch.setitem(FRAMEWORKS, "linear", Framework("tests.models.folder_of_weights", "", "core"))
    storage.write(f"{tmp_path}/m/saved_model.pb", b"the same")
    storage.write(f"{tmp_path}/m/weights/w.json", json.dumps(WEIGHTS).encode())
    ref = ModelRef("m", f"{tmp_path}/m", "linear")
    first = model.load(ref)
    assert model.load(ref) is first
    storage.write(f"{tmp_path}/m/weights/w.json", json.dumps({"x": 1}).encode())
    assert model.load(ref) is not first


def test_a_framework_whose_package_is_missing_is_not_asked_for_columns(monkeypatch):
    assert model.is_installed(ModelRef("m", "pkg:f", "callable"))
    for package, is_there in (("sklearn", True), ("no_such_package", False), ("", True)):
        monkeypatch.setitem(FRAMEWORKS, "linear", Framework("tests.linear_model", package, "core"))
        assert model.is_installed(ModelRef("m", "x", "linear")) is is_there


def test_a_type_that_is_misspelt_is_told_with_all_that_there_are(linear, tmp_path):
    with pytest.raises(ConfigError, match=r"models\[0\]\.type: unknown value 'liner'.*linear"):
        compile_analysis(analysis(type="liner"), tmp_path)
    with pytest.raises(ModelError, match="type 'liner' is unknown; expected saved_model, keras, callable, linear"):
        model.check(ModelRef("m", "x", "liner"))
    with pytest.raises(ModelError, match="type 'liner' is unknown"):
        model.is_installed(ModelRef("m", "x", "liner"))


def test_only_a_framework_whose_models_may_be_trusted_takes_trusted(linear, monkeypatch, tmp_path):
    with pytest.raises(ModelError, match="trusted applies only to type 'saved_model', found 'linear'"):
        ModelRef("m", "x", "linear", trusted=True)
    with pytest.raises(ConfigError, match="it applies only to type saved_model"):
        compile_analysis(analysis(trusted=True), tmp_path)
    monkeypatch.setitem(FRAMEWORKS, "linear", Framework("tests.linear_model", "", "core", may_be_trusted=True))
    assert ModelRef("m", "x", "linear", trusted=True).trusted
    assert compile_analysis(analysis(trusted=True), tmp_path).models[0]["trusted"]


def test_every_row_is_a_module_with_the_three_functions(linear):
    assert list(FRAMEWORKS) == ["saved_model", "keras", "callable", "linear"]
    for kind in FRAMEWORKS:
        module = model._module_of(ModelRef("m", "x", kind))
        assert all(callable(getattr(module, name)) for name in ("check", "needs", "load"))
