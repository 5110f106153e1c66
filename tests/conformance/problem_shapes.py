"""Problems of every shape, as data: rows and configs that TFMA and assay both evaluate.

A problem has several specs, which one run of TFMA evaluates at once; metrics are named `label/spec`, so that every
value tells where it comes from. Specs whose states TFMA takes for one another lie in different problems.
"""

import json
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import pandas as pd

from tests.conformance import shape_rows as rows

Metrics = Mapping[str, tuple[str, Mapping[str, Any]]]
"""Label -> class name, settings."""


class Spec(NamedTuple):
    """A metrics spec: its metrics, and what else it says."""

    metrics: Metrics
    options: str = ""
    names: tuple[str, ...] = ()
    """Of all values, where metrics keep their own names instead of being named after the spec."""
    threshold: str = ""
    """Of every metric."""


class Problem(NamedTuple):
    """Rows, models and specs."""

    frame: Callable[[], pd.DataFrame]
    models: str
    specs: Mapping[str, Spec]
    rest: str = "slicing_specs {} slicing_specs { feature_keys: 'group' }"
    has_baseline: bool = False
    is_wide: bool = False
    """Whether others say the same of fewer values."""


def config_of(problem: Problem, *names: str) -> str:
    """The EvalConfig of some specs of a problem; of all, if none is named."""
    asked = (_spec_text(problem.specs[name], name) for name in names or problem.specs)
    return "\n".join([problem.models, *asked, problem.rest])


def _spec_text(spec: Spec, name: str) -> str:
    metrics = []
    for label, (class_name, settings) in spec.metrics.items():
        named = settings if spec.names else {**settings, "name": f"{label}/{name}"}
        config = json.dumps(json.dumps(named))
        metrics.append(f"metrics {{ class_name: {class_name!r} config: {config} {spec.threshold} }}")
    return f"metrics_specs {{ {' '.join(metrics)} {spec.options} }}"


# Metrics --------------------------------------------------------------------------------------------------------------

_EVEN = {"num_thresholds": 9_999}
"""Evenly spaced thresholds, as TFMA has no others."""


def _by_name(*class_names: str) -> Metrics:
    return {name: (name, {}) for name in class_names}


COUNTED: Metrics = {
    **_by_name("Precision", "Recall", "F1Score", "BinaryAccuracy", "FPR", "MatthewsCorrelationCoefficient"),
    "Precision at 0.3": ("Precision", {"thresholds": [0.3]}),
    "Recall at 0.3": ("Recall", {"thresholds": [0.3]}),
}
"""Of a confusion matrix."""

RANKED: Metrics = {
    "AUC": ("AUC", _EVEN),
    "AUCPrecisionRecall": ("AUCPrecisionRecall", _EVEN),
    "AUC of 200": ("AUC", {"num_thresholds": 200}),
    "PrecisionAtRecall": ("PrecisionAtRecall", {"recall": 0.7, **_EVEN}),
    "SensitivityAtSpecificity": ("SensitivityAtSpecificity", {"specificity": 0.6, **_EVEN}),
}
"""Of all thresholds."""

MEANS = _by_name("MeanLabel", "MeanPrediction", "Calibration")
ERRORS = _by_name("MeanSquaredError", "MeanAbsoluteError", "MeanSquaredLogarithmicError")
COUNTS = _by_name("ExampleCount", "WeightedExampleCount")
LOSS = _by_name("BinaryCrossEntropy")

TABLES: Metrics = {
    "matrices": ("ConfusionMatrixAtThresholds", {"thresholds": [0.25, 0.5]}),
    "rates": ("TPR", {"thresholds": [0.5, 0.25]}),
    "ConfusionMatrixPlot": ("ConfusionMatrixPlot", {"num_thresholds": 20}),
    "CalibrationPlot": ("CalibrationPlot", {"num_buckets": 10}),
}
"""Of more than one number, which no mean is made of."""

VECTORS: Metrics = {
    "matrices": ("MultiClassConfusionMatrixAtThresholds", {"thresholds": [0.25, 0.5]}),
    "matrices plot": ("MultiClassConfusionMatrixPlot", {"thresholds": [0.25, 0.5]}),
    "labels plot": ("MultiLabelConfusionMatrixPlot", {"thresholds": [0.25, 0.5]}),
}
"""Of whole vectors; the first two share a state in TFMA."""

BINARY: Metrics = {**COUNTED, **RANKED, **MEANS, **ERRORS}
"""Of two classes."""

COUNTED_TABLES: Metrics = {label: asked for label, asked in TABLES.items() if label != "CalibrationPlot"}
AT_TOP_K: Metrics = {**COUNTED, **RANKED, **COUNTS, **COUNTED_TABLES}
"""What does without the scores beyond the k highest."""

OWN: Metrics = {**COUNTED, **RANKED}
"""With settings class_id and top_k."""


def _with(metrics: Metrics, **settings: int) -> Metrics:
    return {label: (class_name, {**own, **settings}) for label, (class_name, own) in metrics.items()}


# Specs ----------------------------------------------------------------------------------------------------------------


def _class_ids(*ids: int) -> str:
    return f"binarize {{ class_ids {{ values: {list(ids)} }} }}"


def _top(*ks: int) -> str:
    return f"top_k_list {{ values: {list(ks)} }}"


def _weights(*of_class: float) -> str:
    return " ".join(f"class_weights {{ key: {i} value: {weight} }}" for i, weight in enumerate(of_class))


def _average(kind: str, inside: str = "") -> str:
    return f"aggregate {{ {kind}_average: true {inside} }}"


def of_classes(
    ids: tuple[int, ...], ks: tuple[int, ...], weights: tuple[float, ...], micro_loss: bool
) -> dict[str, Spec]:
    """Specs of parts and averages. TFMA does not know class ids in a micro-averaged loss."""
    parts, scalars = {**BINARY, **COUNTS, **LOSS, **TABLES}, {**BINARY, **COUNTS, **LOSS}
    in_micro = {**BINARY, **COUNTS, **TABLES, **(LOSS if micro_loss else {})}
    every = _weights(*weights)
    return {
        "classes": Spec(parts, _class_ids(*ids)),
        "kth": Spec(parts, f"binarize {{ k_list {{ values: {list(ks)} }} }}"),
        "top": Spec(AT_TOP_K, f"binarize {{ {_top(*ks)} }}"),
        "micro": Spec(in_micro, _average("micro")),
        "macro": Spec(scalars, _average("macro", every)),
        "weighted macro": Spec(scalars, _average("weighted_macro", every)),
        "macro of some": Spec(scalars, _average("macro", _weights(3, 1))),
        "macro of top": Spec(scalars, _average("macro", _top(*ks))),
        "own class": Spec(_with(OWN, class_id=1)),
        "own top": Spec(_with(OWN, top_k=ks[-1])),
    }


OTHER_AVERAGES = {
    "weighted micro": Spec({**BINARY, **TABLES}, _average("micro", _weights(2, 0.5))),
    "micro of top": Spec({**AT_TOP_K}, _average("micro", _top(1, 2))),
    "errors of top": Spec({**ERRORS, **LOSS, "CalibrationPlot": TABLES["CalibrationPlot"]}, _average("micro", _top(2))),
    "weighted macro of some": Spec(BINARY, _average("weighted_macro", _weights(3, 1))),
    "classes and macro": Spec(BINARY, f"{_class_ids(0)} {_average('macro', _weights(2, 0.5, 1))}"),
    "classes and micro": Spec(OWN, f"{_class_ids(1)} {_average('micro')}"),
}
OF_VECTORS = {
    "vectors": Spec(VECTORS),
    "counts": Spec(COUNTS),
}
OF_VECTORS_OF_MANY = {**OF_VECTORS, "vectors": Spec({"labels plot": VECTORS["labels plot"]})}
OF_MATRICES = {
    "matrices": Spec(
        _by_name("MultiClassConfusionMatrixAtThresholds"),
        "",
        ("multi_class_confusion_matrix_at_thresholds",),
    ),
    "labels plot": Spec(_by_name("MultiLabelConfusionMatrixPlot"), names=("multi_label_confusion_matrix_plot",)),
}
OF_PLOTS = {
    "matrices plot": Spec(_by_name("MultiClassConfusionMatrixPlot"), names=("multi_class_confusion_matrix_plot",)),
    "even": Spec({"even": ("MultiLabelConfusionMatrixPlot", {"num_thresholds": 5})}),
}
OF_EVEN_PLOTS = {
    "even": Spec({"even": ("MultiClassConfusionMatrixPlot", {"num_thresholds": 5})}),
}
"""Thresholds that are not told."""
SHORT: Metrics = {
    **_by_name("Precision", "Recall", "BinaryAccuracy", "MeanLabel", "MeanPrediction", "MeanSquaredError"),
    "AUC": ("AUC", _EVEN),
}
SHORT_OF_CLASSES = {
    "classes": Spec(SHORT, _class_ids(0, 1)),
    "kth": Spec(SHORT, "binarize { k_list { values: [1, 2] } }"),
    "top": Spec(_by_name("Precision", "Recall"), f"binarize {{ {_top(1, 2)} }}"),
    "micro": Spec(SHORT, _average("micro")),
    "macro": Spec(SHORT, _average("macro", _weights(2, 0.5, 1))),
    "weighted macro": Spec(SHORT, _average("weighted_macro", _weights(2, 0.5, 1))),
    "matrices": Spec({"matrices": VECTORS["matrices"]}),
}
LIMITS = """threshold {
  value_threshold { lower_bound { value: 0.7 } }
  change_threshold { direction: HIGHER_IS_BETTER absolute { value: 0.25 } }
}"""
JUDGED = {
    name: spec._replace(metrics=_by_name("Precision", "Recall"), threshold=LIMITS)
    for name, spec in SHORT_OF_CLASSES.items()
    if name not in ("matrices", "weighted macro")  # TFMA finds no weighted macro average
}
ESTIMATED = {
    name: spec._replace(metrics=_by_name("Precision", "Recall", "MeanLabel", "ExampleCount"))
    for name, spec in SHORT_OF_CLASSES.items()
    if name in ("classes", "kth", "macro")  # TFMA takes counts under other averages for estimates
}

# Outputs and queries --------------------------------------------------------------------------------------------------


def _output_weights(**of_output: float) -> str:
    return " ".join(f"output_weights {{ key: {name!r} value: {weight} }}" for name, weight in of_output.items())


OF_OUTPUTS = {
    "clicks": Spec({**BINARY, **COUNTS}, "output_names: ['click']"),
    "classes": Spec(BINARY, f"output_names: ['kind'] {_class_ids(0, 2)}"),
    "micro": Spec(BINARY, f"output_names: ['kind'] {_average('micro')}"),
    "macro": Spec(BINARY, f"output_names: ['kind'] {_average('macro', _weights(2, 0.5, 1))}"),
    "vectors": Spec(VECTORS, "output_names: ['kind']"),
    "counts of both": Spec(
        COUNTS,
        f"output_names: ['click', 'kind'] {_output_weights(click=1, kind=3)}",
    ),
    "losses of both": Spec(
        {"MeanSquaredError": ("MeanSquaredError", {})},
        f"output_names: ['click', 'again'] {_output_weights(click=1, again=3)}",
    ),
    "one of both": Spec(
        {**COUNTED, **MEANS},
        f"output_names: ['click', 'again'] {_output_weights(again=3)}",
    ),
}
_GAINS: Mapping[str, Any] = {"gain_key": "gain", "top_k_list": [1, 3, 20]}
BY_QUERY = "query_key: 'query'"
_OF_LISTS = ("ndcg", "min_label_position", "first_bought")
_OF_STATISTICS = ("total_queries", "total_documents", "min_documents", "max_documents")
LISTS: Metrics = {
    "ndcg": ("NDCG", _GAINS),
    "first": ("MinLabelPosition", {}),
    "first bought": ("MinLabelPosition", {"label_key": "bought", "name": "first_bought"}),
}
STATISTICS = _by_name("QueryStatistics")
BY_ROW: Metrics = {**COUNTED, **RANKED, **MEANS, **ERRORS, **COUNTS}
OF_QUERIES = {
    "lists": Spec({**LISTS, **STATISTICS}, BY_QUERY, _OF_LISTS + _OF_STATISTICS),
    "rows": Spec({**BY_ROW, "CalibrationPlot": TABLES["CalibrationPlot"]}, BY_QUERY),
    "top": Spec({**COUNTED, **RANKED, **COUNTS}, f"{BY_QUERY} binarize {{ {_top(1, 3)} }}"),
    "own top": Spec(_with(COUNTED, top_k=2), BY_QUERY),
    "gains of top": Spec({"ndcg": ("NDCG", {"gain_key": "gain"})}, f"{BY_QUERY} binarize {{ {_top(2, 5)} }}"),
    "without queries": Spec({**COUNTED, **COUNTS}),
}
OF_UNWEIGHTED_QUERIES = {
    "lists": Spec(LISTS, "query_key: 'number'", _OF_LISTS),
    "top": Spec(COUNTED, f"query_key: 'number' binarize {{ {_top(1, 3)} }}"),
    "renamed": Spec(
        {"statistics": ("QueryStatistics", {"total_queries_name": "lists", "max_documents_name": "longest"})},
        "query_key: 'number'",
        ("lists", "total_documents", "min_documents", "longest"),
    ),
}
OF_QUERIES_OF_TWO = {
    "lists": Spec(LISTS, BY_QUERY, _OF_LISTS),
    "rows": Spec({**COUNTED, **COUNTS}, BY_QUERY),
    "top": Spec(COUNTED, f"{BY_QUERY} binarize {{ {_top(1, 3)} }}"),
}
OF_LISTS = {
    "numbers": Spec({**BINARY, **COUNTS}),
    "micro": Spec(BINARY, _average("micro")),
    "accuracies": Spec(
        {
            **_by_name("CategoricalAccuracy"),
            "top 2": ("TopKCategoricalAccuracy", {"k": 2}),
            "matrices": ("MultiClassConfusionMatrixAtThresholds", {"thresholds": [0.25, 0.5]}),
        }
    ),
}
OF_SHORT_LABELS = {
    "Keras": Spec(
        {
            **_by_name("CategoricalAccuracy", "CategoricalCrossentropy", "BinaryCrossentropy"),
            "top 2": ("TopKCategoricalAccuracy", {"k": 2}),
        }
    ),
}
JUDGED_QUERIES = {
    "gains of top": OF_QUERIES["gains of top"]._replace(threshold=LIMITS),
    "top": Spec(_by_name("Precision"), f"{BY_QUERY} binarize {{ {_top(1, 3)} }}", threshold=LIMITS),
}

# Problems -------------------------------------------------------------------------------------------------------------


def _model(label: str, prediction: str = "scores", weight: str = "weight", extra: str = "") -> str:
    keys = f"label_key: {label!r} prediction_key: {prediction!r}" + (
        f" example_weight_key: {weight!r}" if weight else ""
    )
    return f"model_specs {{ {keys} {extra} }}"


_BASELINE = "name: 'old' is_baseline: true"


def _two_models(label: str, prediction: str = "scores") -> str:
    new = _model(label, prediction, extra="name: 'new'")
    return f"{new} {_model(label, 'older', extra=_BASELINE)}"


def _map(field: str, **columns: str) -> str:
    return " ".join(f"{field} {{ key: {output!r} value: {column!r} }}" for output, column in columns.items())


_OUTPUTS = f"""model_specs {{
  {_map("label_keys", click="clicked", kind="id", again="clicked")}
  {_map("prediction_keys", click="click", kind="scores", again="later")}
  example_weight_key: 'weight'
}}"""
_PADDING = "padding_options { label_int_padding: 0 prediction_float_padding: 0.0001 }"
_INTERVALS = "options { compute_confidence_intervals { value: true } }"
_THREE = of_classes((0, 2), (1, 2), (2, 0.5, 1), micro_loss=False)
_TEN = of_classes((0, 3, 9), (1, 4), (1, 1, 2, 1, 1, 0.5, 1, 1, 1, 3), micro_loss=False)
_FOUR = of_classes((1, 3), (1, 3), (1, 1, 2, 1), micro_loss=True)
_TWO_COLUMNS = {
    "classes": Spec({**BINARY, **COUNTS, **LOSS, **TABLES}, _class_ids(1)),
    "micro": Spec(BINARY, _average("micro")),
    "macro": Spec(BINARY, _average("macro", _weights(1, 1))),
    "vectors": Spec(VECTORS),
}
_ONE_HOT = {
    name: spec
    for name, spec in of_classes((0, 2), (1, 2), (2, 0.5, 1), micro_loss=True).items()
    if name in ("classes", "kth", "top", "micro", "weighted macro")
} | {"losses": Spec(LOSS), **OF_VECTORS}

PROBLEMS: Mapping[str, Problem] = {
    "three classes": Problem(rows.three_classes, _model("id"), {**_THREE, **OF_VECTORS}),
    "three classes in other averages": Problem(rows.three_classes, _model("id"), OTHER_AVERAGES),
    "three classes of one-hot labels": Problem(rows.three_classes, _model("one_hot"), _ONE_HOT),
    "three classes without weights": Problem(
        rows.three_classes, _model("id", weight=""), SHORT_OF_CLASSES, is_wide=True
    ),
    "matrices": Problem(rows.three_classes, _model("id"), OF_MATRICES, rest=""),
    "plots": Problem(rows.three_classes, _model("id"), OF_PLOTS, rest=""),
    "even plots": Problem(rows.three_classes, _model("id"), OF_EVEN_PLOTS, rest="", is_wide=True),
    "ten classes": Problem(rows.ten_classes, _model("id"), {**_TEN, **OF_VECTORS}, rest="", is_wide=True),
    "two columns": Problem(rows.two_columns, _model("id"), _TWO_COLUMNS),
    "many of four": Problem(rows.many_of_four, _model("labels"), {**_FOUR, "losses": Spec(LOSS), **OF_VECTORS_OF_MANY}),
    "two models": Problem(rows.three_classes, _two_models("id"), SHORT_OF_CLASSES, has_baseline=True),
    "two models with thresholds": Problem(rows.three_classes, _two_models("id"), JUDGED, has_baseline=True),
    "intervals": Problem(rows.few_rows, _model("id"), ESTIMATED, rest=_INTERVALS),
    "outputs": Problem(rows.two_heads, _OUTPUTS, OF_OUTPUTS),
    "lists of different lengths": Problem(rows.lists, _model("labels", extra=_PADDING), OF_LISTS),
    "labels shorter than predictions": Problem(
        rows.lists, _model("cut", "all_scores", extra=_PADDING), OF_SHORT_LABELS
    ),
    "predictions shorter than labels": Problem(
        rows.lists, _model("all_labels", extra=_PADDING), {"Keras": Spec(OF_SHORT_LABELS["Keras"].metrics)}
    ),
    "queries": Problem(rows.queries, _model("label", "score"), OF_QUERIES),
    "queries without weights": Problem(rows.queries, _model("label", "score", ""), OF_UNWEIGHTED_QUERIES),
    "averages of queries without weights": Problem(
        rows.queries,
        _model("label", "score", ""),
        {"micro of top": Spec(COUNTED, f"query_key: 'number' {_average('micro', _top(1, 3))}")},
    ),
    "queries whose rows have weights": Problem(
        rows.queries, _model("label", "score", "row_weight"), {"rows": OF_QUERIES["rows"]}, is_wide=True
    ),
    "queries of two models": Problem(rows.queries, _two_models("label", "score"), OF_QUERIES_OF_TWO, has_baseline=True),
    "queries with thresholds": Problem(rows.queries, _two_models("label", "score"), JUDGED_QUERIES, has_baseline=True),
    "intervals of queries": Problem(
        rows.queries, _model("label", "score"), {"lists": OF_QUERIES_OF_TWO["lists"]}, rest=_INTERVALS, is_wide=True
    ),
}
