"""Slices by ranges of numbers and by days, months and years."""

from datetime import UTC, date, datetime
from decimal import Decimal

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

import assay
from assay.config.resolved import check_eval_config, parse_eval_config
from assay.errors import ColumnTypeError, EvalConfigError
from assay.slicing.codes import codes_of, slice_rows
from assay.slicing.feature_bins import Bins
from assay.slicing.specs import Slicing

NAMES = ["(-inf, 0)", "[0, 0.5)", "[0.5, 11.29)", "[11.29, inf)"]
EDGES = Bins((0.0, 0.5, 11.29))


def bins_in(column, bins, slicing=None):
    """The bins of each row."""
    slicing = slicing or Slicing(("x",))
    codes = codes_of(slice_rows([slicing], {"x": column}, len(column), bins={"x": bins})[slicing.name].column)
    owner = np.arange(len(column)) if codes.rows is None else codes.rows
    found: list[list[str]] = [[] for _ in range(len(column))]
    for row, code in zip(owner, codes.codes, strict=True):
        if code >= 0:
            found[row].append(codes.keys[code][0][1])
    return found


VALUES = [-3, 0, 0.25, 0.5, 11.28, 11.29, 50]
EXPECTED = [0, 1, 1, 2, 2, 3, 3]


@pytest.mark.parametrize(
    "column",
    [
        pa.array(VALUES, pa.float64()),
        pa.array(VALUES, pa.float32()),
        pa.array([Decimal(str(value)) for value in VALUES], pa.decimal128(6, 3)),
        np.array(VALUES),
        pa.array(VALUES, pa.float64()).dictionary_encode(),
        pa.chunked_array([VALUES[:3], VALUES[3:]], pa.float64()),
    ],
    ids=["float64", "float32", "decimal", "numpy", "dictionary", "chunks"],
)
def test_a_number_is_in_the_bin_that_begins_with_the_last_edge_not_above_it(column):
    assert bins_in(column, EDGES) == [[NAMES[i]] for i in EXPECTED]


def test_bins_are_those_of_pandas():
    rng = np.random.default_rng(2)
    values, edges = rng.normal(size=1000).round(1), [-1.0, -0.3, 0.0, 0.7]
    expected = pd.cut(values, [-np.inf, *edges, np.inf], right=False)
    found = [float(name.strip("[(").split(",")[0]) for (name,) in bins_in(pa.array(values), Bins(tuple(edges)))]
    assert found == [interval.left for interval in expected]


@pytest.mark.parametrize("value", [0.1, 0.3, 0.7, 1e-3, 123.456])
def test_numbers_of_32_bits_are_what_their_shortest_text_says(value):
    column = pa.array([np.nextafter(np.float32(value), np.float32(0)), np.float32(value)], pa.float32())
    below, inside = bins_in(column, Bins((value,)))
    assert (below[0][0], inside[0][0]) == ("(", "[")


def test_integers_nulls_lists_and_missing_values():
    assert bins_in(pa.array([1, None, -1], pa.int8()), EDGES) == [[NAMES[2]], [], [NAMES[0]]]
    assert bins_in(pa.array([2**62], pa.uint64()), EDGES) == [[NAMES[3]]]
    assert bins_in(pa.array([[1, 2], [], None, [-1, 20]]), EDGES) == [[NAMES[2]], [], [], [NAMES[0], NAMES[3]]]
    assert bins_in(pa.array([1.0, np.nan]), EDGES, Slicing(("x",), missing=True)) == [[NAMES[2]], [None]]
    assert bins_in(pa.nulls(2), EDGES) == [[], []]


MOMENT = datetime(2024, 1, 31, 23, 59, 59)


@pytest.mark.parametrize(
    "column",
    [
        pa.array([date(2024, 1, 31)]),
        pa.array([date(2024, 1, 31)], pa.date64()),
        pa.array([MOMENT]),
        pa.array([MOMENT], pa.timestamp("s")),
        pa.array([MOMENT.replace(tzinfo=UTC)], pa.timestamp("ns", "Asia/Tokyo")),
        pa.array(["2024-01-31"]),
        pa.array(["2024-01-31 23:59:59"]),
    ],
    ids=lambda column: str(column.type),
)
def test_dates_and_times_are_cut_to_the_year_the_month_or_the_day(column):
    texts = {by: bins_in(column, Bins(by=by)) for by in ("year", "month", "day")}
    assert texts == {"year": [["2024"]], "month": [["2024-01"]], "day": [["2024-01-31"]]}


def test_moments_before_1970_and_missing_ones():
    column = pa.array([datetime(1969, 12, 31, 23), None])
    assert bins_in(column, Bins(by="month")) == [["1969-12"], []]


@pytest.mark.parametrize(
    ("column", "bins", "expected"),
    [
        (pa.array(["1"]), EDGES, "expected numbers"),
        (pa.array([True]), EDGES, "expected numbers"),
        (pa.array([1]), Bins(by="day"), "expected dates or times"),
        (pa.array(["yesterday"]), Bins(by="day"), "expected dates or times"),
    ],
)
def test_a_column_without_such_values_is_refused(column, bins, expected):
    with pytest.raises(ColumnTypeError, match=f"bins: column 'x' has type .*{expected}"):
        bins_in(column, bins)


def config(bins, **more):
    return parse_eval_config({"model_specs": [{}], "slicing_specs": [{"feature_keys": ["x"]}], "bins": bins, **more})


@pytest.mark.parametrize(
    ("bins", "message"),
    [
        ({"x": {}}, r"^bins\['x'\]: expected either edges"),
        ({"x": {"edges": [1], "by": "day"}}, r"^bins\['x'\]: expected either edges"),
        ({"x": {"by": "decade"}}, r"^bins\['x'\].by: expected one of .*'month'.*, found 'decade'"),
        ({"x": {"edges": [1, 1]}}, r"^bins\['x'\].edges\[1\]: expected more than 1, found 1"),
        ({"x": {"edges": [1, "inf"]}}, r"^bins\['x'\].edges\[1\]: expected a finite number"),
        ({"y": {"edges": [1]}}, r"^bins\['y'\]: no slicing spec has this feature"),
    ],
)
def test_bins_that_are_none_are_refused(bins, message):
    with pytest.raises(EvalConfigError, match=message):
        check_eval_config(config(bins))


@pytest.mark.parametrize(
    ("bins", "right", "wrong"),
    [({"edges": [18, 65]}, "[18, 65)", "[18,65)"), ({"by": "month"}, "2024-01", "2024-01-31")],
)
def test_values_of_slices_name_bins_as_they_are_printed(bins, right, wrong):
    check_eval_config(config({"x": bins}, slicing_specs=[{"feature_values": {"x": right}}]))
    with pytest.raises(EvalConfigError, match=r"^slicing_specs\[0\].feature_values\['x'\]: expected"):
        check_eval_config(config({"x": bins}, slicing_specs=[{"feature_values": {"x": wrong}}]))


def test_a_run_slices_crosses_and_judges_by_bins():
    rng = np.random.default_rng(3)
    frame = pd.DataFrame(
        {"label": rng.integers(0, 2, 200), "score": rng.random(200), "age": rng.integers(10, 90, 200),
         "day": pd.date_range("2024-01-15", periods=200, freq="D")}
    )  # fmt: skip
    threshold = {
        "slicing_specs": [{"feature_values": {"age": "[65, inf)"}}],
        "threshold": {"value_threshold": {"upper_bound": 0}},
    }
    asked = {
        "model_specs": [{"label_key": "label", "prediction_key": "score"}],
        "slicing_specs": [{"feature_keys": ["age"]}, {"feature_keys": ["age", "day"]}],
        "bins": {"age": {"edges": [18, 65]}, "day": {"by": "month"}},
        "metrics_specs": [{"metrics": [{"class_name": "ExampleCount", "per_slice_thresholds": [threshold]}]}],
    }
    result = assay.analyze_raw_data(frame, asked)
    found = dict(zip(*(result.to_frame()[name] for name in ("slice", "value")), strict=True))
    ages = pd.cut(frame["age"], [-np.inf, 18, 65, np.inf], right=False, labels=["(-inf, 18)", "[18, 65)", "[65, inf)"])
    months = frame["day"].dt.strftime("%Y-%m")
    expected = {f"age={age}": float(n) for age, n in ages.value_counts().items()}
    crosses = "age=" + ages.astype(str) + ", day=" + months
    expected |= {cross: float(n) for cross, n in crosses.value_counts().items()}
    assert found == expected
    assert [reason.slice for reason in result.verdict.reasons] == ["age=[65, inf)"]
