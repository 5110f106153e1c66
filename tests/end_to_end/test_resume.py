"""Runs with checkpoints, one after the other: what changed runs again, and nothing else does."""

import importlib
import os
import shutil
import sys
from copy import deepcopy
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from assay.checkpoints.commit import load
from assay.cli import main
from assay.engine.runner import run_pipeline
from assay.errors import AssayError, ModelError, TransientError
from assay.plan.analysis_file import compile_analysis
from assay.plan.filled import with_params
from assay.plan.stored import publish_plan
from assay.plan.tasks import CUTS, kind_of, reshaped
from assay.run import local, make_once, works
from assay.run.call import Checkpoints, stage_arguments
from assay.run.outcome import StageResult
from assay.run.stage import run_stage
from tests.parity.results import differing, parts_of

ROWS = 100
TASKS = [
    "ReadInputs",
    "ExtractPredictions",
    "ExtractSliceKeys",
    "EvaluateMetricsAndPlots",
    "Gate",
    "WriteResults",
]
READING, INFERENCE, SLICING, METRICS, GATE, PUBLISHING = (TASKS[i:] for i in range(len(TASKS)))
"""Each task and all after it."""

OWN_CODE = """
import assay, apache_beam as beam, pyarrow.parquet as pq

def halved(columns):
    return columns["score"] {half}

def add_band():
    def add(extracts):
        features = extracts["features"]
        return {{**extracts, "features": {{**features, "band": features["score"].to_numpy() // {width}}}}}
    return assay.Extractor("AddBand", beam.Map(add))

def read(path):
    return beam.Create([path]) | beam.Map(lambda path: {{"features": dict(zip(*columns(path)))}})

def columns(path):
    table = pq.read_table(path).combine_chunks()
    return table.column_names, [column.chunk(0) for column in table.columns]
"""


def write_data(folder: Path, number: int) -> None:
    rng = np.random.default_rng(number)
    label = (rng.random(ROWS) < 0.4).astype(float)
    table = pa.table(
        {
            "label": label,
            "score": np.clip(rng.normal(0.4 + 0.3 * label, 0.2), 0, 1),
            "group": rng.choice(["a", "b"], ROWS),
            "city": rng.choice(["Oslo", "Rome"], ROWS),
        }
    )
    folder.mkdir(exist_ok=True)
    pq.write_table(table, folder / f"part-{number}.parquet")


@pytest.fixture
def analysis(tmp_path) -> dict[str, Any]:
    for number in range(2):
        write_data(tmp_path / "data", number)
    return {
        "inputs": {"format": "parquet", "files": ["data/part-*.parquet"]},
        "models": [{"name": "m", "type": "callable", "uri": "tests.end_to_end.scores:score"}],
        "eval_config": {
            "model_specs": [{"label_key": "label"}],
            "slicing_specs": [{}, {"feature_keys": ["group"]}],
            "metrics_specs": [
                {"metrics": [{"class_name": "AUC", "threshold": {"value_threshold": {"lower_bound": 0.5}}}]}
            ],
        },
        "output": "results",
    }


def compiled(analysis, folder, **params):
    return with_params(compile_analysis(analysis, folder), params)


def run(analysis, folder, **params):
    return local.run(compiled(analysis, folder, **params), checkpoints=str(folder / "checkpoints"))


def worked(result):
    """The tasks that had something to do."""
    return [stage.task for stage in result.stages if not stage.reused]


def files(folder):
    """File -> when it was written, below a folder."""
    return {file: file.stat().st_mtime_ns for file in folder.rglob("*") if file.is_file()}


def made(folder):
    """The same, of checkpoints and plans; each run is recorded beside them."""
    root = folder / "checkpoints"
    return {file: when for file, when in files(root).items() if file.relative_to(root).parts[0] != "runs"}


def as_if_new(analysis, folder, **params):
    """What a run without checkpoints gives."""
    uri = folder / "new"
    local.run(compiled({**analysis, "output": "new/results"}, folder, **params))
    return parts_of(uri)


# The table of what runs again -----------------------------------------------------------------------------------------


def threshold(analysis, folder):
    metric = analysis["eval_config"]["metrics_specs"][0]["metrics"][0]
    metric["threshold"]["value_threshold"]["lower_bound"] = 0.999


def metric(analysis, folder):
    analysis["eval_config"]["metrics_specs"][0]["metrics"].append({"class_name": "Calibration"})


def slicing_by_a_new_column(analysis, folder):
    analysis["eval_config"]["slicing_specs"].append({"feature_keys": ["city", "group"]})


def model(analysis, folder):
    analysis["models"][0]["uri"] = "tests.end_to_end.scores:squared"


def model_settings(analysis, folder):
    analysis["models"][0]["batch_rows"] = 7


def label(analysis, folder):
    analysis["eval_config"]["model_specs"][0]["label_key"] = "score"


def data(analysis, folder):
    write_data(folder / "data", 2)


def one_file(analysis, folder):
    shutil.copy(folder / "data" / "part-0.parquet", folder / "data" / "part-1.parquet")


def bad_rows(analysis, folder):
    analysis["on_bad_rows"] = "skip"


def limit(analysis, folder):
    analysis["min_rows"] = 1_000


def output(analysis, folder):
    analysis["output"] = "elsewhere/results"


def nothing(analysis, folder):
    pass


CHANGES = {
    nothing: PUBLISHING,
    output: PUBLISHING,
    threshold: GATE,
    limit: GATE,
    metric: METRICS,
    slicing_by_a_new_column: SLICING,
    model: INFERENCE,
    model_settings: INFERENCE,
    label: INFERENCE,
    data: READING,
    one_file: READING,
    bad_rows: READING,
}


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__)
def test_what_changed_runs_again_and_nothing_else(change, analysis, tmp_path):
    before = deepcopy(analysis)
    assert worked(run(analysis, tmp_path)) == TASKS
    change(analysis, tmp_path)
    assert worked(run(analysis, tmp_path)) == CHANGES[change]
    found = parts_of((tmp_path / analysis["output"]).parent)
    assert differing(found, as_if_new(analysis, tmp_path)) == {}
    if change not in (data, one_file):
        assert worked(run(before, tmp_path)) == PUBLISHING  # what it was before is still there


def test_a_metric_runs_one_evaluator_again_and_not_the_others(analysis, tmp_path):
    analysis["analysis_table"] = True
    tasks = [*TASKS[:4], "EvaluateExtracts", *TASKS[4:]]
    assert worked(run(analysis, tmp_path)) == tasks
    metric(analysis, tmp_path)
    assert worked(run(analysis, tmp_path)) == METRICS


def test_an_unchanged_run_writes_nothing_but_results(analysis, tmp_path):
    run(analysis, tmp_path)
    before, results = made(tmp_path), parts_of(tmp_path)
    assert worked(run(analysis, tmp_path)) == PUBLISHING
    assert made(tmp_path) == before
    assert differing(parts_of(tmp_path), results) == {}


def test_results_that_were_deleted_are_published_again(analysis, tmp_path):
    run(analysis, tmp_path)
    results = parts_of(tmp_path)
    shutil.rmtree(tmp_path / "results")
    assert worked(run(analysis, tmp_path)) == PUBLISHING
    assert differing(parts_of(tmp_path), results) == {}


def test_another_value_of_a_parameter_is_another_run_and_the_first_one_stays(analysis, tmp_path):
    for day, number in (("monday", 4), ("tuesday", 5)):
        write_data(tmp_path / day, number)
    analysis |= {"params": {"day": None}, "output": "results-${day}/results"}
    analysis["inputs"]["files"] = ["${folder}/${day}/part-*.parquet"]
    analysis["params"]["folder"] = str(tmp_path)
    assert worked(run(analysis, tmp_path, day="monday")) == READING
    assert worked(run(analysis, tmp_path, day="tuesday")) == READING
    assert worked(run(analysis, tmp_path, day="monday")) == PUBLISHING
    found = parts_of(tmp_path / "results-tuesday")
    assert differing(found, as_if_new(analysis, tmp_path, day="tuesday")) == {}
    assert found["metrics"] != parts_of(tmp_path / "results-monday")["metrics"]


def test_a_parameter_that_only_places_the_output_costs_publishing_only(analysis, tmp_path):
    analysis |= {"params": {"day": None}, "output": "results-${day}/results"}
    run(analysis, tmp_path, day="monday")
    assert worked(run(analysis, tmp_path, day="tuesday")) == PUBLISHING
    assert differing(parts_of(tmp_path / "results-tuesday"), parts_of(tmp_path / "results-monday")) == {}


# Code of a user's own -------------------------------------------------------------------------------------------------


@pytest.fixture
def edit(tmp_path, monkeypatch):
    """Writes the module `own_code`, as a user edits it between two runs, each in a process of its own."""
    monkeypatch.syspath_prepend(str(tmp_path))

    def write(**values):
        written = OWN_CODE.format(**{"half": "/ 2", "width": 0.5, **values})
        (tmp_path / "own_code.py").write_text(written)
        shutil.rmtree(tmp_path / "__pycache__", ignore_errors=True)
        importlib.invalidate_caches()
        sys.modules.pop("own_code", None)

    write()
    yield write
    sys.modules.pop("own_code", None)


def with_own_code(analysis):
    analysis["extractors"] = [{"name": "AddBand", "factory": "own_code:add_band", "adds": ["features"]}]
    analysis["eval_config"]["slicing_specs"].append({"feature_keys": ["band"]})
    return analysis


def test_a_custom_extractor_runs_again_when_its_body_was_edited(analysis, tmp_path, edit):
    with_own_code(analysis)
    assert worked(run(analysis, tmp_path)) == TASKS
    edit(width=0.25)
    assert worked(run(analysis, tmp_path)) == SLICING  # the extractor is in the task of the slice keys
    assert differing(parts_of(tmp_path), as_if_new(analysis, tmp_path)) == {}
    edit()
    assert worked(run(analysis, tmp_path)) == PUBLISHING


def test_a_code_version_counts_in_place_of_the_source(analysis, tmp_path, edit):
    with_own_code(analysis)["code_version"] = "1"
    run(analysis, tmp_path)
    edit(width=0.25)
    assert worked(run(analysis, tmp_path)) == PUBLISHING
    analysis["code_version"] = "2"
    assert worked(run(analysis, tmp_path)) == INFERENCE  # the model is code of the user's own as well
    assert differing(parts_of(tmp_path), as_if_new(analysis, tmp_path)) == {}


def test_a_model_that_is_code_runs_again_when_it_was_edited(analysis, tmp_path, edit):
    analysis["models"][0]["uri"] = "own_code:halved"
    run(analysis, tmp_path)
    edit(half="/ 3")
    assert worked(run(analysis, tmp_path)) == INFERENCE
    assert differing(parts_of(tmp_path), as_if_new(analysis, tmp_path)) == {}


def test_a_reader_of_ones_own_is_asked_in_every_run(analysis, tmp_path, edit):
    file = tmp_path / "data" / "part-0.parquet"
    analysis["inputs"] = {"factory": "own_code:read", "args": {"path": str(file)}}
    assert worked(run(analysis, tmp_path)) == TASKS
    assert worked(run(analysis, tmp_path)) == ["ReadInputs", "WriteResults"]  # it read the same
    shutil.copy(tmp_path / "data" / "part-1.parquet", file)
    assert worked(run(analysis, tmp_path)) == TASKS
    assert differing(parts_of(tmp_path), as_if_new(analysis, tmp_path)) == {}


def test_a_run_that_failed_goes_on_where_it_stopped(analysis, tmp_path, edit):
    with_own_code(analysis)
    edit(width="'no number'")
    with pytest.raises(Exception, match="ufunc"):
        run(analysis, tmp_path)
    assert not (tmp_path / "results").exists()
    edit()
    assert worked(run(analysis, tmp_path)) == SLICING


# Files that change ----------------------------------------------------------------------------------------------------


def save_model(path: Path, factor: float) -> None:
    from assay.models.tensorflow import import_tensorflow

    import_tensorflow()
    import keras

    inputs = keras.Input((1,), name="score")
    path.parent.mkdir(exist_ok=True)
    keras.Model(inputs, keras.layers.Rescaling(factor)(inputs)).save(path)


@pytest.fixture
def keras_model(analysis, tmp_path):
    """A model that is a file; returns what overwrites it in place."""
    path = tmp_path / "models" / "m.keras"
    save_model(path, 1.0)
    analysis["models"] = [{"name": "m", "type": "keras", "uri": "models/m.keras"}]
    return lambda: save_model(path, 0.5)


class Stepwise:
    """A run as an orchestrator makes it, task by task."""

    def __init__(self, analysis, folder):
        self.plan = reshaped(compiled(analysis, folder), CUTS)
        self.root = str(folder / "checkpoints")
        self.done: dict[str, StageResult] = {}

    def checkpoints(self, task):
        inputs = {name: self.done[name].manifest for name in task.after}
        return Checkpoints(root=self.root, inputs=inputs, run="stepwise")

    def go_on(self, until=None):
        """Runs what is left, up to and with a task."""
        for task in self.plan.tasks:
            if task.name not in self.done:
                self.done[task.name] = run_stage(self.plan, task.name, checkpoints=self.checkpoints(task))
            if task.name == until:
                break
        return [name for name, result in self.done.items() if not result.reused]


def test_a_model_overwritten_in_place_is_run_again(analysis, tmp_path, keras_model):
    assert worked(run(analysis, tmp_path)) == TASKS
    shards = {file for file in made(tmp_path) if file.suffix == ".arrow" and "ReadInputs" in file.parts}
    keras_model()
    assert worked(run(analysis, tmp_path)) == INFERENCE
    assert {file for file in made(tmp_path) if file.suffix == ".arrow" and "ReadInputs" in file.parts} == shards
    assert differing(parts_of(tmp_path), as_if_new(analysis, tmp_path)) == {}
    assert worked(run(analysis, tmp_path)) == PUBLISHING


def test_rows_of_the_same_size_and_time_are_read_again_task_by_task(analysis, tmp_path):
    rows = [(number % 2, number % 7) for number in range(ROWS)]
    analysis["inputs"] = {"format": "csv", "files": ["rows.csv"]}
    analysis["eval_config"]["slicing_specs"] = [{}]
    for is_turned in (False, True):
        lines = [f"{label ^ is_turned},0.{score}\n" for label, score in rows]
        (tmp_path / "rows.csv").write_text("".join(["label,score\n", *lines]))
        os.utime(tmp_path / "rows.csv", (1.7e9, 1.7e9))
        assert Stepwise(analysis, tmp_path).go_on() == TASKS
    assert differing(parts_of(tmp_path), as_if_new(analysis, tmp_path)) == {}


def test_a_model_overwritten_within_a_run_is_refused(analysis, tmp_path, keras_model, capsys):
    stepwise = Stepwise(analysis, tmp_path)
    stepwise.go_on(until="ReadInputs")
    keras_model()
    before = made(tmp_path)
    with pytest.raises(ModelError, match=r"model 'm': changed since the run began .*; start a new run"):
        stepwise.go_on()
    assert made(tmp_path) == before

    task = stepwise.plan.tasks[1]
    uri = publish_plan(stepwise.plan, stepwise.root)
    command = stage_arguments(kind_of(stepwise.plan, task), uri, task.name, stepwise.checkpoints(task), "unused")
    assert main(command) == 64
    assert capsys.readouterr().err.splitlines()[-1].startswith("assay.errors.ModelError: model 'm': changed")

    assert worked(run(analysis, tmp_path)) == INFERENCE  # a new run takes the model that is there now


def test_a_model_overwritten_while_it_runs_is_refused(analysis, tmp_path, keras_model, monkeypatch):
    stepwise = Stepwise(analysis, tmp_path)
    stepwise.go_on(until="ReadInputs")
    before = made(tmp_path)
    monkeypatch.setattr(make_once, "run_pipeline", afterwards(run_pipeline, keras_model))
    with pytest.raises(ModelError, match="changed since the run began"):
        stepwise.go_on()
    assert made(tmp_path) == before  # what the attempt wrote is gone


def test_an_input_overwritten_while_it_is_read_is_tried_again(analysis, tmp_path, monkeypatch):
    def overwrite():
        shutil.copy(tmp_path / "data" / "part-0.parquet", tmp_path / "data" / "part-1.parquet")

    stepwise = Stepwise(analysis, tmp_path)
    monkeypatch.setattr(make_once, "run_pipeline", afterwards(run_pipeline, overwrite))
    with pytest.raises(TransientError, match=r"part-1\.parquet: changed while"):
        stepwise.go_on()
    monkeypatch.undo()
    assert made(tmp_path) == {}
    stepwise.go_on()
    assert differing(parts_of(tmp_path), as_if_new(analysis, tmp_path)) == {}


def test_a_file_added_while_reading_begins_waits_for_the_next_run(analysis, tmp_path, monkeypatch):
    def add(*args, **settings):
        write_data(tmp_path / "data", 2)

    stepwise = Stepwise(analysis, tmp_path)
    monkeypatch.setattr(works, "check_inputs", add)  # it is called once the inputs are pinned
    stepwise.go_on()
    manifest = load(stepwise.done["ReadInputs"].manifest)
    assert (manifest.rows, len(manifest.inputs)) == (2 * ROWS, 2)


def afterwards(function, then):
    """The function, and right after it something else."""

    def both(*args, **settings):
        result = function(*args, **settings)
        then()
        return result

    return both


def test_a_file_added_after_reading_waits_for_the_next_run(analysis, tmp_path):
    first = as_if_new(analysis, tmp_path)
    stepwise = Stepwise(analysis, tmp_path)
    stepwise.go_on(until="ReadInputs")
    write_data(tmp_path / "data", 2)
    stepwise.go_on()
    assert stepwise.done["WriteResults"].counts["rows"] == 2 * ROWS
    assert differing(parts_of(tmp_path), first) == {}
    result = run(analysis, tmp_path)
    assert worked(result) == READING
    assert result.counts.rows == 3 * ROWS
    assert differing(parts_of(tmp_path), as_if_new(analysis, tmp_path)) == {}


def test_a_file_deleted_after_reading_is_not_missed(analysis, tmp_path):
    first = as_if_new(analysis, tmp_path)
    stepwise = Stepwise(analysis, tmp_path)
    stepwise.go_on(until="ReadInputs")
    (tmp_path / "data" / "part-0.parquet").unlink()
    stepwise.go_on()
    assert differing(parts_of(tmp_path), first) == {}


def test_manifests_from_elsewhere_are_refused(analysis, tmp_path):
    stepwise = Stepwise(analysis, tmp_path)
    stepwise.go_on(until="ReadInputs")
    task, uri = stepwise.plan.tasks[1], Path(stepwise.done["ReadInputs"].manifest)
    shutil.copytree(tmp_path / "checkpoints", tmp_path / "others")
    shutil.copytree(uri.parent, uri.parent.with_name("ab" * 32))
    for given, message in {
        "": "expected the manifest of ReadInputs: --input ReadInputs=URI",
        str(uri).replace("checkpoints", "others"): f"expected a manifest of ReadInputs under {stepwise.root}",
        str(uri).replace("checkpoints", "checkpoints/../others"): "expected a manifest of ReadInputs under",
        str(uri).replace("ReadInputs", task.name): "expected a manifest of ReadInputs under",
        str(uri).replace(uri.parent.name, "cd" * 32): "there is no manifest at .*; run ReadInputs first",
        str(uri).replace(uri.parent.name, "ab" * 32): "it was moved here",
    }.items():
        checkpoints = Checkpoints(root=stepwise.root, inputs={"ReadInputs": given} if given else {})
        with pytest.raises(AssayError, match=message):
            run_stage(stepwise.plan, task.name, checkpoints=checkpoints)


def test_a_retried_task_of_a_run_finds_what_its_first_attempt_made(analysis, tmp_path):
    first, again = Stepwise(analysis, tmp_path), Stepwise(analysis, tmp_path)
    assert first.go_on() == TASKS
    assert again.go_on() == PUBLISHING
