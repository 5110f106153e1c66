"""What a polars user would write: exact weighted AUC (scores are sorted), sums, confusion matrices at three thresholds.

    python -m bench.polars_exact 'out/bench/parquet-1000000-4/*.parquet' gender day hour zone hour+day

The overall slice is always there. No plots, no intervals, nothing written.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Sequence

import polars as pl

from bench import slice_name

THRESHOLDS = (0.25, 0.5, 0.75)


def main(pattern: str, slicings: Sequence[str]) -> None:
    """Prints rows and the AUC of each slice as JSON."""
    show(read(pattern, slicings), slicings, values)


def read(pattern: str, slicings: Sequence[str]) -> pl.DataFrame:
    """Reads what is needed, and splits the weight by label."""
    columns = sorted({column for slicing in slicings for column in slicing.split("+")})
    weight, label, score = pl.col("weight").cast(pl.Float64), pl.col("label"), pl.col("prediction")
    return pl.read_parquet(pattern, columns=[*columns, "label", "weight", "prediction"]).select(
        *columns, score, positive=weight * label, negative=weight * (1 - label), predicted=weight * score
    )


def show(
    frame: pl.DataFrame, slicings: Sequence[str], values_of: Callable[[pl.DataFrame, list[str]], pl.DataFrame]
) -> None:
    """Computes the values of every slicing; prints rows and AUCs."""
    aucs: dict[str, float] = {}
    for slicing in ["", *slicings]:
        columns = slicing.split("+") if slicing else []
        values = values_of(frame, columns)
        names = map(slice_name, values.select(columns).rows()) if columns else [""]
        aucs.update(zip(names, values["auc"].to_list(), strict=True))
    print(json.dumps({"rows": len(frame), "aucs": aucs}))


def values(frame: pl.DataFrame, columns: list[str], score: str = "prediction", scale: float = 1) -> pl.DataFrame:
    """One row of values a slice. Rows of equal `score` are ties; thresholds are in its units, `scale` to 1."""
    keys = [pl.col(column) for column in columns] or [pl.lit(0).alias("overall")]
    sums = pl.col("positive", "negative", "predicted").sum()
    curve = frame.group_by([*keys, score]).agg(pl.len().alias("rows"), sums).sort(score)
    positive, negative = pl.col("positive"), pl.col("negative")
    below = negative.cum_sum() - negative / 2
    return curve.group_by(columns or "overall").agg(
        pl.col("rows").sum(),
        sums,
        *(pl.col(label).filter(pl.col(score) >= at * scale).sum().alias(f"{label}@{at}") for label, at in _CELLS),
        auc=(positive * below).sum() / (positive.sum() * negative.sum()),
    )


_CELLS = tuple((label, at) for label in ("positive", "negative") for at in THRESHOLDS)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
