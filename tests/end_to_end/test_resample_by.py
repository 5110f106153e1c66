"""Replicates by cluster, by every door: the same bits, and the same refusals."""

from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from tests.doors import DOORS, frame_by, refusal_by

ROWS = 600
_rng = np.random.default_rng(11)
_label = _rng.integers(0, 2, ROWS)
TABLE = pa.table(
    {
        "label": _label,
        "score": np.clip(0.3 * _label + 0.7 * _rng.random(ROWS), 0, 1),
        "older": np.clip(0.2 * _label + 0.8 * _rng.random(ROWS), 0, 1),
        "user_id": [f"u{i}" for i in _rng.integers(0, 150, ROWS)],
        "query": np.arange(ROWS) // 3,
    }
)


def config(**more: Any) -> dict[str, Any]:
    intervals = {"method": "POISSON_BOOTSTRAP", "replicates": 200, "interval": "PERCENTILE", "resample_by": "user_id"}
    return {
        "model_specs": [
            {"name": "new", "label_key": "label", "prediction_key": "score"},
            {"name": "old", "label_key": "label", "prediction_key": "older", "is_baseline": True},
        ],
        "metrics_specs": [{"metrics": [{"class_name": "AUC"}, {"class_name": "BinaryAccuracy"}], **more}],
        "options": {"compute_confidence_intervals": True, "confidence_intervals": intervals},
    }


@pytest.fixture(scope="module")
def in_memory(tmp_path_factory):
    return frame_by("memory", TABLE, config(), tmp_path_factory.mktemp("memory"), seed=3)


@pytest.mark.parametrize("door", DOORS[1:])
def test_every_door_has_the_same_intervals_of_values_and_of_differences(door, in_memory, tmp_path):
    """All but the first read the rows from a file, so that these come from elsewhere; users stay the same."""
    found = frame_by(door, TABLE, config(), tmp_path, seed=3)
    assert found.equals(in_memory)
    assert found[["lower_bound", "upper_bound"]].notna().all(axis=None)
    assert len(found) == 6


@pytest.mark.parametrize("door", DOORS)
def test_a_row_without_a_user_and_a_table_without_users_are_refused(door, tmp_path):
    users = TABLE["user_id"].to_pylist()
    users[5] = None
    at = TABLE.column_names.index("user_id")
    gap = TABLE.set_column(at, "user_id", pa.array(users))
    assert "row 5: missing value of resample_by: no value of column 'user_id'" in refusal_by(
        door, gap, config(), tmp_path
    )
    assert "user_id" in refusal_by(door, TABLE.drop_columns("user_id"), config(), tmp_path)


@pytest.mark.parametrize("door", DOORS)
def test_a_query_of_several_users_is_refused(door, tmp_path):
    ranked = config(query_key="query")
    ranked["metrics_specs"][0]["metrics"] = [{"class_name": "NDCG", "config": {"top_k_list": [2]}}]
    refusal = refusal_by(door, TABLE, ranked, tmp_path)
    assert "column 'user_id' (resample_by) has another value than a row of the same query" in refusal
