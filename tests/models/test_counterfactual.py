"""Counterfactual predictions: the same rows, with other values in some features of the model."""

from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

import assay
from assay.cli import main
from assay.errors import ConfigError, ModelError
from assay.models import model
from assay.models.model import ModelNeeds, ModelRef, needs
from assay.models.tensorflow import import_tensorflow
from assay.plan.analysis_file import load_analysis
from assay.plan.blessed import candidate_of

load: Any = model.load

FEATURES = {
    "age": pa.array([1.0, 2.0, 3.0]),
    "clicks": np.array([10, 20, 30]),
    "city": pa.array(["Rome", None, "Oslo"]).dictionary_encode(),
    "other_age": pa.array([5.0, 6.0, 7.0]),
}


def of_columns(**counterfactual):
    return ModelRef("m", "model_functions:columns_as_given", "callable", counterfactual=counterfactual)


def of_examples(uri, **counterfactual):
    return ModelRef("m", uri, "saved_model", counterfactual=counterfactual)


def examples(rows):
    tf = import_tensorflow()
    kinds = {str: tf.train.BytesList, int: tf.train.Int64List, float: tf.train.FloatList}
    names = {str: "bytes_list", int: "int64_list", float: "float_list"}

    def feature(value):
        stored = value.encode() if isinstance(value, str) else value
        return tf.train.Feature(**{names[type(value)]: kinds[type(value)](value=[stored])})

    records = [
        tf.train.Example(features=tf.train.Features(feature={name: feature(value) for name, value in row.items()}))
        for row in rows
    ]
    return pa.array([record.SerializeToString() for record in records], pa.binary())


def test_a_feature_is_fed_from_another_column(named_tensors):
    ref = ModelRef("m", named_tensors, "saved_model", counterfactual={"age": "other_age"})
    assert needs(ref) == ModelNeeds(raw=False, columns=("other_age", "city", "clicks"))
    assert load(ref)({"features": FEATURES}).tolist() == [21.0, 32.0, 44.0]


def test_a_feature_has_one_value_in_all_rows(named_tensors):
    ref = ModelRef("m", named_tensors, "saved_model", counterfactual={"city": {"value": "Rome"}, "age": {"value": 1}})
    assert needs(ref) == ModelNeeds(raw=False, columns=("age", "city", "clicks"))
    assert load(ref)({"features": FEATURES}).tolist() == [13.0, 23.0, 33.0]


@pytest.mark.usefixtures("model_functions")
def test_features_are_replaced_at_once_so_that_two_can_swap_and_the_batch_stays_as_it_is():
    seen = load(of_columns(age="other_age", other_age="age"))({"features": FEATURES})
    assert (seen["age"].tolist(), seen["other_age"].tolist()) == ([5, 6, 7], [1, 2, 3])
    assert FEATURES["age"].to_pylist() == [1, 2, 3]


@pytest.mark.usefixtures("model_functions")
def test_one_value_has_the_type_of_the_column():
    seen = load(of_columns(clicks={"value": 7}, age={"value": 2}))({"features": FEATURES})
    assert (seen["clicks"].dtype, seen["age"].dtype) == (np.int64, np.float64)
    with pytest.raises(ModelError, match=r"'m': counterfactual.clicks.value: found 'many', but the column holds int64"):
        load(of_columns(clicks={"value": "many"}))({"features": FEATURES})
    with pytest.raises(ModelError, match=r"counterfactual.clicks.value: found 1.5, but the column holds int64"):
        load(of_columns(clicks={"value": 1.5}))({"features": FEATURES})


def test_a_feature_that_the_model_does_not_read_is_refused(named_tensors):
    ref = ModelRef("m", named_tensors, "saved_model", counterfactual={"agee": "other_age"})
    with pytest.raises(ModelError, match=r"counterfactual.agee: the model reads no column 'agee'.*did you mean 'age'"):
        needs(ref)


@pytest.mark.usefixtures("model_functions")
def test_a_column_that_the_rows_do_not_have_is_refused():
    with pytest.raises(ModelError, match=r"counterfactual.age: the rows have no column 'other_ag'.*'other_age'"):
        load(of_columns(age="other_ag"))({"features": FEATURES})
    with pytest.raises(ModelError, match=r"counterfactual.agee: the rows have no column 'agee'"):
        load(of_columns(agee={"value": 1}))({"features": FEATURES})


def test_serialised_examples_are_fed_with_other_values(serialised_examples):
    rows = examples([{"x": 1.0, "y": 10.0}, {"x": 2.0, "y": 20.0}])
    assert needs(of_examples(serialised_examples, x="y")) == ModelNeeds(raw=True, columns=())
    assert load(of_examples(serialised_examples, x="y"))({"features": {}, "input": rows}).tolist() == [20, 40]
    assert load(of_examples(serialised_examples, x={"value": 3}))({"features": {}, "input": rows}).tolist() == [6, 6]
    assert load(of_examples(serialised_examples, x="y", y="x"))({"features": {}, "input": rows}).tolist() == [20, 40]


def test_serialised_examples_without_the_feature_or_with_another_type_are_refused(serialised_examples):
    batch = {"features": {}, "input": examples([{"x": 1.0, "word": "a"}])}
    with pytest.raises(ModelError, match=r"counterfactual.x: no tf.Example of a batch of 1 has a feature 'y'.*word, x"):
        load(of_examples(serialised_examples, x="y"))(batch)
    with pytest.raises(ModelError, match=r"counterfactual.x.value: found 'a', but the tf.Examples have a float_list"):
        load(of_examples(serialised_examples, x={"value": "a"}))(batch)
    with pytest.raises(ModelError, match=r"counterfactual: a record is no tf.Example"):
        load(of_examples(serialised_examples, x="y"))({"features": {}, "input": pa.array([b"\xff"], pa.binary())})


@pytest.mark.parametrize("replacement", [3, "", None, {"value": None}, {"value": [1]}, {"column": "a"}, {}])
def test_what_is_neither_a_column_nor_a_value_is_refused(replacement, tmp_path):
    with pytest.raises(ModelError, match=r"counterfactual.age: expected a column, or \{value: x\}"):
        of_columns(age=replacement)


ANALYSIS = """
inputs: {format: csv, files: [d.csv]}
models:
  - {name: as_it_is, uri: "one_column:score", type: callable, features: [x], baseline: true}
  - {name: swapped, uri: "one_column:score", type: callable, features: [x], counterfactual: {x: COLUMN}}
eval_config:
  model_specs: [{name: as_it_is, label_key: label, is_baseline: true}, {name: swapped, label_key: label}]
  metrics_specs: [{metrics: [{class_name: BooleanFlipRates}, {class_name: MeanPrediction}]}]
output: out
"""


def test_a_model_is_compared_with_itself_on_other_values(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "one_column.py").write_text("def score(columns):\n    return columns['x']\n", encoding="utf-8")
    frame = pd.DataFrame({"x": [0.1, 0.2, 0.9, 0.8], "y": [0.9, 0.1, 0.95, 0.3], "label": [0, 0, 1, 1]})
    frame.to_csv("d.csv", index=False)
    (tmp_path / "a.yaml").write_text(ANALYSIS.replace("COLUMN", "y"), encoding="utf-8")

    assert main(["run", "a.yaml", "--quiet"]) == 0
    table = assay.metrics_frame("out")
    metrics = table[~table["is_diff"]].set_index(["model", "metric"])["value"].to_dict()
    assert metrics["swapped", "mean_prediction"] == pytest.approx(frame["y"].mean())
    assert metrics["as_it_is", "mean_prediction"] == pytest.approx(frame["x"].mean())
    assert metrics["swapped", "flip_rate"] == pytest.approx(0.5)  # 0.1 to 0.9, and 0.8 to 0.3


def test_the_analysis_file_names_the_field_and_a_blessing_the_model_itself(tmp_path):
    path = tmp_path / "a.yaml"
    path.write_text(ANALYSIS.replace("COLUMN", "y"), encoding="utf-8")
    model_blessed = candidate_of(load_analysis(path))
    assert (model_blessed["uri"], "counterfactual" in model_blessed) == ("one_column:score", False)
    path.write_text(ANALYSIS.replace("COLUMN", "[y]"), encoding="utf-8")
    with pytest.raises(ConfigError, match=r"models\[1\].counterfactual.x: expected a column"):
        load_analysis(path)
