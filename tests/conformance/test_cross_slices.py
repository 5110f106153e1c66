"""Pairs of slices and the thresholds on them, against TFMA itself.

TFMA compares a slice of the baseline spec with itself if the others ask for it too; here no slice is.
"""

import numpy as np
import pandas as pd
import pytest

import assay
from assay.proto.metrics_for_slice_pb2 import MetricsForSlice
from assay.proto.validation_result_pb2 import ValidationResult
from assay.results.keys import metric_key_from_proto, slices_of
from tests.conformance.both import results_of_both
from tests.conformance.record_numbers import number_in
from tests.conformance.recorded import SOURCES

ROWS = 300
CONFIG = """
model_specs { name: "new" label_key: "label" prediction_key: "new" example_weight_key: "w" }
model_specs { name: "old" label_key: "label" prediction_key: "old" example_weight_key: "w" is_baseline: true }
slicing_specs {}
slicing_specs { feature_keys: "group" }
cross_slicing_specs { baseline_spec {} slicing_specs { feature_keys: "group" } }
cross_slicing_specs {
  baseline_spec { feature_values { key: "group" value: "a" } }
  slicing_specs { feature_keys: "group" }
  slicing_specs { feature_keys: "level" }
}
cross_slicing_specs { baseline_spec { feature_values { key: "level" value: "2" } } }
metrics_specs {
  metrics { class_name: "MeanLabel" }
  metrics { class_name: "Calibration" }
  metrics { class_name: "MeanSquaredError" }
  metrics {
    class_name: "MeanPrediction"
    cross_slice_thresholds {
      cross_slicing_specs { baseline_spec {} slicing_specs { feature_keys: "group" } }
      threshold { value_threshold { lower_bound { value: 0.0 } } }
    }
    cross_slice_thresholds {
      cross_slicing_specs {
        baseline_spec { feature_values { key: "group" value: "a" } } slicing_specs { feature_keys: "level" }
      }
      threshold { change_threshold { direction: LOWER_IS_BETTER absolute { value: 0.0 } } }
    }
    cross_slice_thresholds {
      cross_slicing_specs {
        baseline_spec {} slicing_specs { feature_values { key: "group" value: "nobody" } }
      }
      threshold { value_threshold { lower_bound { value: 0.0 } } }
    }
  }
}
"""


def rows():
    rng = np.random.default_rng(5)
    return pd.DataFrame(
        {
            "label": rng.integers(0, 2, ROWS).astype(float),
            "new": rng.random(ROWS),
            "old": rng.random(ROWS),
            "w": rng.lognormal(0, 1, ROWS),
            "group": rng.choice(["a", "b", "c"], ROWS),
            "level": rng.integers(0, 3, ROWS),
        }
    )


def values_in(folder):
    """(slices, metric key) -> value; no slice with itself."""
    found = {}
    for record in assay.load_metrics(str(folder)):
        message = MetricsForSlice.FromString(record.SerializeToString())
        slices = slices_of(message)
        for entry in message.metric_keys_and_values:
            if len(set(slices)) == len(slices):
                found[slices, metric_key_from_proto(entry.key)] = number_in(entry.value)
    return found


def failures_in(folder):
    """(slices, metric key) that fail, and the specs that met nothing."""
    result = ValidationResult.FromString(assay.load_validation_result(str(folder)).SerializeToString())
    failed = {
        (slices_of(one), metric_key_from_proto(failure.metric_key))
        for one in result.metric_validations_per_slice
        for failure in one.failures
    }
    return failed, [spec.SerializeToString(deterministic=True) for spec in result.missing_cross_slices]


@pytest.fixture(scope="module", params=SOURCES)
def folders(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp("both")
    return results_of_both("cross slices", rows(), CONFIG, folder, request.param, has_baseline=True)


def test_every_difference_between_slices_is_that_of_tfma(folders):
    expected, found = map(values_in, folders)
    assert expected.keys() == found.keys()
    assert len({slices for slices, _ in found if len(slices) == 2}) == 3 + (2 + 3) + 6
    for key, value in expected.items():
        assert found[key] == pytest.approx(value, rel=1e-6, abs=1e-9), key


def test_thresholds_on_pairs_fail_where_those_of_tfma_do(folders):
    (expected, missing_there), (found, missing) = map(failures_in, folders)
    assert found == expected
    assert len(found) > 1
    (nobody,) = missing  # TFMA takes every spec of pairs for missing, as it looks for them among specs of slices
    assert nobody in missing_there
