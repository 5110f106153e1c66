"""Synthetic evaluation data: the same rows for the same (rows, seed), whatever the format and the shards.

Text columns gender (2 values), day (7), hour (24) and zone (80), six float and two int columns that nobody asks for,
and label, weight, prediction (a better model) and baseline (a worse one).

    python -m bench.generate FOLDER parquet|tfrecord ROWS [SHARDS]
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from bench import CARDINALITY

SEED = 20240501
BLOCK = 100_000

Columns = dict[str, npt.NDArray[Any]]


def dataset(folder: Path, file_format: str, rows: int, shards: int = 4) -> None:
    """Writes the files of a data set into `folder`/FORMAT-ROWS-SHARDS, unless they are there."""
    target = folder / f"{file_format}-{rows}-{shards}"
    files = [target / f"part-{i:05d}-of-{shards:05d}.{file_format}" for i in range(shards)]
    if not (target / "done").exists():
        target.mkdir(parents=True, exist_ok=True)
        write = {"parquet": write_parquet, "tfrecord": write_tfrecord}[file_format]
        ends = [rows * (i + 1) // shards for i in range(shards)]
        for file, start, stop in zip(files, [0, *ends], ends, strict=False):
            write(file, tables(start, stop))
        (target / "done").touch()


def tables(start: int, stop: int) -> Iterator[pa.Table]:
    """Yields rows [start, stop) as Arrow tables, text as dictionaries."""
    for index in range(start // BLOCK, -(-stop // BLOCK)):
        first = index * BLOCK
        whole = to_arrow(block(index))
        yield whole.slice(max(start - first, 0), min(stop, first + BLOCK) - max(start, first))


def block(index: int) -> Columns:
    """Returns BLOCK rows, a pure function of (SEED, index); text columns as integer codes."""
    rng = np.random.default_rng([SEED, index])
    codes = {name: skewed(rng, count) for name, count in CARDINALITY.items()}
    numbers = rng.standard_normal((6, BLOCK), dtype=np.float32)
    logit = 0.9 * numbers[0] - 0.6 * numbers[1] + 0.4 * codes["gender"] + 0.3 * np.sin(codes["zone"] / 7) - 1.2
    return {
        **codes,
        **{f"n{i}": column for i, column in enumerate(numbers)},
        **{f"k{i}": rng.integers(0, 1000, BLOCK) for i in range(2)},
        "label": (rng.random(BLOCK) < sigmoid(logit)).astype(np.float32),
        "weight": rng.lognormal(0.0, 0.5, BLOCK).astype(np.float32),
        "prediction": sigmoid(logit + 0.3 * rng.standard_normal(BLOCK)).astype(np.float32),
        "baseline": sigmoid(logit + 0.8 * rng.standard_normal(BLOCK)).astype(np.float32),
    }


def skewed(rng: np.random.Generator, count: int) -> npt.NDArray[np.int32]:
    """Returns codes 0 to count - 1, low ones more often (Zipf with exponent 0.6)."""
    share = 1.0 / np.arange(1, count + 1) ** 0.6
    codes: npt.NDArray[np.int32] = rng.choice(count, size=BLOCK, p=share / share.sum()).astype(np.int32)
    return codes


def sigmoid(logit: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Logistic function."""
    probability: npt.NDArray[Any] = 1 / (1 + np.exp(-logit))
    return probability


def to_arrow(columns: Columns) -> pa.Table:
    """Returns the columns with text in place of codes."""
    return pa.table({
        name: pa.DictionaryArray.from_arrays(pa.array(values), vocabulary(name)) if name in CARDINALITY else values
        for name, values in columns.items()
    })  # fmt: skip


def vocabulary(name: str) -> pa.Array:
    """Returns the values of a text column."""
    return pa.array([f"{name}_{code:02d}" for code in range(CARDINALITY[name])])


def write_parquet(file: Path, parts: Iterator[pa.Table]) -> None:
    """Writes one shard, zstd, 131,072 rows in a row group."""
    writer = None
    for part in parts:
        writer = writer or pq.ParquetWriter(file, part.schema, compression="zstd", use_dictionary=list(CARDINALITY))
        writer.write_table(part, row_group_size=1 << 17)
    if writer:
        writer.close()


def write_tfrecord(file: Path, parts: Iterator[pa.Table]) -> None:
    """Writes one shard of tf.Examples."""
    import tensorflow as tf

    with tf.io.TFRecordWriter(str(file)) as writer:
        for part in parts:
            for row in part.to_pylist():
                writer.write(tf.train.Example(features=tf.train.Features(feature=features(row))).SerializeToString())


def features(row: dict[str, Any]) -> dict[str, Any]:
    """Returns a row as tf.train.Feature values."""
    import tensorflow as tf

    kinds = {
        str: lambda v: tf.train.Feature(bytes_list=tf.train.BytesList(value=[v.encode()])),
        int: lambda v: tf.train.Feature(int64_list=tf.train.Int64List(value=[v])),
        float: lambda v: tf.train.Feature(float_list=tf.train.FloatList(value=[v])),
    }
    return {name: kinds[type(value)](value) for name, value in row.items()}


if __name__ == "__main__":
    import sys

    dataset(Path(sys.argv[1]), sys.argv[2], *map(int, sys.argv[3:]))
