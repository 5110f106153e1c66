"""Metrics that compare a model with the baseline, against TFMA itself.

TFMA takes predictions below 1e-7 for equal, the first of several classes alone for their difference, and no class or
weighting apart: so data has none of these. A row of zeros makes its cosine NaN; ours leaves such rows out.
"""

import numpy as np
import pandas as pd
import pytest

import assay
from assay.proto.metrics_for_slice_pb2 import MetricsForSlice
from assay.results.keys import metric_key_from_proto, slice_key_from_proto
from tests.conformance.both import assert_same, results_of_both
from tests.conformance.record_numbers import number_in
from tests.conformance.recorded import SOURCES

ROWS = 300
FLIPS = (
    'metrics { class_name: "BooleanFlipRates" } '
    'metrics { class_name: "SymmetricFlipRate" config: \'"threshold": 0.3\' }'
)
DIFFERENCE = 'metrics { class_name: "SymmetricPredictionDifference" }'
COSINE = 'metrics { class_name: "ModelCosineSimilarity" }'


def rows(classes):
    rng = np.random.default_rng(11)
    one = {name: rng.dirichlet(np.ones(max(classes, 2)), ROWS)[:, :classes] for name in ("new", "old")}
    one["old"][::5] = one["new"][::5]
    scores = {name: list(values if classes > 1 else values[:, 0]) for name, values in one.items()}
    labels = rng.integers(0, 2, ROWS).astype(float)
    return pd.DataFrame(
        {"label": labels, **scores, "group": rng.choice(["a", "b"], ROWS), "w": rng.lognormal(0, 1, ROWS)}
    )


def config_of(metrics, weighted):
    weight = 'example_weight_key: "w"' if weighted else ""
    models = "".join(
        f'model_specs {{ name: "{name}" label_key: "label" prediction_key: "{name}" {weight} is_baseline: {is_it} }} '
        for name, is_it in (("new", "false"), ("old", "true"))
    )
    return f'{models} slicing_specs {{}} slicing_specs {{ feature_keys: "group" }} metrics_specs {{ {metrics} }}'


def values_in(folder):
    """(slice, name, is_diff) -> value. TFMA's names of comparisons are those of differences."""
    found = {}
    for record in assay.load_metrics(str(folder)):
        message = MetricsForSlice.FromString(record.SerializeToString())
        for entry in message.metric_keys_and_values:
            key = metric_key_from_proto(entry.key)
            found[slice_key_from_proto(message.slice_key), key.name, key.is_diff or key.compares] = number_in(
                entry.value
            )
    return found


CASES = {
    "flips": (1, FLIPS + DIFFERENCE, True),
    "flips without weights": (1, FLIPS + DIFFERENCE, False),
    "flips of classes": (3, FLIPS, True),
    "cosines": (3, COSINE, False),
}


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("case", CASES)
def test_every_value_is_that_of_tfma(tmp_path, case, source):
    classes, metrics, weighted = CASES[case]
    frame, config = rows(classes), config_of(metrics, weighted)
    both = results_of_both(f"two models {case}", frame, config, tmp_path, source, has_baseline=True)
    expected, found = map(values_in, both)
    assert len(found) == 3 * (6 * ("flip" in case) + (DIFFERENCE in metrics) + (COSINE in metrics))
    assert_same(found, expected)
