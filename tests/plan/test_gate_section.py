"""The section `gate` of an analysis file, and of a plan."""

from typing import Any

import pytest

from assay.errors import ConfigError
from assay.plan.analysis_file import compile_analysis
from assay.plan.as_json import from_json, to_json
from assay.plan.filled import with_params
from assay.plan.gate_section import gate_section

LINE = {"metric": "auc", "at_least": 0.8}
ANALYSIS: dict[str, Any] = {
    "inputs": {"format": "csv", "files": ["data/*.csv"]},
    "eval_config": {
        "model_specs": [{"label_key": "y", "prediction_key": "p"}],
        "metrics_specs": [{"metrics": [{"class_name": "AUC"}]}],
        "options": {"compute_confidence_intervals": True},
    },
    "output": "out",
}


@pytest.mark.parametrize(
    ("gate", "message"),
    [
        ([], "gate: expected a mapping with the keys alpha"),
        ({}, "gate.thresholds: expected at least one threshold, found nothing"),
        ({"thresholds": []}, "gate.thresholds: expected at least one threshold"),
        ({"thresholds": {}}, "gate.thresholds: expected a list"),
        ({"threshold": [LINE]}, "gate.threshold: unknown key; did you mean 'thresholds'"),
        ({"alpha": 0, "thresholds": [LINE]}, "gate.alpha: expected a number above 0 and below 0.5"),
        ({"alpha": True, "thresholds": [LINE]}, "gate.alpha: expected a number, found True"),
        ({"alpha": float("nan"), "thresholds": [LINE]}, "gate.alpha: expected a number, found nan"),
        ({"correction": "bonferroni", "thresholds": [LINE]}, "gate.correction: unknown value 'bonferroni'"),
        ({"undecided": "ignore", "thresholds": [LINE]}, "gate.undecided: unknown value 'ignore'"),
        ({"min_rows": 0, "thresholds": [LINE]}, "gate.min_rows: expected a whole number of at least 1"),
        ({"looks": 0, "thresholds": [LINE]}, "gate.looks: expected a whole number of at least 1"),
        ({"force": "yes", "thresholds": [LINE]}, "gate.force: expected a mapping with the keys reason"),
        ({"force": {}, "thresholds": [LINE]}, "gate.force.reason: this key is required"),
        ({"thresholds": [{"metric": "auc"}]}, "gate.thresholds[0]: expected one of non_inferior, not_worse, at_least"),
        ({"thresholds": [{**LINE, "at_most": 1}]}, "found 'at_least and at_most'"),
        ({"thresholds": [LINE, {"at_least": 1}]}, "gate.thresholds[1].metric: this key is required"),
        ({"thresholds": [{**LINE, "at_least": "80%"}]}, "gate.thresholds[0].at_least: expected a number, found '80%'"),
        ({"thresholds": [{"metric": "auc", "non_inferior": {}}]}, "gate.thresholds[0].non_inferior.margin: this key"),
        (
            {"thresholds": [{"metric": "auc", "non_inferior": {"margin": 0}}]},
            "gate.thresholds[0].non_inferior.margin: expected a number above 0; use not_worse",
        ),
        ({"thresholds": [{"metric": "auc", "not_worse": {"by": 1}}]}, "gate.thresholds[0].not_worse.by: unknown key"),
        ({"thresholds": [{"metric": "auc", "not_worse": True}]}, "gate.thresholds[0].not_worse: expected a mapping"),
        ({"thresholds": [{**LINE, "slices": []}]}, "gate.thresholds[0].slices: expected at least one slicing spec"),
        (
            {"thresholds": [{**LINE, "slices": [{"feature_key": ["a"]}]}]},
            "gate.thresholds[0].slices[0].feature_key: SlicingSpec has no such field; did you mean 'feature_keys'",
        ),
        ({"thresholds": [{**LINE, "severity": "error"}]}, "gate.thresholds[0].severity: unknown value 'error'"),
        (
            {"thresholds": [{**LINE, "severity": "warn", "undecided": "pass"}]},
            "gate.thresholds[0].undecided: severity warn never blocks",
        ),
        ({"thresholds": [{**LINE, "model": "${m}"}]}, "gate.thresholds[0].model: unknown parameter 'm'"),
    ],
)
def test_what_cannot_be_is_told_by_its_path(gate, message, tmp_path):
    with pytest.raises(ConfigError) as caught:
        compile_analysis({**ANALYSIS, "gate": gate}, tmp_path)
    assert message.removesuffix("...") in str(caught.value)


def test_without_a_gate_a_plan_stays_what_it_was(tmp_path):
    plan = compile_analysis(ANALYSIS, tmp_path)
    assert '"gate":' not in to_json(plan)
    assert from_json(to_json(plan)) == plan


def test_a_plan_has_the_gate_with_its_defaults_and_its_parameters(tmp_path):
    slices = [{"feature_values": {"country": "${country}"}}]
    specs = {**ANALYSIS["eval_config"], "slicing_specs": [{"feature_keys": ["country"]}]}
    gate = {"force": {"reason": "${reason}"}, "thresholds": [{**LINE, "slices": slices}]}
    written = {**ANALYSIS, "eval_config": specs, "params": {"country": None, "reason": ""}, "gate": gate}
    plan = from_json(to_json(compile_analysis(written, tmp_path)))
    assert (plan.gate["alpha"], plan.gate["min_rows"], plan.gate["correction"]) == (0.05, 200, "holm")

    filled = with_params(plan, {"country": "fr"})
    assert filled.gate["thresholds"][0]["slices"] == [{"feature_values": {"country": "fr"}}]
    assert filled.gate["force"] == {"reason": ""}
    assert from_json(to_json(filled)) == filled
    assert with_params(plan, {"country": "fr", "reason": "INC-42"}).gate["force"] == {"reason": "INC-42"}


def test_what_is_read_is_read_again_as_it_is():
    read = gate_section({"thresholds": [LINE, {"metric": "auc", "not_worse": {}, "severity": "warn"}]}, "gate")
    assert gate_section(read, "gate") == read


@pytest.mark.parametrize("gate", [{"alpha": 2}, {"thresholds": [3]}, {"thresholds": [{"metric": "auc"}]}])
def test_a_plan_with_a_wrong_gate_is_refused(gate, tmp_path):
    written = to_json(compile_analysis({**ANALYSIS, "gate": {"thresholds": [LINE]}}, tmp_path))
    start = written.index('"gate":')
    with pytest.raises(ConfigError, match="gate"):
        from_json(written[:start] + '"gate":' + __import__("json").dumps(gate) + written[written.index(',"inputs"') :])
