"""Values of columns of the data, whatever the model."""

from __future__ import annotations

from assay.metrics.arithmetic import ratio
from assay.metrics.computations.lowest import FixedSample
from assay.metrics.computations.terms import ErrorTerms, FeatureMean
from assay.metrics.computations.wrong_side import WrongSide
from assay.metrics.declare import metric
from assay.metrics.spreads.ratios import Ratio
from assay.metrics.values import Floats, ShownValues


@metric(
    "Mean",
    needs=FeatureMean(),
    name="mean_{feature_key_path}",
    required=("feature_key_path",),
    example='"feature_key_path": ["features", "age"]',
    range="that of the column",
    is_of_column=True,
    spread=Ratio(),
)
def mean(m: ErrorTerms) -> Floats:
    """Mean of a column, weighted by another one if `example_weights_key_path` is set; NaN without weight.

    Paths are keys in the Extracts: ["features", "age"] is the column age of the data. Rows without a value are left
    out. The weights of the model spec do not count here.
    """
    return ratio(m.error, m.weight)


@metric(
    "FalsePositiveFeatureSampler",
    needs=WrongSide(0.0),
    required=("feature_key", "sample_size"),
    example='"feature_key": "age", "sample_size": 5',
    range="values of the column",
    is_estimate=False,
    shows_data=True,
)
@metric(
    "FalseNegativeFeatureSampler",
    needs=WrongSide(1.0),
    required=("feature_key", "sample_size"),
    example='"feature_key": "age", "sample_size": 5',
    range="values of the column",
    is_estimate=False,
    shows_data=True,
)
def wrong_side_sample(values: ShownValues) -> ShownValues:
    """Values of a column in rows on the wrong side of the threshold, the first `sample_size` in the data's order."""
    return values


@metric(
    "FixedSizeSample",
    needs=FixedSample(),
    required=("sampled_key", "size"),
    example='"sampled_key": "age", "size": 5',
    range="values of the column",
    is_estimate=False,
    shows_data=True,
)
def fixed_size_sample(values: ShownValues) -> ShownValues:
    """Values of a column in `size` rows drawn at random without replacement, by weight if the model has weights.

    The same rows are drawn whatever the workers and the order of rows; another `random_seed` draws others. Rows without
    a value are never drawn.
    """
    return values
