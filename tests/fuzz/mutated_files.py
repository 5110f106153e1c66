"""Reads mutated files, one after the other, and says of each how it ended: a line of JSON. Run as a process of its own.

    python mutated_files.py FIRST COUNT FOLDER

What kills this process (a fault of a parser, an alarm after a minute, no memory) shows as the lines that are missing.
"""

import gzip
import io
import json
import random
import resource
import signal
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from assay.errors import AssayError
from assay.extracts.columns import to_floats
from assay.models.tensorflow import import_tensorflow
from assay.readers.bad_rows import refusal
from assay.readers.source import Source, format_of, splits, wanted
from assay.storage.framing import framed

FORMATS = ("csv", "jsonl", "parquet", "tfrecord")
ROWS = 300
NEEDED = ("label", "score", "g")
SECONDS = 60
_EXTREMES = [
    b"\0",
    b"\xff",
    b"\x80",
    b"[" * 300,
    b'"',
    b"\n",
    b"\xff" * 8,
    b"\0" * 8,
    b"\x7f\xff\xff\xff",
    b"1e999",
    b"{",
]


def rows_of(rng):
    """Columns by name: labels, scores, text to slice on, and what nobody needs."""
    return {
        "label": [rng.randint(0, 1) for _ in range(ROWS)],
        "score": [rng.choice([rng.random(), 0.5, 1e-300]) for _ in range(ROWS)],
        "g": [rng.choice(["a", "é", "", "x" * 50, '"', "a,b"]) for _ in range(ROWS)],
        "note": [rng.choice(["", "{", "[1]", "\\"]) * rng.randint(0, 5) for _ in range(ROWS)],
    }


def intact(form, rng):
    """A file of a format as bytes."""
    columns = rows_of(rng)
    rows = [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]
    if form == "jsonl":
        return "".join(json.dumps(row, ensure_ascii=rng.random() < 0.5) + "\n" for row in rows).encode()
    if form == "csv":
        lines = [",".join(columns)] + [",".join(quoted(value) for value in row.values()) for row in rows]
        return "\n".join(lines).encode()
    if form == "parquet":
        sink = io.BytesIO()
        codec = rng.choice(["none", "snappy", "gzip", "zstd"])
        table = pa.table({**columns, "list": [[i] * (i % 3) for i in range(ROWS)]})
        pq.write_table(table, sink, compression=codec, use_dictionary=rng.random() < 0.5, row_group_size=100)
        return sink.getvalue()
    examples = [example(row) for row in rows]
    if rng.random() < 0.5:  # what the checksums of the frames do not show
        examples[-3:] = [mutated(record, rng) for record in examples[-3:]]
    return b"".join(map(framed, examples))


def quoted(value):
    return '"' + value.replace('"', '""') + '"' if isinstance(value, str) else repr(value)


def example(row):
    import_tensorflow()
    from tensorflow.train import BytesList, Example, Feature, Features, FloatList, Int64List

    kinds = {
        int: lambda v: Feature(int64_list=Int64List(value=[v])),
        float: lambda v: Feature(float_list=FloatList(value=[v])),
        str: lambda v: Feature(bytes_list=BytesList(value=[v.encode()])),
    }
    return Example(features=Features(feature={k: kinds[type(v)](v) for k, v in row.items()})).SerializeToString()


def mutated(data, rng):
    """The bytes with one to eight changes."""
    data = bytearray(data)
    for _ in range(rng.randint(1, 8)):
        at = rng.randrange(len(data) + 1)
        near_end = len(data) - rng.randint(0, min(len(data), 200))
        at = rng.choice([at, near_end, rng.randint(0, min(len(data), 64))])
        length = rng.choice([1, 1, 4, 40, 4000])
        change = rng.choice(["flip", "flip", "flip", "extreme", "insert", "cut", "copy", "end"])
        if change == "flip" and at < len(data):
            data[at] ^= 1 << rng.randrange(8)
        elif change == "extreme":
            value = rng.choice(_EXTREMES)
            data[at : at + len(value)] = value
        elif change == "insert":
            data[at:at] = rng.randbytes(length)
        elif change == "cut":
            del data[at : at + length]
        elif change == "copy":
            data[at:at] = data[at : at + length] * rng.choice([1, 3])
        elif change == "end" and rng.random() < 0.3:
            del data[at:]
    return bytes(data)


def made(seed):
    """(format, bytes) of the file of a seed."""
    rng = random.Random(seed)
    form = FORMATS[seed % len(FORMATS)]
    data = intact(form, rng)
    if form == "tfrecord" and rng.random() < 0.5:
        return form, data
    packed = form != "parquet" and rng.random() < 0.2
    if packed and rng.random() < 0.5:
        return form, mutated(gzip.compress(data), rng)
    return form, gzip.compress(mutated(data, rng)) if packed else mutated(data, rng)


def ended(form, file, on_bad_rows):
    """How reading a file ended: the number of rows, or the one line of an error."""
    source = Source(form, (str(file),), columns=NEEDED, dictionary=("g",), on_bad_rows=on_bad_rows)
    rows = 0
    try:
        found = splits(source)
        columns = wanted(source, found)
        for split in found:
            for name in split.files:
                for batch in format_of(source).read(name, source, columns, refusal(name, on_bad_rows, Counter())):
                    rows += checked(batch)
    except AssayError as error:
        return f"{type(error).__name__}: {error}".replace(str(file), "FILE"), error.exit_code
    return rows, 0


def checked(batch):
    """Rows of a batch that holds what it says: every value can be seen, and what is to be numbers becomes such."""
    for name, column in batch.columns.items():
        assert len(column) == len(batch.rows)
        column.validate(full=True)
        column.to_pylist()
        try:
            values = to_floats(column, name)
        except AssayError:  # text where a number was: an error of the column, which names it
            continue
        assert len(values) == len(batch.rows)
    assert (np.diff(batch.rows) > 0).all()
    return len(batch.rows)


def main(first, count, folder):
    for seed in range(first, first + count):
        form, data = made(seed)
        file = Path(folder, f"{seed}.{form}")
        file.write_bytes(data)
        signal.alarm(SECONDS)
        outcome, code = ended(form, file, "skip" if seed % 3 else "fail")
        signal.alarm(0)
        file.unlink()
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10
        ending = {"seed": seed, "format": form, "outcome": outcome, "code": code, "mb": peak}
        sys.stdout.write(json.dumps(ending) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3])
