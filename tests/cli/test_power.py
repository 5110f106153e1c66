"""`assay power`: rows that the gate of an analysis needs, from its last run."""

import json

import numpy as np
import pandas as pd
import pytest
import yaml
from click.testing import CliRunner

from assay.cli import assay, main
from assay.plan.analysis_file import load_analysis
from assay.run.local import run

GATE = {"thresholds": [{"metric": "binary_accuracy", "at_least": 0.7}]}
ANALYSIS = {
    "inputs": {"format": "parquet", "files": "rows.parquet"},
    "eval_config": {
        "model_specs": [{"label_key": "label", "prediction_key": "prediction"}],
        "slicing_specs": [{}, {"feature_keys": ["country"]}],
        "metrics_specs": [{"metrics": [{"class_name": "BinaryAccuracy"}]}],
        "options": {"compute_confidence_intervals": True},
    },
    "gate": GATE,
    "output": "out",
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("power")
    rng = np.random.default_rng(1)
    label = rng.random(2000) < 0.5
    right = rng.random(2000) < 0.75
    scores = np.where(label == right, 0.9, 0.1)
    frame = pd.DataFrame({"label": label.astype(int), "prediction": scores, "country": ["fr"] * 1500 + ["li"] * 500})
    frame.to_parquet(folder / "rows.parquet")
    (folder / "analysis.yaml").write_text(yaml.safe_dump(ANALYSIS))
    run(load_analysis(folder / "analysis.yaml", {}))
    return folder


def power(folder, *options, name="analysis.yaml"):
    return CliRunner().invoke(assay, ["power", str(folder / name), *options])


def test_each_slice_has_the_rows_that_it_needs_the_hardest_first(folder):
    lines = json.loads(power(folder, "--format", "json").stdout)
    assert {line["slice"]: line["rows"] for line in lines} == {"Overall": 2000, "country=fr": 1500, "country=li": 500}
    factors = [line["needed"] / line["rows"] for line in lines]
    assert factors == sorted(factors, reverse=True)
    (of_li,) = (line for line in lines if line["slice"] == "country=li")
    assert of_li["data"] == 4 * of_li["needed"]


def test_people_read_what_a_run_needs(folder):
    text = power(folder).stdout
    assert "Power 0.8 in each of 3 lines needs " in text
    assert "country=li" in text


def test_more_power_needs_more_rows(folder):
    few, many = (json.loads(power(folder, "--format", "json", "--power", p).stdout)[0] for p in ("0.6", "0.95"))
    assert few["needed"] < many["needed"]


@pytest.mark.parametrize(
    ("changes", "options", "message"),
    [
        ({"gate": None}, [], "gate.thresholds: expected thresholds that ask for evidence"),
        ({"output": "elsewhere"}, [], "elsewhere"),
        ({"gate": {"thresholds": [{"metric": "auc", "at_least": 0.7}]}}, [], "gate.thresholds[0].metric: no metric"),
        ({}, ["--power", "0.4"], "--power"),
        ({}, ["--change", "-1"], "--change"),
    ],
)
def test_what_cannot_be_planned_is_told(folder, changes, options, message, capsys):
    written = {key: value for key, value in {**ANALYSIS, **changes}.items() if value is not None}
    (folder / "other.yaml").write_text(yaml.safe_dump(written))
    assert main(["power", str(folder / "other.yaml"), *options]) == 64
    assert message in capsys.readouterr().err
