"""Labels, weights and predictions may be of any type of number; a row that lacks one is left out, by every door."""

import json
from decimal import Decimal

import numpy as np
import pyarrow as pa
import pytest
from sklearn.metrics import mean_squared_error

import assay
from tests.doors import DOORS, frame_by, frame_of_files

ROLES = {"label": "label_key", "weight": "example_weight_key", "score": "prediction_key"}
METRICS = [{"class_name": name} for name in ("ExampleCount", "MeanLabel", "MeanPrediction", "MeanSquaredError")]
SKIPPED = {"on_bad_rows": "skip", "max_bad_rows": "80%"}
MISSING = {"missing label": 1, "weight negative or not finite": 1, "prediction not finite": 1}

BOOLEANS = {
    "label": [True, None, False, True, False, True, False, True],
    "weight": [True, True, True, None, False, True, True, True],
    "score": [True, False, False, False, True, None, True, True],
}
DECIMALS = {
    "label": [Decimal(text) for text in ("0.110", "NaN", "0.290", "1.001", "3.300", "-0.007", "1.150", "0.570")],
    "weight": [Decimal(text) for text in ("0.070", "1.000", "0.630", "NaN", "2.110", "1.000", "0.000", "4.350")],
    "score": [Decimal(text) for text in ("0.570", "0.580", "0.140", "0.010", "4.350", "NaN", "-1.005", "0.290")],
}
"""NaN stands for what is missing."""


def lists(cells, kind):
    return pa.array([None if cell is None else [cell] for cell in cells], pa.list_(kind))


def among_lists(row, cell):
    """Lists of one number, but for one row."""
    return pa.array([cell if at == row else [0.25 * at] for at in range(8)])


def decimals(kind):
    return {
        role: pa.array([None if cell.is_nan() else cell for cell in cells], kind) for role, cells in DECIMALS.items()
    }


KINDS = {
    "bool": {role: pa.array(cells) for role, cells in BOOLEANS.items()},
    "bool8": {role: pa.array(cells).cast(pa.int8()).cast(pa.bool8()) for role, cells in BOOLEANS.items()},
    "dictionary": {role: pa.array(cells).dictionary_encode() for role, cells in BOOLEANS.items()},
    "lists of bool": {role: lists(cells, pa.bool_()) for role, cells in BOOLEANS.items()},
    "decimal32": decimals(pa.decimal32(7, 3)),
    "decimal128": decimals(pa.decimal128(9, 3)),
    "decimal256": decimals(pa.decimal256(40, 3)),
    "lists of decimals": {
        role: lists(cells.to_pylist(), pa.decimal128(9, 3)) for role, cells in decimals(pa.decimal128(9, 3)).items()
    },
    "odd lists": {"label": among_lists(1, None), "weight": among_lists(3, []), "score": among_lists(5, [0.5, 0.5])},
    "other odd lists": {
        "label": among_lists(1, []),
        "weight": among_lists(3, [1.0, 2.0]),
        "score": among_lists(5, None),
    },
}
"""How numbers are stored -> columns, of which one has no number in row 1, one in row 3, one in row 5."""


def of_good_rows(label, weight, score):
    """What scikit-learn and numpy say of the rows in which nothing is missing."""
    label, weight, score = (np.delete(np.array(cells, float), [1, 3, 5]) for cells in (label, weight, score))
    return {
        "example_count": weight.sum(),
        "mean_label": np.average(label, weights=weight),
        "mean_prediction": np.average(score, weights=weight),
        "mean_squared_error": mean_squared_error(label, score, sample_weight=weight),
    }


EXPECTED = {
    **dict.fromkeys(("bool", "bool8", "dictionary", "lists of bool"), of_good_rows(**BOOLEANS)),
    **dict.fromkeys(("decimal32", "decimal128", "decimal256", "lists of decimals"), of_good_rows(**DECIMALS)),
    **dict.fromkeys(("odd lists", "other odd lists"), of_good_rows(*[[0.25 * at for at in range(8)]] * 3)),
}


@pytest.mark.parametrize("door", DOORS)
def test_a_row_without_a_number_is_left_out_whatever_type_the_others_have(door, tmp_path):
    table = pa.table({f"{role} of {kind}": column for kind, roles in KINDS.items() for role, column in roles.items()})
    specs = [{"name": kind, **{key: f"{role} of {kind}" for role, key in ROLES.items()}} for kind in KINDS]
    config = {"model_specs": specs, "metrics_specs": [{"metrics": METRICS}]}
    frame = frame_by(door, table, config, tmp_path, **SKIPPED)

    assert set(frame["rows"]) == {5}
    for kind, expected in EXPECTED.items():
        of_kind = frame[frame["model"] == kind]
        found = dict(zip(of_kind["metric"], of_kind["value"], strict=True))
        assert found == pytest.approx(expected, rel=1e-14), kind
    assert assay.load_verdict(tmp_path / "out").bad_rows == MISSING


@pytest.mark.parametrize(("form", "door"), [("csv", "command"), ("csv", "checkpointed"), ("jsonl", "files")])
def test_booleans_of_text_files_may_be_missing(form, door, tmp_path):
    names, rows = list(BOOLEANS), list(zip(*BOOLEANS.values(), strict=True))
    for number, part in enumerate([rows[4:], rows[:4]]):  # the first file lacks a score alone
        if form == "csv":
            lines = [",".join(names), *(",".join("" if cell is None else str(cell) for cell in row) for row in part)]
        else:
            lines = [json.dumps(dict(zip(names, row, strict=True))) for row in part]
        (tmp_path / f"{number}.{form}").write_text("\n".join(lines) + "\n")
    config = {"model_specs": [{key: role for role, key in ROLES.items()}], "metrics_specs": [{"metrics": METRICS}]}
    frame = frame_of_files(door, f"*.{form}", config, tmp_path, **SKIPPED)
    assert dict(zip(frame["metric"], frame["value"], strict=True)) == pytest.approx(of_good_rows(**BOOLEANS))
    assert assay.load_verdict(tmp_path / "out").bad_rows == MISSING
