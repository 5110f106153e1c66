"""Plans and data that every back end has to give the same results for.

A plan is compiled once. What differs between back ends are the values of its parameters: `data`, the URI of what it
reads, and `out`, the URI below which it writes: `${out}/results`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from assay.plan.analysis_file import compile_analysis
from assay.plan.plan import Plan
from tests.parity import datasets

OWN = "tests.parity.own_stages"


@dataclass(frozen=True, kw_only=True)
class Case:
    """A plan, its data, and what has to come out, so that the suite never compares two nothings.

    Attributes:
        name: of the case.
        write: fills a folder with what the plan reads.
        analysis: what stands in the analysis file beside `params` and `output`.
        rows: that were read.
        status: of the verdict.
        bad: number of bad rows.
        slices: number of slices.
        holds: parts of the results that may not be empty.
    """

    name: str
    write: Callable[[Path], None]
    analysis: Mapping[str, Any]
    rows: int
    status: str
    slices: int
    bad: int = 0
    holds: tuple[str, ...] = field(default=("metrics", "validations", "flat_metrics"))

    def plan(self) -> Plan:
        """The compiled plan, its parameters open."""
        params = {"data": None, "out": None}
        return compile_analysis({**self.analysis, "params": params, "output": "${out}/results"}, Path("/"))


def read(form: str, pattern: str = "part-*", **more: Any) -> dict[str, Any]:
    return {"format": form, "files": ["${data}/" + pattern], **more}


def metric(name: str, **more: Any) -> dict[str, Any]:
    return {"class_name": name, **more}


def at_least(bound: float) -> dict[str, Any]:
    return {"threshold": {"value_threshold": {"lower_bound": bound}}}


def better(absolute: float) -> dict[str, Any]:
    return {"threshold": {"change_threshold": {"direction": "HIGHER_IS_BETTER", "absolute": absolute}}}


SCORED = {"label_key": "label", "prediction_key": "score", "example_weight_key": "weight"}
FAMILY = [
    metric("AUC", **at_least(0.3)),
    metric("ExampleCount"),
    metric("Precision", config='"thresholds": [0.25, 0.5]'),
    metric("Calibration"),
    metric("MeanSquaredError"),
    metric("BinaryCrossEntropy"),
    metric("Mean", config='"feature_key_path": ["features", "age"]'),
    metric("FalseNegativeFeatureSampler", config='"feature_key": "id", "sample_size": 5, "threshold": 0.4'),
    metric("FalsePositiveFeatureSampler", config='"feature_key": "ident", "sample_size": 5'),
    metric("CalibrationPlot", config='"num_buckets": 20'),
    metric("ConfusionMatrixPlot", config='"num_thresholds": 50'),
]
OF_OWN_MODULES = [
    metric("Lift", module="tests.metrics.own_metrics", config='"thresholds": [0.4]', **at_least(0.1)),
    metric("PinballLoss", module="tests.metrics.own_metrics"),
    metric("MedianError", module="tests.metrics.own_metrics", config='"power": 2.0'),
    metric("RootMeanSquaredError", module="keras.metrics"),
    metric("Huber"),
]
"""A user's own metrics, in every form: declarations, a class, and those of Keras."""
SLICES = [
    {},
    {"feature_keys": ["group"]},
    {"feature_keys": ["tags"]},
    {"feature_keys": ["group", "level"]},
    {"feature_keys": ["level", "tags"], "feature_values": {"group": "a"}},
]
INTERVALS = {"compute_confidence_intervals": True, "confidence_intervals": {"method": "POISSON_BOOTSTRAP"}}


def config(specs: Any, metrics: Any, slices: Any = SLICES, **more: Any) -> dict[str, Any]:
    specs = specs if isinstance(specs, list) else [specs]
    return {"model_specs": specs, "slicing_specs": slices, "metrics_specs": [{"metrics": metrics}], **more}


def census() -> dict[str, Any]:
    """The demo's analysis file, reading from elsewhere."""
    analysis = yaml.safe_load((datasets.CENSUS / "analysis.yaml").read_text())
    models = [{**model, "uri": "${data}/" + model["uri"]} for model in analysis["models"]]
    return {**analysis, "models": models, "inputs": read("tfrecord", "eval-*.tfrecord.gz")}


TWO_MODELS = {
    "inputs": read("parquet"),
    "models": [
        {"name": "now", "type": "callable", "uri": f"{OWN}:logistic", "batch_rows": 100},
        {"name": "before", "type": "callable", "uri": f"{OWN}:scaled", "args": {"scale": 1.1}, "baseline": True},
    ],
    "eval_config": config(
        [
            {"name": "now", "label_key": "label", "example_weight_key": "weight"},
            {"name": "before", "label_key": "label", "example_weight_key": "weight", "is_baseline": True},
        ],
        [*FAMILY, metric("AUCPrecisionRecall", **better(0.0))],
        [*SLICES, {"feature_keys": ["age"], "missing": "slice"}],
        options=INTERVALS,
        bins={"age": {"edges": [30, 50]}},
        cross_slicing_specs=[{"slicing_specs": [{"feature_keys": ["group"]}]}],
        disparities=[{"slicing_spec": {"feature_keys": ["group"]}, "metrics": ["auc", "calibration"]}],
    ),
    "seed": 7,
    "gate": {
        "undecided": "warn",
        "min_rows": 40,
        "thresholds": [
            {"metric": "auc", "non_inferior": {"margin": 0.01}},
            {"metric": "mean_squared_error", "not_worse": {}},
            {"metric": "binary_crossentropy", "at_most": 0.7, "slices": [{}, {"feature_keys": ["group"]}]},
        ],
    },
}

LINES = [{"name": "WriteLines", "factory": f"{OWN}:write_lines", "args": {"path": "${out}/own"}}]
WITH_OWN_STAGES = {
    "inputs": read("parquet", batch_rows=128),
    "extractors": [
        {"name": "DropYoung", "factory": f"{OWN}:drop_young", "after": "ExtractPredictions", "adds": ["features"]}
    ],
    "evaluators": [
        {
            "name": "OutputsOfAllKinds",
            "factory": f"{OWN}:outputs_of_all_kinds",
            "run_after": "ExtractSliceKeys",
            "outputs": ["metrics", "messages", "texts", "values", "bytes", "batches"],
        },
        {"name": "RowsAsRead", "factory": f"{OWN}:rows_as_read", "run_after": "", "outputs": ["as_read"]},
    ],
    "writers": LINES,
    "models": [{"name": "m", "type": "callable", "uri": f"{OWN}:logistic"}],
    "eval_config": config({"label_key": "label"}, FAMILY, [*SLICES, {"feature_keys": ["decade"]}]),
    "analysis_table": True,
}

TYPES = {
    "inputs": read("parquet"),
    "evaluators": [
        {
            "name": "TypesAtLast",
            "factory": f"{OWN}:types_at_last",
            "run_after": "<last-extractor>",
            "outputs": ["types"],
        }
    ],
    "writers": LINES,
    "eval_config": config(SCORED, FAMILY[:2], [{}, {"feature_keys": ["group"]}]),
}

OWN_READER = {
    "inputs": {"factory": "tests.end_to_end.own_stages:read_numbers", "args": {"batches": 4, "rows": 100}},
    "eval_config": config(
        {"label_key": "label", "prediction_key": "score"},
        [*FAMILY[:6], *OF_OWN_MODULES],
        [{}, {"feature_keys": ["batch"]}],
    ),
    "output_file_format": "parquet",
}

BY_ROW = {
    "inputs": read("parquet"),
    "extractors": [
        {
            "name": "AddBand",
            "factory": "tests.end_to_end.own_stages:band_by_row",
            "per_row": True,
            "after": "ExtractFeatures",
            "adds": ["features"],
        }
    ],
    "eval_config": config(SCORED, [*FAMILY, *OF_OWN_MODULES], [*SLICES, {"feature_keys": ["band"]}]),
    "output_file_format": "parquet",
}

OF_CLASSES = {
    "inputs": read("parquet"),
    "eval_config": {
        **config({"label_key": "label", "prediction_key": "scores", "example_weight_key": "weight"}, []),
        "slicing_specs": [{}, {"feature_keys": ["group"]}],
        "metrics_specs": [
            {
                "binarize": {"class_ids": {"values": [0, 3]}, "top_k_list": {"values": [2]}},
                "metrics": [metric("Recall", **at_least(0.1)), metric("AUC"), metric("ConfusionMatrixPlot")],
            },
            {
                "aggregate": {"weighted_macro_average": True, "class_weights": {str(i): 1.0 for i in range(4)}},
                "metrics": [metric("AUC", **at_least(0.99)), metric("F1Score", config='"thresholds": [0.2]')],
            },
            {"metrics": [metric("CategoricalCrossEntropy"), metric("MultiClassConfusionMatrixPlot")]},
        ],
        "options": {"compute_confidence_intervals": True},
    },
}
RANKED = {
    "inputs": read("jsonl"),
    "eval_config": {
        **config({"label_key": "clicked", "prediction_key": "score", "example_weight_key": "weight"}, []),
        "slicing_specs": [{}, {"feature_keys": ["market"]}],
        "metrics_specs": [
            {"metrics": [metric("ExampleCount"), metric("AUC")]},
            {
                "query_key": "query",
                "metrics": [
                    metric("NDCG", config='"gain_key": "gain", "top_k_list": [1, 10]', **at_least(0.1)),
                    metric("MinLabelPosition"),
                    metric("QueryStatistics"),
                    metric("MAP"),
                ],
            },
        ],
        "options": INTERVALS,
    },
}

CASES = (
    Case(
        name="census",
        write=datasets.census,
        analysis=census(),
        rows=datasets.CENSUS_ROWS,
        status="NOT_BLESSED",
        slices=35,
        holds=("metrics", "plots", "validations", "flat_metrics"),
    ),
    Case(
        name="two models, intervals",
        write=datasets.binary_parquet,
        analysis=TWO_MODELS,
        rows=datasets.ROWS,
        status="NOT_BLESSED",
        slices=32,
        holds=("metrics", "plots", "validations", "flat_metrics"),
    ),
    Case(
        name="checkpoint every stage",
        write=datasets.binary_parquet,
        analysis={
            **TWO_MODELS,
            "checkpoint": "every",
            "analysis_table": True,
            "output_file_format": "parquet",
            "find_slices": {"min_rows": 10, "baseline": True, "most_worse": 0.0, "severity": "warn"},
        },
        rows=datasets.ROWS,
        status="NOT_BLESSED",
        slices=32,
        holds=("metrics", "plots", "validations", "flat_metrics", "analysis", "found_slices"),
    ),
    Case(
        name="several splits",
        write=datasets.several_splits,
        analysis={
            "inputs": read("parquet", batch_rows=100),
            "eval_config": config(SCORED, FAMILY, options=INTERVALS),
            "find_slices": {"min_rows": 10, "level": 3, "most_worse": 0.05},
        },
        rows=datasets.ROWS,
        status="BLESSED",
        slices=25,
    ),
    Case(
        name="found slices",
        write=datasets.worse_in_a_group,
        analysis={
            "inputs": read("parquet", batch_rows=100),
            "eval_config": config(SCORED, FAMILY, [{}, {"feature_keys": ["level"]}], options=INTERVALS),
            "find_slices": {"min_rows": 10, "features": ["group", "level", "age"], "metrics": True},
        },
        rows=datasets.ROWS,
        status="BLESSED",
        slices=5,
        holds=("metrics", "plots", "validations", "flat_metrics", "found_slices"),
    ),
    Case(
        name="regression",
        write=datasets.regression_csv,
        analysis={
            "inputs": read("csv"),
            "eval_config": config(
                [
                    {"name": "now", "label_key": "price", "prediction_key": "now"},
                    {"name": "before", "label_key": "price", "prediction_key": "before", "is_baseline": True},
                ],
                [
                    metric("MeanSquaredError", threshold={"value_threshold": {"upper_bound": 1.0}}),
                    metric("MeanAbsolutePercentageError"),
                    metric("MeanLabel"),
                ],
                [{}, {"feature_keys": ["city", "rooms"]}],
                options={"compute_confidence_intervals": True},
            ),
        },
        rows=datasets.ROWS,
        status="NOT_BLESSED",
        slices=7,
    ),
    Case(
        name="tf.Examples, two outputs",
        write=datasets.binary_examples,
        analysis={
            "inputs": read("tfrecord"),
            "models": [{"name": "m", "type": "callable", "uri": f"{OWN}:yes_and_no"}],
            "eval_config": {
                "model_specs": [{"label_keys": {"yes": "label", "no": "label"}, "example_weight_key": "weight"}],
                "slicing_specs": SLICES,
                "metrics_specs": [
                    {"output_names": ["yes", "no"], "metrics": [metric("AUC"), metric("MeanPrediction")]}
                ],
            },
        },
        rows=datasets.ROWS,
        status="NOT_EVALUATED",
        slices=25,
    ),
    Case(
        name="JSON lines",
        write=datasets.binary_jsonl,
        analysis={"inputs": read("jsonl"), "eval_config": config(SCORED, FAMILY)},
        rows=datasets.ROWS,
        status="BLESSED",
        slices=25,
    ),
    Case(
        name="classes and averages",
        write=datasets.classes_parquet,
        analysis=OF_CLASSES,
        rows=datasets.ROWS,
        status="NOT_BLESSED",
        slices=3,
        holds=("metrics", "plots", "validations", "flat_metrics"),
    ),
    Case(
        name="ranked lists",
        write=datasets.ranked_jsonl,
        analysis=RANKED,
        rows=datasets.ROWS,
        status="BLESSED",
        slices=3,
    ),
    Case(
        name="stages of one's own",
        write=datasets.binary_parquet,
        analysis=WITH_OWN_STAGES,
        rows=datasets.ROWS,
        status="BLESSED",
        slices=30,
        holds=("metrics", "plots", "validations", "flat_metrics", "analysis", "own"),
    ),
    Case(
        name="types that stages see",
        write=datasets.binary_parquet,
        analysis=TYPES,
        rows=datasets.ROWS,
        status="BLESSED",
        slices=4,
        holds=("metrics", "own"),
    ),
    Case(
        name="a reader of one's own",
        write=datasets.nothing,
        analysis=OWN_READER,
        rows=400,
        status="BLESSED",
        slices=3,
    ),
    Case(
        name="a stage by row",
        write=datasets.binary_parquet,
        analysis=BY_ROW,
        rows=datasets.ROWS,
        status="BLESSED",
        slices=28,
    ),
    Case(
        name="late labels",
        write=datasets.late_labels,
        analysis={
            "inputs": read(
                "parquet",
                join={"format": "csv", "files": ["${data}/labels.csv"], "on": ["id"], "max_unmatched": "5%"},
            ),
            "eval_config": config(SCORED, FAMILY[:6], [{}, {"feature_keys": ["group", "level"]}]),
        },
        rows=800,
        status="NOT_EVALUATED",
        slices=10,
    ),
    Case(
        name="bad rows",
        write=datasets.bad_rows,
        analysis={
            "inputs": read("csv"),
            "eval_config": config(
                SCORED, [*FAMILY[:6], *OF_OWN_MODULES], [{}, {"feature_keys": ["group", "level"]}], options=INTERVALS
            ),
            "on_bad_rows": "skip",
            "max_bad_rows": "1%",
            "output_file_format": "parquet",
        },
        rows=datasets.ROWS,
        status="BLESSED",
        slices=10,
        bad=5,
    ),
    Case(
        name="no rows",
        write=datasets.no_rows,
        analysis={"inputs": read("parquet"), "eval_config": config(SCORED, FAMILY), "analysis_table": True},
        rows=0,
        status="NOT_EVALUATED",
        slices=0,
        holds=("validations", "flat_metrics"),
    ),
)

CASE_OF = {case.name: case for case in CASES}
