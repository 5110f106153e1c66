"""The text in `config` of a metric is read in one way, whoever asks: the metrics, the gate, a page of results."""

from __future__ import annotations

import pytest

from assay.config.metric_settings import settings_of
from assay.config.source import parse_eval_config
from assay.errors import EvalConfigError
from assay.gate.thresholds import rules_of
from assay.metrics.binding.bound import metrics_of
from assay.report.named_metrics import definitions_by_name

AT_LEAST = {"value_threshold": {"lower_bound": 0.5}}


@pytest.mark.parametrize(
    ("text", "settings"),
    [
        ("", {}),
        ("  ", {}),
        ('"name": "mine"', {"name": "mine"}),
        (' {"name": "mine", "thresholds": [0.5, 1]} ', {"name": "mine", "thresholds": [0.5, 1]}),
        ('"a": {"b": null}', {"a": {"b": None}}),
    ],
)
def test_the_outer_braces_may_be_left_out(text, settings):
    assert settings_of(text, "config") == settings


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("name: mine", "not JSON: Expecting property name"),
        ('"name": ', "not JSON: Expecting value"),
        ('"name": "a", "name": "b"', "'name'"),
        ('"a": ' + "[" * 200 + "]" * 200, "not JSON: nested more than 100 deep"),
        ('"a": ' + "[" * 100_000, "not JSON: nested more than 100 deep"),
    ],
    ids=["no JSON", "no value", "one key twice", "deep", "deeper than Python goes"],
)
def test_what_is_no_settings_is_refused_with_the_field(text, why):
    with pytest.raises(EvalConfigError, match=rf"metrics_specs\[0\]\.config: .*{why}"):
        settings_of(text, "metrics_specs[0].config")


@pytest.mark.parametrize("settings", ['"name": "mine"', '{"name": "mine"}'])
def test_metrics_gate_and_pages_know_a_metric_by_the_same_name(settings):
    metric = {"class_name": "AUC", "config": settings, "threshold": AT_LEAST}
    config = parse_eval_config({"model_specs": [{"label_key": "y"}], "metrics_specs": [{"metrics": [metric]}]})
    assert [bound.key.name for bound in metrics_of(config)] == ["mine"]
    assert [rule.key.name for rule in rules_of(config)] == ["mine"]
    assert definitions_by_name(config)["mine"].class_name == "AUC"


@pytest.mark.parametrize("reader", [metrics_of, rules_of])
def test_a_name_that_is_set_twice_is_refused_by_metrics_and_gate(reader):
    metric = {"class_name": "AUC", "config": '"name": "a", "name": "b"', "threshold": AT_LEAST}
    config = parse_eval_config({"model_specs": [{"label_key": "y"}], "metrics_specs": [{"metrics": [metric]}]})
    with pytest.raises(EvalConfigError, match="'name'"):
        reader(config)
