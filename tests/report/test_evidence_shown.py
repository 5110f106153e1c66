"""Wherever a verdict is shown, its undecided lines and a forced pass are too, and small slices stay unnamed."""

import json

import numpy as np
import pandas as pd
import pytest

import assay
from assay.report.page.results import html_page, markdown_summary
from assay.report.page.verdict import verdict_page
from assay.report.page.verdict_markdown import verdict_document
from assay.report.terminal.verdict_lines import short_text, verdict_lines
from tests.report.on_terminal import shown

REASON = "INC-42"
CONFIG = {
    "model_specs": [{"label_key": "label", "prediction_key": "prediction"}],
    "slicing_specs": [{}, {"feature_keys": ["country"]}],
    "metrics_specs": [{"metrics": [{"class_name": "BinaryAccuracy"}, {"class_name": "ExampleCount"}]}],
    "options": {"compute_confidence_intervals": True, "min_slice_size": 20},
}
GATE = {
    "min_rows": 50,
    "force": {"reason": REASON},
    "thresholds": [
        {"metric": "binary_accuracy", "at_least": 0.7},
        {"metric": "binary_accuracy", "at_least": 0.95, "severity": "warn", "slices": [{}]},
    ],
}


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """Of 900 rows of fr, 40 of li, where nothing can be decided, and 10 each of va and mc, which may not be named."""
    folder = tmp_path_factory.mktemp("results")
    rng = np.random.default_rng(1)
    label = rng.random(960) < 0.5
    right = rng.random(960) < 0.9
    frame = pd.DataFrame({"label": label.astype(int), "prediction": np.where(label == right, 0.9, 0.1)})
    frame["country"] = ["fr"] * 900 + ["li"] * 40 + ["va"] * 10 + ["mc"] * 10
    assay.analyze_raw_data(frame, CONFIG, folder / "out", gate=GATE)
    return folder / "out"


@pytest.fixture
def content(results):
    return json.loads(assay.load_verdict(results).to_json())


def pages(results, content):
    """Text of each place where the verdict is shown."""
    return {
        "page": html_page(results),
        "summary": markdown_summary(results),
        "page of the verdict": verdict_page(content, "run", {}),
        "summary of Kubeflow": verdict_document(content, "verdict.json"),
        "log of Airflow": "\n".join(verdict_lines(content)),
    }


PLACES = ("page", "summary", "page of the verdict", "summary of Kubeflow", "log of Airflow")


@pytest.mark.parametrize("place", PLACES)
def test_undecided_and_warned_lines_are_shown_with_the_rows_that_are_needed(place, results, content):
    text = pages(results, content)[place]
    assert "UNDECIDED" in text
    assert "country=li" in text
    assert "(warns)" in text.replace("\\(", "(").replace("\\)", ")")
    assert "the rows of the slice that would be needed" in text


@pytest.mark.parametrize("place", PLACES)
def test_a_forced_pass_is_shown_with_its_reason(place, results, content):
    assert f"forced pass: {REASON}" in pages(results, content)[place]


def test_a_forced_pass_is_in_the_one_line_of_orchestrators(content):
    assert short_text(content).startswith(f"BLESSED; forced pass: {REASON}; thresholds: ")


@pytest.mark.parametrize("place", PLACES)
def test_slices_that_may_not_be_named_are_not(place, results, content):
    assert "country=va" not in pages(results, content)[place]


def test_the_terminal_shows_them_too(results):
    text = "\n".join(shown(str(results)))
    assert f"BLESSED: forced pass: {REASON}" in text
    assert "UNDECIDED (warns)" in text or "FAIL (warns)" in text
