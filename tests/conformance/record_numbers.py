"""Values of records of either library as arrays."""

import numpy as np


def number_in(value):
    if value.HasField("double_value"):
        return np.asarray(value.double_value.value)
    if value.HasField("array_value"):
        return np.asarray(value.array_value.float64_values or value.array_value.float32_values)
    return matrices_in(value.confusion_matrix_at_thresholds)


def matrices_in(message):
    fields = [f for f in message.DESCRIPTOR.nested_types[0].fields if f.cpp_type == f.CPPTYPE_DOUBLE]
    return np.array([[getattr(matrix, f.name) for f in fields] for matrix in message.matrices])
