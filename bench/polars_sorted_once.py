"""The same exact values as `polars_exact` by one sort of all rows, and cumulative sums within each group.

    python -m bench.polars_sorted_once 'out/bench/parquet-1000000-4/*.parquet' gender day hour zone hour+day

The quickest exact way that we know to write it. No bar speaks of it.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

import polars as pl

from bench import polars_exact


def main(pattern: str, slicings: Sequence[str]) -> None:
    """Prints rows and the AUC of each slice as JSON."""
    polars_exact.show(polars_exact.read(pattern, slicings).sort("prediction"), slicings, values)


def values(frame: pl.DataFrame, columns: list[str]) -> pl.DataFrame:
    """One row of values a slice; the rows of `frame` ascend by score."""
    score, positive, negative = pl.col("prediction"), pl.col("positive"), pl.col("negative")
    last_of_ties = (score != score.shift(-1)).fill_null(True)
    p, n = (sums.cum_sum().filter(last_of_ties) for sums in (positive, negative))
    area = ((n + n.shift(1, fill_value=0)) * (p - p.shift(1, fill_value=0))).sum() / 2
    cells = ((name, at) for name in ("positive", "negative") for at in polars_exact.THRESHOLDS)
    return frame.group_by(columns or [pl.lit(0).alias("overall")]).agg(
        pl.len().alias("rows"),
        pl.col("positive", "negative", "predicted").sum(),
        *(pl.col(name).filter(score >= at).sum().alias(f"{name}@{at}") for name, at in cells),
        auc=area / (positive.sum() * negative.sum()),
    )


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
