"""Options of confidence intervals that do not go together, and the column that one of them names."""

import pytest

from assay.config.resolved import check_eval_config, columns_of, parse_eval_config, resolve_eval_config
from assay.errors import EvalConfigError

BOOTSTRAP = "POISSON_BOOTSTRAP"


def config(**settings):
    options = {"compute_confidence_intervals": True, "confidence_intervals": settings}
    return resolve_eval_config(parse_eval_config({"model_specs": [{"label_key": "label"}], "options": options}))


@pytest.mark.parametrize(
    "settings",
    [
        {"method": BOOTSTRAP, "replicates": 20},
        {"method": BOOTSTRAP, "replicates": 10_000, "interval": "STUDENT_T"},
        {"method": BOOTSTRAP, "replicates": 200, "interval": "PERCENTILE", "resample_by": "user_id"},
        {"method": BOOTSTRAP, "replicates": 200, "interval": "BCA"},
        {"method": BOOTSTRAP, "resample_by": "user_id"},
        {"resample_by": "user_id"},
    ],
)
def test_what_goes_together_is_taken(settings):
    check_eval_config(config(**settings))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"replicates": 500}, r"replicates: expected the method POISSON_BOOTSTRAP beside it, found JACKKNIFE$"),
        ({"method": "ANALYTIC", "replicates": 500}, r"replicates: expected the method POISSON_BOOTSTRAP .* ANALYTIC$"),
        ({"method": BOOTSTRAP, "replicates": 0}, r"replicates: expected 20 to 10,000, found 0$"),
        ({"method": BOOTSTRAP, "replicates": -1}, r"replicates: expected 20 to 10,000, found -1$"),
        ({"method": BOOTSTRAP, "replicates": 20_000}, r"replicates: expected 20 to 10,000, found 20,000$"),
        (
            {"method": BOOTSTRAP, "replicates": 199, "interval": "BCA"},
            r"replicates: expected 200 to 10,000 for the interval BCA, found 199$",
        ),
        (
            {"method": BOOTSTRAP, "replicates": 199, "interval": "PERCENTILE"},
            r"replicates: expected 200 to 10,000 for the interval PERCENTILE, found 199$",
        ),
        ({"method": BOOTSTRAP, "interval": "BCA"}, r"interval: replicates is not set, and 20 samples of POISSON_BOO"),
        ({"interval": "STUDENT_T"}, r"interval: replicates is not set, and 20 samples of JACKKNIFE make"),
        ({"method": "ANALYTIC", "interval": "PERCENTILE"}, r"interval: replicates is not set, and each formula of"),
        ({"method": BOOTSTRAP, "resample_by": ""}, r"resample_by: expected the name of a column, found ''$"),
        ({"method": "ANALYTIC", "resample_by": "user_id"}, r"resample_by: the formulas of ANALYTIC take each row"),
    ],
)
def test_what_does_not_go_together_is_refused(settings, message):
    with pytest.raises(EvalConfigError, match=rf"^options\.confidence_intervals\.{message}"):
        check_eval_config(config(**settings))


def test_the_column_of_resample_by_is_needed():
    needed = columns_of(config(method=BOOTSTRAP, resample_by="user_id"))
    assert needed["user_id"] == "options.confidence_intervals.resample_by"
