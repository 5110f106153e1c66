"""How far reading is, is told for every format: by bytes, or by rows where a file says how many it has."""

import gzip
import io
from collections import Counter

import numpy as np
import pandas as pd
import pytest

from assay.engine import progress
from assay.readers.read_inputs import read_split
from assay.readers.source import Source, expect, splits, wanted

ROWS = 200_000
FRAME = pd.DataFrame({"x": np.random.default_rng(0).random(ROWS), "y": "some text"})


def written(form, folder):
    """Two files of a format."""
    for name in ("a", "b"):
        file = folder / f"{name}.{form}"
        if form == "parquet":
            FRAME.to_parquet(file)
        elif form == "csv":
            FRAME.to_csv(file, index=False)
        elif form == "csv.gz":
            file.write_bytes(gzip.compress(FRAME.to_csv(index=False).encode(), 1))
        else:
            FRAME.to_json(file, orient="records", lines=True)


@pytest.mark.parametrize("form", ["csv", "csv.gz", "jsonl", "parquet"])
def test_the_share_that_has_been_read_grows_to_all_of_it(form, tmp_path):
    written(form, tmp_path)
    source = Source(form.removesuffix(".gz"), (f"{tmp_path}/*",), batch_rows=20_000)
    every = splits(source)
    columns = wanted(source, every)
    with progress.shown(io.StringIO()):
        progress.phase("Reading", then="Computing")
        expect(every)
        shares = []
        for split in every:
            for _ in read_split(split, source, columns, Counter()):
                shares.append(progress.line({}, 0.0, 0.0))
        assert progress.line({}, 0.0, 0.0) == "0:00  Computing"

    percents = [int(text.removeprefix("0:00  Reading  ").removesuffix("%")) for text in shares if "%" in text]
    assert percents == sorted(percents)
    assert 50 in percents
    if not form.startswith("csv"):  # whose reader is some megabytes ahead
        assert any(0 < percent < 50 for percent in percents)
        assert any(50 < percent < 100 for percent in percents)
