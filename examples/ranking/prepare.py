"""Makes the lists of a search engine, as two models rank them.

    python examples/ranking/prepare.py

It was run once; its output, `data/scored.parquet`, is in the repository. DATA.md says what is in there.
"""

from __future__ import annotations

from pathlib import Path

import click
import numpy as np
import pyarrow as pa
import pyarrow.parquet

HERE = Path(__file__).parent
QUERIES = 400
MOST_DOCUMENTS = 18
MARKETS = ("de", "fr", "uk")
SEED = 2026


@click.command()
def main() -> None:
    """Writes a row for each document of each query."""
    table = made()
    path = HERE / "data" / "scored.parquet"
    pa.parquet.write_table(table, path, compression="zstd", compression_level=19)
    click.echo(f"{path}: {table.num_rows} rows, {path.stat().st_size / 1e3:.0f} kB")


def made() -> pa.Table:
    """The rows: what a document is worth to a query follows a number that neither model knows exactly."""
    rng = np.random.default_rng(SEED)
    documents = rng.integers(1, MOST_DOCUMENTS + 1, QUERIES)
    of_query = np.repeat(np.arange(QUERIES), documents)
    worth = rng.normal(size=len(of_query)) - 0.4
    gain = np.clip(np.floor(1.5 * worth + 0.5), 0, 3).astype(np.int8)

    new = worth + rng.normal(scale=0.6, size=len(worth))
    old = worth + rng.normal(scale=0.9, size=len(worth))
    market = rng.choice(MARKETS, QUERIES, p=(0.5, 0.3, 0.2))
    asked = np.ceil(rng.pareto(2.0, QUERIES) * 10).astype(np.int32)
    names = np.array([f"q{i:03d}" for i in range(QUERIES)])
    columns = {
        "query": names[of_query],
        "market": market[of_query],
        "asked": asked[of_query],
        "seller": rng.choice(("own", "partner"), len(of_query), p=(0.7, 0.3)),
        "gain": gain,
        "new": new.astype(np.float32),
        "old": np.round(old, 1).astype(np.float32),  # coarse, so that there are ties
    }
    # The rows of a query lie apart, as in logs.
    return pa.table(columns).take(rng.permutation(len(of_query)))


if __name__ == "__main__":
    main()
