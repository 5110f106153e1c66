"""Trains a logistic regression on half of scikit-learn's digits and writes what it says of the other half.

    python examples/digits/prepare.py

It was run once; its output, `data/scored.parquet`, is in the repository. DATA.md says what is in there.
"""

from __future__ import annotations

from pathlib import Path

import click
import numpy as np
import pyarrow as pa
import pyarrow.parquet
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression

HERE = Path(__file__).parent
CLASSES = 10


@click.command()
def main() -> None:
    """Writes a row for each image that the model has not seen."""
    table = made()
    path = HERE / "data" / "scored.parquet"
    pa.parquet.write_table(table, path, compression="zstd", compression_level=19)
    click.echo(f"{path}: {table.num_rows} rows, {path.stat().st_size / 1e3:.0f} kB")


def made() -> pa.Table:
    """The rows: the digit of each image, its ink, and ten probabilities."""
    pixels, digit = load_digits(return_X_y=True)
    pixels = pixels / 16.0
    train = np.arange(len(digit)) % 2 == 0
    model = LogisticRegression(max_iter=1000).fit(pixels[train], digit[train])

    pixels, digit = pixels[~train], digit[~train]
    probabilities = model.predict_proba(pixels).astype(np.float32)
    ink = pixels.mean(axis=1)
    return pa.table(
        {
            "digit": digit,
            "ink": np.where(ink < np.median(ink), "light", "heavy"),
            "probabilities": pa.FixedSizeListArray.from_arrays(pa.array(probabilities.ravel()), CLASSES),
        }
    )


if __name__ == "__main__":
    main()
