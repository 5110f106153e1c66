"""Metrics and curves as metadata of artifacts, which the pages of Kubeflow Pipelines draw."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from assay.checkpoints.commit import load
from assay.checkpoints.manifest import root_of
from assay.proto import metrics_for_slice_pb2 as pb
from assay.report.grids.markdown_table import table
from assay.report.html.charts import Matrix, roc
from assay.results.class_names import NO_NAMES
from assay.results.files import records_of
from assay.results.keys import metric_key_from_proto
from assay.results.labels import labels_of, number_text
from assay.results.latest import results_folder

_MOST_METRICS, _MOST_POINTS = 200, 100
_MIDDLE = 0.5


def in_checkpoint(manifest: str, key: str) -> list[bytes]:
    """Records of an output in an evaluator's checkpoint."""
    from assay.checkpoints.transforms import read_output  # here, because a stage chooses how much of Beam is imported

    checkpoint = load(manifest)
    return [bytes(record) for record in read_output(root_of(manifest), checkpoint.task, checkpoint.shards, key)]


def in_results(output: str, key: str) -> list[bytes]:
    """Records of an output in the results of a run."""
    return list(records_of(results_folder(output), key))


def metrics_metadata(records: Iterable[bytes]) -> dict[str, float]:
    """Metrics of all rows: name -> value, for `system.Metrics`. Only those whose values are finite numbers."""
    overall = _overall(map(pb.MetricsForSlice.FromString, records))
    pairs = overall.metric_keys_and_values if overall is not None else ()
    values = {
        metric_key_from_proto(pair.key): pair.value.double_value.value
        for pair in pairs
        if pair.value.HasField("double_value") and math.isfinite(pair.value.double_value.value)
    }
    labels = labels_of(list(values), NO_NAMES)
    return {_told(label): values[key] for label, key in list(labels.items())[:_MOST_METRICS]}


def _told(label: str) -> str:
    return label.replace(" ", "_")


def classification_metadata(records: Iterable[bytes], model: str = "") -> dict[str, Any]:
    """ROC curve and confusion matrix of all rows for `system.ClassificationMetrics`; empty if there are none.

    Args:
        records: the plots.
        model: name of the model; "" for the only one.
    """
    overall = _overall(map(pb.PlotsForSlice.FromString, records))
    pairs = overall.plot_keys_and_values if overall is not None else ()
    for pair in pairs:
        matrices = pair.value.confusion_matrix_at_thresholds.matrices
        if matrices and (not model or pair.key.model_name == model):
            return {**_curve(matrices), **_matrix(matrices)}
    return {}


def _curve(matrices: Sequence[Matrix]) -> dict[str, Any]:
    if not roc(matrices):
        return {}
    step = max(1, len(matrices) // _MOST_POINTS)
    points = [
        {
            "confidenceThreshold": matrix.threshold,
            "recall": _share(matrix.true_positives, matrix.false_negatives),
            "falsePositiveRate": _share(matrix.false_positives, matrix.true_negatives),
        }
        for matrix in sorted(matrices, key=lambda matrix: matrix.threshold)[::step]
        if math.isfinite(matrix.threshold)
    ]
    return {"confidenceMetrics": points}


def _share(part: float, rest: float) -> float:
    return part / (part + rest) if part + rest else 0.0


def _matrix(matrices: Sequence[Matrix]) -> dict[str, Any]:
    """The matrix at the threshold that is nearest to 0.5; rows are labels."""
    middle = min(matrices, key=lambda matrix: abs(matrix.threshold - _MIDDLE))
    rows = [
        [middle.true_negatives, middle.false_positives],
        [middle.false_negatives, middle.true_positives],
    ]
    names = ["negative", "positive"]
    return {
        "confusionMatrix": {
            "annotationSpecs": [{"displayName": name} for name in names],
            "rows": [{"row": row} for row in rows],
        }
    }


def comparison(verdicts: Mapping[str, str], metrics: Mapping[str, Mapping[str, float]]) -> str:
    """Candidates as columns, their verdicts and metrics of all rows as rows: a table in Markdown."""
    names = list(verdicts)
    rows = [["verdict", *verdicts.values()]]
    for metric in dict.fromkeys(metric for each in metrics.values() for metric in each):
        values = [metrics[name].get(metric, math.nan) for name in names]
        rows.append([metric, *map(number_text, values)])
    return table(["", *names], rows) + "\n"


def _overall(records: Iterable[Any]) -> Any:
    return next((record for record in records if not record.slice_key.single_slice_keys), None)


def candidate_in(config: Mapping[str, Any]) -> str:
    """Name of the first model of an eval config that is not a baseline."""
    specs = config.get("model_specs", [])
    return next((spec.get("name", "") for spec in specs if not spec.get("is_baseline")), "")
