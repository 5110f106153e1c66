"""Ten classes of real data, scikit-learn's digits: two models, values, verdict, page and summary."""

import json

import numpy as np
import pandas as pd
import pytest
from sklearn import metrics as sk
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression

import assay
from assay import cli
from assay.report.page.results import html_page, markdown_summary

NAMES = ("new", "old")
METRICS = [
    {"class_name": "CategoricalAccuracy", "threshold": {"value_threshold": {"lower_bound": 0.9}}},
    {"class_name": "TopKCategoricalAccuracy", "config": {"k": 2}},
    {"class_name": "CohenKappa"},
    {"class_name": "MultiClassMatthewsCorrelationCoefficient"},
    {"class_name": "MultiClassConfusionMatrixAtThresholds", "config": {"thresholds": [0]}},
    {"class_name": "MultiClassConfusionMatrixPlot"},
]


@pytest.fixture(scope="module")
def frame():
    pixels, labels = load_digits(return_X_y=True)
    pixels, train = pixels / 16, np.arange(len(labels)) % 3 > 0
    columns = {"digit": labels[~train], "ink": np.where(pixels[~train].mean(1) > 0.3, "much", "little")}
    for name, strength in zip(NAMES, (1.0, 0.001), strict=True):
        model = LogisticRegression(C=strength, max_iter=500).fit(pixels[train], labels[train])
        columns[name] = list(model.predict_proba(pixels[~train]))
    return pd.DataFrame(columns)


@pytest.fixture(scope="module")
def results(frame, tmp_path_factory):
    folder = tmp_path_factory.mktemp("digits")
    for i, part in enumerate(np.array_split(np.arange(len(frame)), 3)):
        frame.iloc[part].to_parquet(folder / f"rows-{i}.parquet")
    models = [
        {"name": name, "label_key": "digit", "prediction_key": name, "is_baseline": name == "old"} for name in NAMES
    ]
    slices = [{}, {"feature_keys": ["ink"]}]
    config = {"model_specs": models, "slicing_specs": slices, "metrics_specs": [{"metrics": METRICS}]}
    analysis = {"inputs": {"format": "parquet", "files": ["rows-*.parquet"]}, "eval_config": config, "output": "out"}
    (folder / "analysis.json").write_text(json.dumps(analysis))
    assert cli.main(["run", str(folder / "analysis.json"), "--quiet"]) == 0
    return str(folder / "out")


def rows_of(frame, ink):
    return frame if ink is None else frame[frame["ink"] == ink]


@pytest.mark.parametrize("ink", [None, "much", "little"])
@pytest.mark.parametrize("name", NAMES)
def test_values_are_those_of_scikit_learn(name, ink, frame, results):
    rows = rows_of(frame, ink)
    label, scores = rows["digit"].to_numpy(), np.stack(rows[name])
    found = assay.load_eval_result(results, name).get_metrics_for_slice((("ink", ink),) if ink else ())
    expected = {
        "categorical_accuracy": sk.accuracy_score(label, scores.argmax(1)),
        "top_k_categorical_accuracy": sk.top_k_accuracy_score(label, scores, k=2, labels=range(10)),
        "cohen_kappa": sk.cohen_kappa_score(label, scores.argmax(1)),
        "multi_class_matthews_correlation_coefficient": sk.matthews_corrcoef(label, scores.argmax(1)),
    }
    assert {key: found[key]["doubleValue"] for key in expected} == pytest.approx(expected, rel=1e-12)


def test_the_matrix_and_its_difference_are_in_the_tables(frame, results):
    table = assay.metrics_frame(results)
    chosen = table[(table["metric"] == "multi_class_confusion_matrix_at_thresholds") & (table["slice"] == "Overall")]
    matrices = [sk.confusion_matrix(frame["digit"], np.stack(frame[name]).argmax(1)) for name in NAMES]
    expected = {"new": matrices[0], "old": matrices[1], "change": matrices[0] - matrices[1]}
    assert set(zip(chosen["is_diff"], chosen["model"], strict=True)) == {(False, "new"), (False, "old"), (True, "new")}
    for kind, wanted in expected.items():
        of_model = chosen["model"] == ("new" if kind == "change" else kind)
        rows = chosen[of_model & (chosen["is_diff"] == (kind == "change"))]
        found = np.zeros((10, 10))
        for element, value in zip(rows["element"], rows["value"], strict=True):
            actual, predicted = (int(word.split()[-1]) for word in element.split(","))
            found[actual, predicted] = value
        np.testing.assert_array_equal(found, wanted)

    plots = assay.plots_frame(results)
    plots = plots[(plots["slice"] == "Overall") & (plots["model"] == "new")]
    found = np.zeros((10, 10))
    found[plots["actual_class_id"], plots["predicted_class_id"]] = plots["num_weighted_examples"]
    np.testing.assert_array_equal(found, matrices[0])


def test_the_verdict_holds_and_people_see_which_digits_are_taken_for_others(frame, results, capsys, monkeypatch):
    assert assay.load_verdict(results).status == "BLESSED"
    label, predicted = frame["digit"], np.stack(frame["new"]).argmax(1)
    matrix = sk.confusion_matrix(label, predicted)
    np.fill_diagonal(matrix, 0)
    actual, wrong = np.unravel_index(matrix.argmax(), matrix.shape)
    share = f"{100 * matrix.max() / (label == actual).sum():.1f}%"
    assert f"| {actual} | {wrong} | {matrix.max()} | {share} |" in markdown_summary(results)

    right = f"new at 0: 10 classes, {100 * (label == predicted).mean():.1f}% predicted right"
    assert right in html_page(results)
    monkeypatch.setenv("COLUMNS", "200")
    assert cli.main(["show", results, "--metrics", "multi_class_confusion_matrix_at_thresholds"]) == 0
    assert "1 matrix of 10 classes" in " ".join(capsys.readouterr().out.split())
