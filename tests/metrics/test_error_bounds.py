"""Values that may be off because scores lie close together say by how much, and the gate asks for that much more."""

import json
from contextlib import redirect_stdout
from io import StringIO
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from sklearn import metrics as sk

import assay
from assay import cli
from assay.gate.numbers import Number
from assay.report.page.results import markdown_summary
from assay.verdict import Status

RNG = np.random.default_rng(20)
LABEL = (RNG.random(2000) < 0.3).astype(float)
SCORE = np.clip(RNG.normal(size=2000) * 0.15 + 0.4 + 0.2 * LABEL, 0, 1)

CROWDED = {"num_thresholds": 25}
METRICS: dict[str, tuple[str, dict[str, object]]] = {
    "auc": ("AUC", {}),
    "majoring": ("AUC", {"summation_method": "majoring"}),
    "pr": ("AUCPrecisionRecall", {}),
    "recall_at": ("RecallAtPrecision", {"precision": 0.6}),
    "precision_at": ("PrecisionAtRecall", {"recall": 0.5}),
    "sensitivity": ("SensitivityAtSpecificity", {"specificity": 0.8}),
    "specificity": ("SpecificityAtSensitivity", {"sensitivity": 0.8}),
}


def config_of(bounds=None, changes=None, models=("score",), **more):
    """All metrics with few thresholds, and thresholds of the gate for some."""
    metrics = []
    for name, (class_name, own) in METRICS.items():
        entry = {"class_name": class_name, "config": {"name": name, **CROWDED, **own}}
        if name in (bounds or {}):
            entry["threshold"] = {"value_threshold": {"lower_bound": bounds[name]}}
        if name in (changes or {}):
            entry["threshold"] = {"change_threshold": {"direction": "HIGHER_IS_BETTER", **changes[name]}}
        metrics.append(entry)
    specs = [{"name": n, "label_key": "label", "prediction_key": n, "is_baseline": n == "old"} for n in models]
    return {"model_specs": specs, "metrics_specs": [{"metrics": metrics}], **more}


def frame_of(score=SCORE, label=LABEL, **columns):
    return pd.DataFrame({"label": label, "score": score, **columns})


def rows_of(frame, config):
    with TemporaryDirectory() as folder:
        assay.analyze_raw_data(frame, config, output_path=folder)
        return assay.metrics_frame(folder)


def values_of(frame, config):
    """Metric -> value and error bound of the only model."""
    return {row.metric: (row.value, row.error_bound) for row in rows_of(frame, config).itertuples()}


def exact_of(frame):
    """The values with a threshold at every score, so that the order is known."""
    config = config_of()
    for entry in config["metrics_specs"][0]["metrics"]:
        del entry["config"]["num_thresholds"]
        entry["config"]["thresholds"] = sorted({*frame.score, -1.0})
    return values_of(frame, config)


@pytest.mark.parametrize("seed", range(3))
def test_the_true_values_lie_within_the_error_bounds(seed):
    rows = np.random.default_rng(seed).integers(0, 2000, 300)
    frame = frame_of(SCORE[rows] ** (1 + seed), LABEL[rows])
    exact = exact_of(frame)
    assert exact["auc"][0] == pytest.approx(sk.roc_auc_score(frame.label, frame.score), abs=1e-12)
    for metric, (value, bound) in values_of(frame, config_of()).items():
        assert 0 < bound < 0.25
        assert abs(value - exact[metric][0]) <= bound + 1e-9, metric


def test_a_value_whose_scores_are_told_apart_has_no_error_bound():
    config = config_of()
    for entry in config["metrics_specs"][0]["metrics"]:
        del entry["config"]["num_thresholds"]
    for value, bound in values_of(frame_of(np.round(SCORE, 4)), config).values():
        assert np.isfinite(value)
        assert np.isnan(bound)
    tied = values_of(frame_of(np.round(SCORE * 25) / 25), config_of())
    assert all(np.isnan(bound) for _, bound in tied.values())


def test_the_gate_blesses_only_what_holds_however_far_a_value_is_off():
    value, bound = values_of(frame_of(), config_of())["auc"]
    verdict = assay.analyze_raw_data(frame_of(), config_of({"auc": value - 2 * bound})).verdict
    assert verdict.status == Status.BLESSED
    (check,) = verdict.checks
    assert check.value == value
    assert check.error_bound == pytest.approx(bound)

    verdict = assay.analyze_raw_data(frame_of(), config_of({"auc": value - bound / 2})).verdict
    assert verdict.status == Status.NOT_BLESSED
    (reason,) = verdict.reasons
    assert f"auc is {value:.6g} and may be off by {bound:.2g}, too close to decide; expected at least" in reason.message
    assert "leave out num_thresholds: 25 of its config, or set exact: true instead" in reason.message


def test_a_threshold_that_is_missed_wherever_the_value_lies_has_no_cure():
    value, bound = values_of(frame_of(), config_of())["auc"]
    verdict = assay.analyze_raw_data(frame_of(), config_of({"auc": value + 2 * bound})).verdict
    (reason,) = verdict.reasons
    expected = f"{value + 2 * bound:.6g}"
    assert reason.message == f"auc is {value:.6g} and may be off by {bound:.2g}; expected at least {expected}"


def close_together(width):
    """Scores of a band, some of which share a cell."""
    return frame_of(1000 + width * SCORE)


def of_auc(lower_bound, **settings):
    metric = {
        "class_name": "AUC",
        "config": settings,
        "threshold": {"value_threshold": {"lower_bound": lower_bound}},
    }
    models = [{"label_key": "label", "prediction_key": "score"}]
    return {"model_specs": models, "metrics_specs": [{"metrics": [metric]}]}


def test_what_cannot_be_told_by_default_can_with_all_distinct_scores(tmp_path):
    frame = close_together(200)
    true = sk.roc_auc_score(frame.label, frame.score)
    result = assay.analyze_raw_data(frame, of_auc(true - 1e-6), output_path=tmp_path)
    (check,) = result.verdict.checks
    assert 1e-3 < check.error_bound < 1e-2
    assert abs(check.value - true) <= check.error_bound
    (reason,) = result.verdict.reasons
    cure = "set exact: true in its config, which keeps all distinct scores"
    assert reason.message == (
        f"auc is {check.value:.6g} and may be off by {check.error_bound:.2g}, too close to decide; expected at least "
        f"{true - 1e-6:.6g}: scores between two thresholds have no order; {cure}"
    )
    for told in ("\n".join(result.remarks), markdown_summary(tmp_path), html_of(tmp_path), terminal_of(tmp_path)):
        assert f"auc may be off by {check.error_bound:.2g}" in told.replace("\\", "")

    verdict = assay.analyze_raw_data(frame, of_auc(true - 1e-6, exact=True)).verdict
    assert verdict.status == Status.BLESSED
    assert verdict.checks[0].error_bound == 0


def html_of(results):
    page = results / "page.html"
    assert cli.main(["show", str(results), "--html", str(page)]) == 0
    return page.read_text()


def terminal_of(results):
    with redirect_stdout(StringIO()) as output:
        assert cli.main(["show", str(results)]) == 0
    return output.getvalue()


def test_the_gate_minds_error_bounds_that_are_too_small_to_be_told():
    frame = frame_of()
    true = sk.roc_auc_score(frame.label, frame.score)
    result = assay.analyze_raw_data(frame, of_auc(true))
    (check,) = result.verdict.checks
    assert 0 < check.error_bound < 1e-3
    assert not result.remarks
    assert result.verdict.status == Status.NOT_BLESSED
    assert "too close to decide" in result.verdict.reasons[0].message
    verdict = assay.analyze_raw_data(frame, of_auc(check.value - 2 * check.error_bound)).verdict
    assert verdict.status == Status.BLESSED


@pytest.mark.parametrize("kind", ["absolute", "relative"])
def test_a_change_may_be_off_by_as_much_as_both_models(kind):
    old = np.clip(SCORE - 0.3 * LABEL * RNG.random(2000), 0, 1)
    frame, models = frame_of(old=old), ("score", "old")
    found = rows_of(frame, config_of(models=models))
    new, baseline, changed = (
        found[found.metric == "auc"].sort_values(["is_diff", "model"], ascending=[True, False]).itertuples()
    )
    change, bound = changed.value, changed.error_bound
    assert (new.model, baseline.model, changed.is_diff) == ("score", "old", True)
    assert bound == new.error_bound + baseline.error_bound
    assert abs(change - (sk.roc_auc_score(LABEL, SCORE) - sk.roc_auc_score(LABEL, old))) <= bound
    scale = 1 if kind == "absolute" else baseline.value
    for margin, status in ((3 * bound, Status.BLESSED), (bound / 2, Status.NOT_BLESSED)):
        config = config_of(changes={"auc": {kind: (change - margin) / scale}}, models=models)
        verdict = assay.analyze_raw_data(frame, config).verdict
        assert verdict.status == status
        assert all("may be off by" in reason.message for reason in verdict.reasons)


@pytest.mark.parametrize("exact", ["score", "old"])
def test_a_change_may_be_off_where_one_of_the_models_is(exact):
    frame = frame_of(old=np.clip(SCORE - 0.3 * LABEL * RNG.random(2000), 0, 1))
    frame[exact] = (np.floor(frame[exact] * 23) + 0.5) / 24  # one score between two thresholds
    found = rows_of(frame, config_of(models=("score", "old")))
    of_auc = {("change" if row.is_diff else row.model): row for row in found[found.metric == "auc"].itertuples()}
    assert np.isnan(of_auc[exact].error_bound)
    (other,) = {"score", "old"} - {exact}
    assert of_auc["change"].error_bound == of_auc[other].error_bound > 0


small, positive = st.floats(-1, 1), st.floats(0, 0.5)


@given(small, positive, small, positive, st.floats(-1, 1), st.floats(-1, 1))
@example(0.1, 0.0, 0.0, 0.0, 0.0, 0.0)
def test_a_share_bounds_every_quotient_of_what_its_parts_may_be(part, part_bound, whole, whole_bound, a, b):
    share = Number(part, part_bound).share_of(Number(whole, whole_bound))
    if abs(whole) <= whole_bound:
        assert not share.lies_between(-np.inf, np.inf)
    elif abs(whole) - whole_bound > 1e-9:
        true = (part + a * part_bound) / (whole + b * whole_bound)
        assert abs(share.value - true) <= share.error_bound * (1 + 1e-9) + 1e-9 * abs(true)


def test_people_are_told_wherever_they_look(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("COLUMNS", "1000")
    frame_of(group=["a", "b"] * 1000).to_parquet(tmp_path / "rows.parquet")
    monkeypatch.chdir(tmp_path)
    analysis = {
        "inputs": {"format": "parquet", "files": ["rows.parquet"]},
        "eval_config": config_of({"auc": 0.6}, slicing_specs=[{}, {"feature_keys": ["group"]}]),
        "output": "results",
    }
    (tmp_path / "analysis.json").write_text(json.dumps(analysis))
    assert cli.main(["run", "analysis.json", "--quiet"]) == 0
    capsys.readouterr()

    assert cli.main(["show", "results"]) == 0
    told = "in Overall, group=a, group=b: scores between two thresholds have no order; leave out num_thresholds: 25"
    assert any(
        line.startswith("auc may be off by 0.0") and told in line for line in capsys.readouterr().out.splitlines()
    )
    assert cli.main(["show", "results", "--html", "page.html"]) == 0
    assert "auc may be off by 0.0" in (tmp_path / "page.html").read_text()
    assert "auc may be off by 0.0" in markdown_summary("results").replace("\\", "")
    assert json.loads(assay.load_verdict("results").to_json())["checks"][0]["error_bound"] > 0


def test_a_table_of_metrics_says_why_a_value_is_undefined(tmp_path):
    result = assay.analyze_raw_data(frame_of(SCORE * 1e-3), config_of(), output_path=tmp_path)
    assert any(line.startswith("auc is undefined in Overall: scores are too close") for line in result.remarks)
    found = assay.metrics_frame(tmp_path)
    (row,) = found[found.metric == "auc"].to_dict("records")
    assert np.isnan(row["value"])
    assert row["text"].startswith("scores are too close together to order them")


def test_a_model_is_no_worse_than_itself_however_far_its_value_may_be_off():
    frame = close_together(200)
    no_worse = {"change_threshold": {"direction": "HIGHER_IS_BETTER", "absolute": 0.0}}
    models: list[dict[str, object]] = [
        {"name": "new", "label_key": "label", "prediction_key": "score"},
        {"name": "old", "label_key": "label", "prediction_key": "score", "is_baseline": True},
    ]
    metric = {"class_name": "AUC", "threshold": no_worse}
    asked = {"model_specs": models, "metrics_specs": [{"metrics": [metric]}]}
    assert assay.analyze_raw_data(frame, asked).verdict.status == "BLESSED"

    frame["nearly"] = frame.score + 0.05 * frame.label  # better by less than can be told
    models[0]["prediction_key"] = "nearly"
    assert assay.analyze_raw_data(frame, asked).verdict.status == "NOT_BLESSED"
