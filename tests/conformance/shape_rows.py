"""Rows of problems of every shape: classes as ids, one-hot and multi-hot, several outputs, queries."""

from functools import lru_cache

import numpy as np
import numpy.typing as npt
import pandas as pd

ROWS = 120
Floats = npt.NDArray[np.float64]


def _vectors(values: Floats) -> list[Floats]:
    return list(values)


def _probabilities(rng: np.random.Generator, ids: npt.NDArray[np.int64], classes: int, skill: float) -> Floats:
    raised = np.exp(rng.normal(size=(len(ids), classes)) + skill * np.eye(classes)[ids])
    return np.asarray(raised / raised.sum(axis=1, keepdims=True))


def _one_of_many(classes: int, seed: int, count: int = ROWS) -> pd.DataFrame:
    """One class a row, as id and as one-hot vector; scores of two models; uneven classes and weights."""
    rng = np.random.default_rng(seed)
    ids = np.minimum(rng.geometric(1.8 / classes, count) - 1, classes - 1)
    return pd.DataFrame(
        {
            "id": ids,
            "one_hot": _vectors(np.eye(classes)[ids]),
            "scores": _vectors(_probabilities(rng, ids, classes, 1.3)),
            "older": _vectors(_probabilities(rng, ids, classes, 0.4)),
            "weight": rng.lognormal(0, 0.7, count),
            "group": rng.choice(["a", "b"], count),
        }
    )


@lru_cache
def three_classes() -> pd.DataFrame:
    """Three classes."""
    return _one_of_many(3, 1)


@lru_cache
def few_rows() -> pd.DataFrame:
    """Three classes, in few rows."""
    return _one_of_many(3, 8, 40)


@lru_cache
def ten_classes() -> pd.DataFrame:
    """Ten classes."""
    return _one_of_many(10, 2, 80)


@lru_cache
def two_columns() -> pd.DataFrame:
    """Two classes, the scores as [p0, p1]."""
    return _one_of_many(2, 3)


@lru_cache
def many_of_four() -> pd.DataFrame:
    """None to four of four classes a row."""
    rng = np.random.default_rng(4)
    labels = (rng.random((ROWS, 4)) < [0.2, 0.5, 0.7, 0.4]).astype(float)
    labels[:2], labels[2:4] = 0, 1
    scores = np.clip(0.4 * labels + 0.6 * rng.random((ROWS, 4)), 0.001, 0.999)
    return pd.DataFrame(
        {
            "labels": _vectors(labels),
            "scores": _vectors(scores),
            "weight": rng.lognormal(0, 0.7, ROWS),
            "group": rng.choice(["a", "b"], ROWS),
        }
    )


@lru_cache
def two_heads() -> pd.DataFrame:
    """Outputs of a model: `click` and `later` are one probability, `scores` are those of three classes."""
    rng = np.random.default_rng(5)
    clicked = (rng.random(ROWS) < 0.4).astype(float)
    click, later = np.clip(0.3 * clicked + 0.7 * rng.random((2, ROWS)), 0, 1)
    return _one_of_many(3, 6).assign(clicked=clicked, click=click, later=later)


@lru_cache
def lists() -> pd.DataFrame:
    """Lists of 2 to 5 classes a row, of which it has one, beside labels and scores of all five."""
    rng = np.random.default_rng(9)
    sizes = rng.integers(2, 6, ROWS)
    ids = np.minimum(rng.integers(0, 5, ROWS), sizes - 1)
    one_hot, scores = np.eye(5, dtype=int)[ids], _probabilities(rng, ids, 5, 1.0)
    return pd.DataFrame(
        {
            "labels": [row[:size] for row, size in zip(one_hot, sizes, strict=True)],
            "scores": [row[:size] for row, size in zip(scores, sizes, strict=True)],
            "cut": [row[: max(2, i + 1)] for row, i in zip(one_hot, ids, strict=True)],
            "all_labels": list(one_hot),
            "all_scores": _vectors(np.round(0.9 * scores, 3) + 0.02),
            "weight": rng.integers(1, 16, ROWS) / 4,
            "group": rng.choice(["a", "b"], ROWS),
        }
    )


@lru_cache
def queries() -> pd.DataFrame:
    """40 queries of 3 to 8 rows in mixed order: one without a gain, no ties, one weight a query."""
    rng = np.random.default_rng(7)
    query = np.repeat(np.arange(40), rng.integers(3, 9, 40))
    rng.shuffle(query)
    rows = len(query)
    gain = rng.choice([0.0, 0.0, 1.0, 2.0, 3.0], rows)
    gain[query == 3] = 0
    return pd.DataFrame(
        {
            "query": [f"q{number}" for number in query],
            "number": query,
            "gain": gain,
            "label": (gain > 0).astype(float),
            "bought": (rng.random(rows) < 0.3).astype(float),
            "score": rng.permutation(rows) / rows * 0.9 + 0.05,
            "older": rng.permutation(rows) / rows * 0.9 + 0.05,
            "weight": rng.lognormal(0, 0.7, 40)[query],
            "row_weight": rng.lognormal(0, 0.7, rows),
            "group": rng.choice(["a", "b"], rows),
        }
    )
