"""Lists of different lengths under padding_options: values as if a person had filled them up, or a refusal."""

from itertools import pairwise
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sklearn import metrics as sk

import assay
from assay.errors import BadRowError, ColumnTypeError, EvalConfigError

ROWS = 300
RNG = np.random.default_rng(14)
SIZES = RNG.integers(2, 6, ROWS)
SCORES = [np.round(RNG.uniform(0.05, 0.95, size), 3).tolist() for size in SIZES]
CLASS = np.array([RNG.integers(0, size) for size in SIZES])
ONE_HOT = [[float(i == c) for i in range(size)] for c, size in zip(CLASS, SIZES, strict=True)]
SEVERAL = [(RNG.random(size) < 0.4).astype(float).tolist() for size in SIZES]

WIDE = RNG.uniform(0.05, 0.95, (ROWS, 5))
CUT = [row[:size] for row, size in zip((RNG.random((ROWS, 5)) < 0.4).astype(float).tolist(), SIZES, strict=True)]
CUT_CLASS = [[float(i == c) for i in range(size)] for c, size in zip(CLASS, SIZES, strict=True)]


def filled(lists, value=0.0):
    return np.array([[*row, *[value] * (5 - len(row))] for row in lists])


def config(metrics, padding: Any = None, spec=None, **metrics_spec):
    model: dict[str, Any] = {"label_key": "label", "prediction_key": "score", **(spec or {})}
    if padding is not None:
        model["padding_options"] = padding
    asked = [metric if isinstance(metric, dict) else {"class_name": metric} for metric in metrics]
    return {"model_specs": [model], "metrics_specs": [{"metrics": asked, **metrics_spec}]}


def values_of(folder, label, score, *args, **kwargs):
    assay.analyze_raw_data(pa.table({"label": label, "score": score}), config(*args, **kwargs), str(folder))
    frame = assay.metrics_frame(str(folder))
    return dict(zip(frame["metric"], frame["value"], strict=True))


def refusal_of(error, label, score, *args, **kwargs):
    with pytest.raises(error) as refusal:
        assay.analyze_raw_data(pa.table({"label": label, "score": score}), config(*args, **kwargs))
    return str(refusal.value)


EXACT = {"class_name": "AUC", "config": {"exact": True}}


@pytest.mark.parametrize("padding", [{}, {"label_int_padding": 0}, {"label_float_padding": 0.0}])
def test_labels_that_are_shorter_than_predictions_are_filled_up(padding, tmp_path):
    metrics = [EXACT, "Precision", "HammingLoss", "BinaryCrossEntropy", "LabelRankingAveragePrecision"]
    found = values_of(tmp_path, CUT, WIDE.tolist(), metrics, padding)
    labels = filled(CUT)
    assert found["auc"] == pytest.approx(sk.roc_auc_score(labels.ravel(), WIDE.ravel()), rel=1e-12)
    assert found["precision"] == pytest.approx(sk.precision_score(labels.ravel(), WIDE.ravel() > 0.5), rel=1e-12)
    assert found["hamming_loss"] == pytest.approx(sk.hamming_loss(labels, WIDE > 0.5), rel=1e-12)
    assert found["binary_crossentropy"] == pytest.approx(sk.log_loss(labels.ravel(), WIDE.ravel()), rel=1e-12)
    expected = sk.label_ranking_average_precision_score(labels, WIDE)
    assert found["label_ranking_average_precision"] == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("padding", [{}, {"label_int_padding": -1}])
def test_a_negative_label_stands_for_no_class(padding, tmp_path):
    found = values_of(tmp_path, CUT_CLASS, WIDE.tolist(), ["CategoricalAccuracy", "CohenKappa"], padding)
    assert found["categorical_accuracy"] == pytest.approx((WIDE.argmax(axis=1) == CLASS).mean(), rel=1e-12)
    assert found["cohen_kappa"] == pytest.approx(sk.cohen_kappa_score(CLASS, WIDE.argmax(axis=1)), rel=1e-9)


def test_predictions_that_are_shorter_than_labels_are_filled_up(tmp_path):
    padding = {"prediction_float_padding": 0.01}
    labels = filled(SEVERAL)
    found = values_of(tmp_path, labels.tolist(), SCORES, [EXACT, "MeanPrediction", "LabelRankingLoss"], padding)
    scores = filled(SCORES, 0.01)
    assert found["auc"] == pytest.approx(sk.roc_auc_score(labels.ravel(), scores.ravel()), rel=1e-12)
    assert found["mean_prediction"] == pytest.approx(scores.mean(), rel=1e-7)  # the config has 32 bits
    assert found["label_ranking_loss"] == pytest.approx(sk.label_ranking_loss(labels, scores), rel=1e-9)


def test_rows_of_different_lengths_count_for_the_numbers_that_they_have(tmp_path):
    labels, scores = np.concatenate(SEVERAL), np.concatenate(SCORES)
    found = values_of(tmp_path, SEVERAL, SCORES, [EXACT, "Recall", "MeanSquaredError", "MeanLabel"], {})
    assert found["auc"] == pytest.approx(sk.roc_auc_score(labels, scores), rel=1e-12)
    assert found["recall"] == pytest.approx(sk.recall_score(labels, scores > 0.5), rel=1e-12)
    assert found["mean_squared_error"] == pytest.approx(sk.mean_squared_error(labels, scores), rel=1e-12)
    assert found["mean_label"] == pytest.approx(labels.mean(), rel=1e-12)


@pytest.mark.parametrize("padding", [{}, {"prediction_float_padding": -1000.0}, {"prediction_float_padding": 0.5}])
@pytest.mark.parametrize("label", [CLASS.tolist(), ONE_HOT], ids=["ids", "one-hot"])
def test_what_a_row_does_not_have_is_never_its_class_nor_predicted(label, padding, tmp_path):
    metrics = ["CategoricalAccuracy", {"class_name": "TopKCategoricalAccuracy", "config": {"k": 2}}]
    found = values_of(tmp_path, label, SCORES, metrics, padding)
    scores = filled(SCORES, -1)
    assert found["categorical_accuracy"] == pytest.approx((scores.argmax(axis=1) == CLASS).mean(), rel=1e-12)
    two = np.argsort(-scores, axis=1, kind="stable")[:, :2]
    assert found["top_k_categorical_accuracy"] == pytest.approx((two == CLASS[:, None]).any(axis=1).mean(), rel=1e-12)


def test_the_highest_predictions_of_a_row_are_among_those_that_it_has(tmp_path):
    options = {"binarize": {"top_k_list": {"values": [2]}}}
    found = values_of(tmp_path, SEVERAL, SCORES, ["Recall", "TrueNegatives"], {}, **options)
    is_high = [np.isin(np.arange(len(row)), np.argsort(-np.array(row), kind="stable")[:2]) for row in SCORES]
    predicted, labels = np.concatenate(is_high), np.concatenate(SEVERAL)
    assert found["recall"] == pytest.approx(sk.recall_score(labels, predicted), rel=1e-12)
    assert found["true_negatives"] == ((labels == 0) & ~predicted).sum()


def run_on_files(folder, tables, *args, **settings):
    """A file is a batch, or more."""
    for i, table in enumerate(tables):
        pq.write_table(table, folder / f"{i}.parquet")
    asked, files = config(*args), str(folder / "*.parquet")
    assay.run_model_analysis(
        eval_config=asked, data_location=files, file_format="parquet", output_path=folder, **settings
    )


@pytest.mark.parametrize("sizes", [[ROWS], [1, ROWS - 1], [100, 100, 100]])
def test_values_do_not_depend_on_how_rows_are_cut_into_batches(sizes, tmp_path):
    order = np.argsort(SIZES, kind="stable")  # so that rows of one batch are shorter than those of others
    label, score = ([column[i] for i in order] for column in (ONE_HOT, SCORES))
    ends = pairwise(np.cumsum([0, *sizes]).tolist())
    tables = [pa.table({"label": label[a:b], "score": score[a:b]}) for a, b in ends]
    run_on_files(tmp_path, tables, [EXACT, "CategoricalAccuracy", "MultiClassConfusionMatrixAtThresholds"], {})
    frame = assay.metrics_frame(str(tmp_path)).query("metric != 'multi_class_confusion_matrix_at_thresholds'")
    labels, scores = np.concatenate(ONE_HOT), np.concatenate(SCORES)
    accuracy = (filled(SCORES, -1).argmax(axis=1) == CLASS).mean()
    expected = {"auc": sk.roc_auc_score(labels, scores), "categorical_accuracy": accuracy}
    assert dict(zip(frame["metric"], frame["value"], strict=True)) == pytest.approx(expected, rel=1e-12)


def test_lists_of_different_lengths_go_through_checkpoints(tmp_path):
    table = pa.table({"label": SEVERAL, "score": SCORES})
    run_on_files(tmp_path, [table], [EXACT], {}, checkpoints=tmp_path / "checkpoints")
    (value,) = assay.metrics_frame(str(tmp_path))["value"]
    assert value == pytest.approx(sk.roc_auc_score(np.concatenate(SEVERAL), np.concatenate(SCORES)), rel=1e-12)


def scores_of_a_model(columns):
    return columns["scores"]


def test_labels_beside_the_predictions_of_a_model_are_filled_up(tmp_path):
    model = assay.ModelRef(name="m", type="callable", uri=f"{__name__}:scores_of_a_model")
    table = pa.table({"label": CUT, "scores": WIDE.tolist()})
    run_on_files(tmp_path, [table], [EXACT], {}, {"prediction_key": ""}, models=[model])
    (value,) = assay.metrics_frame(str(tmp_path))["value"]
    assert value == pytest.approx(sk.roc_auc_score(filled(CUT).ravel(), WIDE.ravel()), rel=1e-12)


def test_lists_of_text_are_filled_up_with_numbers(tmp_path):
    texts = [["yes" if value else "no" for value in row] for row in CUT]
    found = values_of(tmp_path, texts, WIDE.tolist(), ["Recall"], {}, spec={"positive_label": "yes"})
    assert found["recall"] == pytest.approx(sk.recall_score(filled(CUT).ravel(), WIDE.ravel() > 0.5), rel=1e-12)


def test_percents_become_probabilities_before_they_are_filled_up(tmp_path):
    percents = [[100 * score for score in row] for row in SCORES]
    found = values_of(tmp_path, SEVERAL, percents, ["Recall"], {}, spec={"scale": "percent"})
    assert found["recall"] == sk.recall_score(np.concatenate(SEVERAL), np.concatenate(SCORES) > 0.5)


def test_lists_of_one_length_need_no_padding_and_are_not_changed_by_it(tmp_path):
    labels = filled(SEVERAL).tolist()
    asked = [EXACT, "HammingLoss", "LabelRankingLoss"]
    plain = values_of(tmp_path / "plain", labels, WIDE.tolist(), asked)
    padding = {"label_int_padding": 1, "prediction_float_padding": 0.99}
    assert values_of(tmp_path / "padded", labels, WIDE.tolist(), asked, padding) == plain


def test_without_padding_options_lists_of_another_length_are_refused():
    assert "has a list of" in refusal_of(BadRowError, SEVERAL, SCORES, ["AUC"])
    assert "expected the same number" in refusal_of(ColumnTypeError, CUT, WIDE.tolist(), ["AUC"])


@pytest.mark.parametrize("column", ["label", "score"])
@pytest.mark.parametrize("missing", [None, []])
def test_a_missing_list_is_a_bad_row_still(column, missing):
    rows = {"label": list(SEVERAL), "score": list(SCORES)}
    rows[column][7] = missing
    assert "row 7" in refusal_of(BadRowError, *rows.values(), ["AUC"], {})


def test_a_missing_value_in_a_list_is_a_bad_row_still():
    assert "row 3" in refusal_of(BadRowError, [*SEVERAL[:3], [None, 1.0], *SEVERAL[4:]], SCORES, ["AUC"], {})


REFUSED = {
    "a metric that depends on the number of classes": (
        (SEVERAL, SCORES, ["HammingLoss"], {}),
        r"^HammingLoss needs as many numbers in every row, but column 'score' .* has 2 to 5; .* give predictions of",
    ),
    "a class that some rows do not have": (
        (SEVERAL, SCORES, [{"class_name": "AUC", "config": {"class_id": 2}}], {}),
        r"^column 'score' .* has 2 values in some rows; expected a number for each class: AUC: it asks for class 2",
    ),
    "more of the highest than some rows have": (
        (ONE_HOT, SCORES, ["TopKCategoricalAccuracy"], {}),
        r"^column 'score' .* has 2 values in some rows; .* it asks for the 5 highest",
    ),
    "a class id or a list": (
        ([[1.0], *CUT[1:]], WIDE.tolist(), ["AUC"], {}),
        r"^column 'label' .* has 1 value in a row in which column 'score' .* has 5, and lists of more in other rows",
    ),
    "no class as a label of two classes": (
        (CUT, WIDE.tolist(), ["AUC"], {"label_int_padding": -1}),
        r"^column 'label' .* is filled up with -1 .* but AUC would take it for a label; set label_int_padding: 0",
    ),
    "a number above a prediction": (
        (filled(SEVERAL).tolist(), SCORES, ["AUC"], {"prediction_float_padding": 0.5}),
        r"^column 'score' .* is filled up with 0.5 .* above the prediction 0.0\d+ of the same row; .*_padding: 0$",
    ),
    "shares of rows of different lengths": (
        (SEVERAL, SCORES, ["AUC"], {}, {"link": "logit"}),
        r"^link: logit of the model spec makes shares .* fewer than 5 in some rows; .* set link: logit_each",
    ),
    "names of more classes than a row has": (
        (SEVERAL, SCORES, ["AUC"], {}, {"classes": list("abcde")}),
        r"^column 'score' .* has 2 values a row, and classes of the model spec names 5",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_computed_rightly_is_refused(case):
    (label, score, *rest), message = REFUSED[case]
    with pytest.raises(ColumnTypeError, match=message):
        assay.analyze_raw_data(pa.table({"label": label, "score": score}), config(*rest))


def test_a_class_id_that_its_row_does_not_have_is_a_bad_row():
    wrong = CLASS.copy()
    wrong[5] = SIZES[5]
    assert "row 5" in refusal_of(BadRowError, wrong.tolist(), SCORES, ["CategoricalAccuracy"], {})


def test_class_ids_in_some_batches_and_lists_in_others_are_refused(tmp_path):
    tables = [
        pa.table({"label": [[0.0], [1.0]], "score": [[0.2, 0.8]] * 2}),
        pa.table({"label": [[0.0, 1.0], [1.0, 0.0, 0.0]], "score": [[0.2, 0.8, 0.1]] * 2}),
    ]
    with pytest.raises(ColumnTypeError, match=r"^column 'label' .* has one value a row in most batches and lists of 3"):
        run_on_files(tmp_path, tables, ["CategoricalAccuracy"], {})


def test_lists_of_one_length_in_some_batches_and_another_in_others_are_refused_where_metrics_need_one(tmp_path):
    tables = [pa.table({"label": [[0.0, 1.0]] * 2, "score": [[0.2] * size] * 2}) for size in (2, 3)]
    with pytest.raises(
        ColumnTypeError, match=r"^column 'score' .* has lists of 2 values in most batches and lists of 3"
    ):
        run_on_files(tmp_path, tables, ["HammingLoss"], {})


@pytest.mark.parametrize(
    ("spec", "metrics_spec", "message"),
    [
        ({"sparse_labels": True}, {}, r"^model_specs\[0\].padding_options: sparse_labels is set too"),
        ({}, {"query_key": "label"}, r"^model_specs\[0\].padding_options: metrics_specs\[0\].query_key ranks rows"),
    ],
)
def test_a_config_that_contradicts_itself_is_refused(spec, metrics_spec, message):
    with pytest.raises(EvalConfigError, match=message):
        assay.analyze_raw_data(
            pa.table({"label": CUT, "score": WIDE.tolist()}), config(["AUC"], {}, spec, **metrics_spec)
        )


@pytest.mark.parametrize("value", ["Infinity", "NaN"])
def test_a_padding_that_is_no_number_is_refused(value):
    padding = {"prediction_float_padding": value}
    assert "padding_options.prediction_float_padding: expected a finite number" in refusal_of(
        EvalConfigError, CUT, WIDE.tolist(), ["AUC"], padding
    )
