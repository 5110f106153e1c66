"""Makes articles that have any number of topics, and the probabilities that a model gives to each topic.

    python examples/topics/prepare.py

It was run once; its output, `data/scored.parquet`, is in the repository. DATA.md says what is in there.
"""

from __future__ import annotations

from pathlib import Path

import click
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet

HERE = Path(__file__).parent
ARTICLES = 1000
SHARES = {"politics": 0.35, "economy": 0.3, "sport": 0.2, "science": 0.15, "culture": 0.12, "travel": 0.04}
SEED = 2026


@click.command()
def main() -> None:
    """Writes a row for each article."""
    table = made()
    path = HERE / "data" / "scored.parquet"
    pa.parquet.write_table(table, path, compression="zstd", compression_level=19)
    click.echo(f"{path}: {table.num_rows} rows, {path.stat().st_size / 1e3:.0f} kB")


def made() -> pa.Table:
    """The rows: politics often comes with economy, and articles in French are harder for the model."""
    rng = np.random.default_rng(SEED)
    language = rng.choice(("en", "fr"), ARTICLES, p=(0.7, 0.3))
    topics = rng.random((ARTICLES, len(SHARES))) < list(SHARES.values())
    topics[:, 1] |= topics[:, 0] & (rng.random(ARTICLES) < 0.4)

    noise = np.where(language == "en", 1.0, 1.6)[:, None]
    logits = 3.6 * topics - 2.0 + noise * rng.normal(size=topics.shape)
    probabilities = (1 / (1 + np.exp(-logits))).astype(np.float32)
    vectors = pa.FixedSizeListArray.from_arrays(pa.array(probabilities.ravel()), len(SHARES))
    return pa.table({"language": language, "topics": names_of(topics), "probabilities": vectors})


def names_of(topics: npt.NDArray[np.bool_]) -> pa.ListArray:
    """The names of the topics that each article has; (n, classes) becomes n lists, some of them empty."""
    _, classes = np.nonzero(topics)
    ends = np.concatenate([[0], np.cumsum(topics.sum(axis=1))])
    return pa.ListArray.from_arrays(pa.array(ends, pa.int32()), pa.array(np.array(list(SHARES))[classes]))


if __name__ == "__main__":
    main()
