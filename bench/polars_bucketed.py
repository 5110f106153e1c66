"""The same by 10,000 buckets of the score: what a polars user would write who can do with AUC to some six digits.

python -m bench.polars_bucketed 'out/bench/parquet-1000000-4/*.parquet' gender day hour zone hour+day

No plots, nothing written.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

import polars as pl

from bench import polars_exact

BUCKETS = 10_000


def main(pattern: str, slicings: Sequence[str]) -> None:
    """Prints rows and the AUC of each slice as JSON."""
    bucket = (pl.col("prediction").cast(pl.Float64) * BUCKETS).floor().clip(0, BUCKETS).cast(pl.Int32)
    frame = polars_exact.read(pattern, slicings).with_columns(bucket=bucket)
    polars_exact.show(frame, slicings, lambda rows, columns: polars_exact.values(rows, columns, "bucket", BUCKETS))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
