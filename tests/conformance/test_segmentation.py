"""Pixels of masks by class, against TFMA itself; its results cannot hold the confusion matrix."""

import io
import json

import numpy as np
import pandas as pd
import pytest
from PIL import Image

import assay
from assay.results.keys import metric_key_from_proto, slice_key_from_proto
from tests.conformance.both import assert_same, results_of_both
from tests.conformance.record_numbers import number_in
from tests.conformance.recorded import SOURCES

ASKED = {"class_ids": [0, 1, 3], "ground_truth_key": "mask", "prediction_key": "found", "decode_prediction": True}


def masks():
    rng = np.random.default_rng(4)
    return [rng.integers(0, 5, (2, *rng.integers(2, 9, 2))).astype(np.uint8) for _ in range(30)]


def png(mask):
    written = io.BytesIO()
    Image.fromarray(mask).save(written, format="PNG")
    return written.getvalue()


def config(**more):
    text = json.dumps(json.dumps({**ASKED, **more})[1:-1])
    metrics = "".join(
        f'metrics {{ class_name: "SemanticSegmentation{name}" config: {text} }} '
        for name in ("TruePositive", "FalsePositive")
    )
    slices = 'slicing_specs {} slicing_specs { feature_keys: "group" }'
    return f"model_specs {{}} {slices} metrics_specs {{ {metrics} }}"


def values_in(folder):
    return {
        (
            slice_key_from_proto(record.slice_key),
            *metric_key_from_proto(entry.key)[:1],
            entry.key.sub_key.class_id.value,
        ): (number_in(entry.value))
        for record in assay.load_metrics(str(folder))
        for entry in record.metric_keys_and_values
    }


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("ignored", [None, 3])
def test_every_count_is_that_of_tfma(tmp_path, ignored, source):
    both = masks()
    frame = pd.DataFrame(
        {
            "mask": [png(truth) for truth, _ in both],
            "found": [png(found) for _, found in both],
            "group": ["ab"[i % 2] for i in range(len(both))],
        }
    )
    text = config() if ignored is None else config(ignore_ground_truth_id=ignored)
    told = [mask.tolist() for mask in both]
    folders = results_of_both(f"segmentation {ignored}", frame, text, tmp_path, source, told=told)
    expected, found = map(values_in, folders)
    assert len(found) == 3 * 2 * 3
    assert_same(found, expected, rel=0)
