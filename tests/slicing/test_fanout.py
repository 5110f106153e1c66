"""Rows by slice, for evaluators of one's own."""

import numpy as np
import pyarrow as pa
import pytest

from assay.errors import PipelineError
from assay.extractors.slice_keys import extract_slice_keys
from assay.extracts.columns import row_count
from assay.slicing import FanoutSlices as FromSlicing
from assay.slicing.fanout import FanoutSlices, fan_out
from assay.slicing.specs import Slicing
from tests.beam_runs import run

BATCH = {
    "features": {"sex": pa.array(["F", "M", None, "F"]), "tags": pa.array([["a", "b"], ["b"], [], None])},
    "labels": np.array([1.0, 0.0, 1.0, 0.0]),
}
SLICINGS = (Slicing(), Slicing(("sex",)), Slicing(("tags",)))


def test_gives_one_pair_for_each_slice_and_batch():
    batch = extract_slice_keys(BATCH, slicings=SLICINGS).extracts
    pairs = run([batch, batch], FanoutSlices())
    assert len(pairs) == 10
    assert {key: part["labels"].tolist() for key, part in pairs} == {
        (): [1.0, 0.0, 1.0, 0.0],
        (("sex", "F"),): [1.0, 0.0],
        (("sex", "M"),): [0.0],
        (("tags", "a"),): [1.0],
        (("tags", "b"),): [1.0, 0.0],
    }
    assert all(row_count(part["features"]) == len(part["labels"]) for _, part in pairs)


def test_is_found_where_users_of_tfma_look_for_it():
    assert FromSlicing is FanoutSlices


def test_needs_slice_keys():
    with pytest.raises(PipelineError, match="ExtractSliceKeys"):
        list(fan_out(BATCH))
