"""What features contributed to predictions, against numpy."""

import apache_beam as beam
import numpy as np
import pandas as pd
import pytest

import assay
from assay.config.attributions import ATTRIBUTIONS
from assay.errors import BadRowError, ColumnTypeError, EvalConfigError, MissingColumnError
from assay.metrics.binding.bound import metrics_of
from assay.metrics.declare import definitions
from assay.proto.metrics_for_slice_pb2 import AttributionsForSlice

from .asked import asked
from .engine import config_of, cut, evaluated, whole
from .hard_data import hard_attributions

BATCH = hard_attributions(500)
AGE, PAY = BATCH["attributions"]["age"], BATCH["attributions"]["pay"]
WEIGHTS = BATCH["example_weights"]


def by_feature(settings="", batch=BATCH, weighted=True, name="TotalAttributions"):
    """The value of all rows: numbers of age, then of pay."""
    ((_, value),) = whole(batch, config_of(f"{asked(name)} {settings}", weighted=weighted))[()].items()
    return value


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize(
    ("name", "sign", "is_mean"),
    [
        ("TotalAttributions", lambda x: x, False),
        ("TotalAbsoluteAttributions", np.abs, False),
        ("MeanAttributions", lambda x: x, True),
        ("MeanAbsoluteAttributions", np.abs, True),
    ],
)
def test_each_feature_has_the_sum_or_mean_of_its_attributions(name, sign, is_mean, weighted):
    weights = WEIGHTS if weighted else np.ones(500)
    sums = np.concatenate([[weights @ sign(AGE)], weights @ sign(PAY)])
    assert by_feature(name=name, weighted=weighted) == pytest.approx(sums / (weights.sum() if is_mean else 1))


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ("class_ids { values: 2 }", PAY[:, [2]]),
        ("k_list { values: 2 }", np.sort(PAY, axis=1)[:, [1]]),
        ("top_k_list { values: 2 }", -np.sort(-PAY, axis=1)[:, :2]),
    ],
)
def test_a_class_or_the_highest_numbers_of_a_list_can_be_asked_for(options, expected):
    batch = {**BATCH, "attributions": {"pay": PAY}}
    found = by_feature(f"binarize {{ {options} }}", batch)
    assert found == pytest.approx(WEIGHTS @ expected)


def test_a_feature_that_only_some_rows_have_is_that_of_these_rows():
    first, second = cut(BATCH, 200)
    del second["attributions"]["age"]
    batches = [(0, [first]), (1, [second])]
    ((_, value),) = evaluated(batches, config_of(asked("TotalAttributions")))[()].items()
    assert value == pytest.approx(np.concatenate([[WEIGHTS[:200] @ AGE[:200]], WEIGHTS @ PAY]))


@pytest.mark.parametrize(
    ("batch", "options", "error", "message"),
    [
        ({k: v for k, v in BATCH.items() if k != "attributions"}, "", MissingColumnError, "custom extractor"),
        (
            {**BATCH, "attributions": {"age": np.where(np.arange(500) == 7, np.nan, AGE)}},
            "",
            BadRowError,
            "row 7: attribution missing or not finite, which TotalAttributions cannot take: age nan",
        ),
        (BATCH, "binarize { class_ids { values: 1 } }", ColumnTypeError, "'age' have 1 values a row; expected 2"),
    ],
    ids=["none", "NaN", "a class of a number"],
)
def test_attributions_that_are_not_there_are_refused(batch, options, error, message):
    with pytest.raises(error, match=message):
        by_feature(options, batch)


def test_attributions_have_no_average_over_classes():
    average = "aggregate { macro_average: true class_weights { key: 0 value: 1 } }"
    with pytest.raises(EvalConfigError, match="attributions have no average over classes"):
        metrics_of(config_of(f"{asked('MeanAttributions')} {average}"))


def test_no_threshold_bounds_them():
    threshold = "threshold { value_threshold { lower_bound { value: 0.5 } } }"
    config = config_of(f"metrics {{ class_name: 'MeanAttributions' {threshold} }}")
    with pytest.raises(EvalConfigError, match="has a value for each feature, and none that a threshold could be for"):
        metrics_of(config)


def test_plans_know_the_same_class_names():
    assert {name for name, definition in definitions().items() if definition.is_by_feature} == ATTRIBUTIONS


def add_attributions(extracts):
    x = np.asarray(extracts["features"]["x"], float)
    return {**extracts, "attributions": {"x": x, "both": np.column_stack([x, -x])}}


def test_results_have_attributions_by_feature(tmp_path):
    frame = pd.DataFrame({"x": [1.0, 2.0, 6.0], "label": [0, 1, 1], "score": [0.1, 0.9, 0.8], "g": ["a", "b", "b"]})
    data = tmp_path / "rows.parquet"
    frame.to_parquet(data)
    config = {
        "model_specs": [{"label_key": "label", "prediction_key": "score"}],
        "slicing_specs": [{}, {"feature_keys": ["g"]}],
        "metrics_specs": [{"metrics": [{"class_name": "MeanAttributions"}, {"class_name": "ExampleCount"}]}],
    }
    resolved = assay.parse_eval_config(config)
    *earlier, slice_keys = assay.default_extractors(resolved)
    extractors = [*earlier, assay.Extractor("ExtractAttributions", beam.Map(add_attributions)), slice_keys]
    result = assay.run_model_analysis(
        config,
        data_location=str(data),
        file_format="parquet",
        extractors=extractors,
        output_path=str(tmp_path / "out"),
    )
    assert result.get_attributions_for_slice((("g", "b"),)) == {
        "x": {"doubleValue": 4.0},
        "both": {"arrayValue": {"dataType": "FLOAT64", "shape": [2], "float64Values": [4.0, -4.0]}},
    }
    records = list(assay.load_attributions(str(tmp_path / "out")))
    assert [type(record).__name__ for record in records] == [AttributionsForSlice.__name__] * 3
    (item,) = records[0].attributions_keys_and_values
    assert (item.key.name, item.key.is_diff) == ("mean_attributions", False)
