"""What `assay metrics` prints."""

from __future__ import annotations

import json

import numpy as np
import pytest
import yaml

from assay.config.images import OF_IMAGES
from assay.config.resolved import parse_eval_config, resolve_eval_config
from assay.errors import AssayError, UsageError
from assay.metrics.binding.bound import metrics_of
from assay.metrics.declare import definitions, groups
from assay.report.reference.described_metrics import families_of
from assay.report.reference.metric_text import find, list_as_json, metric_as_json, metric_list, metric_text
from tests.metrics.asked import asked
from tests.metrics.engine import config_of, whole

ALL = [*definitions(), *groups()]
FLAT = [
    metric.class_names[0]
    for family in families_of(definitions())
    for metric in family.metrics
    if "each class" not in metric.labels + metric.predictions and not metric.is_of_queries and not metric.compares
    if not OF_IMAGES.intersection(metric.class_names)
    if not {"attributions", "matches", "texts"}.intersection({family.name})
]
"""Metrics of one number a row."""


def example_in(text: str):
    """The analysis file, or the part of one, at the end of a description."""
    return yaml.safe_load(text[text.index("eval_config:") :])


def facts_of(name: str) -> dict[str, str]:
    lines = metric_text(name, 1000).splitlines()
    return {line[2:].partition("  ")[0]: line[2:].partition("  ")[2].strip() for line in lines if line.startswith("  ")}


@pytest.mark.parametrize("name", ALL)
def test_the_example_of_every_metric_can_be_pasted(name):
    config = example_in(metric_text(name, 80))["eval_config"]
    (metric,) = config["metrics_specs"][0]["metrics"]
    assert metric["class_name"] in (name, find(name).metric.class_names[0] if name in definitions() else name)
    specs = [{"label_key": "y", "name": "new"}, {"label_key": "y", "name": "old", "is_baseline": True}]
    resolved = resolve_eval_config(parse_eval_config({"model_specs": specs, **config}))
    assert metrics_of(resolved)


@pytest.mark.parametrize("width", [60, 80, 200])
def test_no_line_is_wider_than_the_terminal_and_every_metric_is_listed(width):
    shown = metric_list(width)
    assert [line for line in shown.splitlines() if len(line) > width] == []
    assert [name for name in ALL if name not in shown] == []


@pytest.mark.parametrize("width", [60, 80])
@pytest.mark.parametrize("name", ALL)
def test_descriptions_break_between_words(name, width):
    words = metric_text(name, 1000).replace("-", "- ").split()
    assert metric_text(name, width).replace("-", "- ").split() == words  # a hyphen is where a line may end
    described, _, _ = metric_text(name, width).partition("In an analysis file:")
    assert [line for line in described.splitlines() if len(line) > width] == []


def test_in_a_file_or_pipe_each_metric_is_on_one_line():
    lines = metric_list(1000).splitlines()
    (recall,) = (line for line in lines if line.split()[:2] == ["Recall,", "TPR"])
    assert recall.endswith("Share of positives predicted positive, tp / P.")


def test_a_metric_is_described_with_all_that_is_known_of_it():
    facts = facts_of("PrevalenceThreshold")
    assert facts["better"] == "lower"
    assert facts["range"] == "[0, 1]"
    assert facts["undefined"] == "without positives or negatives, and at chance (TPR + TNR = 1)"
    assert facts["settings"] == "thresholds = [0.5]"
    assert facts["source"] == "Balayla (2020)"
    assert facts["in results"] == "prevalence_threshold"


def test_what_holds_for_a_family_is_told_of_each_of_its_metrics():
    facts = facts_of("F1Score")
    assert facts["undefined"] == "Every ratio is NaN where its denominator is not above 0"
    assert "Fawcett (2006)" in facts["source"]


@pytest.mark.parametrize(
    ("name", "labels", "predictions"),
    [
        ("AUC", "0 and 1, or shares between them", "scores of any kind"),
        ("Precision", "0 and 1, or shares between them", "probabilities; scores of any kind with thresholds"),
        ("MeanSquaredError", "numbers", "numbers"),
        ("MeanLabel", "numbers", "numbers"),
        ("ExampleCount", "not read", "not read"),
        ("Mean", "not read", "not read"),
        ("BinaryCrossEntropy", "0 and 1, or shares between them", "probabilities; scores of any kind with from_logits"),
        (
            "CategoricalAccuracy",
            "class ids; or a number for each class, of which the highest counts",
            "scores of any kind for each class",
        ),
        ("SymmetricFlipRate", "not read", "those of both models: probabilities; numbers with threshold"),
        ("ModelCosineSimilarity", "not read", "those of both models: numbers for each class"),
        ("NDCG", "numbers", "one number a row, by which the rows of a query are ranked"),
    ],
)
def test_labels_and_predictions_are_told(name, labels, predictions):
    facts = facts_of(name)
    assert (facts["labels"], facts["predictions"]) == (labels, predictions)


@pytest.mark.parametrize("name", FLAT)
def test_scores_that_are_no_probabilities_are_taken_exactly_where_that_is_said(name):
    assert is_taken(name, labels=[0.0, 1.0] * 50, scores=np.linspace(-3, 7, 100)) != (
        find(name).metric.predictions.startswith("probabilities")
    )


@pytest.mark.parametrize("name", FLAT)
def test_labels_beyond_0_and_1_are_taken_exactly_where_that_is_said(name):
    assert is_taken(name, labels=np.linspace(-3, 7, 100), scores=[0.25, 0.75] * 50) != (
        find(name).metric.labels.startswith("0 and 1")
    )


def is_taken(name: str, labels, scores) -> bool:
    batch = {
        "features": {"level": np.ones(100)},
        "labels": np.asarray(labels, float),
        "predictions": np.asarray(scores, float),
        "example_weights": np.ones(100),
    }
    try:
        whole(batch, config_of(asked(name)))
    except AssayError:
        return False
    return True


def test_a_name_in_results_leads_to_its_metric_whatever_its_case():
    assert find("fpr").metric.class_names == ("FallOut", "FPR")
    assert find("auc").metric.class_names == ("AUC",)
    assert find("f1score").metric.class_names == ("F1Score",)


def test_a_wrong_name_is_answered_with_the_one_that_was_probably_meant():
    with pytest.raises(UsageError, match=r"no metric 'Precison'; did you mean 'Precision'\?; assay metrics lists all"):
        metric_text("Precison", 80)
    with pytest.raises(UsageError, match=r"^there is no metric 'Zzzzz'; assay metrics lists all$"):
        metric_as_json("Zzzzz")


def test_json_has_every_metric_with_its_settings():
    families = json.loads(list_as_json())["families"]
    named = [name for family in families for metric in family["metrics"] for name in metric["class_names"]]
    assert sorted(named) == sorted(definitions())

    auc = json.loads(metric_as_json("auc"))
    assert auc["family"]["name"] == "curves"
    assert {"name": "curve", "default": '"ROC"'} in auc["settings"]
    assert json.loads(metric_as_json("SensitivityAtSpecificity"))["settings"][-1] == {
        "name": "specificity",
        "default": None,
    }


def test_a_name_that_stands_for_several_metrics_tells_which():
    assert metric_text("QueryStatistics", 80).startswith("QueryStatistics stands for TotalQueries, TotalDocuments")
    assert json.loads(metric_as_json("QueryStatistics"))["stands_for"][0] == "TotalQueries"
