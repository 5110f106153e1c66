"""Whole runs with thresholds that ask for evidence: one is blessed, one blocked, one undecided, by stages too."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml

import assay
from assay.plan.analysis_file import load_analysis
from assay.run.local import run
from assay.verdict import Outcome, Status

ROWS = 4000
METRICS = [{"class_name": "AUC"}, {"class_name": "BinaryAccuracy"}]
CONFIG: dict[str, Any] = {
    "model_specs": [
        {"name": "new", "label_key": "label", "prediction_key": "new"},
        {"name": "old", "label_key": "label", "prediction_key": "old", "is_baseline": True},
    ],
    "slicing_specs": [{}, {"feature_keys": ["country"]}],
    "metrics_specs": [{"model_names": ["new", "old"], "metrics": METRICS}],
    "options": {"compute_confidence_intervals": True},
}
WITHIN, WIDE = {"metric": "auc", "non_inferior": {"margin": 0.002}}, {"metric": "auc", "non_inferior": {"margin": 0.2}}
CASES = {
    "equal, by a wide margin": (0.0, [WIDE, {"metric": "auc", "at_least": 0.6}], Status.BLESSED, {Outcome.PASS}),
    "worse": (2.0, [{"metric": "binary_accuracy", "not_worse": {}}], Status.NOT_BLESSED, {Outcome.FAIL}),
    "equal, by a small margin": (0.0, [WITHIN], Status.NOT_BLESSED, {Outcome.UNDECIDED}),
}


def rows(noise):
    """Scores of an old model, and of a new one with some more noise."""
    rng = np.random.default_rng(3)
    label = rng.random(ROWS) < 0.4
    signal = label + rng.normal(0, 1, ROWS)
    old, new = signal + rng.normal(0, 0.5, ROWS), signal + rng.normal(0, 0.5 + noise, ROWS)
    scores = {"old": 1 / (1 + np.exp(0.5 - old)), "new": 1 / (1 + np.exp(0.5 - new))}
    return pd.DataFrame({"label": label.astype(int), **scores, "country": rng.choice(["de", "fr"], ROWS)})


@pytest.mark.parametrize("case", CASES)
def test_the_verdict_is_what_the_evidence_says_and_tfma_sees_it(case, tmp_path):
    noise, thresholds, status, outcomes = CASES[case]
    result = assay.analyze_raw_data(rows(noise), CONFIG, tmp_path / "out", gate={"thresholds": thresholds})
    lines = result.verdict.evidence
    assert (result.verdict.status, {line.outcome for line in lines}) == (status, outcomes)
    assert {line.slice for line in lines} == {"Overall", "country=de", "country=fr"}
    validation = assay.load_validation_result(tmp_path / "out")
    assert validation.validation_ok == (status is Status.BLESSED)
    assert not validation.missing_thresholds
    failures = sum(len(one.failures) for one in validation.metric_validations_per_slice)
    assert failures == sum(line.effect == "block" for line in lines) == len(result.verdict.reasons)


def test_stages_and_checkpoints_give_the_same_verdict_and_another_gate_runs_the_gate_alone(tmp_path):
    rows(0.0).to_parquet(tmp_path / "rows.parquet")
    analysis = {
        "params": {"reason": ""},
        "inputs": {"format": "parquet", "files": "rows.parquet"},
        "eval_config": CONFIG,
        "gate": {"thresholds": [WITHIN], "force": {"reason": "${reason}"}},
        "output": "out",
    }
    file = tmp_path / "analysis.yaml"
    file.write_text(yaml.safe_dump(analysis))
    whole = run(load_analysis(file, {})).verdict

    root = str(tmp_path / "root")
    assert run(load_analysis(file, {}), checkpoints=root).verdict == whole
    forced = run(load_analysis(file, {"reason": "INC-42"}), checkpoints=root)
    assert [result.kind for result in forced.stages if not result.reused] == ["gate", "write-results"]
    assert (forced.verdict.status, forced.verdict.forced) == (Status.BLESSED, "INC-42")
    assert forced.verdict.evidence == whole.evidence
    assert assay.load_verdict(tmp_path / "out") == forced.verdict


@pytest.mark.slow
def test_of_forty_releases_of_equal_models_few_are_blocked_where_thresholds_on_values_block_all():
    """Twenty thousand rows in 113 slices; 5 % of forty are two, and more than eight have a chance below 0.001."""
    rng = np.random.default_rng(0)
    change = {"change_threshold": {"direction": "HIGHER_IS_BETTER", "absolute": -0.005}}
    config = {**CONFIG, "slicing_specs": [{}, {"feature_keys": ["group"]}]}
    config["metrics_specs"] = [{"model_names": ["new", "old"], "metrics": [{"class_name": "AUC", "threshold": change}]}]
    gate = {"undecided": "pass", "min_rows": 50, "thresholds": [{"metric": "auc", "not_worse": {}}]}

    blocked = blocked_by_values = 0
    for _ in range(40):
        label = rng.random(20_000) < 0.3
        shared = 0.35 + 0.14 * label + rng.normal(0, 0.15, 20_000)
        scores = {name: np.clip(shared + rng.normal(0, 0.05, 20_000), 0, 1) for name in ("new", "old")}
        frame = pd.DataFrame({"label": label.astype(int), **scores, "group": rng.integers(0, 113, 20_000)})
        verdict = assay.analyze_raw_data(frame, config, gate=gate).verdict
        by_values, by_evidence = verdict.checks
        blocked += bool(by_evidence.failed)
        blocked_by_values += bool(by_values.failed)
    assert blocked <= 8
    assert blocked_by_values == 40
