"""Gates over intervals by formula: whole runs, as these are what such intervals come from."""

import numpy as np
import pandas as pd
import pytest
import scipy.stats
from statsmodels.stats.proportion import proportion_confint

import assay
from assay.errors import ConfigError
from assay.verdict import Outcome, Status


def evaluated(frame, metric, threshold, **gate):
    """The line of a threshold on all rows, with the scores `new` and, if there are any, `old`."""
    specs = [
        {"name": name, "label_key": "label", "prediction_key": name, **({"is_baseline": True} if name == "old" else {})}
        for name in ("new", "old")
        if name in frame
    ]
    names = {"model_names": [spec["name"] for spec in specs]} if len(specs) > 1 else {}
    config = {
        "model_specs": specs,
        "metrics_specs": [{**names, "metrics": [{"class_name": metric}]}],
        "options": {"compute_confidence_intervals": True, "confidence_intervals": {"method": "ANALYTIC"}},
    }
    verdict = assay.analyze_raw_data(frame, config, gate={"thresholds": [threshold], **gate}).verdict
    (line,) = verdict.evidence
    assert (verdict.status is Status.BLESSED) == (line.effect != "block")
    return line


def rows(right, of):
    """Rows of which some are predicted right."""
    label = np.arange(of) % 2
    return pd.DataFrame({"label": label, "new": np.where(np.arange(of) < right, label, 1 - label).astype(float)})


@pytest.mark.parametrize(("right", "of"), [(300, 300), (290, 300), (950, 1000)])
def test_the_bounds_of_a_rate_are_those_of_wilson_or_a_little_wider(right, of):
    """Also where all rows are right, of which the normal interval would say that nothing else could be."""
    line = evaluated(rows(right, of), "BinaryAccuracy", {"metric": "binary_accuracy", "at_least": 0.9})
    lower, upper = proportion_confint(right, of, alpha=0.1, method="wilson")
    assert lower - 0.004 <= line.lower <= lower
    assert upper <= line.upper <= upper + 0.008
    assert line.value == right / of


@pytest.mark.parametrize("bound", [0.995, 0.999, 0.9999])
def test_all_right_of_three_hundred_rows_show_neither_999_of_1000_nor_less(bound):
    asked = {"metric": "binary_accuracy", "at_least": bound}
    assert evaluated(rows(300, 300), "BinaryAccuracy", asked).outcome is Outcome.UNDECIDED


@pytest.mark.parametrize("metric", ["BinaryAccuracy", "MeanSquaredError", "AUC"])
def test_a_model_is_no_worse_than_itself(metric):
    frame = rows(700, 1000).assign(old=lambda f: f["new"])
    name = {"BinaryAccuracy": "binary_accuracy", "MeanSquaredError": "mean_squared_error", "AUC": "auc"}[metric]
    assert evaluated(frame, metric, {"metric": name, "not_worse": {}}).outcome is Outcome.PASS


def test_a_model_is_not_inferior_to_itself_where_there_are_rows_enough():
    frame = rows(700, 1000).assign(old=lambda f: f["new"])
    asked = {"metric": "binary_accuracy", "non_inferior": {"margin": 0.02}}
    assert evaluated(frame, "BinaryAccuracy", asked).outcome is Outcome.PASS
    assert evaluated(frame[:200], "BinaryAccuracy", {**asked, "non_inferior": {"margin": 0.002}}).effect == "block"


def test_a_mean_has_the_degrees_of_freedom_of_its_rows():
    rng = np.random.default_rng(5)
    frame = pd.DataFrame({"label": np.zeros(400), "new": rng.random(400)})
    line = evaluated(frame, "MeanSquaredError", {"metric": "mean_squared_error", "at_most": 0.4})
    errors = frame["new"].to_numpy() ** 2
    t = (0.4 - errors.mean()) / (errors.std(ddof=1) / 20)
    assert line.p == pytest.approx(scipy.stats.t.sf(t, 399), rel=1e-6)


def test_metrics_without_a_formula_are_refused_before_the_run():
    frame = rows(700, 1000).assign(old=lambda f: 1 - f["new"])
    with pytest.raises(ConfigError, match=r"gate.thresholds\[0\].metric: changes of auc_precision_recall have no"):
        evaluated(frame, "AUCPrecisionRecall", {"metric": "auc_precision_recall", "not_worse": {}})
    with pytest.raises(ConfigError, match="no confidence interval by ANALYTIC: there is no formula"):
        evaluated(
            rows(700, 1000),
            "MatthewsCorrelationCoefficient",
            {"metric": "matthews_correlation_coefficient", "at_least": 0.5},
        )
