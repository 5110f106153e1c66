"""A run that has nothing to judge by publishes a verdict like any other's."""

from __future__ import annotations

import json

import pytest

from assay.plan.analysis_file import compile_analysis
from assay.results.files import load_verdict
from assay.results.published import publish_not_evaluated, reasons_in, verdict_at
from assay.verdict import Reason, Status, Verdict


@pytest.fixture
def plan(tmp_path):
    return compile_analysis(
        {
            "inputs": {"format": "csv", "files": [str(tmp_path / "data.csv")]},
            "eval_config": {
                "model_specs": [{"label_key": "y", "prediction_key": "p"}],
                "metrics_specs": [{"metrics": [{"class_name": "ExampleCount"}]}],
            },
            "output": str(tmp_path / "out"),
        },
        tmp_path,
    )


@pytest.mark.parametrize("why", ["no data of 2026-01-01", "zwölf Dateien fehlen", 'a "quoted" reason: 1 of 2'])
def test_what_was_not_evaluated_can_be_opened_as_a_verdict(plan, why):
    folder = publish_not_evaluated(plan, "monday", why)
    expected = Verdict(Status.NOT_EVALUATED, reasons=(Reason(why),))
    assert load_verdict(folder) == load_verdict(plan.output) == expected
    assert reasons_in(verdict_at("", plan.output)) == [why]


def test_its_files_have_every_field_that_those_of_a_judged_run_have(plan):
    folder = publish_not_evaluated(plan, "monday", "no data")
    with open(f"{folder}/verdict.json") as file:
        assert json.load(file) == json.loads(Verdict(Status.NOT_EVALUATED, reasons=(Reason("no data"),)).to_json())
    with open(f"{folder}/results.json") as file:
        results = json.load(file)
    assert results["verdict"] == "NOT_EVALUATED"
    assert [results[name] for name in ("rows", "bad_rows", "unmatched", "unsliced")] == [0, {}, {}, {}]
    assert results["files"] == ["verdict.json"]
