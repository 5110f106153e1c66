"""Disparities beside fairlearn's, recorded once, as the project does not depend on it.

Made with fairlearn 0.15.0, scikit-learn 1.9.1 and numpy 2.4.6 on the frame below: `MetricFrame(metrics=...,
y_true=label, y_pred=score > 0.5, sensitive_features=group)` with scikit-learn's `recall_score` and `precision_score`,
and fairlearn's `false_positive_rate` and `selection_rate`; then `difference(method=...)` and `ratio(method=...)`.
"""

import numpy as np
import pandas as pd
import pytest

import assay
from assay.results.keys import metric_key_from_proto, slices_of

RECORDED = {
    ("between_groups", "difference"): (0.475, 0.365079365079, 0.383333333333, 0.399230769231),
    ("between_groups", "ratio"): (0.525, 0.634920634921, 0.0, 0.3663003663),
    ("to_overall", "difference"): (0.313432835821, 0.2, 0.244779116466, 0.246666666667),
    ("to_overall", "ratio"): (0.686567164179, 0.793650793651, 0.0, 0.602006688963),
}
"""Method and kind -> recall, precision, false positive rate, selection rate."""
NAMES = ("recall", "precision", "fall_out", "predicted_positive_rate")
CLASSES = ("Recall", "Precision", "FallOut", "PredictedPositiveRate")


@pytest.fixture(scope="module")
def found():
    """(group, or "" for all rows, name of a metric) -> value."""
    rng, n = np.random.RandomState(7), 300  # whose numbers stay the same in every numpy
    group = np.array(["a", "b", "c"])[rng.randint(0, 3, n)]
    label = rng.randint(0, 2, n)
    score = np.round(np.clip(0.3 * label + 0.2 * (group == "b") + 0.5 * rng.rand(n), 0, 1), 3)
    by_group = {"feature_keys": ["group"]}
    config = {
        "model_specs": [{"label_key": "label", "prediction_key": "score"}],
        "slicing_specs": [{}, by_group],
        "disparities": [{"slicing_spec": by_group, "metrics": list(NAMES)}],
        "metrics_specs": [{"metrics": [{"class_name": name, "config": {"thresholds": [0.5]}} for name in CLASSES]}],
    }
    result = assay.analyze_raw_data(pd.DataFrame({"label": label, "score": score, "group": group}), config)
    return {
        (dict(slices_of(record)[0]).get("group", ""), metric_key_from_proto(one.key).name): one.value.double_value.value
        for record in assay.load_metrics(result.output)
        for one in record.metric_keys_and_values
    }


@pytest.mark.parametrize("kind", ["difference", "ratio"])
@pytest.mark.parametrize("name", NAMES)
def test_extremes_are_those_between_groups(found, name, kind):
    expected = RECORDED["between_groups", kind][NAMES.index(name)]
    assert found["", f"{name}_{kind}_by_group"] == pytest.approx(expected, abs=1e-11)


@pytest.mark.parametrize("name", NAMES)
def test_the_groups_farthest_from_all_rows_are_as_far(found, name):
    """Of differences fairlearn takes the largest in size; of ratios the least, each turned so that it is at most 1."""
    differences, ratios = ([found[group, f"{name}_{kind}"] for group in "abc"] for kind in ("difference", "ratio"))
    expected = [RECORDED["to_overall", kind][NAMES.index(name)] for kind in ("difference", "ratio")]
    assert max(map(abs, differences)) == pytest.approx(expected[0], abs=1e-11)
    assert min(min(ratio, 1 / ratio) if ratio else 0.0 for ratio in ratios) == pytest.approx(expected[1], abs=1e-11)
