"""Proposals for data sets that people know; tests/end_to_end/test_init.py runs them."""

import pytest

import assay
from assay.cli import main
from assay.plan.analysis_file import load_analysis
from assay.yaml_text import parse_yaml
from tests.proposal.public_data import SETS, write


@pytest.mark.parametrize("name", SETS)
def test_a_file_is_proposed_with_a_threshold_for_the_metric_that_fits(name, tmp_path, capsys):
    load, form, metric = SETS[name]
    data, file = write(load(), form, tmp_path), tmp_path / "analysis.yaml"
    assert main(["init", str(data), "-o", str(file)]) == 0, capsys.readouterr().err
    load_analysis(file, {})
    metrics = [
        metric for spec in parse_yaml(file.read_text())["eval_config"]["metrics_specs"] for metric in spec["metrics"]
    ]
    assert [found["class_name"] for found in metrics if "per_slice_thresholds" in found] == [metric]


@pytest.mark.parametrize("name", ["breast_cancer", "iris", "digits", "diabetes", "example ranking", "example topics"])
def test_a_frame_with_its_proposal_gives_a_verdict(name):
    frame = SETS[name][0]()
    proposal = assay.propose_analysis(frame)
    result = assay.analyze_raw_data(frame, proposal.eval_config, **proposal.settings)
    assert result.verdict.status == "BLESSED"
    assert parse_yaml(str(proposal))["eval_config"] == proposal.eval_config
