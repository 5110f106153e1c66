"""An extractor and an evaluator of a user's own that do what they should."""

import apache_beam as beam
import numpy as np

import assay
from tests.parity.own_stages import metric_record


def add_band():
    return assay.Extractor("AddBand", beam.Map(_with_band))


def _with_band(extracts):
    score = extracts["features"]["score"].to_numpy(zero_copy_only=False)
    return {**extracts, "features": {**extracts["features"], "band": np.floor(score * 4).astype(np.int64)}}


def highest_score():
    return assay.Evaluator("HighestScore", "ExtractSliceKeys", _HighestScore())


class _HighestScore(beam.PTransform):
    def expand(self, extracts):
        scores = extracts | assay.FanoutSlices() | beam.MapTuple(lambda key, batch: (key, max(batch["predictions"])))
        return {"metrics": scores | beam.CombinePerKey(max) | beam.MapTuple(metric_record)}
