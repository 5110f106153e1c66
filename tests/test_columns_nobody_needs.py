"""Columns of data in memory that no config names may be anything; those that one names must be columns."""

from decimal import Decimal
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest

import assay
from assay.errors import ColumnTypeError, MissingColumnError

CONFIG = {
    "model_specs": [{"label_key": "label", "prediction_key": "prediction"}],
    "metrics_specs": [{"metrics": [{"class_name": "MeanLabel"}]}],
}
FRAME = pd.DataFrame({"label": [0, 1, 1, 0], "prediction": [0.2, 0.8, 0.6, 0.4]})
NOTES: dict[str, Any] = {
    "numbers and text": [1, "x", 2.5, None],
    "objects": [object(), {1}, print, 1j],
    "more than 64 bits": [2**70, -(2**70), 1, 2],
    "lists and numbers": [[1], 2, "a", None],
    "decimals and text": [Decimal(1), "1", None, b"1"],
}


def mean_label(data):
    (value,) = assay.analyze_raw_data(data, CONFIG).slicing_metrics[0][1][""][""].values()
    return value["doubleValue"]


@pytest.mark.parametrize("note", NOTES)
def test_values_that_make_no_column_break_nothing_where_nobody_needs_them(note):
    frame = FRAME.assign(note=NOTES[note])
    assert mean_label(frame) == mean_label(frame.to_dict("records")) == 0.5


def test_columns_of_one_name_break_nothing_where_nobody_needs_them():
    twice = pd.concat([FRAME, FRAME[["label"]].rename(columns={"label": "note"})] * 2, axis=1)
    twice = twice.loc[:, ~twice.columns.duplicated() | (twice.columns == "note")]
    assert mean_label(twice) == 0.5
    assert mean_label(pa.Table.from_arrays([twice.iloc[:, i] for i in range(4)], list(twice.columns))) == 0.5


@pytest.mark.parametrize("name", ["label", "prediction"])
def test_two_columns_of_a_name_that_is_needed_are_refused(name):
    with pytest.raises(ColumnTypeError, match=f"column '{name}': there are 2 of that name"):
        mean_label(pd.concat([FRAME, FRAME[[name]]], axis=1))


@pytest.mark.parametrize("note", NOTES)
def test_values_that_make_no_column_are_refused_by_name_where_it_is_needed(note):
    with pytest.raises(ColumnTypeError, match="column 'label': the values do not go together"):
        mean_label(FRAME.assign(label=NOTES[note]))


def test_a_column_that_became_the_index_is_told_so():
    with pytest.raises(MissingColumnError, match=r"no column 'label'.*call reset_index"):
        mean_label(FRAME.set_index("label"))
