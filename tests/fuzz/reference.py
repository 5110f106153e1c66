"""What a few simple metrics are for each slice, computed row by row in plain Python."""

import itertools
import math

THRESHOLD = 0.5


def slices_of(slicings, features, rows):
    """Slice key -> its rows. `slicings` are SlicingSpecs as dicts, `features` name -> the slice values of each row."""
    found: dict[tuple, dict[int, None]] = {}
    for slicing in slicings:
        fixed = slicing.get("feature_values", {})
        names = sorted({*slicing.get("feature_keys", ()), *fixed})
        for row in range(rows):
            choices = [
                [(name, key) for key in features[name][row] if name not in fixed or means(key, fixed[name])]
                for name in names
            ]
            for key in itertools.product(*choices):
                found.setdefault(key, {})[row] = None
    return {key: list(chosen) for key, chosen in found.items()}


def means(key, text):
    """Whether a slice value is the one that the text of a config means."""
    if isinstance(key, str):
        return key == text
    try:
        number = float(text)
    except ValueError:
        return False
    return number == key


def metrics_of(rows, labels, scores, weights):
    """Values over some rows; NaN where they are undefined."""
    y, p, w = ([float(column[row]) for row in rows] for column in (labels, scores, weights))
    tp = math.fsum(wi * yi for yi, pi, wi in zip(y, p, w, strict=True) if pi > THRESHOLD)
    fp = math.fsum(wi * (1 - yi) for yi, pi, wi in zip(y, p, w, strict=True) if pi > THRESHOLD)
    total = math.fsum(w)
    return {
        "example_count": total,
        "mean_label": math.fsum(wi * yi for yi, wi in zip(y, w, strict=True)) / total if total else math.nan,
        "true_positives": tp,
        "precision": tp / (tp + fp) if tp + fp else math.nan,
    }
