"""What `min_slice_size` hides is in no result, by every door."""

import json
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from tests.doors import DOORS, frame_by
from tests.latest_results import latest

_rng = np.random.default_rng(5)
_label = _rng.integers(0, 2, 400)
TABLE = pa.table(
    {
        "label": _label,
        "score": np.clip(0.3 * _label + 0.7 * _rng.random(400), 0, 1),
        "town": ["Bern"] * 250 + ["Genf"] * 147 + ["Ems"] * 3,
        "device": ["phone"] * 300 + ["desk"] * 98 + [None] * 2,
    }
)
CONFIG: dict[str, Any] = {
    "model_specs": [{"label_key": "label", "prediction_key": "score"}],
    "slicing_specs": [{}, {"feature_keys": ["town"]}, {"feature_keys": ["device"]}],
    "metrics_specs": [
        {
            "metrics": [
                {
                    "class_name": "AUC",
                    "per_slice_thresholds": [
                        {
                            "slicing_specs": [{"feature_keys": ["town"]}],
                            "threshold": {"value_threshold": {"lower_bound": {"value": 0.1}}},
                        }
                    ],
                }
            ]
        }
    ],
    "options": {"min_slice_size": 20},
}


@pytest.mark.parametrize("door", DOORS)
def test_small_slices_and_those_that_would_tell_of_them_have_no_values(door, tmp_path):
    """Genf is withheld, as all rows without Bern and Genf are those of Ems; so is the desk, for rows without any."""
    frame = frame_by(door, TABLE, CONFIG, tmp_path)
    assert set(frame[frame["value"].notna()]["slice"]) == {"Overall", "town=Bern", "device=phone"}
    results = latest(tmp_path / "out")
    verdict = json.loads((results / "verdict.json").read_text())
    (reason,) = verdict["reasons"]
    assert reason["message"] == "auc is not shown in 2 slices that min_slice_size hides; expected at least 0.1"
    told = [(results / name).read_text() for name in ("verdict.json", "page.html")]
    assert not any(name in text for text in told for name in ("Ems", "Genf"))
    assert verdict["unsliced"] == json.loads((results / "results.json").read_text())["unsliced"] == {}
