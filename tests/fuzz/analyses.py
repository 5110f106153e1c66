"""Analysis files that are right, of every kind of problem, and the data that they read: what mutants are made of."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

Content = dict[str, Any]

ROWS = 60
EVAL_PBTXT = """model_specs {
  label_key: "label"
  prediction_key: "score"
}
slicing_specs {}
slicing_specs { feature_keys: ["country"] }
metrics_specs {
  metrics {
    class_name: "AUC"
    config: '"num_thresholds": 100'
    threshold { value_threshold { lower_bound { value: 0.5 } } }
  }
  metrics { class_name: "ExampleCount" }
}
options { min_slice_size { value: 1 } }
"""

BINARY: Content = {
    "params": {"day": "2026-11-01"},
    "inputs": {
        "format": "parquet",
        "files": ["scored-${day}.parquet"],
        "columns": ["label", "score", "weight", "country", "device"],
        "batch_rows": 1000,
    },
    "on_bad_rows": "skip",
    "max_bad_rows": "1%",
    "min_rows": 10,
    "seed": 7,
    "max_slices": 100,
    "output_file_format": "parquet",
    "rubber_stamp": False,
    "gate": {
        "alpha": 0.1,
        "correction": "fdr_bh",
        "undecided": "warn",
        "min_rows": 30,
        "looks": 2,
        "force": {"reason": "a first try of ${day}"},
        "thresholds": [
            {"metric": "auc", "at_least": 0.25, "slices": [{}, {"feature_keys": ["country"]}], "undecided": "pass"},
            {"metric": "calibration", "at_most": 5.5, "severity": "warn", "min_rows": 20},
        ],
    },
    "eval_config": {
        "model_specs": [{"label_key": "label", "prediction_key": "score", "example_weight_key": "weight"}],
        "slicing_specs": [
            {},
            {"feature_keys": ["country"]},
            {"feature_values": {"country": "fr"}, "feature_keys": ["device"]},
        ],
        "metrics_specs": [
            {
                "metrics": [
                    {
                        "class_name": "AUC",
                        "config": {"num_thresholds": 1000},
                        "threshold": {"value_threshold": {"lower_bound": 0.5, "upper_bound": 1.0}},
                    },
                    {"class_name": "Precision", "config": {"thresholds": [0.25, 0.5]}},
                    {
                        "class_name": "Calibration",
                        "per_slice_thresholds": [
                            {
                                "slicing_specs": [{"feature_keys": ["country"]}],
                                "threshold": {"value_threshold": {"upper_bound": 5.0}},
                            }
                        ],
                    },
                    {"class_name": "MeanLabel"},
                ],
                "thresholds": {"mean_label": {"value_threshold": {"lower_bound": 0.1}}},
            }
        ],
        "options": {
            "compute_confidence_intervals": True,
            "confidence_intervals": {"method": "JACKKNIFE"},
            "min_slice_size": 1,
            "disabled_outputs": {"values": ["plots"]},
        },
    },
    "checkpoint": "cuts",
    "output": "out/${day}",
}
"""Predictions in a Parquet file."""

MODELS: Content = {
    "inputs": {
        "format": "csv",
        "files": "scored.csv",
        "options": {"delimiter": ";", "types": {"id": "text"}},
        "join": {
            "format": "jsonl",
            "files": ["labels.jsonl"],
            "on": ["id"],
            "columns": ["label"],
            "max_unmatched": "10%",
        },
    },
    "models": [
        {
            "name": "candidate",
            "uri": "tests.model_of_columns:better",
            "type": "callable",
            "features": ["prediction"],
            "batch_rows": 50,
        },
        {
            "name": "current",
            "uri": "tests.model_of_columns:better",
            "type": "callable",
            "features": ["prediction"],
            "baseline": True,
        },
    ],
    "eval_config": {
        "model_specs": [
            {"name": "candidate", "label_key": "label"},
            {"name": "current", "label_key": "label", "is_baseline": True},
        ],
        "slicing_specs": [{}, {"feature_keys": ["country"]}],
        "metrics_specs": [
            {
                "model_names": ["candidate", "current"],
                "metrics": [
                    {
                        "class_name": "AUC",
                        "threshold": {"change_threshold": {"direction": "HIGHER_IS_BETTER", "absolute": -0.1}},
                    },
                    {"class_name": "MeanLabel"},
                ],
            }
        ],
    },
    "output": "out/models",
}
"""Two models, of which one is the baseline, and labels that arrive later."""

STAGES: Content = {
    "inputs": {"format": "parquet", "files": ["scored-2026-11-01.parquet"]},
    "eval_config": {
        "model_specs": [{"label_key": "label", "prediction_key": "score"}],
        "slicing_specs": [{}, {"feature_keys": ["band"]}],
        "metrics_specs": [{"metrics": [{"class_name": "AUC"}, {"class_name": "MeanLabel"}]}],
    },
    "extractors": [
        {
            "name": "AddBand",
            "factory": "tests.end_to_end.own_stages:add_band",
            "args": {"width": 0.5},
            "after": "ExtractLabels",
            "adds": ["features"],
        }
    ],
    "evaluators": [
        {
            "name": "Highest",
            "factory": "tests.end_to_end.own_stages:highest",
            "run_after": "ExtractSliceKeys",
            "outputs": ["highest"],
        }
    ],
    "writers": [
        {
            "name": "WriteLines",
            "factory": "tests.end_to_end.own_stages:write_lines",
            "args": {"key": "highest", "path": "highest"},
        }
    ],
    "analysis_table": True,
    "output": "out/stages",
}
"""Custom stages."""

CLASSES: Content = {
    "inputs": {"format": "jsonl", "files": ["digits.jsonl"], "options": {"types": {"region": "text"}}},
    "eval_config": {
        "model_specs": [
            {"label_key": "digit", "prediction_key": "probabilities", "classes": ["zero", "one", "two"]},
        ],
        "slicing_specs": [{}, {"feature_keys": ["region"]}],
        "metrics_specs": [
            {
                "metrics": [
                    {
                        "class_name": "CategoricalAccuracy",
                        "threshold": {"value_threshold": {"lower_bound": 0.2}},
                    },
                    {"class_name": "MultiClassConfusionMatrixPlot"},
                ]
            },
            {"binarize": {"class_ids": {"values": [0, 1]}}, "metrics": [{"class_name": "AUC"}]},
            {
                "aggregate": {"macro_average": True, "class_weights": {"0": 1.0, "1": 1.0, "2": 2.0}},
                "metrics": [{"class_name": "Recall"}],
            },
            {"metrics": [{"class_name": "F1Score", "config": {"class_id": 1}}]},
        ],
    },
    "output": "out/classes",
}
"""Three classes, in JSON lines."""

RANKING: Content = {
    "inputs": {"format": "csv", "files": ["ranked.csv"]},
    "eval_config": {
        "model_specs": [
            {"name": "new", "label_key": "gain", "prediction_key": "newer"},
            {"name": "old", "label_key": "gain", "prediction_key": "older", "is_baseline": True},
        ],
        "slicing_specs": [{}, {"feature_keys": ["market"]}],
        "metrics_specs": [
            {
                "query_key": "query",
                "metrics": [
                    {
                        "class_name": "NDCG",
                        "config": {"top_k_list": [3]},
                        "per_slice_thresholds": [
                            {
                                "slicing_specs": [{}],
                                "threshold": {
                                    "value_threshold": {"lower_bound": 0.1},
                                    "change_threshold": {"direction": "HIGHER_IS_BETTER", "relative": -0.9},
                                },
                            }
                        ],
                    },
                    {"class_name": "MRR"},
                ],
            }
        ],
    },
    "output": "out/ranking",
}
"""Ranked lists, of which the baseline is a column, too."""

REGRESSION: Content = {
    "inputs": {"format": "csv", "files": ["prices.csv"], "options": {"null_values": ["", "-"]}},
    "on_bad_rows": "fail",
    "eval_config": {
        "model_specs": [{"label_key": "price", "prediction_key": "guess"}],
        "slicing_specs": [{}, {"feature_keys": ["town"]}],
        "metrics_specs": [
            {
                "metrics": [
                    {
                        "class_name": "MeanAbsoluteError",
                        "threshold": {"value_threshold": {"upper_bound": 1000.0}},
                    },
                    {"class_name": "MeanSquaredError"},
                    {"class_name": "Mean", "config": {"feature_key_path": ["features", "rooms"]}},
                ]
            }
        ],
    },
    "output": "out/prices",
}
"""Numbers."""

TFMA: Content = {
    "inputs": {"format": "parquet", "files": ["scored-2026-11-01.parquet"]},
    "eval_config_file": "eval.pbtxt",
    "output": "out/tfma",
}
"""An eval config of TFMA, in protobuf's text format."""

ANALYSES: Mapping[str, Content] = {
    "binary": BINARY,
    "models": MODELS,
    "stages": STAGES,
    "classes": CLASSES,
    "ranking": RANKING,
    "regression": REGRESSION,
    "tfma": TFMA,
}

AS_JSON = ("classes", "regression")
"""Those that are written as JSON; the others as YAML."""


def write_data(folder: Path) -> None:
    """Writes what the analyses read."""
    places = [["fr", "de", "it"][row % 3] for row in range(ROWS)]
    score = [(row * 7 % ROWS) / ROWS for row in range(ROWS)]
    label = [float(value > 0.4) for value in score]
    label[::7] = [1 - value for value in label[::7]]
    scored = {
        "label": label,
        "score": score,
        "weight": [1.0 + row % 2 for row in range(ROWS)],
        "country": places,
        "device": ["phone", "tablet"] * (ROWS // 2),
    }
    pq.write_table(pa.table(scored), folder / "scored-2026-11-01.parquet")

    ids = [f"r{row:03}" for row in range(ROWS)]
    _csv(folder / "scored.csv", {"id": ids, "prediction": score, "country": places}, ";")
    _lines(folder / "labels.jsonl", [{"id": one, "label": value} for one, value in zip(ids, label, strict=True)])
    _lines(
        folder / "digits.jsonl",
        [
            {
                "digit": row % 3,
                "probabilities": [[0.6, 0.3, 0.1], [0.2, 0.5, 0.3], [0.4, 0.4, 0.2]][row % 3],
                "region": place,
            }
            for row, place in enumerate(places)
        ],
    )
    ranked = {
        "query": [f"q{row // 5}" for row in range(ROWS)],
        "gain": [row % 3 for row in range(ROWS)],
        "newer": score,
        "older": score[::-1],
        "market": places,
    }
    _csv(folder / "ranked.csv", ranked)
    prices = {
        "price": [100 + row for row in range(ROWS)],
        "guess": [101.5 + row for row in range(ROWS)],
        "rooms": [1 + row % 4 for row in range(ROWS)],
        "town": places,
    }
    _csv(folder / "prices.csv", prices)
    (folder / "eval.pbtxt").write_text(EVAL_PBTXT)
    (folder / "a-file").write_text("")


def _csv(file: Path, columns: Mapping[str, Any], delimiter: str = ",") -> None:
    with file.open("w", newline="") as stream:
        writer = csv.writer(stream, delimiter=delimiter)
        writer.writerow(columns)
        writer.writerows(zip(*columns.values(), strict=True))


def _lines(file: Path, rows: list[Content]) -> None:
    file.write_text("".join(f"{json.dumps(row)}\n" for row in rows))
