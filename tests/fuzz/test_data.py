"""Random data ends in the right answer, or in an error that names the column or the row."""

import functools
import math
import re
import tempfile
from typing import Any
from unittest import mock

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

import assay
from assay.errors import BadRowError, ColumnTypeError
from assay.proto.metrics_for_slice_pb2 import MetricsForSlice
from assay.readers.arrow import from_arrow
from assay.results.keys import metric_key_from_proto, slice_key_from_proto

from .columns import features, is_bad, numbers
from .reference import metrics_of, slices_of

METRICS = ["ExampleCount", "MeanLabel", "TruePositives", "Precision"]
ROLES = ("label", "score", "weight")
NAMES = ("f", "g", "h")
SLICINGS = st.lists(
    st.one_of(
        st.just({}),
        st.lists(st.sampled_from(NAMES), min_size=1, max_size=3, unique=True).map(
            lambda names: {"feature_keys": names}
        ),
        st.tuples(st.sampled_from(NAMES), st.sampled_from(["a", "1", "0", "0.1", "inf", "nan", ""])).map(
            lambda pair: {"feature_values": {pair[0]: pair[1]}}
        ),
        st.sampled_from(["a", "1", "0.5"]).map(lambda v: {"feature_keys": ["g", "h"], "feature_values": {"f": v}}),
    ),
    min_size=1,
    max_size=4,
)


@st.composite
def cases(draw):
    """(columns by name, slicing specs, rows of a batch)."""
    rows = draw(st.integers(0, 12))
    columns = {role: draw(numbers(rows, role)) for role in ROLES} | {name: draw(features(rows)) for name in NAMES}
    return columns, draw(SLICINGS), draw(st.integers(1, 13))


def evaluated(columns, slicings, batch_rows):
    """Slice key -> (rows, {metric: value}) of a run over batches of `batch_rows` rows."""
    config = {
        "model_specs": [{"label_key": "label", "prediction_key": "score", "example_weight_key": "weight"}],
        "slicing_specs": slicings,
        "metrics_specs": [{"metrics": [{"class_name": name} for name in METRICS]}],
    }
    table = pa.table({name: drawn.array for name, drawn in columns.items()})
    cut = mock.patch("assay.readers.arrow.from_arrow", functools.partial(from_arrow, batch_rows=batch_rows))
    with tempfile.TemporaryDirectory() as folder, cut:
        assay.analyze_raw_data(table, config, folder)
        records = [MetricsForSlice.FromString(r.SerializeToString()) for r in assay.load_metrics(folder)]
    found = {}
    for record in records:
        key = slice_key_from_proto(record.slice_key)
        assert key not in found, f"{key} came out twice"
        found[key] = (
            record.rows,
            {metric_key_from_proto(m.key).name: m.value.double_value.value for m in record.metric_keys_and_values},
        )
    return found


def faults_of(columns, slicings):
    """(rows, columns) that justify an error."""
    used = {name for spec in slicings for name in [*spec.get("feature_keys", ()), *spec.get("feature_values", ())]}
    bad_rows = {i for role in ROLES for i, value in enumerate(columns[role].values) if is_bad(value, role)}
    no_slices = {name for name in used if columns[name].keys is None}
    asked = [pair for spec in slicings for pair in spec.get("feature_values", {}).items()]
    no_values = {name for name, text in asked if text not in (columns[name].readable or {text})}
    no_values |= {name for name, _ in asked if columns[name].readable == frozenset()}
    return bad_rows, no_slices | no_values


def check(columns, slicings, batch_rows):
    bad_rows, bad_columns = faults_of(columns, slicings)
    try:
        found = evaluated(columns, slicings, batch_rows)
    except BadRowError as error:
        message = str(error)
        where = re.match(r"<memory>, row (\d+): ", message)
        justified = where is not None and int(where[1]) in bad_rows
    except ColumnTypeError as error:
        message = str(error)
        if any(is_bad(label, "label") for label in columns["label"].values):
            bad_columns = bad_columns | {"label"}  # labels of another kind, such as -1 and 0, are told of as a column
        justified = any(f"column {name!r}" in message for name in bad_columns)
    else:
        assert not bad_rows
        assert all(columns[name].is_empty for name in bad_columns)
        check_values(found, columns, slicings)
        return
    assert justified, message


def check_values(found, columns, slicings):
    rows = len(columns["label"].values)
    expected = slices_of(slicings, {name: columns[name].keys or [[]] * rows for name in NAMES}, rows)
    assert {typed(key) for key in found if found[key][0]} == {typed(key) for key in expected}
    for key, members in expected.items():
        count, values = found[key]
        assert count == len(members), key
        for name, value in metrics_of(members, *(columns[role].values for role in ROLES)).items():
            assert math.isclose(values[name], value, rel_tol=1e-9, abs_tol=1e-290) or (
                math.isnan(value) and math.isnan(values[name])
            ), (key, name, values[name], value)


def typed(key):
    return tuple((feature, type(value).__name__, value) for feature, value in key)


CALM: dict[str, Any] = {"deadline": None, "suppress_health_check": list(HealthCheck), "report_multiple_bugs": False}


@settings(max_examples=15, derandomize=True, phases=[Phase.generate], **CALM)
@given(cases())
def test_random_data_ends_in_the_right_answer_or_in_an_error_that_names_the_place(case):
    check(*case)


@pytest.mark.slow
@settings(max_examples=1500, **CALM)
@given(cases())
def test_much_random_data_ends_in_the_right_answer_or_in_an_error_that_names_the_place(case):
    check(*case)


def config(*slicings):
    model = {"label_key": "label", "prediction_key": "score"}
    return {
        "model_specs": [model],
        "slicing_specs": list(slicings),
        "metrics_specs": [{"metrics": [{"class_name": "ExampleCount"}]}],
    }


@pytest.mark.parametrize(
    "cells",
    [[0.0, -0.0], [[0.0, -0.0], [-0.0]]],
    ids=["one value", "several"],
)
def test_minus_zero_is_zero(cells):
    table = pa.table({"label": [0, 1], "score": [0.1, 0.9], "f": cells})
    ((key, values),) = assay.analyze_raw_data(table, config({"feature_keys": ["f"]})).slicing_metrics
    assert key == (("f", 0.0),)
    assert values[""][""]["example_count"] == {"doubleValue": 2.0}


def test_a_slice_that_two_slicings_make_comes_once():
    table = pa.table({"label": [0, 1], "score": [0.1, 0.9], "f": ["a", "b"]})
    both = config({"feature_keys": ["f"]}, {"feature_values": {"f": "a"}})
    keys = [key for key, _ in assay.analyze_raw_data(table, both).slicing_metrics]
    assert sorted(keys) == [(("f", "a"),), (("f", "b"),)]
