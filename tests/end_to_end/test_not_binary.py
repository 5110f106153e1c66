"""Metrics of two classes, and of probabilities, over data that is neither: refused with column, values and cure."""

import json

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import accuracy_score, log_loss, precision_score, roc_auc_score

import assay
from assay import cli
from assay.errors import BadRowError, ColumnTypeError, EvalConfigError

ROWS = 400
RNG = np.random.default_rng(5)
LABEL = (RNG.random(ROWS) < 0.3).astype(int)
SCORE = np.clip(0.25 * LABEL + 0.75 * RNG.random(ROWS), 0, 1)
DIGIT = RNG.integers(0, 10, ROWS)
PAIRS = np.stack([1 - SCORE, SCORE], 1)
BY_CLASS = RNG.dirichlet([2, 1, 1], ROWS)
CLASS = np.array([RNG.choice(3, p=p) for p in BY_CLASS])


def lists(values):
    return [np.asarray(row) for row in values]


def config(*metrics, **metrics_spec):
    asked = [{"class_name": metric} if isinstance(metric, str) else metric for metric in metrics]
    return {
        "model_specs": [{"label_key": "label", "prediction_key": "score"}],
        "metrics_specs": [{"metrics": asked, **metrics_spec}],
    }


def values_of(folder):
    frame = assay.metrics_frame(str(folder))
    return dict(zip(frame["metric"], frame["value"], strict=True))


FROM_LOGITS = {"class_name": "BinaryCrossEntropy", "config": {"from_logits": True}}
AT_50 = {"class_name": "Precision", "config": {"thresholds": [50]}}

REFUSED = {
    "labels 1 and 2": (LABEL + 1, SCORE, "AUC", r"^AUC is for two classes.* column 'label' \(label_key\) holds 1, 2;"),
    "labels -1 and 1": (2 * LABEL - 1, SCORE, "Recall", "^Recall is .*'label'.* holds -1, 1; .*positive_label: .1"),
    "-1 and 1 of two columns": (2 * LABEL - 1, lists(PAIRS), "CategoricalCrossEntropy", "so that -1 is the other"),
    "labels 0, 1 and 2": (LABEL + (DIGIT > 5), SCORE, "AUCPrecisionRecall", "holds 0, 1, 2;"),
    "class ids": (DIGIT, SCORE, "F1Score", "^F1Score is .* holds 0, 1, 2, 3, 4, ... up to 9; say in the model spec"),
    "percents": (LABEL * 100, SCORE, "BinaryAccuracy", "holds 0, 100;"),
    "a rare second class": (1 + (DIGIT == 9), SCORE, "Precision", "holds 1, 2;"),
    "text": (np.where(LABEL, "yes", "no"), SCORE, "AUC", r"'label' \(label_key\) has .* found '(yes|no)', '"),
    "text for a regression": (np.where(LABEL, "a", "b"), SCORE, "MeanSquaredError", 'found .*positive_label: "b"'),
    "predicted text": (LABEL, np.where(LABEL, "a", "b"), "AUC", r"'score' \(prediction_key\) has type .*scores"),
    "two columns": (LABEL, lists(PAIRS), "AUC", r"^AUC is for .*'score'.* has 2 .*binarize.*\(1 if the second"),
    "two columns, their mean": (LABEL, lists(PAIRS), "Calibration", "^Calibration is .*2 values a row and .*'label'"),
    "two columns, their error": (LABEL, lists(PAIRS), "MeanSquaredError", "^MeanSquaredError is .*2 values a row"),
    "a column for each class": (CLASS, lists(BY_CLASS), "Precision", "3 values a row.*the ids of the classes"),
    "classes from 1": (CLASS + 1, lists(BY_CLASS), "CategoricalCrossEntropy", "class ids from 1 to 3; expected 0 to 2"),
    "no class ids": (
        CLASS + 0.5, lists(BY_CLASS), "CategoricalCrossEntropy", "holds no class id in 400 of 400 rows; expected whole"
    ),
    "one number for a loss over classes": (LABEL, SCORE, "CategoricalCrossEntropy", "needs a number for each class"),
    "logits": (LABEL, SCORE * 9 - 4, "BinaryCrossEntropy", r"'score'.* goes from -\d.* to \d.*from_logits"),
    "percents of a calibration": (LABEL, SCORE * 100, "CalibrationPlot", r"goes from \d.* to 9\d.*\"left\" and"),
    "percents of a plot": (LABEL, SCORE * 100, "ConfusionMatrixPlot", "^ConfusionMatrixPlot is for probabilities"),
    "percents of a distribution": (LABEL, SCORE * 100, "ScoreDistributionPlot", "^ScoreDistributionPlot is for prob"),
    "percents at one half": (LABEL, SCORE * 100, "Precision", "^Precision is for probabilities .*set thresholds"),
    "margins by class": (LABEL, SCORE - 0.5, "CoefficientOfDiscrimination", "goes from -0.4.* to 0.4"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_python_refuses_it(case):
    label, score, metric, message = REFUSED[case]
    with pytest.raises(ColumnTypeError, match=message):
        assay.analyze_raw_data(pd.DataFrame({"label": label, "score": score}), config(metric))


@pytest.mark.parametrize("checkpoints", [[], ["--checkpoints", "checkpoints"]])
@pytest.mark.parametrize("case", ["labels 1 and 2", "class ids", "two columns", "logits"])
def test_the_command_refuses_it_even_where_bad_rows_are_skipped(case, checkpoints, tmp_path, capsys, monkeypatch):
    label, score, metric, _ = REFUSED[case]
    pd.DataFrame({"label": label, "score": score}).to_parquet(tmp_path / "rows.parquet")
    analysis = {
        "inputs": {"format": "parquet", "files": ["rows.parquet"]},
        "eval_config": config(metric),
        "on_bad_rows": "skip",
        "output": "out",
    }
    (tmp_path / "analysis.json").write_text(json.dumps(analysis))
    monkeypatch.chdir(tmp_path)
    assert cli.main(["run", "analysis.json", "--quiet", *checkpoints]) == 64
    assert metric in capsys.readouterr().err


def test_the_class_that_is_named_is_the_positive_one(tmp_path):
    frame = pd.DataFrame({"label": LABEL, "score": lists(PAIRS)})
    metrics = config("AUC", "Precision", "MeanPrediction", "Calibration", binarize={"class_ids": {"values": [1]}})
    assay.analyze_raw_data(frame, metrics, str(tmp_path))
    assert values_of(tmp_path) == {
        "auc": pytest.approx(roc_auc_score(LABEL, SCORE), abs=1e-3),
        "precision": pytest.approx(precision_score(LABEL, SCORE > 0.5)),
        "mean_prediction": pytest.approx(SCORE.mean()),
        "calibration": pytest.approx(SCORE.sum() / LABEL.sum()),
    }


def test_each_class_is_one_against_the_others(tmp_path):
    frame = pd.DataFrame({"label": CLASS, "score": lists(BY_CLASS)})
    threshold = {"value_threshold": {"lower_bound": 0.99}}
    metric = {"class_name": "AUC", "threshold": threshold}
    assay.analyze_raw_data(frame, config(metric, binarize={"class_ids": {"values": [0, 2]}}), str(tmp_path))
    found = assay.metrics_frame(str(tmp_path))
    by_class = dict(zip(found["class_id"], found["value"], strict=True))
    for class_id in (0, 2):
        expected = roc_auc_score(class_id == CLASS, BY_CLASS[:, class_id])
        assert by_class[class_id] == pytest.approx(expected, abs=1e-3)
    failures = assay.load_validation_result(str(tmp_path)).metric_validations_per_slice[0].failures
    assert [failure.metric_key.sub_key.class_id.value for failure in failures] == [0, 2]


@pytest.mark.parametrize(
    ("score", "class_id", "found"), [(SCORE, 1, "has 1 value a row"), (lists(PAIRS), 2, "has 2 values a row")]
)
def test_a_class_that_is_not_there_is_refused(score, class_id, found):
    frame = pd.DataFrame({"label": LABEL, "score": score})
    with pytest.raises(ColumnTypeError, match=rf"'score' \(prediction_key\) {found}.*class {class_id}"):
        assay.analyze_raw_data(frame, config("AUC", binarize={"class_ids": {"values": [class_id]}}))


def test_a_loss_over_classes_is_not_binarized():
    frame = pd.DataFrame({"label": CLASS, "score": lists(BY_CLASS)})
    asked = config("CategoricalCrossEntropy", binarize={"class_ids": {"values": [1]}})
    with pytest.raises(EvalConfigError, match=r"looks at all classes together.*without bina"):
        assay.analyze_raw_data(frame, asked)


@pytest.mark.parametrize(
    ("label", "score", "named"),
    [
        (lists(np.eye(3)[CLASS]), lists(BY_CLASS * 3), "BinaryCrossEntropy is for probabilities from 0 to 1"),
        (lists(np.eye(3)[CLASS]), lists(BY_CLASS - 0.5), "CategoricalCrossEntropy is for probabilities, 0 or more"),
    ],
)
def test_the_metric_that_cannot_take_the_values_is_the_one_that_is_named(label, score, named):
    frame = pd.DataFrame({"label": label, "score": score})
    with pytest.raises(ColumnTypeError, match=named):
        assay.analyze_raw_data(frame, config("CategoricalCrossEntropy", "BinaryCrossEntropy"))


def test_a_bad_row_names_the_metric_that_cannot_take_it():
    score = np.array(BY_CLASS)
    score[7, 1] = 1.5
    frame = pd.DataFrame({"label": lists(np.eye(3)[CLASS]), "score": lists(score)})
    with pytest.raises(BadRowError, match="which BinaryCrossEntropy cannot take"):
        assay.analyze_raw_data(frame, config("CategoricalCrossEntropy", "BinaryCrossEntropy"))


def test_an_infinite_value_of_a_column_is_no_prediction():
    frame = pd.DataFrame({"label": LABEL, "score": SCORE, "age": np.where(np.arange(ROWS) == 3, np.inf, 4.0)})
    mean = {"class_name": "Mean", "config": {"feature_key_path": ["features", "age"]}}
    with pytest.raises(BadRowError, match=r"row 3: value of a column not finite: features\.age \[inf\]"):
        assay.analyze_raw_data(frame, config("AUC", mean))


TAKEN = {
    "margins at a threshold that is also the default": (
        SCORE * 9 - 4,
        {"class_name": "Precision", "config": {"thresholds": [0.5]}},
        precision_score(LABEL, SCORE * 9 - 4 > 0.5),
    ),
    "a single one": (
        SCORE * 9 - 4,
        {"class_name": "BinaryAccuracy", "config": {"threshold": 0.5}},
        accuracy_score(LABEL, SCORE * 9 - 4 > 0.5),
    ),
    "logits that are said to be": (SCORE * 9 - 4, FROM_LOGITS, log_loss(LABEL, 1 / (1 + np.exp(4 - SCORE * 9)))),
    "percents at a threshold of their own": (SCORE * 100, AT_50, precision_score(LABEL, SCORE > 0.5)),
    "the mean of percents": (SCORE * 100, "MeanPrediction", SCORE.mean() * 100),
    "the ratio of means": (SCORE * 100, "Calibration", 100 * SCORE.sum() / LABEL.sum()),
}


@pytest.mark.parametrize("case", TAKEN)
def test_what_a_metric_is_defined_for_is_taken(case, tmp_path):
    score, metric, expected = TAKEN[case]
    assay.analyze_raw_data(pd.DataFrame({"label": LABEL, "score": score}), config(metric), str(tmp_path))
    assert list(values_of(tmp_path).values()) == [pytest.approx(expected, rel=1e-6)]


def test_a_probability_that_rounding_made_larger_than_1_is_1(tmp_path):
    frame = pd.DataFrame({"label": [0, 1, 1], "score": [0.5, 1 + 1e-7, 0.25]})
    assay.analyze_raw_data(frame, config("BinaryCrossEntropy"), str(tmp_path))
    assert list(values_of(tmp_path).values()) == [pytest.approx(log_loss([0, 1, 1], [0.5, 1, 0.25]))]


def test_shares_of_a_class_are_labels(tmp_path):
    share = np.round(SCORE, 1)
    assay.analyze_raw_data(pd.DataFrame({"label": share, "score": SCORE}), config("MeanLabel", "AUC"), str(tmp_path))
    assert values_of(tmp_path)["mean_label"] == pytest.approx(share.mean())
