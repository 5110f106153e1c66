"""Values of records of either library as arrays, or as numbers by cell."""

import numpy as np


def number_in(value):
    if value.HasField("double_value"):
        return np.asarray(value.double_value.value)
    if value.HasField("array_value"):
        return np.asarray(value.array_value.float64_values or value.array_value.float32_values)
    if value.HasField("multi_class_confusion_matrix_at_thresholds"):
        return cells_in(value.multi_class_confusion_matrix_at_thresholds)
    return matrices_in(value.confusion_matrix_at_thresholds)


def matrices_in(message):
    return np.array([_doubles_in(matrix) for matrix in message.matrices])


def cells_in(message):
    """(threshold, actual class, predicted class) -> numbers, of matrices of several classes or labels."""
    return {
        (round(matrix.threshold, 9), entry.actual_class_id, entry.predicted_class_id): _doubles_in(entry)
        for matrix in message.matrices
        for entry in matrix.entries
    }


def parts_of_plot(value):
    """What plots hold, by what it is; only what there is."""
    buckets = value.calibration_histogram_buckets.buckets
    edges = [[bucket.lower_threshold_inclusive, bucket.upper_threshold_exclusive] for bucket in buckets]
    sums = [
        [part.value for part in (b.num_weighted_examples, b.total_weighted_label, b.total_weighted_refined_prediction)]
        for b in buckets
    ]
    parts = {
        "matrices": matrices_in(value.confusion_matrix_at_thresholds),
        "edges": np.array(edges),
        "sums": np.array(sums),
        "classes": cells_in(value.multi_class_confusion_matrix_at_thresholds),
        "labels": cells_in(value.multi_label_confusion_matrix_at_thresholds),
    }
    return {name: part for name, part in parts.items() if len(part)}


def _doubles_in(message):
    fields = [field for field in message.DESCRIPTOR.fields if field.cpp_type == field.CPPTYPE_DOUBLE]
    return np.array([getattr(message, field.name) for field in fields])
