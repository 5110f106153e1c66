"""Settings that Python takes under the names, and with the meaning, that the analysis file has."""

import inspect
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

import assay
from assay.errors import BadRowError, ConfigError, MissingFileError, UsageError
from assay.plan.analysis_file import load_analysis
from assay.run.local import run
from assay.verdict import Status

ROWS = pd.DataFrame(
    {
        "label": [0, 1, 1, 0, 1, 0],
        "prediction": [0.2, np.nan, 0.6, 0.4, 0.9, 0.1],
        "group": ["a", "b", "a", "b", "b", "a"],
    }
)
AUC_OF_ALL = {"class_name": "AUC", "threshold": {"value_threshold": {"lower_bound": {"value": 0.5}}}}
CONFIG = {
    "model_specs": [{"label_key": "label", "prediction_key": "prediction"}],
    "slicing_specs": [{}, {"feature_keys": ["group"]}],
    "metrics_specs": [{"metrics": [{"class_name": "ExampleCount"}, AUC_OF_ALL]}],
}
SETTINGS = (
    "params",
    "on_bad_rows",
    "max_bad_rows",
    "min_rows",
    "rubber_stamp",
    "seed",
    "max_slices",
    "output_file_format",
    "gate",
)


@pytest.fixture(params=["memory", "files"])
def evaluate(request, tmp_path):
    """Evaluates the rows by either function of the Python API."""
    ROWS.to_csv(tmp_path / "rows.csv", index=False)

    def call(config=CONFIG, **settings):
        if request.param == "memory":
            return assay.analyze_raw_data(ROWS, config, **settings)
        return assay.run_model_analysis(config, data_location=tmp_path / "rows.csv", file_format="csv", **settings)

    return call


@pytest.mark.parametrize("function", [assay.analyze_raw_data, assay.run_model_analysis])
def test_both_functions_take_them(function):
    assert set(SETTINGS) <= set(inspect.signature(function).parameters)


def test_a_bad_row_fails_unless_it_may_be_skipped(evaluate):
    with pytest.raises(BadRowError, match="on_bad_rows: skip"):
        evaluate()
    result = evaluate(on_bad_rows="skip")
    assert result.get_metrics_for_slice()["example_count"] == {"doubleValue": 5.0}
    assert (result.verdict.rows, sum(result.verdict.bad_rows.values())) == (6, 1)


@pytest.mark.parametrize(("most", "status"), [(0.0, "NOT_EVALUATED"), ("16%", "NOT_EVALUATED"), ("17%", "BLESSED")])
def test_the_share_of_bad_rows_is_bounded(evaluate, most, status):
    assert evaluate(on_bad_rows="skip", max_bad_rows=most).verdict.status == status


@pytest.mark.parametrize(("least", "status"), [(5, "BLESSED"), (6, "NOT_EVALUATED"), (10**6, "NOT_EVALUATED")])
def test_the_number_of_good_rows_is_bounded(evaluate, least, status):
    verdict = evaluate(on_bad_rows="skip", max_bad_rows=1, min_rows=least).verdict
    assert verdict.status == status
    assert not verdict.reasons or "min_rows" in verdict.reasons[0].message


@pytest.mark.parametrize(
    "settings",
    [
        {"on_bad_rows": "ignore"},
        {"on_bad_rows": "skp"},
        {"max_bad_rows": 2},
        {"max_bad_rows": "1 percent"},
        {"min_rows": 0},
        {"min_rows": 2.5},
        {"seed": -1},
        {"rubber_stamp": "yes"},
        {"output_file_format": "csv"},
        {"gate": {"alpha": 0.05}},
        {"gate": {"thresholds": [{"metric": "auc", "at_least": "much"}]}},
        {"params": ["date"]},
        {"params": {"a b": "1"}},
    ],
)
def test_what_cannot_be_is_refused_in_the_words_of_the_analysis_file(evaluate, settings, tmp_path):
    with pytest.raises(ConfigError) as raised:
        evaluate(**settings)
    file = tmp_path / "analysis.yaml"
    inputs = {"format": "csv", "files": "rows.csv"}
    file.write_text(yaml.safe_dump({"inputs": inputs, "eval_config": CONFIG, "output": "out", **settings}))
    with pytest.raises(ConfigError) as of_file:
        load_analysis(file)
    assert str(of_file.value) == f"{file}: {raised.value}"


def test_a_seed_gives_the_resamples_of_the_command(tmp_path):
    generator = np.random.default_rng(3)
    rows = pd.DataFrame({"label": generator.random(200) < 0.4, "prediction": generator.random(200)})
    rows.to_parquet(tmp_path / "rows.parquet")
    intervals = {
        "compute_confidence_intervals": {"value": True},
        "confidence_intervals": {"method": "POISSON_BOOTSTRAP"},
    }
    config = {**CONFIG, "slicing_specs": [{}], "options": intervals}

    by_memory = bounds_of(assay.analyze_raw_data(rows, config, seed=7))
    files = {"data_location": tmp_path / "rows.parquet", "file_format": "parquet"}
    by_files = bounds_of(assay.run_model_analysis(config, seed=7, **files))
    inputs = {"format": "parquet", "files": "rows.parquet"}
    content = {"inputs": inputs, "eval_config": config, "output": "out", "seed": 7}
    (tmp_path / "analysis.yaml").write_text(yaml.safe_dump(content))
    run(load_analysis(tmp_path / "analysis.yaml", {}))

    assert bounds_of(assay.load_eval_result(tmp_path / "out")) == pytest.approx(by_files, abs=1e-12)
    assert by_memory != bounds_of(assay.analyze_raw_data(rows, config, seed=8))
    assert by_files != bounds_of(assay.run_model_analysis(config, **files))


def bounds_of(result):
    value = result.get_metrics_for_slice()["auc"]["boundedValue"]
    return [value["lowerBound"], value["upperBound"]]


def test_a_seed_beside_evaluators_that_have_one_is_refused(evaluate):
    with pytest.raises(ConfigError, match="seed: evaluators have their own seed"):
        evaluate(evaluators=assay.default_evaluators(assay.parse_eval_config(CONFIG)), seed=3)


def test_files_of_metrics_and_plots_have_the_format_that_was_asked_for(evaluate, tmp_path):
    evaluate(on_bad_rows="skip", output_file_format="parquet", output_path=tmp_path / "out")
    folder = Path(assay.results_folder(tmp_path / "out"))
    formats = {file.suffix for key in ("metrics", "plots", "validations") for file in folder.glob(f"{key}*")}
    assert formats == {".parquet"}
    assert assay.load_eval_result(folder).get_metrics_for_slice()["example_count"] == {"doubleValue": 5.0}


def test_a_format_beside_writers_that_have_one_is_refused(evaluate, tmp_path):
    writers = assay.default_writers(tmp_path / "mine", assay.parse_eval_config(CONFIG), output_file_format="parquet")
    with pytest.raises(ConfigError, match="output_file_format: writers have their own format, found 'parquet'"):
        evaluate(writers=writers, output_file_format="parquet")
    evaluate(writers=writers, on_bad_rows="skip")
    assert list((tmp_path / "mine").glob("plots-*.parquet"))


def test_change_thresholds_may_be_left_out_for_a_first_model(evaluate):
    rise = {"direction": "HIGHER_IS_BETTER", "absolute": 0}
    change = {"class_name": "AUC", "threshold": {"change_threshold": rise}}
    config = {**CONFIG, "metrics_specs": [{"metrics": [change]}]}
    with pytest.raises(ConfigError, match="rubber_stamp"):
        evaluate(config, on_bad_rows="skip")
    verdict = evaluate(config, on_bad_rows="skip", max_bad_rows=1, rubber_stamp=True).verdict
    assert (verdict.status, verdict.rubber_stamp) == (Status.BLESSED, True)


# Parameters


def test_parameters_stand_in_the_config_and_in_places(evaluate, tmp_path):
    config = {**CONFIG, "slicing_specs": [{"feature_values": {"group": "${group}"}}]}
    result = evaluate(config, params={"group": "b"}, on_bad_rows="skip", output_path=f"{tmp_path}/${{group}}")
    assert result.get_slice_names() == [(("group", "b"),)]
    assert assay.load_verdict(tmp_path / "b").rows == 6


@pytest.mark.parametrize("value", ["a", 1, True, 2.5])
def test_values_become_text_as_in_an_analysis_file(evaluate, value, tmp_path):
    evaluate(params={"v": value}, on_bad_rows="skip", output_path=tmp_path / "out-${v}")
    assert (tmp_path / f"out-{str(value).lower() if value is True else value}").is_dir()


def test_a_parameter_without_a_value_is_refused_where_it_stands(evaluate):
    config = {**CONFIG, "slicing_specs": [{"feature_keys": ["${by}"]}]}
    with pytest.raises(ConfigError, match=r"eval_config.slicing_specs\[0\].feature_keys\[0\]: unknown parameter 'by'"):
        evaluate(config)
    with pytest.raises(ConfigError, match="did you mean 'bye'"):
        evaluate(config, params={"bye": "group"})
    with pytest.raises(ConfigError, match=r"'by' must be given: .* in Python {'by': VALUE}"):
        evaluate(config, params={"by": None})


def test_files_joins_and_models_take_parameters(tmp_path):
    ROWS.drop(columns="label").assign(id=range(6)).to_csv(tmp_path / "rows-1.csv", index=False)
    ROWS[["label"]].assign(id=range(6)).to_parquet(tmp_path / "labels-1.parquet")
    result = assay.run_model_analysis(
        CONFIG,
        data_location=[tmp_path / "rows-${day}.csv"],
        file_format="csv",
        join={"files": tmp_path / "labels-${day}.parquet", "format": "parquet", "on": ["id"]},
        params={"day": 1},
        on_bad_rows="skip",
    )
    assert result.verdict.rows == 6
    ref = assay.ModelRef("m", tmp_path / "gone-${day}.keras", "keras")
    with pytest.raises(UsageError, match=f"nothing at {tmp_path}/gone-1.keras"):
        assay.run_model_analysis(CONFIG, data_location="x.csv", file_format="csv", models=[ref], params={"day": 1})


def test_options_of_the_format_can_be_given(tmp_path):
    ROWS.to_csv(tmp_path / "rows.csv", index=False, sep=";")
    given = {"data_location": tmp_path / "rows.csv", "file_format": "csv", "on_bad_rows": "skip"}
    result = assay.run_model_analysis(CONFIG, options={"delimiter": ";"}, batch_rows=2, **given)
    assert result.verdict.rows == 6
    with pytest.raises(ConfigError, match=r"inputs\.options\.delimeter: the format csv has no such option"):
        assay.run_model_analysis(CONFIG, options={"delimeter": ";"}, **given)
    with pytest.raises(ConfigError, match=r"inputs.batch_rows: expected a whole number"):
        assay.run_model_analysis(CONFIG, batch_rows=0, **given)


# Paths


@pytest.fixture
def results(tmp_path):
    assay.analyze_raw_data(ROWS.dropna(), CONFIG, tmp_path / "out")
    return tmp_path / "out"


@pytest.mark.parametrize(
    "load",
    [
        assay.load_eval_result,
        assay.load_metrics,
        assay.load_plots,
        assay.load_attributions,
        assay.load_validation_result,
        assay.load_verdict,
        assay.metrics_frame,
        assay.plots_frame,
    ],
)
def test_every_function_that_loads_results_takes_a_path(results, load):
    assert comparable(lambda: load(results)) == comparable(lambda: load(str(results)))


def comparable(call):
    """What a call returns, or the error that it raises, in a form that can be compared."""
    try:
        found = call()
        return re.sub(" at 0x[0-9a-f]+", "", repr(list(found)) if inspect.isgenerator(found) else str(found))
    except UsageError as error:
        return str(error)


def test_pages_and_writers_take_a_path(results, tmp_path):
    from assay.report.page.results import html_page, markdown_summary

    assert html_page(results) == html_page(str(results))
    assert markdown_summary(results) == markdown_summary(str(results))
    config = assay.parse_eval_config(CONFIG)
    assay.analyze_raw_data(ROWS.dropna(), CONFIG, writers=assay.default_writers(tmp_path / "mine", config))
    assert assay.load_eval_result(tmp_path / "mine").slicing_metrics


def test_a_path_that_was_made_of_a_uri_is_named():
    with pytest.raises(UsageError, match=r"found 'gs:/bucket/data.csv' for 'gs://bucket/data.csv'; use text"):
        assay.run_model_analysis(CONFIG, data_location=Path("gs://bucket/data.csv"), file_format="csv")
    with pytest.raises(UsageError, match="output_path"):
        assay.analyze_raw_data(ROWS, CONFIG, Path("gs://bucket/out"))


@pytest.mark.parametrize("path", [3, b"out", ["out"]])
def test_what_is_no_path_is_refused(path):
    with pytest.raises(UsageError, match="output_path: expected text or a path, found"):
        assay.analyze_raw_data(ROWS, CONFIG, path)


def test_a_missing_file_is_named_as_text(tmp_path):
    with pytest.raises(MissingFileError, match=f"{tmp_path}/gone.csv"):
        assay.run_model_analysis(CONFIG, data_location=tmp_path / "gone.csv", file_format="csv")
