"""Whether a threshold passes, fails, or cannot be told from a value that may be off."""

import json

import numpy as np
import pandas as pd
import pytest

import assay
from assay.verdict import Checked, Outcome, Status, Verdict

RNG = np.random.default_rng(5)
LABEL = RNG.integers(0, 2, 2000)
SCORE = 0.5 + 2e-3 * (RNG.random(2000) + 0.3 * LABEL)  # so close together that even thresholds tell only some apart
ROWS = pd.DataFrame({"label": LABEL, "score": SCORE, "group": RNG.choice(["a", "b"], 2000)})


def check_at_least(bound, **config):
    metric = {"class_name": "AUC", "config": config, "threshold": {"value_threshold": {"lower_bound": bound}}}
    spec = {
        "model_specs": [{"label_key": "label", "prediction_key": "score"}],
        "slicing_specs": [{}, {"feature_keys": ["group"]}],
        "metrics_specs": [{"metrics": [metric]}],
    }
    (check,) = assay.analyze_raw_data(ROWS, spec).verdict.checks
    return check


def test_a_bound_within_reach_of_the_value_leaves_it_undecided_and_one_beyond_does_not():
    doubtful = check_at_least(0.0, num_thresholds=5_000)
    assert doubtful.error_bound > 0
    within = check_at_least(doubtful.value, num_thresholds=5_000)
    assert (within.outcome, within.failed) == (Outcome.UNDECIDED, within.undecided)
    beyond = check_at_least(doubtful.value + 1.01 * doubtful.error_bound + 0.2, num_thresholds=5_000)
    assert (beyond.outcome, beyond.failed, beyond.undecided) == (Outcome.FAIL, 3, 0)
    assert doubtful.outcome == Outcome.PASS


def test_with_exact_values_nothing_is_undecided():
    exact = check_at_least(0.0, exact=True)
    assert check_at_least(exact.value, exact=True).outcome in (Outcome.PASS, Outcome.FAIL)


def test_a_slice_that_fails_for_sure_is_shown_rather_than_one_that_cannot_be_told():
    rows = pd.concat([ROWS, ROWS.assign(group="sure", score=1 - ROWS["label"])])
    metric = {"class_name": "AUC", "config": {"num_thresholds": 5_000}}
    bound = check_at_least(0.0, num_thresholds=5_000).value
    at_least = {"value_threshold": {"lower_bound": bound}}
    threshold = {"slicing_specs": [{"feature_keys": ["group"]}], "threshold": at_least}
    spec = {
        "model_specs": [{"label_key": "label", "prediction_key": "score"}],
        "slicing_specs": [{"feature_keys": ["group"]}],
        "metrics_specs": [{"metrics": [{**metric, "per_slice_thresholds": [threshold]}]}],
    }
    (check,) = assay.analyze_raw_data(rows, spec).verdict.checks
    assert (check.slice, check.value, check.outcome) == ("group=sure", 0.0, Outcome.FAIL)
    assert check.failed > check.undecided > 0


@pytest.mark.parametrize(
    ("met", "failed", "undecided", "outcome"),
    [(3, 0, 0, "PASS"), (3, 1, 0, "FAIL"), (3, 2, 1, "FAIL"), (3, 2, 2, "UNDECIDED"), (0, 0, 0, "FAIL")],
)
def test_one_sure_failure_is_a_failure_and_no_slice_is_one_too(met, failed, undecided, outcome):
    check = Checked("auc", "at least 1", "all", met, failed, undecided=undecided)
    assert check.outcome == outcome


def test_checks_of_an_older_version_are_decided():
    verdict = json.loads(Verdict(Status.BLESSED, checks=(Checked("auc", "at least 1", "all", 3, 1),)).to_json())
    del verdict["checks"][0]["undecided"]
    assert Verdict.from_json(json.dumps(verdict)).checks[0].outcome == Outcome.FAIL
