"""Eval configs whose fields are right, and whose values are not."""

from __future__ import annotations

from typing import Any

INF = float("inf")
METRIC = "eval_config.metrics_specs.0.metrics.0"
VALUE = f"{METRIC}.threshold.value_threshold"
SPEC = "eval_config.model_specs.0"
METRICS_SPEC = "eval_config.metrics_specs.0"
FRANCE = {"feature_values": {"country": "fr"}}
BOUND = {"value_threshold": {"lower_bound": 0.1}}
CHANGE = {"change_threshold": {"direction": "HIGHER_IS_BETTER", "absolute": 0.0}}

IN_CONFIG: dict[str, list[tuple[Any, ...]]] = {
    # Thresholds
    "a threshold without bounds": [
        ("binary", VALUE, {}),
        ("binary", f"{METRIC}.threshold", {}),
        ("models", f"{METRIC}.threshold", {"change_threshold": {"direction": "HIGHER_IS_BETTER"}}),
        ("regression", VALUE, {"upper_bound": INF}),
    ],
    "lower over upper": [
        ("binary", VALUE, {"lower_bound": 0.9, "upper_bound": 0.1}),
        ("classes", VALUE, {"lower_bound": 1, "upper_bound": 0}),
    ],
    "a bound that no value can fail or meet": [
        ("binary", VALUE, {"lower_bound": 50}),
        ("binary", VALUE, {"upper_bound": 80}),
        ("binary", VALUE, {"lower_bound": -0.5}),
        ("classes", VALUE, {"lower_bound": 95.0}),
        ("regression", VALUE, {"upper_bound": -1}),
    ],
    "a change without a direction": [
        ("models", f"{METRIC}.threshold", {"change_threshold": {"absolute": -0.1}}),
    ],
    "a threshold on a metric that is not computed": [
        (
            "binary",
            "eval_config.metrics_specs.0.thresholds",
            {"mean_labels": BOUND},
            ("'mean_labels'",),
            ("did you mean 'mean_label'?",),
        ),
        ("binary", "eval_config.metrics_specs.0.thresholds", {"AUC": BOUND}, ("'AUC'",), ("did you mean 'auc'?",)),
        ("models", f"{METRICS_SPEC}.thresholds", {"accuracy": BOUND}, ("'accuracy'",), ("add ",)),
        ("ranking", f"{METRICS_SPEC}.thresholds", {"ndgc": BOUND}, ("'ndgc'",), ("did you mean 'ndcg'?",)),
        ("classes", "eval_config.metrics_specs.1.thresholds", {"aucs": BOUND}, ("'aucs'",)),
    ],
    "a threshold on a plot": [
        ("classes", "eval_config.metrics_specs.0.metrics.1.threshold", BOUND),
    ],
    "a threshold on a slice that is not asked for": [
        (
            "binary",
            "eval_config.metrics_specs.0.metrics.2.per_slice_thresholds.0.slicing_specs.0",
            {"feature_keys": ["device"]},
            ("per_slice_thresholds[0].slicing_specs[0]", "device"),
        ),
        (
            "ranking",
            f"{METRIC}.per_slice_thresholds.0.slicing_specs.0",
            FRANCE,
            ("per_slice_thresholds[0].slicing_specs[0]", "country=fr"),
        ),
        (
            "regression",
            f"{METRIC}.per_slice_thresholds",
            [{"slicing_specs": [{"feature_keys": ["twon"]}], "threshold": BOUND}],
            ("twon",),
        ),
    ],
    "a change without a baseline": [
        ("binary", f"{METRIC}.threshold", CHANGE, ("metrics_specs[0].metrics[0].threshold",), ("baseline",)),
        ("classes", f"{METRIC}.threshold", CHANGE, ("metrics_specs[0].metrics[0].threshold",), ("baseline",)),
    ],
    "a change of a column": [
        (
            "ranking",
            f"{METRICS_SPEC}.metrics",
            [{"class_name": "Mean", "config": {"feature_key_path": ["features", "gain"]}, "threshold": CHANGE}],
            ("metrics_specs[0].metrics[0]", "Mean"),
        ),
    ],
    "a pair of slices": [
        (
            "binary",
            f"{METRIC}.cross_slice_thresholds",
            [{"cross_slicing_specs": [{"baseline_spec": {}, "slicing_specs": [FRANCE]}], "threshold": BOUND}],
            ("cross_slice_thresholds[0].cross_slicing_specs[0]",),
            ("remove",),
        ),
    ],
    # Classes, averages, ks
    "a wrong binarization": [
        ("classes", "eval_config.metrics_specs.1.binarize", {}, ("metrics_specs[1].binarize",)),
        ("classes", "eval_config.metrics_specs.1.binarize.class_ids.values", [], ("metrics_specs[1].binarize",)),
        (
            "classes",
            "eval_config.metrics_specs.1.binarize",
            {"k_list": {"values": [0]}},
            ("metrics_specs[1].binarize.k_list",),
        ),
        (
            "classes",
            "eval_config.metrics_specs.1.binarize",
            {"k_list": {"values": [9]}},
            ("metrics_specs[1]", "k_list"),
        ),
        (
            "classes",
            "eval_config.metrics_specs.1.binarize",
            {"top_k_list": {"values": [-2]}},
            ("metrics_specs[1].binarize.top_k_list",),
        ),
        (
            "classes",
            "eval_config.metrics_specs.0.binarize",
            {"class_ids": {"values": [0]}},
            ("metrics_specs[0].metrics[0]", "binarize"),
        ),
        (
            "binary",
            "eval_config.metrics_specs.0.binarize",
            {"class_ids": {"values": [0]}},
            ("AUC", "'score'", "class_ids"),
        ),
    ],
    "a wrong aggregation": [
        ("classes", "eval_config.metrics_specs.2.aggregate", {}, ("metrics_specs[2].aggregate",)),
        (
            "classes",
            "eval_config.metrics_specs.2.aggregate",
            {"micro_average": True, "macro_average": True},
            ("metrics_specs[2].aggregate",),
        ),
        (
            "classes",
            "eval_config.metrics_specs.2.aggregate.class_weights",
            {"0": -1.0},
            ("metrics_specs[2].aggregate.class_weights",),
        ),
        (
            "classes",
            "eval_config.metrics_specs.2.aggregate.class_weights",
            {"zero": 1.0},
            ("metrics_specs[2].aggregate.class_weights", "'zero'"),
            ("whole number", "0"),
        ),
        (
            "classes",
            "eval_config.metrics_specs.2.aggregate.class_weights",
            {"0": 0.0},
            ("metrics_specs[2].aggregate.class_weights",),
        ),
        ("classes", "eval_config.metrics_specs.2.aggregate.class_weights", {"7": 1.0}, ("metrics_specs[2]", "7")),
        (
            "classes",
            "eval_config.metrics_specs.2.aggregate.top_k_list",
            {"values": [1]},
            ("metrics_specs[2].aggregate",),
        ),
        (
            "regression",
            "eval_config.metrics_specs.0.aggregate",
            {"macro_average": True},
            ("metrics_specs[0].aggregate",),
        ),
    ],
    "weights of outputs that are not there": [
        (
            "binary",
            "eval_config.metrics_specs.0.output_weights",
            {"head": 1.0},
            ("metrics_specs[0].output_weights", "'head'"),
        ),
    ],
    "a wrong top k": [
        ("ranking", f"{METRIC}.config", {}, ("metrics_specs[0].metrics[0].config", "'top_k_list'")),
        ("ranking", f"{METRIC}.config.top_k_list", [], ("top_k_list",)),
        ("binary", f"{METRIC}.config", {"top_k": 0}, ("metrics_specs[0].metrics[0]", "top_k")),
    ],
    "a query that is not there": [
        ("ranking", f"{METRICS_SPEC}.query_key", "", ("metrics_specs[0]", "query_key")),
    ],
    # Labels, predictions, weights
    "values that do not fit": [
        ("binary", f"{SPEC}.label_key", "country", ("'country'", "label_key")),
        ("regression", f"{SPEC}.prediction_key", "town", ("'town'", "prediction_key")),
        ("regression", f"{METRICS_SPEC}.metrics", [{"class_name": "AUC"}], ("AUC", "'price'")),
        ("binary", f"{SPEC}.example_weight_key", "device", ("'device'", "example_weight_key")),
        ("classes", f"{SPEC}.classes", ["zero", "one"], ("classes",)),
        ("binary", f"{SPEC}.positive_label", "yes", ("'label'", "positive_label")),
    ],
    "labels said twice": [
        ("classes", f"{SPEC}.positive_label", "one"),
        ("binary", f"{SPEC}.label_keys", {"head": "label"}, ("label_key",)),
    ],
    "an unknown link": [
        ("binary", f"{SPEC}.link", "logits", (), ("did you mean 'logit'?",)),
    ],
    "an unknown scale": [
        ("binary", f"{SPEC}.scale", "percents", (), ("did you mean 'percent'?",)),
    ],
    "an empty name": [
        ("binary", "eval_config.slicing_specs.1.feature_keys", [""], ("slicing_specs[1].feature_keys[0]",)),
        ("binary", "inputs.files", [], ("inputs.files",)),
        ("binary", "output", "", ("output",)),
        ("models", "models.0.name", "", ("models[0].name",)),
        ("models", "models.0.uri", "", ("models[0].uri",)),
    ],
    "an empty list": [
        ("binary", f"{METRICS_SPEC}.metrics", [], ("metrics_specs",)),
        ("binary", "eval_config.metrics_specs", [], ("metrics_specs",)),
        ("binary", "eval_config", {}, ("metrics_specs",)),
        (
            "binary",
            "eval_config.metrics_specs.0.metrics.2.per_slice_thresholds.0.slicing_specs",
            [],
            ("slicing_specs",),
        ),
    ],
    # Confidence
    "confidence out of place": [
        ("binary", "eval_config.options.compute_confidence_intervals", None, ("options.confidence_intervals",)),
        ("binary", "eval_config.options.confidence_intervals.method", 7, ("options.confidence_intervals.method",)),
        (
            "binary",
            "eval_config.options.confidence_intervals",
            {"level": 0.99},
            ("options.confidence_intervals.level",),
        ),
    ],
    "an unknown output to disable": [
        (
            "binary",
            "eval_config.options.disabled_outputs.values",
            ["metrics"],
            ("options.disabled_outputs", "'metrics'"),
        ),
        (
            "binary",
            "eval_config.options.disabled_outputs.values",
            ["plot"],
            ("options.disabled_outputs", "'plot'"),
            ("did you mean 'plots'?",),
        ),
    ],
}
"""Kind of mistake -> rows of (analysis, path, value, what must be named, cures); see `mutant_values`."""
