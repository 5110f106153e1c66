"""What a checkpoint's format costs: CPU to write and to read a row, and its size. Decides `assay.extracts.arrow_file`.

Rows have 16 columns (8 float64, 4 texts of 2 to 80 values as dictionaries, 2 int64, labels, predictions) and their
source. To read is to add up each column, as an evaluation would. Costs are slopes between two numbers of rows.

    python -m bench.checkpoint_formats [ROWS MORE_ROWS]
"""

from __future__ import annotations

import io
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from itertools import islice
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from assay.extracts.arrow_file import ExtractsFile, from_record_batch, read_batches, to_record_batch
from assay.extracts.columns import Column, leaves
from assay.types import Extracts
from bench import CARDINALITY

BATCH_ROWS = 65_536
BATCHES_A_SHARD = 8  # some 64 MB
ROWS = 1_000_000, 5_000_000
BOUND_NS = 350


class Format(NamedTuple):
    """How a shard is written and read again."""

    write: Callable[[Iterable[Extracts]], bytes]
    read: Callable[[bytes], Iterator[Extracts]]


class Cost(NamedTuple):
    """Totals over some rows."""

    write_s: float
    read_s: float
    size: float


def shards(rows: int) -> Iterator[list[Extracts]]:
    """Batches of `rows` rows in all, the same eight again and again, so that making them costs nothing."""
    batches = [batch_of(np.random.default_rng(seed)) for seed in range(BATCHES_A_SHARD)]
    left = -(-rows // BATCH_ROWS)
    while left > 0:
        yield list(islice(batches, left))
        left -= BATCHES_A_SHARD


def batch_of(rng: np.random.Generator) -> Extracts:
    """Random rows as the default extractors leave them."""
    texts = {
        name: pa.DictionaryArray.from_arrays(
            pa.array(rng.integers(0, size, BATCH_ROWS, np.int32)), pa.array([f"{name}_{i:02}" for i in range(size)])
        )
        for name, size in CARDINALITY.items()
    }
    file = pa.DictionaryArray.from_arrays(pa.array(np.zeros(BATCH_ROWS, np.int32)), pa.array(["part-0.parquet"]))
    return {
        "features": {
            **{f"float_{i}": pa.array(rng.normal(size=BATCH_ROWS)) for i in range(8)},
            **texts,
            **{f"int_{i}": pa.array(rng.integers(0, 100**i, BATCH_ROWS)) for i in (1, 2)},
        },
        "labels": rng.integers(0, 2, BATCH_ROWS).astype(float),
        "predictions": rng.random(BATCH_ROWS),
        "_source": {"split": np.zeros(BATCH_ROWS, np.int32), "file": file, "row": np.arange(BATCH_ROWS)},
    }


def cost_of(form: Format, rows: int) -> Cost:
    """Writes and reads shards one after the other, in memory."""
    total = Cost(0.0, 0.0, 0.0)
    for batches in shards(rows):
        start = time.process_time()
        content = form.write(batches)
        middle = time.process_time()
        for extracts in form.read(content):
            touch(extracts)
        end = time.process_time()
        total = Cost(total.write_s + middle - start, total.read_s + end - middle, total.size + len(content))
    return total


def touch(extracts: Extracts) -> float:
    """Looks at each number once."""
    return sum(float(_numbers(column).sum()) for _, column in leaves(extracts))


def _numbers(column: Column) -> Any:
    if isinstance(column, np.ndarray):
        return column
    return (column.indices if isinstance(column, pa.DictionaryArray) else column).to_numpy()


def _write_own(batches: Iterable[Extracts]) -> bytes:
    held = io.BytesIO()
    file = ExtractsFile(held)
    for extracts in batches:
        file.write(extracts)
    file.close()
    return held.getvalue()


def _write_stream(batches: Iterable[Extracts], compression: str) -> bytes:
    records, held = [to_record_batch(extracts) for extracts in batches], io.BytesIO()
    options = pa.ipc.IpcWriteOptions(compression=compression)
    with pa.ipc.new_stream(held, records[0].schema, options=options) as stream:
        for record in records:
            stream.write_batch(record)
    return held.getvalue()


def _write_parquet(batches: Iterable[Extracts], compression: str) -> bytes:
    records, held = [to_record_batch(extracts) for extracts in batches], io.BytesIO()
    with pq.ParquetWriter(held, records[0].schema, compression=compression) as file:
        for record in records:
            file.write_batch(record)
    return held.getvalue()


def _read_parquet(content: bytes) -> Iterator[Extracts]:
    file = pq.ParquetFile(pa.BufferReader(content))
    return map(from_record_batch, file.iter_batches(BATCH_ROWS, use_threads=False))


FORMATS = {
    "Arrow, as assay writes it": Format(_write_own, read_batches),
    "Arrow, lz4": Format(partial(_write_stream, compression="lz4"), read_batches),
    "Arrow, zstd": Format(partial(_write_stream, compression="zstd"), read_batches),
    "Parquet, none": Format(partial(_write_parquet, compression="none"), _read_parquet),
    "Parquet, zstd": Format(partial(_write_parquet, compression="zstd"), _read_parquet),
}


def main(few: int = ROWS[0], many: int = ROWS[1]) -> None:
    """Prints the table."""
    print(f"{'format':28}{'write':>10}{'read':>10}{'both':>10}{'bytes':>10}")
    print(f"{'':28}{'ns':>10}{'ns':>10}{f'<= {BOUND_NS} ns':>10}{'':10}   CPU and size of a row")
    for name, form in FORMATS.items():
        less, more = cost_of(form, few), cost_of(form, many)
        write, read, size = ((y - x) / (many - few) for x, y in zip(less, more, strict=True))
        print(f"{name:28}{write * 1e9:10.0f}{read * 1e9:10.0f}{(write + read) * 1e9:10.0f}{size:10.1f}")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
