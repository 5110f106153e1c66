"""Models that are Python functions, as a user would write them."""

from __future__ import annotations

import threading

import numpy as np

calls: list[tuple[str, int]] = []
made: list[int] = []


def doubled(columns):
    return columns["x"] * 2


def seen(columns):
    calls.append((",".join(columns), len(columns["x"])))
    return columns["x"]


def scaled(scale):
    made.append(threading.get_ident())
    return lambda columns: columns["x"] * scale


def two_outputs(columns):
    return {"a": columns["x"][:, None], "b": np.stack([columns["x"], -columns["x"]], axis=1)}


def three_flat_outputs(columns):
    return {"a": columns["x"], "b": 2 * columns["x"], "c": 3 * columns["x"]}


def too_few(columns):
    return columns["x"][1:]


def fails(columns):
    raise ZeroDivisionError("by\nzero")


def unreachable(columns):
    raise ConnectionError("no route")


def words(columns):
    return np.array(["yes" if x > 0 else "no" for x in columns["x"]])


def columns_as_given(columns):
    return {name: column for name, column in columns.items()}


NOT_A_FUNCTION = 3
