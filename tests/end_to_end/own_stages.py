"""Stages of a user's own: a reader, an extractor, an evaluator and a writer, by batches and by single rows."""

import apache_beam as beam
import numpy as np
import pyarrow as pa

import assay
import assay.slicing.codes


def read_numbers(batches: int, rows: int) -> beam.PTransform:
    """A reader that makes its rows up."""

    def batch(i: int) -> assay.Extracts:
        score = (np.arange(rows) + 0.5) / rows
        features = {"score": score, "label": (score > 0.4).astype(float), "batch": pa.array([f"b{i % 2}"] * rows)}
        return {"features": features}

    return beam.Create(range(batches)) | beam.Map(batch)


def read_rows(count: int) -> beam.PTransform:
    """The same, one row at a time."""
    return beam.Create(
        [
            {"features": {"score": (i + 0.5) / count, "label": float(i >= 0.4 * count), "batch": f"b{i % 2}"}}
            for i in range(count)
        ]
    )


def add_band(width: float) -> assay.Extractor:
    """A feature to slice by, column-wise."""

    def add(extracts: assay.Extracts) -> assay.Extracts:
        features = extracts["features"]
        return {**extracts, "features": {**features, "band": (np.asarray(features["score"]) // width).astype(int)}}

    return assay.Extractor("AddBand", beam.Map(add))


def add_band_by_row(row: dict, width: float = 0.5) -> dict:
    return {**row, "features": {**row["features"], "band": int(row["features"]["score"] // width)}}


def band_by_row():
    return add_band_by_row


class _Highest(beam.PTransform):
    def expand(self, extracts):
        highest = (
            extracts
            | assay.FanoutSlices()
            | beam.MapTuple(lambda key, batch: (key, float(np.max(batch["features"]["score"]))))
            | beam.CombinePerKey(max)
            | beam.MapTuple(lambda key, score: [assay.slicing.text.slice_text(key), score])
        )
        return {"highest": highest}


def highest() -> assay.Evaluator:
    """The highest score of each slice."""
    return assay.Evaluator("Highest", "ExtractSliceKeys", _Highest())


class _CountRows(beam.PTransform):
    def expand(self, rows):
        return {"row_count": rows | beam.combiners.Count.Globally()}


def count_rows():
    return _CountRows()


def write_lines(key: str, path: str) -> beam.PTransform:
    return assay.Write(key, beam.io.WriteToText(path))


def claims_another_name() -> assay.Extractor:
    return assay.Extractor("SomethingElse", beam.Map(lambda e: e))


def not_a_stage() -> int:
    return 1
