"""Models that return what does not fit their rows, and a writer that fails."""

import apache_beam as beam
import numpy as np

from assay import types
from assay.writers import Write


def one_too_few(columns):
    return columns["score"][1:]


def three_wide(columns):
    return np.stack([columns["score"]] * 3, axis=1)


def three_axes(columns):
    return np.zeros((len(columns["score"]), 2, 3))


def no_values(columns):
    return np.zeros((len(columns["score"]), 0))


def text(columns):
    return np.array(["yes"] * len(columns["score"]))


def one_number(columns):
    return 0.5


def two_outputs(columns):
    return {"left": columns["score"], "right": columns["score"]}


def not_finite_in_row_3(columns):
    return np.where(np.arange(len(columns["score"])) == 3, np.nan, columns["score"])


def failing(columns):
    raise KeyError("no such thing")


def failing_writer():
    return types.Writer("Mine", Write(types.METRICS_KEY, beam.Map(failing)))
