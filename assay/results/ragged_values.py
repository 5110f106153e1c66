"""Values whose size differs from slice to slice, as messages: one for each slice."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from assay.metrics.values import Floats, MultiClassMatrices, MultiLabelMatrices, ShownValues
from assay.proto import metrics_for_slice_pb2 as pb

_INT64 = np.iinfo(np.int64)


def metric_values(value: ShownValues | MultiClassMatrices) -> Iterator[pb.MetricValue]:
    """The value of each slice."""
    if isinstance(value, ShownValues):
        yield from (pb.MetricValue(array_value=_array(of_slice)) for of_slice in value.values)
        return
    for cells in value.cells:
        yield pb.MetricValue(multi_class_confusion_matrix_at_thresholds=_multi_class(value.thresholds, cells))


def plot_data(value: MultiClassMatrices | MultiLabelMatrices) -> Iterator[pb.PlotData]:
    """The data of each slice."""
    for cells in value.cells:
        if isinstance(value, MultiClassMatrices):
            yield pb.PlotData(multi_class_confusion_matrix_at_thresholds=_multi_class(value.thresholds, cells))
        else:
            yield pb.PlotData(multi_label_confusion_matrix_at_thresholds=_multi_label(value.thresholds, cells))


def _array(values: npt.NDArray[Any]) -> pb.ArrayValue:
    """A sample of the data as an array: whole numbers as int64, numbers as doubles, all else as text or bytes."""
    array = pb.ArrayValue(shape=[len(values)])
    if all(isinstance(value, int) and _INT64.min <= value <= _INT64.max for value in values):
        array.data_type = pb.ArrayValue.INT64
        array.int64_values.extend(values)
    elif all(isinstance(value, int | float) and float(value) == value for value in values):
        array.data_type = pb.ArrayValue.FLOAT64
        array.float64_values.extend(map(float, values))
    else:
        array.data_type = pb.ArrayValue.BYTES
        array.bytes_values.extend(v if isinstance(v, bytes) else str(v).encode() for v in values)
    return array


def _multi_class(thresholds: Floats, cells: Floats) -> pb.MultiClassConfusionMatrixAtThresholds:
    message = pb.MultiClassConfusionMatrixAtThresholds()
    matrices = [message.matrices.add(threshold=threshold).entries for threshold in thresholds.tolist()]
    for at, actual, predicted, weight in cells.tolist():
        matrices[int(at)].add(
            actual_class_id=int(actual), predicted_class_id=int(predicted), num_weighted_examples=weight
        )
    return message


def _multi_label(thresholds: Floats, cells: Floats) -> pb.MultiLabelConfusionMatrixAtThresholds:
    message = pb.MultiLabelConfusionMatrixAtThresholds()
    matrices = [message.matrices.add(threshold=threshold).entries for threshold in thresholds.tolist()]
    for at, actual, predicted, fn, tn, fp, tp in cells.tolist():
        matrices[int(at)].add(
            actual_class_id=int(actual),
            predicted_class_id=int(predicted),
            false_negatives=fn,
            true_negatives=tn,
            false_positives=fp,
            true_positives=tp,
        )
    return message
