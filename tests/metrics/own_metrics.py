"""Metrics of a user's own, in every form."""

import numpy as np

from assay.metrics.own import Confusion, Curve, ErrorTerms, Floats, mean_of, metric, ratio


@metric("Lift", needs=Confusion(), better="higher", range="[0, inf)", undefined="no positive predictions or labels")
def lift(c: Curve) -> Floats:
    """Precision over prevalence."""
    return ratio(ratio(c.tp, c.tp + c.fp), ratio(c.tp + c.fn, c.tp + c.fn + c.tn + c.fp))


def pinball(labels: Floats, predictions: Floats) -> Floats:
    """The loss of a prediction of the 0.9 quantile."""
    return np.maximum(0.9 * (labels - predictions), 0.1 * (predictions - labels))


@metric("PinballLoss", needs=mean_of(pinball), better="lower", range="[0, inf)", undefined="weights sum to 0")
def pinball_loss(e: ErrorTerms) -> Floats:
    """Mean over rows."""
    return ratio(e.error, e.weight)


def cosine(labels: Floats, predictions: Floats) -> Floats:
    """The cosine of the angle between one-hot labels and predictions; 0 without a label."""
    norms = np.linalg.norm(labels, axis=1) * np.linalg.norm(predictions, axis=1)
    return np.where(norms > 0, (labels * predictions).sum(1) / np.where(norms > 0, norms, 1), 0)


@metric("LabelCosine", needs=mean_of(cosine, of_vectors=True), better="higher", range="[-1, 1]", undefined="no weight")
def label_cosine(e: ErrorTerms) -> Floats:
    """Mean over rows."""
    return ratio(e.error, e.weight)


class MedianError:
    """The weighted median of absolute errors: the least error that half of the weight does not exceed."""

    better = "lower"
    range = "[0, inf)"

    def __init__(self, power: float = 1.0) -> None:
        self.power = power
        self.errors: list[Floats] = []
        self.weights: list[Floats] = []

    def update(self, labels, predictions, weights):
        self.errors.append(np.abs(labels - predictions) ** self.power)
        self.weights.append(weights)

    def merge(self, other):
        self.errors += other.errors
        self.weights += other.weights

    def result(self):
        errors, weights = np.concatenate(self.errors), np.concatenate(self.weights)
        order = np.argsort(errors)
        passed = np.cumsum(weights[order])
        return errors[order][np.searchsorted(passed, passed[-1] / 2 * (1 - 1e-12))]


class LargestScore:
    """The largest score, in a state of one number; its weight makes no difference, and it returns what it merges."""

    def __init__(self) -> None:
        self.largest = -np.inf

    def update(self, labels, predictions, weights):
        self.largest = max(self.largest, predictions.max())

    def merge(self, other):
        merged = LargestScore()
        merged.largest = max(self.largest, other.largest)
        return merged

    def result(self):
        return self.largest


class TotalScore:
    """The sum of all scores, which adds up."""

    adds_up = True

    def __init__(self) -> None:
        self.total = 0.0

    def update(self, labels, predictions, weights):
        self.total += float(weights @ predictions)

    def merge(self, other):
        self.total += other.total

    def result(self):
        return self.total


class SmallestMargin:
    """The least distance between the two highest scores of a row, which takes a score for each class."""

    of_vectors = True
    range = "[0, inf)"

    def __init__(self) -> None:
        self.least = np.inf

    def update(self, labels, predictions, weights):
        assert labels.shape == predictions.shape
        ordered = np.sort(predictions, axis=1)
        self.least = min(self.least, (ordered[:, -1] - ordered[:, -2]).min())

    def merge(self, other):
        self.least = min(self.least, other.least)

    def result(self):
        return self.least
