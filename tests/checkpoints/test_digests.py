"""What a checkpoint's digest depends on."""

import importlib
import sys
from copy import deepcopy

import pytest

from assay.checkpoints import digests
from assay.checkpoints.digests import code_digest, content_digest, digest_of, without_thresholds
from assay.errors import ConfigError
from assay.plan.analysis_file import compile_analysis
from assay.plan.filled import with_params
from assay.plan.tasks import CUTS, is_checkpointed, reshaped
from assay.types import READ_INPUTS_STAGE_NAME

TASKS = ["ReadInputs", "ExtractPredictions", "ExtractSliceKeys", "EvaluateMetricsAndPlots", "Own", "Gate"]
ALL, INFERENCE, SLICING = TASKS, TASKS[1:], TASKS[2:]
METRICS, OWN, GATE = ["EvaluateMetricsAndPlots", "Gate"], ["Own"], ["Gate"]
NONE: list[str] = []


@pytest.fixture
def analysis():
    return {
        "inputs": {
            "format": "parquet",
            "files": ["a-*.parquet"],
            "join": {"files": ["labels.parquet"], "on": ["id"], "max_unmatched": "5%"},
        },
        "models": [
            {"name": "new", "type": "saved_model", "uri": "new"},
            {"name": "old", "type": "callable", "uri": "tests.model_of_columns:better", "baseline": True},
        ],
        "evaluators": [
            {
                "name": "Own",
                "factory": "tests.end_to_end.own_stages:highest",
                "args": {},
                "run_after": "ExtractSliceKeys",
                "outputs": ["highest"],
            }
        ],
        "eval_config": {
            "model_specs": [
                {"name": "new", "label_key": "label", "example_weight_key": "weight"},
                {"name": "old", "label_key": "label", "example_weight_key": "weight", "is_baseline": True},
            ],
            "slicing_specs": [{}, {"feature_keys": ["group"]}],
            "metrics_specs": [{"metrics": [{"class_name": "AUC"}, {"class_name": "Calibration"}]}],
        },
        "output": "out",
    }


def digests_of(analysis, folder, files=None):
    """Task -> digest of its content; those before it go into it."""
    plan = with_params(compile_analysis(analysis, folder), {})
    plan = plan if is_checkpointed(plan) else reshaped(plan, CUTS)
    found: dict[str, str] = {}
    for task in plan.tasks[:-1]:
        extra = {"files": files or {}} if task.name == READ_INPUTS_STAGE_NAME else {}
        found[task.name] = content_digest(plan, task, {name: found[name] for name in task.after}, extra)
    return found


def changed(before, after):
    return [task for task in before if before[task] != after[task]]


def put(*path):
    """A change that puts the last of `path` where the others name."""
    *keys, last, value = path

    def change(analysis):
        inner = analysis
        for key in keys:
            inner = inner[key]
        if isinstance(inner, list) and last == "+":
            inner.append(value)
        else:
            inner[last] = value

    return change


BOUND = {"value_threshold": {"lower_bound": 0.5}}
FIRST_METRIC = ("eval_config", "metrics_specs", 0, "metrics", 0)

CHANGES = {
    "nothing": (lambda analysis: None, NONE),
    "the URI of the output": (put("output", "elsewhere"), NONE),
    "the format of the results": (put("output_file_format", "parquet"), NONE),
    "a parameter that nobody uses": (put("params", {"day": "monday"}), NONE),
    "a threshold": (put(*FIRST_METRIC, "threshold", BOUND), GATE),
    "a threshold of a slice": (
        put(*FIRST_METRIC, "per_slice_thresholds", [{"slicing_specs": [{}], "threshold": BOUND}]),
        GATE,
    ),
    "a threshold of all metrics of a name": (
        put("eval_config", "metrics_specs", 0, "thresholds", {"auc": BOUND}),
        GATE,
    ),
    "the least number of rows": (put("min_rows", 10), GATE),
    "the largest share of bad rows": (put("max_bad_rows", "1%"), GATE),
    "a rubber stamp": (put("rubber_stamp", True), GATE),
    "a threshold that asks for evidence": (put("gate", {"thresholds": [{"metric": "auc", "at_least": 0.5}]}), GATE),
    "a metric": (put("eval_config", "metrics_specs", 0, "metrics", "+", {"class_name": "MeanLabel"}), METRICS),
    "a setting of a metric": (put(*FIRST_METRIC, "config", '"num_thresholds": 50'), METRICS),
    "the seed": (put("seed", 3), METRICS),
    "the largest number of slices": (put("max_slices", 3), METRICS),
    "the interval": (put("eval_config", "options", {"compute_confidence_intervals": True}), METRICS),
    "arguments of an evaluator": (put("evaluators", 0, "args", {"share": 0.5}), OWN),
    "a slicing spec": (put("eval_config", "slicing_specs", "+", {"feature_keys": ["city"]}), SLICING),
    "the label": (put("eval_config", "model_specs", 0, "label_key", "other"), INFERENCE),
    "the weight": (put("eval_config", "model_specs", 0, "example_weight_key", "other"), INFERENCE),
    "a model": (put("models", 0, "uri", "newer"), INFERENCE),
    "a signature": (put("models", 0, "signature", "other"), INFERENCE),
    "the signature in its model spec": (put("eval_config", "model_specs", 0, "signature_name", "other"), INFERENCE),
    "rows in one call": (put("eval_config", "model_specs", 0, "inference_batch_size", 8), INFERENCE),
    "outputs by name": (put("eval_config", "model_specs", 0, "prediction_keys", {"a": "b"}), INFERENCE),
    "a function": (put("models", 1, "uri", "tests.end_to_end.scores:score"), INFERENCE),
    "an extractor": (
        put("extractors", [{"name": "X", "factory": "tests.end_to_end.own_stages:band_by_row", "adds": ["features"]}]),
        SLICING,
    ),
    "the files": (put("inputs", "files", ["b-*.parquet"]), ALL),
    "the key of a join": (put("inputs", "join", "on", ["id", "day"]), ALL),
    "what becomes of bad rows": (put("on_bad_rows", "skip"), ALL),
    "the version of the code": (put("code_version", "2"), INFERENCE),
}


@pytest.mark.parametrize("name", CHANGES)
def test_a_change_reaches_the_digests_of_those_whom_it_concerns(name, analysis, tmp_path):
    change, expected = CHANGES[name]
    before = digests_of(deepcopy(analysis), tmp_path)
    change(analysis)
    assert changed(before, digests_of(analysis, tmp_path)) == expected


def test_a_share_that_may_stay_without_a_partner_concerns_the_gate_only(analysis, tmp_path):
    before = digests_of(deepcopy(analysis), tmp_path)
    analysis["inputs"]["join"]["max_unmatched"] = "6%"
    assert changed(before, digests_of(analysis, tmp_path)) == GATE


def test_who_is_the_baseline_costs_no_inference(analysis, tmp_path):
    before = digests_of(deepcopy(analysis), tmp_path)
    for i, is_baseline in enumerate((True, False)):
        analysis["models"][i]["baseline"] = is_baseline
        analysis["eval_config"]["model_specs"][i]["is_baseline"] = is_baseline
    assert changed(before, digests_of(analysis, tmp_path)) == METRICS


def test_a_file_that_changed_concerns_everybody(analysis, tmp_path):
    before = digests_of(analysis, tmp_path, {"/a-0.parquet": "1"})
    assert changed(before, digests_of(analysis, tmp_path, {"/a-0.parquet": "2"})) == ALL
    assert changed(before, digests_of(analysis, tmp_path, {"/a-0.parquet": "1", "/a-1.parquet": "1"})) == ALL


def test_predictions_in_the_data_are_by_their_column(analysis, tmp_path):
    analysis["models"] = []
    for spec in analysis["eval_config"]["model_specs"]:
        spec["prediction_key"] = spec["name"]
    before = digests_of(deepcopy(analysis), tmp_path)
    analysis["eval_config"]["model_specs"][0]["prediction_key"] = "newer"
    assert changed(before, digests_of(analysis, tmp_path)) == ["ExtractSliceKeys", *SLICING[1:]]


@pytest.mark.parametrize(("kind", "concerned"), [("read-inputs", ALL), ("extract", INFERENCE), ("gate", GATE)])
def test_a_new_version_of_a_kind_of_stage_concerns_its_stages(kind, concerned, analysis, tmp_path, monkeypatch):
    before = digests_of(analysis, tmp_path)
    monkeypatch.setitem(digests.STAGE_VERSIONS, kind, 99)
    assert changed(before, digests_of(analysis, tmp_path)) == concerned


def test_another_version_of_the_framework_runs_its_models_again(analysis, tmp_path, monkeypatch):
    before = digests_of(analysis, tmp_path)
    monkeypatch.setattr(digests, "version", lambda package: "99")
    assert changed(before, digests_of(analysis, tmp_path)) == INFERENCE


def test_a_digest_goes_by_values_and_not_by_the_order_of_keys():
    assert digest_of({"a": 1, "b": [2.5, None]}) == digest_of({"b": [2.5, None], "a": 1})
    assert digest_of({"a": [1, 2]}) != digest_of({"a": [2, 1]})
    assert len(digest_of({})) == 64
    with pytest.raises(ValueError, match="JSON"):
        digest_of({"a": float("nan")})


def test_settings_of_metrics_keep_what_only_looks_like_a_threshold():
    metric = {"class_name": "Precision", "config": '"thresholds": [0.5]', "threshold": BOUND}
    found = without_thresholds({"model_specs": [{}], "metrics_specs": [{"metrics": [metric], "thresholds": {}}]})
    assert found == {
        "model_specs": [{}],
        "metrics_specs": [{"metrics": [{"class_name": "Precision", "config": '"thresholds": [0.5]'}]}],
    }


# Code ----------------------------------------------------------------------------------------------------------------


@pytest.fixture
def plan(analysis, tmp_path):
    return with_params(compile_analysis(analysis, tmp_path), {})


def test_code_is_the_source_of_its_module(plan, tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "code_of_mine.py").write_text("def f(): return 1")
    importlib.invalidate_caches()
    one = code_digest(plan, "code_of_mine:f", "here")
    assert "code_of_mine" not in sys.modules  # nothing is run
    assert code_digest(plan, "code_of_mine:g", "here") == one
    (tmp_path / "code_of_mine.py").write_text("def f(): return 2")
    assert code_digest(plan, "code_of_mine:f", "here") != one


def test_code_in_a_package_without_a_file_or_built_in_is_its_name(plan, tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "bare").mkdir()
    importlib.invalidate_caches()
    assert code_digest(plan, "bare:f", "here") != code_digest(plan, "sys:exit", "here")


@pytest.mark.parametrize("path", ["no_such_module:f", "no_such_package.module:f", "tests.model_of_columns.inner:f"])
def test_code_that_is_not_there_is_named(plan, path):
    with pytest.raises(ConfigError, match=rf"stage 'X': '{path}' cannot be imported"):
        code_digest(plan, path, "stage 'X'")


@pytest.mark.parametrize("has_model", [False, True])
def test_the_order_of_classes_decides_predictions_that_have_a_column_for_each(analysis, tmp_path, has_model):
    orders = []
    for classes in (["cat", "dog"], ["dog", "cat"]):
        spec = {"label_key": "label", "prediction_keys": {"cat": "p_cat", "dog": "p_dog"}, "classes": classes}
        models = [{"name": "m", "type": "callable", "uri": "tests.model_of_columns:better"}] if has_model else []
        analysis["eval_config"] |= {
            "model_specs": [spec],
            "metrics_specs": [{"metrics": [{"class_name": "CohenKappa"}]}],
        }
        orders.append(digests_of({**analysis, "models": models, "evaluators": [], "checkpoint": "every"}, tmp_path))
    predictions = "ExtractPredictions" if has_model else "ExtractMaterializedPredictions"
    assert changed(*orders)[0] == predictions
