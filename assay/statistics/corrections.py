"""p-values corrected for how many tests there are, as `statsmodels.stats.multitest.multipletests` adjusts them.

They are written here, as neither statsmodels nor SciPy is in the core image.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from assay.statistics.student import Floats


def adjusted(p: Floats, method: str) -> Floats:
    """The p-values (m,), each of which may be compared with alpha alone.

    Args:
        p: of the tests of one family, without NaN, in any order.
        method: one of `CORRECTIONS`. "holm" and "hommel" bound the share of runs with any wrong rejection; "fdr_bh" and
            "fdr_by" bound the share of wrong ones among the rejections.
    """
    if not len(p):
        return p
    order = np.argsort(p, kind="stable")
    result = np.empty_like(p)
    result[order] = np.minimum(CORRECTIONS[method](p[order]), 1.0)
    return result


def _none(p: Floats) -> Floats:
    return p


def _holm(p: Floats) -> Floats:
    """Holm (1979): the smallest p counts m times, the next m - 1 times; valid however the tests depend."""
    return np.maximum.accumulate(p * np.arange(len(p), 0, -1))


def _hommel(p: Floats) -> Floats:
    """Hommel (1988), in the form of Wright (1992); valid if the tests are independent or depend positively."""
    m = len(p)
    found = np.full(m, (m * p / np.arange(1, m + 1)).min())
    least = found.copy()
    for size in range(m - 1, 1, -1):
        head = m - size + 1
        bound = (size * p[head:] / np.arange(2, size + 1)).min()
        least[:head] = np.minimum(size * p[:head], bound)
        least[head:] = least[head - 1]
        found = np.maximum(found, least)
    return np.maximum(found, p)


def _benjamini_hochberg(p: Floats) -> Floats:
    """Benjamini and Hochberg (1995)."""
    ratios = p * len(p) / np.arange(1, len(p) + 1)
    return np.minimum.accumulate(ratios[::-1])[::-1]


def _benjamini_yekutieli(p: Floats) -> Floats:
    """Benjamini and Yekutieli (2001): valid however the tests depend."""
    return _benjamini_hochberg(p) * (1 / np.arange(1, len(p) + 1)).sum()


CORRECTIONS: Mapping[str, Callable[[Floats], Floats]] = {
    "holm": _holm,
    "hommel": _hommel,
    "fdr_bh": _benjamini_hochberg,
    "fdr_by": _benjamini_yekutieli,
    "none": _none,
}
"""Name -> p-values in ascending order to adjusted ones."""
