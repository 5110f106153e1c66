"""Texts, sets and attributions against TFMA itself.

There, metrics of sets that differ in nothing but their weights of classes share the weights of the first.
"""

from typing import Any

import apache_beam as beam
import numpy as np
import pandas as pd
import pytest

import assay
from assay.proto.metrics_for_slice_pb2 import AttributionsForSlice, MetricsForSlice
from assay.results.keys import slice_key_from_proto
from tests.conformance.both import assert_same, results_of_both
from tests.conformance.record_numbers import number_in
from tests.conformance.recorded import SOURCES

ROWS = 120
RNG = np.random.default_rng(17)
SLICES = 'slicing_specs {} slicing_specs { feature_keys: "group" }'


def words(most):
    return [RNG.choice(list("abcdefgh"), size, replace=False).tolist() for size in RNG.integers(1, most, ROWS)]


def frame():
    classes = words(6)
    texts = [" ".join(one * 2) for one in words(5)]
    return pd.DataFrame(
        {
            "group": RNG.choice(["x", "y"], ROWS),
            "w": RNG.integers(1, 5, ROWS).astype(float),
            "set": words(5),
            "classes": classes,
            "scores": [np.sort(RNG.random(len(one)))[::-1].tolist() for one in classes],
            "rare": [["a", "b", "c"]] * ROWS,
            "factors": [[0.5, 2.0, 3.0]] * ROWS,
            "text": texts,
            "said": [text if i % 2 else text[::-1] for i, text in enumerate(texts)],
            "json": [f'{{"a": {i % 3}, "b": 1}}' for i in range(ROWS)],
            "said_json": [f'{{"b": 1, "a":{i % 2}}}' for i in range(ROWS)],
            "age": RNG.normal(0, 1, ROWS),
            "pay": [RNG.normal(0, 1, 3).tolist() for _ in range(ROWS)],
        }
    )


FRAME = frame()


def asked(class_name, settings=""):
    return f"metrics {{ class_name: '{class_name}' config: '{settings}' }}"


def config_of(spec, metrics):
    return f'model_specs {{ {spec} example_weight_key: "w" }} {SLICES} metrics_specs {{ {metrics} }}'


SETS = (
    'label_key: "set" prediction_keys { key: "classes" value: "classes" } '
    'prediction_keys { key: "scores" value: "scores" }'
)
MATCHES = "".join(
    asked(f"SetMatch{kind}", f'{settings}"name": "{kind}{i}"')
    for kind in ("Precision", "Recall")
    for i, settings in enumerate(("", '"thresholds": [0.2, 0.7], ', '"top_k": 2, '))
)
WEIGHTED = "".join(
    asked(f"SetMatch{kind}", '"weight_key": "factors", "class_key": "rare"') for kind in ("Precision", "Recall")
)
CASES = {
    "sets": (SETS, MATCHES),
    "sets with weights of classes": (SETS, WEIGHTED),
    "texts": ('label_key: "text" prediction_key: "said"', asked("ExactMatch")),
    "json": ('label_key: "json" prediction_key: "said_json"', asked("ExactMatch", '"convert_to": "json"')),
}


def values_in(folder):
    """(slice, name) -> number or list."""
    found: dict[Any, Any] = {}
    for record in assay.load_metrics(str(folder)):
        message = MetricsForSlice.FromString(record.SerializeToString())
        for entry in message.metric_keys_and_values:
            numbers = list(entry.value.array_value.float64_values)
            found[slice_key_from_proto(message.slice_key), entry.key.name] = numbers or number_in(entry.value)
    return found


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("case", CASES)
def test_every_value_is_that_of_tfma(tmp_path, case, source):
    config = config_of(*CASES[case])
    expected, found = map(values_in, results_of_both(f"other shapes {case}", FRAME, config, tmp_path, source))
    assert_same(found, expected)


# Attributions ---------------------------------------------------------------------------------------------------------

KINDS = "".join(asked(f"{kind}Attributions") for kind in ("Mean", "MeanAbsolute", "Total", "TotalAbsolute"))
ATTRIBUTIONS = {
    "all": KINDS,
    "class": KINDS + " binarize { class_ids { values: 1 } }",
    "highest": KINDS + " binarize { k_list { values: 2 } top_k_list { values: 2 } }",
}


def with_attributions(extracts):
    """Of one row of TFMA, and of a batch of ours."""
    features = extracts["features"]
    return {**extracts, "attributions": {"pay": features["pay"]}}


def attributions_in(folder):
    found = {}
    for record in assay.load_attributions(str(folder)):
        message = AttributionsForSlice.FromString(record.SerializeToString())
        for item in message.attributions_keys_and_values:
            for feature, value in item.values.items():
                numbers = list(value.array_value.float64_values) or [value.double_value.value]
                key = slice_key_from_proto(message.slice_key), item.key.name, str(item.key.sub_key), feature
                found[key] = numbers
    return found


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("case", ATTRIBUTIONS)
def test_attributions_are_those_of_tfma(tmp_path, case, source):
    spec = 'label_key: "pay" prediction_key: "pay"'
    config, data = config_of(spec, ATTRIBUTIONS[case]), tmp_path / "rows.parquet"
    theirs, ours = results_of_both(f"attributions {case}", FRAME, config, tmp_path, source, last=with_attributions)
    FRAME.to_parquet(data)
    *earlier, slice_keys = assay.default_extractors(assay.parse_eval_config(config))
    extractors = [*earlier, assay.Extractor("ExtractAttributions", beam.Map(with_attributions)), slice_keys]
    assay.run_model_analysis(
        config, data_location=str(data), file_format="parquet", extractors=extractors, output_path=str(ours)
    )
    assert_same(attributions_in(ours), attributions_in(theirs))
