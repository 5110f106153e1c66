"""The examples of ten classes, several labels a row and ranked lists: all ways to run them, against scikit-learn."""

import json
import runpy
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
import yaml
from sklearn import metrics as sk

import assay
from assay import cli
from assay.report.page.results import html_page, markdown_summary

EXAMPLES = Path(__file__).parents[2] / "examples"
NAMES = ("digits", "topics", "ranking")
TOPICS = ["politics", "economy", "sport", "science", "culture", "travel"]
EXACT, AREA = 1e-12, 1e-4
VERDICTS = {"digits": "BLESSED", "topics": "NOT_BLESSED", "ranking": "BLESSED"}
PART = ["metric", "model", "class_id", "top_k", "aggregation", "is_diff"]


def read(name):
    return pd.read_parquet(EXAMPLES / name / "data" / "scored.parquet")


def analysis_of(name):
    return yaml.safe_load((EXAMPLES / name / "analysis.yaml").read_text())


def run(folder, name, *options):
    """Runs a copy of an example as its first lines say; returns its results."""
    copy = folder / name
    shutil.copytree(EXAMPLES / name, copy, ignore=shutil.ignore_patterns("out"))
    assert cli.main(["run", str(copy / "analysis.yaml"), "--quiet", *options]) == 0
    return str(copy / "out" / "results")


@pytest.fixture(scope="module", params=NAMES)
def example(request, tmp_path_factory):
    """Name and results of an example."""
    return request.param, run(tmp_path_factory.mktemp("fused"), request.param)


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """Name -> results of that example, each run when it is first asked for."""
    made = {}

    def of(name):
        if name not in made:
            made[name] = run(tmp_path_factory.mktemp("of"), name)
        return made[name]

    return of


def values_of(folder):
    """(slice, metric, model, class, k, average) -> value, of numbers that are no differences."""
    frame = assay.metrics_frame(folder)
    for column in PART:
        if column not in frame:
            frame[column] = pd.NA
    frame = frame[~frame["is_diff"]]
    keys = frame[["slice", *PART[:-1]]].astype(object)
    keys = keys.where(frame[["slice", *PART[:-1]]].notna(), None)
    return dict(zip(keys.itertuples(index=False, name=None), frame["value"], strict=True))


def in_slice(rows, name):
    column, _, value = name.partition("=")
    return rows if name == "Overall" else rows[rows[column] == value]


# ---- the data ----


@pytest.mark.parametrize("name", NAMES)
def test_the_script_makes_the_data_that_lies_beside_it(name):
    kept = pq.read_table(EXAMPLES / name / "data" / "scored.parquet")
    made = runpy.run_path(str(EXAMPLES / name / "prepare.py"))["made"]()
    assert made.schema.equals(kept.schema)
    for column in kept.column_names:
        if column == "probabilities":  # of a model that was trained, perhaps with another release of scikit-learn
            again, before = (np.stack(table[column].to_pandas()) for table in (made, kept))
            np.testing.assert_allclose(again, before, atol=0.02)
        else:
            assert made[column].equals(kept[column]), column


@pytest.mark.parametrize("name", NAMES)
def test_the_data_is_small_and_described(name):
    assert (EXAMPLES / name / "data" / "scored.parquet").stat().st_size < 100_000
    described = (EXAMPLES / name / "DATA.md").read_text()
    assert all(f"`{column}`" in described for column in read(name).columns)
    assert "Licence" in described


# ---- every way to run them ----


def test_the_command_ends_with_the_verdict_that_the_documents_tell(example):
    name, folder = example
    assert assay.load_verdict(folder).status == VERDICTS[name]


def test_with_checkpoints_every_value_is_the_same_bit_for_bit(example, tmp_path):
    name, folder = example
    staged = run(tmp_path, name, "--checkpoints", str(tmp_path / "checkpoints"))
    assert len(list((tmp_path / "checkpoints").iterdir())) > 3
    pd.testing.assert_frame_equal(assay.metrics_frame(staged), assay.metrics_frame(folder), check_exact=True)
    pd.testing.assert_frame_equal(assay.plots_frame(staged), assay.plots_frame(folder), check_exact=True)
    assert assay.load_verdict(staged).lines() == assay.load_verdict(folder).lines()


def test_rows_in_memory_give_the_values_of_the_file(example, tmp_path):
    name, folder = example
    result = assay.analyze_raw_data(read(name), analysis_of(name)["eval_config"], str(tmp_path))
    found, expected = values_of(str(tmp_path)), values_of(folder)
    assert found.keys() == expected.keys()
    np.testing.assert_allclose(list(found.values()), list(expected.values()), rtol=EXACT)
    assert result.verdict.status == VERDICTS[name]


# ---- values ----

OF_CLASS = {
    "auc": (lambda y, p: sk.roc_auc_score(y, p), AREA),
    "precision": (lambda y, p: sk.precision_score(y, p > 0.5, zero_division=np.nan), EXACT),
    "recall": (lambda y, p: sk.recall_score(y, p > 0.5), EXACT),
    "f1_score": (lambda y, p: sk.f1_score(y, p > 0.5), EXACT),
}


def check_classes(values, rows, labels, expected_of_rows):
    """Values of classes and averages; `labels` (n, c) and the probabilities are those of `rows`."""
    checked = 0
    for (slice_name, metric, _, class_id, _, average), found in values.items():
        is_in = rows.index.isin(in_slice(rows, slice_name).index)
        y, p = labels[is_in], np.stack(rows["probabilities"])[is_in]
        if metric in expected_of_rows:
            assert found == pytest.approx(expected_of_rows[metric](y, p), rel=EXACT), (slice_name, metric)
        else:
            of_class, tolerance = OF_CLASS[metric]
            if class_id is not None:
                expected = of_class(y[:, class_id], p[:, class_id])
            elif average == "macro_average":
                expected = np.mean([of_class(y[:, i], p[:, i]) for i in range(y.shape[1])])
            else:
                assert average == "micro_average"
                expected = of_class(y.ravel(), p.ravel())
            assert found == pytest.approx(expected, rel=tolerance), (slice_name, metric, class_id, average)
        checked += 1
    return checked


def test_values_of_ten_classes_are_those_of_scikit_learn(results):
    rows, values = read("digits"), values_of(results("digits"))
    whole = {
        "example_count": lambda y, p: len(y),
        "categorical_accuracy": lambda y, p: np.mean(y.argmax(1) == p.argmax(1)),
    }
    assert check_classes(values, rows, np.eye(10)[rows["digit"]], whole) == 3 * (2 + 3 * 10 + 3 + 1)


def test_values_of_several_labels_a_row_are_those_of_scikit_learn(results):
    rows, values = read("topics"), values_of(results("topics"))
    labels = np.array([[float(topic in of_row) for topic in TOPICS] for of_row in rows["topics"]])
    whole = {
        "example_count": lambda y, p: len(y),
        "subset_accuracy": lambda y, p: sk.accuracy_score(y, p > 0.5),
        "label_ranking_average_precision": sk.label_ranking_average_precision_score,
    }
    assert check_classes(values, rows, labels, whole) == 3 * (3 + 2 * 6 + 2)


def weighted_mean(weighted_values):
    values, weights = zip(*weighted_values, strict=True)
    return np.average(values, weights=weights)


def of_queries(rows, score):
    """Measure -> its mean over the queries of some rows, by scikit-learn, each query once; NaN is left out."""
    found: dict[str, list[tuple[float, int]]] = {}
    for _, query in rows.groupby("query", sort=True):
        gain, rank = query["gain"].to_numpy(), np.argsort(np.argsort(-query[score].to_numpy(), kind="stable"))
        if gain.max() == 0:
            continue
        relevant, first = gain > 0, rank == rank[gain > 0].min()
        of_query = {
            "mrr": sk.label_ranking_average_precision_score([first], [-rank]),
            "map": sk.label_ranking_average_precision_score([relevant], [-rank]),
            "min_label_position": 1 + rank[relevant].min(),
            "hit_rate_at_k 3": float(relevant[rank < 3].any()),
            **{f"ndcg {k}": sk.ndcg_score([gain], [-rank], k=k) if len(gain) > 1 else 1.0 for k in (3, 10)},
        }
        for measure, value in of_query.items():
            found.setdefault(measure, []).append((value, query["asked"].iloc[0]))
    return {measure: weighted_mean(values) for measure, values in found.items()}


def test_values_of_ranked_lists_are_those_of_scikit_learn(results):
    rows, checked = read("ranking"), 0
    expected = {
        (name, model): of_queries(in_slice(rows, name), model)
        for name in ("Overall", "market=de", "market=fr", "market=uk")
        for model in ("new", "old")
    }
    for (name, metric, model, _, k, _), found in values_of(results("ranking")).items():
        sizes = in_slice(rows, name).groupby("query").size()
        counts = {"total_queries": len(sizes), "total_documents": sizes.sum(), "min_documents": sizes.min()}
        counts |= {"max_documents": sizes.max()}
        wanted = counts.get(metric) or expected[name, model][f"{metric} {k}" if k else metric]
        assert found == pytest.approx(wanted, rel=EXACT), (name, metric, model, k)
        checked += 1
    assert checked == 4 * 2 * (6 + 4)


# ---- the verdict ----


def judged(tmp_path, metric, bound):
    """The verdict on the digits if a metric has a lower bound over all rows, and nothing else has one."""
    config = analysis_of("digits")["eval_config"]
    for spec in config["metrics_specs"]:
        for asked in spec["metrics"]:
            asked.pop("threshold", None)
            asked.pop("per_slice_thresholds", None)
    config["metrics_specs"].append({"metrics": [], **metric(bound)})
    config["metrics_specs"][-1]["metrics"][0]["per_slice_thresholds"] = [
        {"slicing_specs": [{}], "threshold": {"value_threshold": {"lower_bound": bound}}}
    ]
    return assay.analyze_raw_data(read("digits"), config, str(tmp_path / str(bound))).verdict


def one_class(_):
    return {"metrics": [{"class_name": "Recall", "config": {"class_id": 8, "name": "recall_of_eight"}}]}


def macro(_):
    weights = {i: 1 for i in range(10)}
    return {
        "aggregate": {"macro_average": True, "class_weights": weights},
        "metrics": [{"class_name": "BalancedAccuracy"}],
    }


def recall_of_eight():
    rows = read("digits")
    return sk.recall_score(rows["digit"] == 8, np.stack(rows["probabilities"])[:, 8] > 0.5)


def macro_balanced_accuracy():
    rows = read("digits")
    chances = np.stack(rows["probabilities"])
    return np.mean([sk.balanced_accuracy_score(rows["digit"] == i, chances[:, i] > 0.5) for i in range(10)])


@pytest.mark.parametrize(
    ("metric", "value", "named"),
    [
        (one_class, recall_of_eight, "recall_of_eight [class_id=8]"),
        (macro, macro_balanced_accuracy, "balanced_accuracy [macro_average]"),
    ],
)
def test_a_threshold_on_one_class_or_on_an_average_decides(metric, value, named, tmp_path):
    assert judged(tmp_path, metric, value() - 1e-9).status == "BLESSED"
    verdict = judged(tmp_path, metric, value() + 1e-9)
    assert verdict.status == "NOT_BLESSED"
    (reason,) = verdict.reasons
    assert named in reason.message


def test_a_threshold_of_a_metrics_spec_holds_for_each_of_its_classes(tmp_path):
    rows = read("digits")
    chances = np.stack(rows["probabilities"])
    recall = [sk.recall_score(rows["digit"] == i, chances[:, i] > 0.5) for i in range(10)]
    asked = {"class_name": "Recall", "threshold": {"value_threshold": {"lower_bound": float(np.median(recall))}}}
    config = {
        "model_specs": [{"label_key": "digit", "prediction_key": "probabilities"}],
        "metrics_specs": [{"binarize": {"class_ids": {"values": list(range(10))}}, "metrics": [asked]}],
    }
    verdict = assay.analyze_raw_data(rows, config, str(tmp_path)).verdict
    expected = {f"class_id={i}" for i in range(10) if recall[i] < np.median(recall)}
    assert {reason.message.split("[")[1].split("]")[0] for reason in verdict.reasons} == expected
    assert len(expected) == 5


# ---- what a person sees ----


def test_the_page_of_ten_classes_has_a_table_by_class_and_the_matrix(results):
    page, rows = html_page(results("digits")), read("digits")
    predicted = np.stack(rows["probabilities"]).argmax(1)
    right = f"{100 * np.mean(predicted == rows['digit']):.1f}% predicted right"
    assert f"10 classes, {right}" in page
    assert "<h3>By class</h3>" in page
    assert f"| 8 | {values_of(results('digits'))['Overall', 'auc', '', 8, None, None]:.4f} |" in markdown_summary(
        results("digits")
    )


def test_the_terminal_has_a_row_for_each_topic_and_says_which_language_fails(results, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "120")
    assert cli.main(["show", results("topics")]) == 0
    shown = capsys.readouterr().out
    assert all(f"\n{i} ({topic}) " in shown for i, topic in enumerate(TOPICS))
    assert "FAIL f1_score [macro_average] at least 0.75" in " ".join(shown.split())
    assert "language=fr 326 1 of 3 all" in " ".join(shown.split())


def test_the_terminal_shows_ranked_lists_of_both_models_by_market(results, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "400")
    assert cli.main(["show", results("ranking"), "--metrics", "ndcg", "--slices", "market"]) == 0
    shown = capsys.readouterr().out
    assert all(f"market={market}" in shown for market in ("de", "fr", "uk"))
    assert all(label in shown for label in ("ndcg top_k 3 ", "ndcg top_k 10 old", "ndcg top_k 3 change"))


def test_results_say_how_the_labels_were_read(results):
    config = assay.load_eval_result(results("topics")).config
    assert config is not None
    assert list(config.model_specs[0].classes) == TOPICS
    assert json.loads((Path(assay.results_folder(results("topics"))) / "results.json").read_text())["rows"] == 1000
