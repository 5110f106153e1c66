"""One large file keeps all workers busy, whatever its format; the bits stay the same."""

import csv
import gzip
import json

import numpy as np
import pytest

from assay.engine import progress
from assay.plan.analysis_file import compile_analysis
from assay.readers import pieces
from assay.run import local
from assay.storage.framing import framed
from tests.engine.workers.counted_pools import let_sharing_pay, sizes_of_pools
from tests.parity.results import differing, parts_of

ROWS = 3_000
EVAL_CONFIG = {
    "model_specs": [{"label_key": "label", "prediction_key": "score"}],
    "slicing_specs": [{}, {"feature_keys": ["group"]}],
    "metrics_specs": [{"metrics": [{"class_name": name} for name in ("AUC", "MeanPrediction", "Calibration")]}],
    "options": {"compute_confidence_intervals": True},
}


def rows():
    rng = np.random.default_rng(5)
    groups = ["plain", 'with "quotes"', "over\nlines", "a, b"]
    for _ in range(ROWS):
        label = float(rng.random() < 0.4)
        yield {
            "label": label,
            "score": float(np.clip(rng.normal(0.4 + 0.2 * label, 0.2), 0, 1)),
            "group": groups[int(rng.integers(4))],
        }


def write_csv(file):
    with file.open("w", newline="") as stream:
        writer = csv.DictWriter(stream, ["label", "score", "group"])
        writer.writeheader()
        writer.writerows(rows())


def write_jsonl(file):
    file.write_text("".join(f"{json.dumps(row)}\n" for row in rows()))


def write_tfrecord(file):
    tf = pytest.importorskip("tensorflow")

    def example(row):
        feature = {
            name: tf.train.Feature(float_list=tf.train.FloatList(value=[row[name]])) for name in ("label", "score")
        }
        group = tf.train.Feature(bytes_list=tf.train.BytesList(value=[row["group"].encode()]))
        return tf.train.Example(features=tf.train.Features(feature={**feature, "group": group})).SerializeToString()

    file.write_bytes(b"".join(framed(example(row)) for row in rows()))


WRITERS = {"csv": write_csv, "jsonl": write_jsonl, "tfrecord": write_tfrecord}


@pytest.fixture
def started(monkeypatch):
    """Pieces of 10 kB that pay; the numbers of processes that were started."""
    let_sharing_pay(monkeypatch)
    monkeypatch.setattr(pieces, "PIECE_BYTES", 10_000)
    return sizes_of_pools(monkeypatch)


def evaluated(form, file, folder, workers):
    analysis = {
        "inputs": {"format": form, "files": [str(file)], "batch_rows": 100},
        "eval_config": EVAL_CONFIG,
        "output": str(folder / "results"),
    }
    local.run(compile_analysis(analysis, folder), options=[f"--workers={workers}"])
    return parts_of(folder)


@pytest.mark.parametrize(
    "form", ["csv", *(pytest.param(form, marks=pytest.mark.slow) for form in ("jsonl", "tfrecord"))]
)
def test_one_file_is_shared_with_the_bits_of_one_process(tmp_path, started, form):
    file = tmp_path / f"rows.{form}"
    WRITERS[form](file)
    expected = evaluated(form, file, tmp_path / "1", 1)
    assert expected["summary"]["rows"] == ROWS
    for workers in (2, 3):
        assert differing(evaluated(form, file, tmp_path / str(workers), workers), expected) == {}
    assert started == [2, 3]


def test_a_compressed_file_stays_whole_and_that_is_told(tmp_path, started, monkeypatch):
    lines: list[str] = []
    monkeypatch.setattr(progress, "say", lines.append)
    write_csv(tmp_path / "rows.csv")
    file = tmp_path / "rows.csv.gz"
    file.write_bytes(gzip.compress((tmp_path / "rows.csv").read_bytes()))
    found = evaluated("csv", file, tmp_path / "2", 2)
    assert (found["summary"]["rows"], started) == (ROWS, [])
    assert lines == [f"{file} keeps one core busy: it is compressed; write several files to use more cores"]
    evaluated("csv", file, tmp_path / "1", 1)
    assert len(lines) == 1
