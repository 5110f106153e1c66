"""What `round_counts_to` rounds is in no result as it is, by every door."""

import json
import re
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from assay.results.files import load_metrics, load_plots
from tests.doors import DOORS, frame_by
from tests.latest_results import latest

# Numbers of rows that are no multiples, and that nothing else in the results is likely to be.
TOWNS = {"Bern": 24_683, "Genf": 14_797, "Ems": 3_283}
MULTIPLE = 50
_rows = sum(TOWNS.values())
_rng = np.random.default_rng(5)
_label = _rng.integers(0, 2, _rows)
TABLE = pa.table(
    {
        "label": _label,
        "score": np.clip(0.3 * _label + 0.7 * _rng.random(_rows), 0, 1),
        "before": np.clip(0.2 * _label + 0.8 * _rng.random(_rows), 0, 1),
        "town": np.repeat(list(TOWNS), list(TOWNS.values())),
        "device": ["phone"] * (_rows - 5_678) + ["desk"] * 3_456 + [None] * 2_222,
    }
)
_PER_TOWN = [{"feature_keys": ["town"]}]
CONFIG: dict[str, Any] = {
    "model_specs": [
        {"name": "new", "label_key": "label", "prediction_key": "score"},
        {"name": "old", "label_key": "label", "prediction_key": "before", "is_baseline": True},
    ],
    "slicing_specs": [{}, {"feature_keys": ["town"]}, {"feature_keys": ["device"]}],
    "cross_slicing_specs": [{"baseline_spec": {}, "slicing_specs": _PER_TOWN}],
    "metrics_specs": [
        {
            "metrics": [
                {
                    "class_name": "ExampleCount",
                    "per_slice_thresholds": [
                        {"slicing_specs": _PER_TOWN, "threshold": {"value_threshold": {"lower_bound": 5_000}}}
                    ],
                },
                {
                    "class_name": "AUC",
                    "threshold": {"value_threshold": {"lower_bound": 0.9}},
                },
                {"class_name": "MeanPrediction"},
                {"class_name": "TruePositives"},
                {"class_name": "ConfusionMatrixAtThresholds"},
                {"class_name": "ConfusionMatrixPlot", "config": {"num_thresholds": 10}},
                {"class_name": "CalibrationPlot", "config": {"num_buckets": 4}},
                {"class_name": "ScoreDistributionPlot", "config": {"num_thresholds": 10}},
            ]
        }
    ],
    "options": {
        "compute_confidence_intervals": True,
        "confidence_intervals": {"method": "ANALYTIC"},
        "min_slice_size": 100,
        "round_counts_to": MULTIPLE,
    },
}


def told_exactly(text: str) -> set[str]:
    """The exact numbers of rows that a text tells."""
    device = [2_222, 3_456, _rows - 5_678]
    exact = [_rows, *TOWNS.values(), *device]
    exact += [number - 1 for number in exact]  # the degrees of freedom of a mean
    shapes = {shape for number in exact for shape in (str(number), f"{number:,}")}
    return shapes & set(re.findall(r"(?<![\d.,])\d[\d,]*\d(?![\d])", text))


@pytest.mark.parametrize("door", DOORS)
def test_no_result_tells_the_exact_number_of_rows_of_a_slice(door, tmp_path, capfd):
    frame = frame_by(door, TABLE, CONFIG, tmp_path)
    counts = frame[frame["metric"].isin(["example_count", "true_positives"])]
    assert len(counts) >= 12
    assert (counts["value"] % MULTIPLE == 0).all()
    assert (frame["rows"].dropna() % MULTIPLE == 0).all()

    results = latest(tmp_path / "out")
    shown = capfd.readouterr()
    texts = [shown.out, shown.err, *(str(record) for record in load_metrics(results))]
    texts += [str(record) for record in load_plots(results)]
    texts += [(results / name).read_text() for name in ("verdict.json", "page.html", "results.json")]
    assert [told_exactly(text) for text in texts] == [set()] * len(texts)
    verdict = json.loads((results / "verdict.json").read_text())
    assert verdict["rows"] == round(_rows / MULTIPLE) * MULTIPLE
    assert verdict["unsliced"] == {"device": 2_200}


def test_exact_numbers_are_told_where_nobody_asks_for_rounding(tmp_path):
    """So the test above looks where counts are."""
    options = {**CONFIG["options"], "round_counts_to": 1}
    frame = frame_by("files", TABLE, {**CONFIG, "options": options}, tmp_path)
    assert set(frame["rows"]) > {_rows, *TOWNS.values()}
    results = latest(tmp_path / "out")
    for name in ("verdict.json", "page.html", "results.json"):
        assert told_exactly((results / name).read_text()), name
    assert all(told_exactly(str(record)) for record in load_metrics(results))
