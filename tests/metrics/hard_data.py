"""Data on which a wrong engine shows: lognormal weights, scores at 0 and 1 and on bucket edges, single-class slices."""

import numpy as np
import pyarrow as pa


def hard_batch(rows: int, seed: int = 7) -> dict:
    """Features, labels, predictions, baseline and weights of `rows` rows."""
    rng = np.random.default_rng(seed)
    labels = (rng.random(rows) < 0.3).astype(float)
    scores = np.clip(rng.normal(0.35 + 0.25 * labels, 0.25), 0, 1)
    scores[::17] = rng.choice([0.0, 1.0, 0.5, 0.25, 0.0001, 0.9999, 1e-12], len(scores[::17]))
    scores[5::23] = rng.integers(0, 10_001, len(scores[5::23])) / 10_000
    group = rng.choice(["a", "b", "only positives", "only negatives"], rows, p=[0.6, 0.3, 0.05, 0.05])
    labels[group == "only positives"], labels[group == "only negatives"] = 1.0, 0.0
    return {
        "features": {"group": pa.array(group), "level": pa.array(rng.integers(0, 7, rows))},
        "labels": labels,
        "predictions": scores,
        "baseline": np.clip(scores + rng.normal(0, 0.1, rows), 0, 1),
        "example_weights": rng.lognormal(0, 1.5, rows),
    }


def hard_classes(rows: int, classes: int = 6, seed: int = 8) -> dict:
    """The same with a score for each class, which tie now and then, and class ids as labels, of which some are -1."""
    rng = np.random.default_rng(seed)
    batch = hard_batch(rows, seed)
    labels = rng.integers(-1, classes, rows)
    labels[batch["labels"] == 1] = 1
    scores = rng.dirichlet(np.ones(classes), rows) + 0.4 * (labels[:, None] == np.arange(classes))
    scores = np.round(scores / scores.sum(1, keepdims=True), 2)
    scores[::17] = np.eye(classes)[rng.integers(0, classes, len(scores[::17]))]
    scores[5::23] = 1 / classes
    return {**batch, "labels": labels.astype(float), "predictions": scores}


def hard_attributions(rows: int, seed: int = 13) -> dict:
    """The same with what two features contributed, one of them to each of three classes."""
    rng = np.random.default_rng(seed)
    contributed = {"age": rng.normal(0.1, 1, rows), "pay": rng.normal(-0.2, 3, (rows, 3))}
    return {**hard_batch(rows, seed), "attributions": contributed}


def hard_sets(rows: int, seed: int = 11) -> dict:
    """The same with sets of classes as labels and predictions, some of them empty."""
    rng = np.random.default_rng(seed)
    batch, words = hard_batch(rows, seed), np.array(list("abcdefgh"))
    labels, classes = ([words[rng.permutation(8)[:size]] for size in rng.integers(0, 5, rows)] for _ in range(2))
    scores = [np.sort(rng.random(len(one)))[::-1] for one in classes]
    predictions = {"classes": pa.array(classes), "scores": pa.array(scores)}
    return {**batch, "labels": pa.array(labels), "predictions": predictions}


def hard_texts(rows: int, seed: int = 12) -> dict:
    """The same with texts of a few words as labels and predictions, some of them equal, some empty."""
    rng = np.random.default_rng(seed)
    words = np.array(["the", "cat", "sat", "on", "a", "mat", "dogs", "ran", "."])
    labels, predictions = ([" ".join(rng.choice(words, size)) for size in rng.integers(0, 9, rows)] for _ in range(2))
    predictions[::3] = labels[::3]
    predictions[1::3] = [f"{label} the cat" for label in labels[1::3]]
    return {**hard_batch(rows, seed), "labels": pa.array(labels), "predictions": pa.array(predictions)}


def hard_pairs(rows: int, seed: int = 9) -> dict:
    """The same of two models, which agree in some rows; no row of zeros."""
    batch = hard_classes(rows, seed=seed)
    other = hard_classes(rows, seed=seed + 1)["predictions"]
    other[::3] = batch["predictions"][::3]
    return {**batch, "predictions": {"new": batch["predictions"], "old": other}}


def hard_boxes(rows: int, classes: int = 3, seed: int = 10) -> dict:
    """The same of images: objects and detections of each, which overlap and whose scores tie."""
    rng = np.random.default_rng(seed)
    batch = hard_batch(rows, seed)

    def boxes(count):
        corner, size = rng.integers(0, 6, (count, 2)), rng.integers(1, 8, (count, 2))
        return np.hstack([corner, corner + size, rng.integers(0, classes, (count, 1))]).astype(float)

    def with_padding(found):
        found[rng.random(len(found)) < 0.1] = -1  # no boxes
        return found.tolist()

    def beside(objects):
        """Some of the objects, moved a bit, and other boxes among them."""
        near = np.array([box for box in objects if box[4] >= 0 and rng.random() < 0.7]).reshape(-1, 5)
        near[:, :4] += np.tile(rng.integers(-1, 2, (len(near), 2)), 2)
        return rng.permutation(np.vstack([near, boxes(rng.integers(0, 3))]))

    objects = [with_padding(boxes(rng.integers(0, 5))) for _ in range(rows)]
    detections = [[[*box, round(rng.random(), 2)] for box in with_padding(beside(row))] for row in objects]
    kind = pa.list_(pa.list_(pa.float64()))
    return {**batch, "labels": pa.array(objects, kind), "predictions": pa.array(detections, kind)}


def hard_masks(rows: int, classes: int = 4, seed: int = 11) -> dict:
    """The same of masks of 4 x 5 pixels, most of which are predicted as they are."""
    rng = np.random.default_rng(seed)
    batch = hard_batch(rows, seed)
    mask = rng.integers(0, classes, (rows, 4, 5))
    found = np.where(rng.random(mask.shape) < 0.7, mask, rng.integers(0, classes, mask.shape))
    return {**batch, "features": {**batch["features"], "mask": mask, "found": found}}
