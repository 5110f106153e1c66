"""Evaluation from Python."""

import re
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from apache_beam.options.pipeline_options import PipelineOptions
from sklearn.metrics import roc_auc_score

import assay
from assay.engine.runner import _runner
from assay.errors import (
    BadRowError,
    ColumnTypeError,
    ConfigError,
    EvalConfigError,
    InputError,
    MissingColumnError,
    MissingFileError,
    ResultsError,
)
from tests.cpu import start_of_python

RNG = np.random.default_rng(4)
LABELS = (RNG.random(400) < 0.4).astype(float)
FRAME = pd.DataFrame(
    {
        "label": LABELS,
        "prediction": np.clip(RNG.normal(0.4 + 0.2 * LABELS, 0.2), 0, 1),
        "older": np.clip(RNG.normal(0.4 + 0.1 * LABELS, 0.2), 0, 1),
        "group": RNG.choice(["a", "b"], 400),
    }
)
CONFIG = {
    "slicing_specs": [{}, {"feature_keys": ["group"]}],
    "metrics_specs": [{"metrics": [{"class_name": "ExampleCount"}, {"class_name": "AUC"}]}],
}


def number(result, name, key=()):
    return result.get_metrics_for_slice(key)[name]["doubleValue"]


FORMS = {"pandas": FRAME, "arrow": pa.Table.from_pandas(FRAME), "dicts": FRAME.to_dict("records")}
MISSPELT = {"label_key": "lable", "prediction_key": "prediction"}


@pytest.mark.parametrize("form", FORMS)
def test_data_in_memory_may_be_a_frame_a_table_or_dicts(form):
    result = assay.analyze_raw_data(FORMS[form], CONFIG)
    expected = roc_auc_score(FRAME["label"], FRAME["prediction"])
    assert number(result, "auc") == pytest.approx(expected, abs=2e-3)
    assert number(result, "example_count") == 400
    assert number(result, "example_count", (("group", "a"),)) == (FRAME["group"] == "a").sum()


def test_the_config_may_be_a_message_a_dict_json_or_protobuf_text():
    from google.protobuf import json_format, text_format

    message = assay.parse_eval_config(CONFIG)
    texts = [json_format.MessageToJson(message), text_format.MessageToString(message)]
    configs: list[Any] = [CONFIG, message, *texts]
    results = [assay.analyze_raw_data(FRAME, config).slicing_metrics for config in configs]
    assert all(result == results[0] for result in results)


def test_values_may_be_missing_here_and_there():
    rows = [
        {"label": 1, "prediction": 0.9, "group": "a"},
        {"label": 0, "prediction": 0.1},
        {"label": 0, "prediction": 0.2, "group": None},
    ]
    result = assay.analyze_raw_data(rows, CONFIG)
    assert number(result, "example_count") == 3
    assert [key for key, _ in result.slicing_metrics] == [(), (("group", "a"),)]


def test_a_missing_label_is_a_bad_row_that_is_named():
    rows = [{"label": 1, "prediction": 0.9}, {"prediction": 0.2}]
    with pytest.raises(BadRowError, match="<memory>, row 1: missing label"):
        assay.analyze_raw_data(rows, {"metrics_specs": CONFIG["metrics_specs"]})


def test_cells_may_be_arrays():
    frame = pd.DataFrame(
        {"label": [np.array([1.0, 0]), np.array([0.0, 1])], "prediction": [np.array([0.9, 0.2]), np.array([0.4, 0.3])]}
    )
    config = {"metrics_specs": [{"metrics": [{"class_name": "TP"}, {"class_name": "FP"}]}]}
    result = assay.analyze_raw_data(frame, config)
    assert number(result, "tp") == 1
    assert number(result, "fp") == 0


def test_two_columns_compare_as_candidate_and_baseline_without_any_model():
    config = {
        **CONFIG,
        "model_specs": [
            {"name": "new", "label_key": "label", "prediction_key": "prediction"},
            {"name": "old", "label_key": "label", "prediction_key": "older", "is_baseline": True},
        ],
    }
    result = assay.analyze_raw_data(FRAME, config)
    assert number(result, "auc_diff") == pytest.approx(
        roc_auc_score(FRAME["label"], FRAME["prediction"]) - roc_auc_score(FRAME["label"], FRAME["older"]), abs=2e-3
    )


def test_values_of_rows_on_the_wrong_side_are_shown_by_slice():
    sampler = {"class_name": "FalsePositiveFeatureSampler", "config": {"feature_key": "older", "sample_size": 3}}
    result = assay.analyze_raw_data(FRAME, {**CONFIG, "metrics_specs": [{"metrics": [sampler]}]})
    for group in ("a", "b"):
        wrong = FRAME[(FRAME["group"] == group) & (FRAME["label"] == 0) & (FRAME["prediction"] > 0.5)]
        shown = result.get_metrics_for_slice((("group", group),))["false_positive_feature_sampler"]["arrayValue"]
        assert shown["float64Values"] == wrong["older"].tolist()[:3]


def test_one_row_takes_no_longer_than_thirty_starts_of_python():
    rows = [{"label": 1, "prediction": 0.9, "group": "a"}]
    assay.analyze_raw_data(rows, CONFIG)
    started = time.process_time()
    assay.analyze_raw_data(rows, CONFIG)
    assert time.process_time() - started < 30 * start_of_python()


def test_thresholds_are_validated(tmp_path):
    config = {
        "metrics_specs": [{"metrics": [{"class_name": "AUC", "threshold": {"value_threshold": {"lower_bound": 0.99}}}]}]
    }
    assay.analyze_raw_data(FRAME, config, str(tmp_path))
    validation = assay.load_validation_result(str(tmp_path))
    assert not validation.validation_ok
    (failure,) = validation.metric_validations_per_slice[0].failures
    assert failure.metric_key.name == "auc"


@pytest.mark.parametrize(
    ("data", "config", "error", "message"),
    [
        (
            FRAME,
            {**CONFIG, "model_specs": [{"label_key": "lable", "prediction_key": "prediction"}]},
            MissingColumnError,
            "'lable'",
        ),
        (FRAME.assign(prediction="x"), CONFIG, ColumnTypeError, "expected numbers"),
        (FRAME.assign(label=2.0), CONFIG, ColumnTypeError, "labelled 0 and 1 .*holds 2"),
        (FRAME, {"metrics_specs": [{"metrics": [{"class_name": "AUK"}]}]}, EvalConfigError, "did you mean 'AUC'"),
        (FRAME, {}, EvalConfigError, "no metric is asked for"),
        (3, CONFIG, InputError, "expected an Arrow table"),
    ],
    ids=["missing column", "text", "bad label", "unknown metric", "no metric", "no data"],
)
def test_what_is_wrong_is_told(data, config, error, message):
    with pytest.raises(error, match=message):
        assay.analyze_raw_data(data, config)


@pytest.mark.parametrize("file", ["analysis-file.md", "results.md"])
def test_what_a_config_without_thresholds_comes_to_is_what_the_documents_say(file):
    text = " ".join((Path(__file__).parents[1] / "docs" / file).read_text().replace("\n- ", "\n# ").split())
    (sentence,) = (part for part in text.split("# ") if "there is nothing to judge by" in part)
    said = re.findall(r"`((?:NOT_)?(?:BLESSED|EVALUATED))`", sentence.split("there is nothing")[0])[-1]
    assert assay.analyze_raw_data(FRAME, CONFIG).verdict.status == said


@pytest.fixture
def parquet(tmp_path):
    pq.write_table(pa.Table.from_pandas(FRAME), tmp_path / "eval.parquet")
    return str(tmp_path / "*.parquet")


def test_files_are_evaluated_with_the_default_stages(parquet, tmp_path):
    config = {**CONFIG, "model_specs": [{"label_key": "label", "prediction_key": "prediction"}]}
    result = assay.run_model_analysis(
        config, data_location=parquet, file_format="parquet", output_path=str(tmp_path / "out")
    )
    assert result.slicing_metrics == assay.analyze_raw_data(FRAME, CONFIG).slicing_metrics
    assert result.data_location == parquet
    assert result.file_format == "parquet"


SPECS = {"model_specs": [{"label_key": "label", "prediction_key": "prediction"}]}
IDS = [f"id-{i}" for i in range(len(FRAME))]
SCORED = FRAME.drop(columns="label").assign(id=IDS)
LABELLED = FRAME[["label"]].assign(id=IDS).sample(frac=1, random_state=3)


@pytest.fixture
def joined(tmp_path):
    """Runs on scores in Parquet joined with labels in a CSV file; the results are in `out`."""

    def run(labels, **join):
        SCORED.to_parquet(tmp_path / "scored.parquet")
        labels.to_csv(tmp_path / "labels.csv", index=False)
        return assay.run_model_analysis(
            {**CONFIG, **SPECS},
            data_location=str(tmp_path / "scored.parquet"),
            file_format="parquet",
            join={"files": str(tmp_path / "labels.csv"), "format": "csv", "on": ["id"], **join},
            output_path=str(tmp_path / "out"),
        )

    return run


def test_labels_that_arrive_later_are_joined_by_key(joined, tmp_path):
    assert joined(LABELLED).slicing_metrics == assay.analyze_raw_data(FRAME, CONFIG).slicing_metrics
    assert assay.load_verdict(str(tmp_path / "out")).unmatched == {"rows": 0, "labels": 0}


@pytest.mark.parametrize(("share", "is_judged"), [(None, True), ("25%", True), (0.2, False)])
def test_rows_without_a_partner_are_counted_in_the_verdict_and_bounded(joined, share, is_judged, tmp_path):
    stray = pd.DataFrame({"id": ["stray"], "label": [1.0]})
    labels = pd.concat([LABELLED.iloc[:300], stray])
    result = joined(labels, **({} if share is None else {"max_unmatched": share}))
    assert number(result, "example_count") == 300
    verdict = assay.load_verdict(str(tmp_path / "out"))
    assert (verdict.rows, verdict.unmatched) == (300, {"rows": 100, "labels": 1})
    assert any("25% of the rows matched nothing" in reason.message for reason in verdict.reasons) is not is_judged


@pytest.mark.parametrize(
    ("join", "error", "message"),
    [
        ({"keys": ["id"]}, ConfigError, r"inputs\.join\.keys: unknown key"),
        ({"on": []}, ConfigError, r"inputs\.join\.on: expected at least one key column"),
        ({"max_unmatched": 2}, ConfigError, r"inputs\.join\.max_unmatched"),
        ({"format": "xls"}, ConfigError, r"inputs\.join\.format: unknown value 'xls'"),
        ({"files": "/nowhere/labels.csv"}, MissingFileError, r"inputs\.join\.files"),
        ({"on": ["key"]}, MissingColumnError, r"has no column 'key', which inputs\.join\.on needs"),
        ({"columns": ["outcome"]}, MissingColumnError, r"has no column 'outcome', which inputs\.join\.columns needs"),
    ],
    ids=str,
)
def test_a_wrong_join_is_told_as_for_an_analysis_file(joined, join, error, message, tmp_path):
    with pytest.raises(error, match=message):
        joined(LABELLED, **join)
    assert not (tmp_path / "out").exists()


def test_a_column_that_neither_source_has_is_named_with_both_files(joined):
    with pytest.raises(MissingColumnError, match=r"scored\.parquet joined with .*labels\.csv has no column 'label'"):
        joined(LABELLED.rename(columns={"label": "outcome"}))


def test_results_in_a_folder_have_a_verdict_of_files_and_of_memory(parquet, tmp_path):
    auc = {"class_name": "AUC", "threshold": {"value_threshold": {"lower_bound": 0.99}}}
    config = {**SPECS, "metrics_specs": [{"metrics": [auc]}]}
    assay.run_model_analysis(config, data_location=parquet, file_format="parquet", output_path=str(tmp_path / "a"))
    assay.analyze_raw_data(FRAME, config, str(tmp_path / "b"))
    verdicts = [assay.load_verdict(str(tmp_path / folder)) for folder in "ab"]
    assert verdicts[0] == verdicts[1]
    assert (verdicts[0].status, verdicts[0].rows, verdicts[0].unmatched) == ("NOT_BLESSED", 400, {})
    assert verdicts[0].reasons[0].metric == "auc"


def test_where_nothing_is_computed_that_can_be_judged_there_is_no_verdict(parquet, tmp_path):
    evaluators = [assay.AnalysisTableEvaluator()]
    assay.run_model_analysis(
        {**CONFIG, **SPECS},
        data_location=parquet,
        file_format="parquet",
        evaluators=evaluators,
        output_path=str(tmp_path),
    )
    assert not list(tmp_path.glob("*/verdict.json"))
    with pytest.raises(ResultsError, match="no verdict"):
        assay.load_verdict(str(tmp_path))


def test_stages_can_be_inserted_into_the_default_lists(parquet):
    import apache_beam as beam

    config = assay.resolve_eval_config(
        assay.parse_eval_config(
            {
                **CONFIG,
                "model_specs": [{"label_key": "label", "prediction_key": "prediction"}],
                "slicing_specs": [{"feature_keys": ["half"]}],
            }
        )
    )

    def add_half(extracts):
        features = extracts["features"]
        half = (np.asarray(features["prediction"]) >= 0.5).astype(int)
        return {**extracts, "features": {**features, "half": half}}

    extractors = assay.default_extractors(config)
    extractors.insert(1, assay.Extractor("AddHalf", beam.Map(add_half)))
    result = assay.run_model_analysis(config, data_location=parquet, file_format="parquet", extractors=extractors)
    counts = {key: metrics[""][""]["example_count"]["doubleValue"] for key, metrics in result.slicing_metrics}
    upper = float((FRAME["prediction"] >= 0.5).sum())
    assert counts == {(("half", 0),): 400 - upper, (("half", 1),): upper}


def test_a_model_is_a_function_too(parquet):
    model = assay.ModelRef(name="", uri="tests.model_of_columns:better", type="callable")
    config = {**CONFIG, "model_specs": [{"label_key": "label"}]}
    result = assay.run_model_analysis(config, data_location=parquet, file_format="parquet", models=[model])
    assert number(result, "auc") == pytest.approx(roc_auc_score(FRAME["label"], FRAME["prediction"]), abs=2e-3)


def test_the_runner_is_always_named_and_dask_is_refused():
    assert type(_runner(PipelineOptions([]))["runner"]).__name__ == "LocalRunner"  # Beam's FnApiRunner, with workers
    assert "runner" not in _runner(PipelineOptions(["--runner=FlinkRunner", "--job_endpoint=localhost:8099"]))
    with pytest.raises(ConfigError, match="DaskRunner"):
        _runner(PipelineOptions(["--runner=DaskRunner"]))


def test_the_public_names_are_those_of_the_table_and_all_exist():
    public = vars(assay)["__all__"]
    assert len(public) > 40
    for name in public:
        assert getattr(assay, name) is not None
    assert assay.LAST_EXTRACTOR_STAGE_NAME == "<last-extractor>"
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        getattr(assay, "nonsense")  # noqa: B009
