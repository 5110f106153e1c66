"""Keras metrics of a user's own."""

import keras  # noqa: TID253, as users do


class Bias(keras.metrics.Metric):
    """The mean of prediction - label."""

    def __init__(self, name="bias", dtype=None):
        super().__init__(name=name, dtype=dtype)
        self.total = self.add_variable((), initializer="zeros", name="total")
        self.weight = self.add_variable((), initializer="zeros", name="weight")

    def update_state(self, y_true, y_pred, sample_weight=None):
        errors = keras.ops.sum(keras.ops.convert_to_tensor(y_pred - y_true, self.dtype), axis=-1)
        weights = keras.ops.ones_like(errors) if sample_weight is None else sample_weight
        self.total.assign_add(keras.ops.sum(errors * weights))
        self.weight.assign_add(keras.ops.sum(weights))

    def result(self):
        return self.total / self.weight


class Broken(Bias):
    """Raises with the first rows."""

    def update_state(self, y_true, y_pred, sample_weight=None):
        raise KeyError("age")
