"""Values as rows of a table."""

from __future__ import annotations

import numpy as np

from assay.metrics.keys import MetricKey
from assay.metrics.values import Interval
from assay.proto.metrics_for_slice_pb2 import MetricsForSlice
from assay.results.long_tables import metrics_table
from assay.results.records import metric_records
from assay.types import SliceKey

SLICES: list[SliceKey] = [(), (("city", "Bonn"),)]
RATES = np.array([[0.25, 0.5], [0.125, 0.75]])


def rows_of(records):
    table = metrics_table(map(MetricsForSlice.FromString, records))
    names = ("slice", "metric", "position", "value", "lower_bound", "upper_bound")
    return [tuple(row[name] for name in names) for row in table.to_pylist()]


def test_each_number_of_an_array_has_a_row_with_its_own_interval():
    rates, auc = MetricKey("rates"), MetricKey("auc")
    intervals = {
        rates: Interval(RATES - 0.0625, RATES + 0.0625, RATES * 0, 19),
        auc: Interval(np.array([0.5, 0.25]), np.array([1.0, 0.75]), np.zeros(2), 19),
    }
    values = {rates: RATES, auc: np.array([0.75, 0.5])}
    assert rows_of(metric_records(SLICES, np.array([10, 5]), values, intervals)) == [
        ("Overall", "rates", 0, 0.25, 0.1875, 0.3125),
        ("Overall", "rates", 1, 0.5, 0.4375, 0.5625),
        ("Overall", "auc", None, 0.75, 0.5, 1.0),
        ("city=Bonn", "rates", 0, 0.125, 0.0625, 0.1875),
        ("city=Bonn", "rates", 1, 0.75, 0.6875, 0.8125),
        ("city=Bonn", "auc", None, 0.5, 0.25, 0.75),
    ]


def test_a_value_whose_interval_has_other_ends_keeps_its_numbers():
    record = MetricsForSlice.FromString(next(metric_records(SLICES[:1], np.array([3]), {MetricKey("r"): RATES[:1]})))
    record.metric_keys_and_values[0].confidence_interval.lower_bound.double_value.value = 0.1
    assert rows_of([record.SerializeToString()]) == [
        ("Overall", "r", 0, 0.25, None, None),
        ("Overall", "r", 1, 0.5, None, None),
    ]
