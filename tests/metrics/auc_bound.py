"""How far an area under the ROC curve may be from the exact one because scores share a bucket."""

import numpy as np


def auc_bound(labels, scores, weights):
    """Half the weight of the pairs of both classes that tie in one of 10,000 buckets, over that of all such pairs."""
    bucket = np.clip(np.floor(np.asarray(scores, float) * 10_000), 0, 10_000).astype(int)
    negative, positive = (np.bincount(bucket, weights * (np.asarray(labels) == label)) for label in (0, 1))
    pairs = negative.sum() * positive.sum()
    return (negative * positive).sum() / 2 / pairs if pairs else 0.0
