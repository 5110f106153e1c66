"""`assay check`: what can be known without a run is told without one, in the words of a run."""

from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import assay
from assay.cli import main
from assay.errors import AssayError, EvalConfigError
from tests.cpu import cpu_seconds

ROWS = 569
RANDOM = np.random.default_rng(7)
TABLE = pa.table(
    {
        "label": RANDOM.integers(0, 2, ROWS),
        "score": RANDOM.random(ROWS),
        "logit": RANDOM.normal(size=ROWS) * 4,
        "town": RANDOM.choice(["Bergen", "Moss", "Oslo"], ROWS),
        "id": np.arange(ROWS),
        "shares": [[0.2, 0.3, 0.5]] * (ROWS - 1) + [[0.5, 0.5]],
        "class": np.arange(ROWS) % 3,
    }
)
AUC = {"class_name": "AUC"}
BOUND = {"value_threshold": {"lower_bound": 0.5}}
CHANGE = {"change_threshold": {"direction": "HIGHER_IS_BETTER", "absolute": 0}}


def config(metric=AUC, *, label="label", score="score", slices=({}, {"feature_keys": ["town"]}), **more):
    return {
        "model_specs": [{"label_key": label, "prediction_key": score}],
        "slicing_specs": list(slices),
        "metrics_specs": [{"metrics": [metric], **more}],
    }


def per_slice(*specs):
    return {**AUC, "per_slice_thresholds": [{"slicing_specs": list(specs), "threshold": BOUND}]}


def two_models(**threshold):
    models = [
        {"name": "new", "label_key": "label", "prediction_key": "score"},
        {"name": "old", "label_key": "label", "prediction_key": "score", "is_baseline": True},
    ]
    return {**config(thresholds=threshold), "model_specs": models}


@pytest.fixture
def check(tmp_path, capsys):
    """Writes an analysis file and checks it: exit code and what was printed."""

    def checked(eval_config, table=TABLE, **more):
        pq.write_table(table, tmp_path / "rows.parquet")
        analysis = {"inputs": {"format": "parquet", "files": ["rows.parquet"]}, "output": "out", **more}
        file = tmp_path / "analysis.json"
        file.write_text(json.dumps({**analysis, "eval_config": eval_config}))
        code = main(["check", str(file)])
        captured = capsys.readouterr()
        return code, captured.out + captured.err

    return checked


def test_what_is_right_is_counted(check, tmp_path):
    code, said = check(config({**AUC, "threshold": BOUND}))
    assert code == 0
    assert said == f"{tmp_path}/analysis.json: ok (checked 569 rows; 1 threshold, 1 metric, 2 slicing specs)\n"
    assert not (tmp_path / "out").exists()


CALIBRATED = {"class_name": "BinaryCrossEntropy"}
BY_CLASS = {"class_name": "CategoricalAccuracy"}
WRONG_VALUES = {
    "scores of text": (config(score="town"), "column 'town' (prediction_key) has type string; expected numbers"),
    "labels of text": (config(label="town"), "column 'town' (label_key) has type string; expected numbers"),
    "ids as labels": (config(label="id"), "AUC is for two classes, labelled 0 and 1 (or a share between), but"),
    "logits": (config(CALIBRATED, score="logit"), "BinaryCrossEntropy is for probabilities from 0 to 1, but"),
    "odd lists": (config(BY_CLASS, label="class", score="shares"), "row 568"),
}


@pytest.mark.parametrize(("wanted", "message"), WRONG_VALUES.values(), ids=WRONG_VALUES)
def test_rows_that_metrics_cannot_take_are_told_as_a_run_tells_them(check, wanted, message):
    code, said = check(wanted)
    assert code == 64
    assert message in said
    if "row 568" not in said:
        assert said.endswith(" (seen in the first 569 rows)\n")
    with pytest.raises(AssayError) as raised:
        assay.analyze_raw_data(TABLE, wanted)
    told = str(raised.value).partition(", row 568: ")[2] or str(raised.value)
    assert told in said


UNMET = {
    "by a name that nothing has": (
        config(thresholds={"aucc": BOUND}),
        "metrics_specs[0].thresholds['aucc']: no metric has the name 'aucc'; did you mean 'auc'?",
    ),
    "on a change of what nothing has": (
        two_models(acu=CHANGE),
        "metrics_specs[0].thresholds['acu']: no metric has the name 'acu'; did you mean 'auc'?",
    ),
    "for slices by a name that nothing has": (
        config(per_slice_thresholds={"aucc": {"thresholds": [{"slicing_specs": [{}], "threshold": BOUND}]}}),
        "metrics_specs[0].per_slice_thresholds['aucc']: no metric has the name 'aucc'",
    ),
    "for a slicing that nothing makes": (
        config(per_slice({}, {"feature_keys": ["class"]})),
        "metrics_specs[0].metrics[0].per_slice_thresholds[0].slicing_specs[1]: no slicing spec makes slices of class, "
        "so that no value could be held against it; slicing_specs make all rows, town; add {feature_keys: [class]} to "
        "slicing_specs, or remove the threshold",
    ),
    "for all rows, which no slicing spec asks for": (
        config(per_slice({}), slices=[{"feature_keys": ["town"]}]),
        "no slicing spec makes slices of all rows, so that no value could be held against it; slicing_specs make town; "
        "add {} to slicing_specs",
    ),
    "for another value": (
        config(per_slice({"feature_values": {"town": "Oslo"}}), slices=[{"feature_values": {"town": "Moss"}}]),
        "no slicing spec makes slices of town=Oslo",
    ),
    "for pairs of slices": (
        config(
            {**AUC, "cross_slice_thresholds": [{"cross_slicing_specs": [{"baseline_spec": {}}], "threshold": BOUND}]}
        ),
        "cross_slicing_specs compare nothing; add it to cross_slicing_specs, or remove the threshold",
    ),
}


@pytest.mark.parametrize(("wanted", "message"), UNMET.values(), ids=UNMET)
def test_a_threshold_that_no_value_can_meet_is_refused_at_every_door(check, wanted, message):
    code, said = check(wanted)
    assert code == 64
    assert message in said
    with pytest.raises(EvalConfigError) as raised:
        assay.analyze_raw_data(TABLE, wanted)
    assert message in str(raised.value)


@pytest.mark.parametrize(
    ("wanted", "slices"),
    [
        ({"feature_values": {"town": "Oslo"}}, [{"feature_keys": ["town"]}]),
        ({"feature_keys": ["town"]}, [{"feature_values": {"town": "Oslo"}}]),
        ({"feature_values": {"class": "1.0"}}, [{"feature_values": {"class": "1"}}]),
        ({"feature_values": {"town": "Oslo"}, "feature_keys": ["class"]}, [{"feature_keys": ["class", "town"]}]),
        ({}, []),
    ],
)
def test_a_threshold_whose_slices_the_data_may_have_is_taken(check, wanted, slices):
    assert check(config(per_slice(wanted), slices=slices))[0] == 0


def test_a_slice_whose_parameter_is_open_may_be_any(tmp_path):
    from assay.plan.analysis_file import load_analysis

    wanted = config(per_slice({"feature_values": {"town": "${town}"}}), slices=[{"feature_values": {"town": "Oslo"}}])
    analysis = {"inputs": {"format": "parquet", "files": ["d"]}, "output": "out", "params": {"town": None}}
    file = tmp_path / "analysis.json"
    file.write_text(json.dumps({**analysis, "eval_config": wanted}))
    load_analysis(str(file))
    assert main(["check", str(file), "--param", "town=Moss"]) == 64


@pytest.mark.parametrize("output", ["/proc/x", "rows.parquet/out"])
def test_an_output_that_cannot_be_written_is_refused(check, output, tmp_path):
    code, said = check(config(), output=output)
    assert code == 64
    assert f".json: output: {output if output.startswith('/') else tmp_path / output}: " in said
    with pytest.raises(AssayError, match="output"):
        assay.analyze_raw_data(TABLE, config(), output if output.startswith("/") else tmp_path / output)


def test_what_other_rows_may_set_right_is_not_told(check):
    """The first rows lack the positive label, and most of their scores are wrong; of all rows, few are."""
    many = {"label": ["no"] * 6_000 + ["yes"] * 60_000, "score": [7.0] * 4_000 + [0.5] * 62_000}
    late = pa.table({**many, "town": ["Oslo"] * 66_000})
    wanted = config(CALIBRATED)
    wanted["model_specs"][0]["positive_label"] = "yes"
    code, said = check(wanted, late, on_bad_rows="skip")
    assert (code, "checked 5,000 rows" in said) == (0, True)
    assert assay.analyze_raw_data(late, wanted, on_bad_rows="skip").verdict.bad_rows == {
        "prediction outside [0, 1]": 4_000
    }


def test_a_check_of_predictions_in_the_data_loads_no_beam(tmp_path):
    file = small(tmp_path)
    code = "import atexit, sys; from assay.cli import command; atexit.register(lambda: print(*sys.modules)); command()"
    done = subprocess.run([sys.executable, "-c", code, "check", file], capture_output=True, text=True, check=True)
    assert ": ok (" in done.stdout
    assert {"apache_beam", "pandas", "tensorflow"}.isdisjoint(done.stdout.split())


def test_a_check_takes_little_more_cpu_than_numpy_and_arrow_need_to_start(tmp_path):
    """0.53 s beside 0.18 s where the bound was set, so 0.35 s of its own; with Beam it was 2.7 s."""
    imports = cpu_seconds(sys.executable, "-c", "import numpy, pyarrow, pyarrow.parquet")
    assert cpu_seconds(sys.executable, "-m", "assay", "check", small(tmp_path)) < 4.5 * imports


def small(folder):
    pq.write_table(TABLE, folder / "rows.parquet")
    file = folder / "analysis.json"
    analysis = {"inputs": {"format": "parquet", "files": ["rows.parquet"]}, "output": "out"}
    file.write_text(json.dumps({**analysis, "eval_config": config({**AUC, "threshold": BOUND})}))
    return str(file)


def test_rows_of_csv_are_checked_too(check, tmp_path):
    pd.DataFrame({"label": ["a", "b", "c"], "score": [0.1, 0.2, 0.3]}).to_csv(tmp_path / "rows.csv", index=False)
    code, said = check(config(slices=[{}]), inputs={"format": "csv", "files": ["rows.csv"]})
    assert code == 64
    assert "column 'label' (label_key) has type string; expected numbers" in said


MODEL = {"name": "m", "uri": "tests.model_of_columns:better", "type": "callable", "features": ["logit"]}


def with_model(**spec):
    wanted = config()
    wanted["model_specs"] = [{"label_key": "label", **spec}]
    return wanted


def test_a_model_is_not_run_and_nothing_is_said_of_its_predictions(check):
    code, said = check(with_model(), models=[MODEL])
    assert code == 0
    assert "(checked 569 rows without predictions; 0 thresholds, 1 metric, 2 slicing specs)" in said


def test_weights_of_text_are_told_without_running_the_model(check):
    code, said = check(with_model(example_weight_key="town"), models=[MODEL])
    assert code == 64
    assert "column 'town' (example_weight_key) has type string; expected numbers" in said


def test_rows_that_have_yet_to_be_joined_are_not_read(check, tmp_path):
    pq.write_table(pa.table({"id": range(ROWS), "late": RANDOM.integers(0, 2, ROWS)}), tmp_path / "late.parquet")
    join = {"format": "parquet", "files": ["late.parquet"], "on": ["id"]}
    code, said = check(config(label="late"), inputs={"format": "parquet", "files": ["rows.parquet"], "join": join})
    assert (code, said.rpartition(": ")[2]) == (0, "ok (0 thresholds, 1 metric, 2 slicing specs)\n")


def test_evaluators_of_ones_own_may_compute_what_a_threshold_is_for(check):
    own = {"name": "Own", "factory": "no_such_module:make", "run_after": "ExtractSliceKeys", "outputs": ["metrics"]}
    code, said = check(config(per_slice({"feature_keys": ["class"]}), thresholds={"own": BOUND}), evaluators=[own])
    assert (code, said.rpartition(": ")[2]) == (0, "ok (2 thresholds, 1 metric, 2 slicing specs)\n")
