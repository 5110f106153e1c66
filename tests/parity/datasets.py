"""Data for the parity suite: each function fills a folder with all that a plan reads, its models included."""

import gzip
import json
import shutil
from itertools import islice
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet as pq

from assay.storage.framing import framed, unframed

CENSUS = Path(__file__).parents[2] / "examples" / "census"
CENSUS_ROWS = 3_000
ROWS, SHARDS = 900, 3
HOLE = 257 * 2**20
"""Bytes that make a Parquet file a split of its own."""

RNG = np.random.default_rng(17)


def some(values, share):
    """Values of which a share is missing."""
    return [None if lost else value for value, lost in zip(values, RNG.random(len(values)) < share, strict=True)]


def binary():
    label = (RNG.random(ROWS) < 0.4).astype(np.float32)
    return pa.table(
        {
            "id": [f"row-{i}" for i in range(ROWS)],
            "ident": pa.array([2**53 + 1 + 2 * i for i in range(ROWS)]),
            "label": label,
            "score": np.clip(RNG.normal(0.4 + 0.2 * label, 0.2), 0, 1).astype(np.float32),
            "older": np.clip(RNG.normal(0.45 + 0.1 * label, 0.2), 0, 1),
            "weight": RNG.integers(1, 5, ROWS).astype(np.float32) / 3,
            "group": pa.array(some(RNG.choice(["a", "b", "é"], ROWS), 0.1), pa.string()),
            "level": pa.array(some(RNG.integers(0, 3, ROWS).tolist(), 0.1), pa.int64()),
            "tags": pa.array(
                some([RNG.choice(["x", "y", "z"], n).tolist() for n in RNG.integers(0, 4, ROWS)], 0.05),
                pa.list_(pa.string()),
            ),
            "age": pa.array(some(RNG.normal(40, 12, ROWS).tolist(), 0.2), pa.float64()),
        }
    )


def regression():
    truth = RNG.gamma(2.0, 30.0, ROWS)
    return pa.table(
        {
            "price": truth,
            "now": truth * RNG.normal(1.0, 0.1, ROWS),
            "before": truth * RNG.normal(1.05, 0.2, ROWS),
            "city": pa.array(some(RNG.choice(["Rome", "Oslo"], ROWS), 0.05), pa.string()),
            "rooms": RNG.integers(1, 4, ROWS),
        }
    )


CLASSES = 4


def classes():
    """A number for each of some classes; the right class is likely to have a high one."""
    label = RNG.integers(0, CLASSES, ROWS)
    scores = RNG.gamma(1.0 + 2.0 * (label[:, None] == np.arange(CLASSES)))
    return pa.table(
        {
            "label": label,
            "scores": list(scores / scores.sum(1, keepdims=True)),
            "weight": RNG.integers(1, 5, ROWS) / 3,
            "group": pa.array(some(RNG.choice(["a", "b"], ROWS), 0.1), pa.string()),
        }
    )


def ranked():
    """Rows of queries, which lie in all of the files."""
    query = RNG.integers(0, 40, ROWS)
    gain = RNG.integers(0, 4, ROWS)
    return pa.table(
        {
            "query": [f"q{number}" for number in query],
            "gain": gain,
            "clicked": (gain > 2).astype(np.int64),
            "score": gain + RNG.normal(0, 2, ROWS),
            "weight": ((query % 5) + 1) / 3,
            "market": RNG.choice(["de", "fr"], ROWS),
        }
    )


BINARY, REGRESSION = binary(), regression()


def shards(table):
    """(name, rows) of each file."""
    size = -(-table.num_rows // SHARDS)
    return [(f"part-{i}", table.slice(i * size, size)) for i in range(SHARDS)]


def parquet(table, folder):
    for name, part in shards(table):
        pq.write_table(part, folder / f"{name}.parquet")


def worse_in_a_group(folder):
    """The binary data, but for one group, whose scores are the wrong way round."""
    is_bad, score = pc.equal(BINARY["group"], "b").fill_null(False), BINARY["score"]
    at = BINARY.schema.get_field_index("score")
    parquet(
        BINARY.set_column(at, "score", pc.if_else(is_bad, pc.subtract(pa.scalar(1, pa.float32()), score), score)),
        folder,
    )


def csv(table, folder):
    for name, part in shards(table):
        sink = pa.BufferOutputStream()
        pyarrow.csv.write_csv(part, sink)
        (folder / f"{name}.csv.gz").write_bytes(gzip.compress(sink.getvalue()))


def jsonl(table, folder):
    for name, part in shards(table):
        (folder / f"{name}.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in part.to_pylist()))


def examples(table, folder):
    import tensorflow as tf

    lists = {str: "bytes_list", float: "float_list", int: "int64_list"}
    for name, part in shards(table):
        records = []
        for row in part.to_pylist():
            example = tf.train.Example()
            for column, cell in row.items():
                for value in cell if isinstance(cell, list) else [] if cell is None else [cell]:
                    feature = getattr(example.features.feature[column], lists[type(value)])
                    feature.value.append(value.encode() if isinstance(value, str) else value)
            records.append(framed(example.SerializeToString()))
        (folder / f"{name}.tfrecord").write_bytes(b"".join(records))


# What a folder is filled with ----------------------------------------------------------------------------------------


def binary_parquet(folder):
    parquet(BINARY, folder)


def binary_examples(folder):
    examples(BINARY, folder)


def binary_jsonl(folder):
    jsonl(BINARY, folder)


def regression_csv(folder):
    csv(REGRESSION, folder)


def classes_parquet(folder):
    parquet(classes(), folder)


def ranked_jsonl(folder):
    jsonl(ranked(), folder)


def several_splits(folder):
    """Parquet files whose footers lie behind a hole, so that each is as large as a split: no disk, no time to read."""
    parquet(BINARY, folder)
    for file in folder.glob("part-*.parquet"):
        content = file.read_bytes()
        footer = 8 + int.from_bytes(content[-8:-4], "little")
        with file.open("r+b") as opened:
            opened.seek(len(content) - footer)
            opened.truncate()
            opened.seek(HOLE)
            opened.write(content[-footer:])


def bad_rows(folder):
    """Scores that are no numbers or missing, labels that cannot be, a line of too few values."""
    scores, labels = BINARY["score"].to_pylist(), BINARY["label"].to_pylist()
    scores[3], scores[500], labels[700], labels[899] = float("nan"), None, 7.0, None
    table = BINARY.select(["weight", "group", "level"])
    table = table.append_column("score", pa.array(scores)).append_column("label", pa.array(labels))
    csv(table, folder)
    first = folder / "part-0.csv.gz"
    first.write_bytes(gzip.compress(gzip.decompress(first.read_bytes()) + b'1,"a"\n'))


def late_labels(folder):
    """Scores in Parquet; labels of some of the rows, in another order, in CSV."""
    parquet(BINARY.drop_columns(["label", "group", "tags"]), folder)
    known = pa.array(RNG.permutation(ROWS)[:800])
    pyarrow.csv.write_csv(BINARY.select(["id", "label", "group"]).take(known), folder / "labels.csv")


def no_rows(folder):
    pq.write_table(BINARY.slice(0, 0), folder / "part-0.parquet")


def nothing(folder):
    """For a reader that makes its rows up."""


def census(folder):
    """The first rows of two of the demo's files, and its models."""
    for file in sorted((CENSUS / "out" / "data").glob("eval-*.tfrecord.gz"))[:2]:
        with gzip.open(file) as opened:
            records = islice(unframed(opened, str(file)), CENSUS_ROWS // 2)  # type: ignore[arg-type]
            (folder / file.name).write_bytes(gzip.compress(b"".join(map(framed, records)), 1))
    shutil.copytree(CENSUS / "models", folder / "models")
