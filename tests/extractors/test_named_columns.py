"""A column for each class as the prediction of several classes."""

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import accuracy_score, f1_score

import assay
from assay.errors import ColumnTypeError, EvalConfigError, MissingColumnError

CLASSES = ["wolf", "ant", "bee"]


@pytest.fixture
def frame():
    rng = np.random.default_rng(0)
    scores = rng.dirichlet([1, 1, 1], 300)
    columns = {f"p_{name}": scores[:, at] for at, name in enumerate(CLASSES)}
    return pd.DataFrame({"animal": rng.choice(CLASSES, 300), **columns})


def config(**spec):
    keys = {name: f"p_{name}" for name in sorted(CLASSES)}
    return {
        "model_specs": [{"label_key": "animal", "prediction_keys": keys, "classes": CLASSES, **spec}],
        "metrics_specs": [
            {"metrics": [{"class_name": "CategoricalAccuracy"}]},
            {"aggregate": {"macro_average": True}, "metrics": [{"class_name": "F1Score", "config": {"top_k": 1}}]},
        ],
    }


def test_columns_are_the_numbers_of_the_classes_after_which_their_keys_are_named(frame):
    predicted = np.array(CLASSES)[frame[[f"p_{name}" for name in CLASSES]].to_numpy().argmax(axis=1)]
    result = assay.analyze_raw_data(frame, config())
    metrics = result.get_metrics_for_slice()
    assert metrics["categorical_accuracy"]["doubleValue"] == pytest.approx(accuracy_score(frame["animal"], predicted))
    (macro,) = [value for name, value in result.get_metrics_for_slice(top_k=1).items() if name.endswith("f1_score")]
    assert macro["doubleValue"] == pytest.approx(f1_score(frame["animal"], predicted, average="macro"))


def test_they_are_the_same_as_a_column_of_lists(frame):
    listed = frame.assign(all=frame[[f"p_{name}" for name in CLASSES]].to_numpy().tolist())
    of_lists = config()
    of_lists["model_specs"][0] |= {"prediction_keys": {}, "prediction_key": "all"}
    expected = assay.analyze_raw_data(listed, of_lists).slicing_metrics
    assert assay.analyze_raw_data(frame, config()).slicing_metrics == expected


def test_such_columns_are_no_outputs(frame):
    asked = config()
    asked["metrics_specs"][0]["output_names"] = ["wolf"]
    with pytest.raises(EvalConfigError, match=r"output_names\[0\].*are its classes, and name no outputs"):
        assay.analyze_raw_data(frame, asked)


def test_keys_of_other_names_are_outputs_still(frame):
    with pytest.raises(MissingColumnError, match="output_names of the metrics spec"):
        assay.analyze_raw_data(frame, config(prediction_keys={"wolf": "p_wolf", "ant": "p_ant"}))


def test_a_column_that_does_not_have_one_number_a_row_is_refused(frame):
    frame["p_ant"] = [[0.1, 0.2]] * 300
    with pytest.raises(ColumnTypeError, match=r"'p_ant'.*one number a row, that of its class"):
        assay.analyze_raw_data(frame, config())
