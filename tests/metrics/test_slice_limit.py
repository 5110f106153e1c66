"""How many slices a slicing spec may make: told by its name before memory runs out, through every door."""

from __future__ import annotations

import json

import pandas as pd
import pytest

import assay
from assay.cli import main
from assay.engine.recovery import recover, recover_from_text
from assay.errors import AssayError, ConfigError, TransientError

CONFIG = {
    "model_specs": [{"label_key": "label", "prediction_key": "score"}],
    "slicing_specs": [{}, {"feature_keys": ["id"]}, {"feature_keys": ["half", "third"]}],
    "metrics_specs": [{"metrics": [{"class_name": "ExampleCount"}]}],
}
IDS = 50
ROWS = pd.DataFrame(
    {
        "label": [0.0, 1.0] * 25,
        "score": [0.5] * IDS,
        "id": range(IDS),
        "half": [str(i % 10) for i in range(IDS)],
        "third": [str(i % 3) for i in range(IDS)],
    }
)


def test_as_many_slices_as_are_allowed_are_made():
    result = assay.analyze_raw_data(ROWS, CONFIG, max_slices=IDS)
    assert len(result.slicing_metrics) == 1 + IDS + 30


@pytest.mark.parametrize("most", [1, 29, IDS - 1])
def test_more_are_refused_in_python(most, tmp_path):
    with pytest.raises(ConfigError, match=rf"slicing_specs: the one by id makes more than {most} slices.*max_slices"):
        assay.analyze_raw_data(ROWS, CONFIG, max_slices=most)
    ROWS.to_parquet(tmp_path / "rows.parquet")
    with pytest.raises(ConfigError, match=rf"slicing_specs: the one by id makes more than {most} slices.*max_slices"):
        assay.run_model_analysis(
            CONFIG, data_location=tmp_path / "rows.parquet", file_format="parquet", max_slices=most
        )


def test_a_cross_is_named_by_its_features():
    crossed = {**CONFIG, "slicing_specs": [{"feature_keys": ["third", "half"]}]}
    with pytest.raises(ConfigError, match=r"the one by half, third makes more than 20 slices"):
        assay.analyze_raw_data(ROWS, crossed, max_slices=20)


def test_slices_of_several_files_are_counted_together(tmp_path):
    for i in range(2):  # 25 in each
        ROWS[i * 25 : (i + 1) * 25].to_csv(tmp_path / f"{i}.csv", index=False)
    with pytest.raises(ConfigError, match=r"the one by id makes more than 40 slices"):
        assay.run_model_analysis(CONFIG, data_location=tmp_path / "*.csv", file_format="csv", max_slices=40)


@pytest.mark.parametrize("options", [[], ["--checkpoints", "root"]])
def test_the_command_ends_with_64_and_takes_max_slices_of_the_analysis_file(options, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    ROWS.to_csv("rows.csv", index=False)
    analysis = {"inputs": {"format": "csv", "files": ["rows.csv"]}, "eval_config": CONFIG, "output": "out"}
    (tmp_path / "a.json").write_text(json.dumps({**analysis, "max_slices": IDS - 1}))
    assert main(["run", "a.json", "--quiet", *options]) == 64
    assert "slicing_specs: the one by id makes more than 49 slices" in capsys.readouterr().err.splitlines()[-1]
    (tmp_path / "a.json").write_text(json.dumps({**analysis, "max_slices": IDS}))
    assert main(["run", "a.json", "--quiet", *options]) == 0


@pytest.mark.parametrize("value", [0, -1, 1.5, "many", True])
def test_a_limit_that_is_none_is_refused(value):
    with pytest.raises(ConfigError, match="max_slices: expected a whole number"):
        assay.analyze_raw_data(ROWS, CONFIG, max_slices=value)


# Out of memory --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "told",
    [
        "MemoryError",
        "MemoryError: ",
        "numpy._core._exceptions._ArrayMemoryError: Unable to allocate 3 GiB",
        "Traceback (most recent call last):\n  File ...\npyarrow.lib.ArrowMemoryError: malloc of size 1 failed",
    ],
)
def test_memory_that_ran_out_on_a_worker_is_one_line_with_a_cure(told):
    error = recover_from_text(told)
    assert isinstance(error, TransientError)
    assert "out of memory" in str(error)
    assert "inputs.batch_rows" in str(error)


def test_memory_that_ran_out_here_is_the_same():
    try:
        try:
            raise MemoryError("Unable to allocate 3 GiB [while running 'Evaluate']")
        except MemoryError as error:
            raise RuntimeError("of a runner") from error
    except RuntimeError as error:
        found = recover(error)
    assert isinstance(found, TransientError)
    assert "out of memory (Unable to allocate 3 GiB)" in str(found)


def test_a_text_that_only_speaks_of_memory_is_something_else():
    assert recover_from_text("a column called MemoryError") is None
    assert not isinstance(recover(AssayError("MemoryError")), TransientError)
