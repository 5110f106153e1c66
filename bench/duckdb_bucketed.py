"""The same by 10,000 buckets of the score in SQL: what a DuckDB user would write.

    python -m bench.duckdb_bucketed 'out/bench/parquet-1000000-4/*.parquet' gender day hour zone hour+day

It takes as many threads as DUCKDB_THREADS says, or all. No plots, nothing written.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from typing import Any

import duckdb

from bench import slice_name
from bench.polars_bucketed import BUCKETS
from bench.polars_exact import THRESHOLDS


def main(pattern: str, slicings: Sequence[str]) -> None:
    """Prints rows and the AUC of each slice as JSON."""
    with duckdb.connect() as connection:
        if "DUCKDB_THREADS" in os.environ:
            connection.execute(f"set threads = {int(os.environ['DUCKDB_THREADS'])}")
        columns = sorted({column for slicing in slicings for column in slicing.split("+")})
        connection.execute(
            f"create table t as {_READ.format(columns=''.join(f'{name}, ' for name in columns))}", [pattern]
        )
        aucs: dict[str, float] = {}
        for slicing in ["", *slicings]:
            for *names, auc in _values(connection, slicing.split("+") if slicing else []):
                aucs[slice_name(names)] = auc
        rows = connection.execute("select count(*) from t").fetchall()[0][0]
    print(json.dumps({"rows": rows, "aucs": aucs}))


_READ = f"""
    select {{columns}} least(floor(prediction::double * {BUCKETS}), {BUCKETS})::integer as bucket,
        weight::double * label as positive, weight::double * (1 - label) as negative,
        weight::double * prediction as predicted
    from read_parquet(?)
"""


def _values(connection: duckdb.DuckDBPyConnection, columns: list[str]) -> list[tuple[Any, ...]]:
    """One row a slice: its values of the columns, and its AUC; the other values are computed too."""
    keys = "".join(f"{name}, " for name in columns)
    within, by_slice = (f"{how} {keys[:-2]}" if keys else "" for how in ("partition by", "group by"))
    cells = ", ".join(
        f"sum({label}) filter (bucket >= {at * BUCKETS})" for label in ("positive", "negative") for at in THRESHOLDS
    )
    values = connection.execute(f"""
        with curve as (
            select {keys} bucket, count(*) as rows,
                sum(positive) as positive, sum(negative) as negative, sum(predicted) as predicted
            from t group by {keys} bucket
        ), ordered as (
            select *, sum(negative) over ({within} order by bucket) - negative / 2 as below
            from curve
        )
        select {keys} sum(positive * below) / (sum(positive) * sum(negative)), sum(rows), sum(predicted), {cells}
        from ordered {by_slice}
    """)
    return [row[: len(columns) + 1] for row in values.fetchall()]


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
