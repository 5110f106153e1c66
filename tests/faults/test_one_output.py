"""Several runs publish below one output at the same time: none judges, loses or hides the results of another."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from assay import load_metrics, load_verdict
from assay.results.latest import Latest, move_latest, read_latest

ANALYSIS = """
inputs: {{format: csv, files: [{name}.csv]}}
output: out
eval_config:
  model_specs: [{{label_key: label, prediction_key: score}}]
  slicing_specs: [{{}}]
  metrics_specs: [{{metrics: [{{class_name: AUC, threshold: {{value_threshold: {{lower_bound: 0.7}}}}}}]}}]
"""
COMMAND = (sys.executable, "-m", "assay", "run")


@pytest.fixture
def here(tmp_path: Path) -> Path:
    """A good model, whose AUC is 1, and a bad one, whose scores are noise."""
    noise = random.Random(0)
    for name in ("good", "bad"):
        scores = [0.2 + 0.6 * (row % 2) if name == "good" else noise.random() for row in range(2000)]
        lines = [f"{row % 2},{score}" for row, score in enumerate(scores)]
        tmp_path.joinpath(f"{name}.csv").write_text("\n".join(["label,score", *lines]) + "\n")
        tmp_path.joinpath(f"{name}.yaml").write_text(ANALYSIS.format(name=name))
    return tmp_path


def start(here: Path, name: str, *more: str) -> subprocess.Popen[str]:
    command = (*COMMAND, f"{name}.yaml", "--quiet", *more)
    return subprocess.Popen(command, cwd=here, stdout=subprocess.PIPE, text=True)


def auc_in(folder: Path) -> float:
    (record,) = load_metrics(str(folder))
    return float(record.metric_keys_and_values[0].value.double_value.value)


def ended(process: subprocess.Popen[str]) -> tuple[str, Path]:
    """Verdict and folder that a run told."""
    said, _ = process.communicate(timeout=300)
    assert process.returncode == 0
    verdict, folder = said.split()
    return verdict, Path(folder)


HOLD = """
import sys, time
from pathlib import Path
from assay import cli
from assay.run import publishing

def holding(work):
    def held(*args):
        Path("held").touch()
        while not Path("go").exists():
            time.sleep(0.01)
        return work(*args)
    return held

setattr(publishing, sys.argv[1], holding(getattr(publishing, sys.argv[1])))
sys.exit(cli.main(["run", *sys.argv[2:]]))
"""
"""Runs a command that waits, when its metrics are written, until there is a file `go`."""


@contextmanager
def held_up(here: Path, name: str, before: str, *more: str) -> Iterator[subprocess.Popen[str]]:
    command = (sys.executable, "-c", HOLD, before, f"{name}.yaml", "--quiet", *more)
    process = subprocess.Popen(command, cwd=here, stdout=subprocess.PIPE, text=True)
    try:
        while not (here / "held").exists():
            assert process.poll() is None
            time.sleep(0.01)
        assert list((here / "out").glob("*/metrics-*.tfrecord"))
        yield process
    finally:
        process.kill()


@pytest.mark.parametrize(
    ("before", "more"), [("judge", ()), ("publish", ("--checkpoints", "root"))], ids=["fused", "checkpoints"]
)
def test_a_run_that_is_held_up_before_it_publishes_tells_of_its_own_metrics(here, before, more):
    with held_up(here, "bad", before, *more) as slow:
        fast = ended(start(here, "good", *more))
        (here / "go").touch()
        late = ended(slow)

    assert fast[0] == "BLESSED" == load_verdict(str(fast[1])).status
    assert late[0] == "NOT_BLESSED" == load_verdict(str(late[1])).status
    assert auc_in(fast[1]) == 1.0
    assert auc_in(late[1]) < 0.6


def test_five_runs_at_once_each_keep_their_own_results_and_one_of_them_is_the_latest(here):
    names = ["good", "bad", "good", "bad", "good"]
    found = [ended(process) for process in [start(here, name) for name in names]]

    assert [verdict for verdict, _ in found] == ["BLESSED" if name == "good" else "NOT_BLESSED" for name in names]
    for name, (_, folder) in zip(names, found, strict=True):
        assert (auc_in(folder) == 1.0) == (name == "good")
    latest = read_latest(str(here / "out"))
    assert latest is not None
    assert latest.run in {folder.name for _, folder in found}
    assert latest.verdict["status"] == load_verdict(str(here / "out")).status
    assert {path.name for path in (here / "out").iterdir() if path.is_dir()} == {folder.name for _, folder in found}


@pytest.fixture(params=["folder", "gcs"])
def output(request, tmp_path) -> str:
    if request.param == "folder":
        return str(tmp_path)
    return f"{request.getfixturevalue('gcs').root}/{tmp_path.name}"


def test_a_run_that_began_earlier_does_not_hide_one_that_began_later(output):
    assert move_latest(output, Latest(run="second", started=2.0, verdict={"status": "BLESSED"}))
    assert not move_latest(output, Latest(run="first", started=1.0, verdict={"status": "NOT_BLESSED"}))
    assert read_latest(output) == Latest(run="second", started=2.0, verdict={"status": "BLESSED"})


def test_of_many_that_move_the_pointer_at_once_the_last_to_begin_wins(output):
    runs = [Latest(run=f"run-{number}", started=float(number), verdict={"status": "BLESSED"}) for number in range(16)]
    random.Random(1).shuffle(runs)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda run: move_latest(output, run), runs))
    assert read_latest(output) == Latest(run="run-15", started=15.0, verdict={"status": "BLESSED"})


def test_analyses_in_python_with_one_output_keep_their_own_results(tmp_path):
    import pandas as pd

    from assay import analyze_raw_data

    config = {"metrics_specs": [{"metrics": [{"class_name": "ExampleCount"}]}]}
    counts = []
    for rows in (2, 4, 6):
        frame = pd.DataFrame({"label": [0, 1] * (rows // 2), "prediction": [0.25] * rows})
        analyze_raw_data(frame, config, output_path=str(tmp_path))
        counts.append(auc_in(tmp_path))
    assert counts == [2, 4, 6]
    assert sorted(auc_in(folder) for folder in tmp_path.iterdir() if folder.is_dir()) == [2, 4, 6]


def test_no_empty_output_is_left_where_writers_write_elsewhere(tmp_path):
    from assay import analyze_raw_data, default_writers, parse_eval_config

    config = {"metrics_specs": [{"metrics": [{"class_name": "ExampleCount"}]}]}
    writers = default_writers(tmp_path / "elsewhere", parse_eval_config(config))
    rows = [{"label": 0, "prediction": 0.25}]
    analyze_raw_data(rows, config, output_path=tmp_path / "out", writers=writers)
    assert [path.name for path in tmp_path.iterdir()] == ["elsewhere"]


def test_writers_of_ones_own_do_not_leave_the_numbers_of_an_earlier_call_to_be_judged(tmp_path):
    import pandas as pd

    from assay import analyze_raw_data, default_writers, load_metrics, parse_eval_config
    from assay.errors import ResultsError

    frame = pd.DataFrame({"label": [0, 1], "prediction": [0.25, 0.75]})
    threshold = {"value_threshold": {"lower_bound": 0}}
    config = {"metrics_specs": [{"metrics": [{"class_name": "AUC", "threshold": threshold}]}]}
    everything, again = (default_writers(str(tmp_path), parse_eval_config(config)) for _ in range(2))
    assert analyze_raw_data(frame, config, output_path=tmp_path, writers=everything).slicing_metrics
    (tmp_path / "notes.txt").write_text("of others")

    config_only = [writer for writer in again if writer.stage_name == "WriteEvalConfig"]
    assert analyze_raw_data(frame, config, output_path=tmp_path, writers=config_only).slicing_metrics == []
    with pytest.raises(ResultsError):
        load_metrics(str(tmp_path))
    assert not (tmp_path / "verdict.json").exists()
    assert (tmp_path / "notes.txt").read_text() == "of others"


def test_writers_of_ones_own_are_not_mixed_with_folders_of_runs(tmp_path):
    from assay import default_writers, parse_eval_config, results_folder
    from assay.errors import ResultsError

    move_latest(str(tmp_path), Latest(run="a", started=1.0, verdict={"status": "BLESSED"}))
    with pytest.raises(ResultsError, match=r"verdict\.json"):
        default_writers(str(tmp_path), parse_eval_config({}))
    assert results_folder(str(tmp_path)) == f"{tmp_path}/a"
