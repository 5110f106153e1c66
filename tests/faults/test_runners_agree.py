"""Bad input gives the same error and exit code in this process and on a portable runner; good input the same bits."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest

from assay import storage
from assay.checkpoints.commit import shard_uri
from tests.faults import job_server
from tests.faults.small_run import TASKS, analysis_of, manifests, small_run, write_data
from tests.latest_results import latest
from tests.parity.results import differing, parts_of

BAD = "tests.faults.bad_code"


@pytest.fixture(scope="module")
def portable(tmp_path_factory) -> Iterator[tuple[str, ...]]:
    """Options of a job server with worker processes."""
    with job_server.started(tmp_path_factory.mktemp("job_server") / "log") as options:
        yield options


def model(uri: str, kind: str = "callable") -> dict[str, Any]:
    return {"models": [{"name": "m", "type": kind, "uri": uri}]}


def stage(factory: str) -> dict[str, Any]:
    return {"extractors": [{"name": "Broken", "factory": f"{BAD}:{factory}", "adds": ["features"]}]}


def labelled(key: str) -> dict[str, Any]:
    config = analysis_of(Path("data"), Path("out"))["eval_config"]
    return {"eval_config": {**config, "model_specs": [{"label_key": key}]}}


def sliced(column: str) -> dict[str, Any]:
    config = analysis_of(Path("data"), Path("out"))["eval_config"]
    return {"eval_config": {**config, "slicing_specs": [{}, {"feature_keys": [column]}]}}


# What makes data bad: functions of one of its files -------------------------------------------------------------------


def gone(file: Path) -> None:
    for other in file.parent.glob("part-*"):
        other.unlink()


def no_parquet(file: Path) -> None:
    file.write_bytes(b"no Parquet" * 10)


def empty(file: Path) -> None:
    file.write_bytes(b"")


def cut_off(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-20])


def damaged_inside(file: Path) -> None:
    """Its schema can be read; its rows cannot."""
    content = bytearray(file.read_bytes())
    content[4 : len(content) // 2] = bytes(len(content) // 2 - 4)
    file.write_bytes(content)


def with_column(file: Path, name: str, values: Any) -> None:
    table = pq.read_table(file)
    pq.write_table(table.set_column(table.column_names.index(name), name, pa.array(values)), file)


def label_of_two(file: Path) -> None:
    labels = pq.read_table(file)["label"].to_pylist()
    with_column(file, "label", [*labels[:17], 2.0, *labels[18:]])


def label_of_text(file: Path) -> None:
    with_column(file, "label", ["yes"] * pq.read_metadata(file).num_rows)


def missing_label(file: Path) -> None:
    labels = pq.read_table(file)["label"].to_pylist()
    with_column(file, "label", [*labels[:17], None, *labels[18:]])


def column_only_here(file: Path) -> None:
    pq.write_table(pq.read_table(file).drop(["score"]), file)


def type_only_here(file: Path) -> None:
    with_column(file, "score", ["0.5"] * pq.read_metadata(file).num_rows)


def short_csv_row(file: Path) -> None:
    """All data as CSV; one row has lost its end."""
    for other in sorted(file.parent.glob("*.parquet")):
        pyarrow.csv.write_csv(pq.read_table(other), other.with_suffix(".csv"))
        other.unlink()
    target = file.with_suffix(".csv")
    lines = target.read_text().splitlines()
    target.write_text("\n".join([*lines[:30], lines[30].rsplit(",", 1)[0], *lines[31:], ""]))


@dataclass(frozen=True, kw_only=True)
class Bad:
    """Something bad: at which task it is met, and what it is called.

    Attributes:
        at: the task.
        line: what the last line has that the command prints.
        data: what is done to the second file.
        settings: of the analysis.
    """

    at: str
    line: str
    data: Any = None
    settings: Mapping[str, Any] = field(default_factory=dict)


CASES = {
    "no file": Bad(at="ReadInputs", data=gone, line="MissingFileError: no file matches"),
    "no Parquet": Bad(at="ReadInputs", data=no_parquet, line="CorruptFileError: {file}"),
    "an empty file": Bad(at="ReadInputs", data=empty, line="CorruptFileError: {file}"),
    "a file cut off": Bad(at="ReadInputs", data=cut_off, line="CorruptFileError: {file}"),
    "a file damaged inside": Bad(at="ReadInputs", data=damaged_inside, line="CorruptFileError: {file}"),
    "a column that one file lacks": Bad(at="ReadInputs", data=column_only_here, line="MissingColumnError: {file}"),
    "predictions of another type in one file": Bad(
        at="EvaluateMetricsAndPlots", data=type_only_here, line="ColumnTypeError: "
    ),
    "labels of another type in one file": Bad(
        at="EvaluateMetricsAndPlots", data=label_of_text, line="ColumnTypeError: "
    ),
    "a short row of CSV": Bad(
        at="ReadInputs",
        data=short_csv_row,
        line="BadRowError: {folder}/part-1.csv, row 29",
        settings={"inputs": {"format": "csv", "files": ["data/part-*.csv"]}},
    ),
    "no such label": Bad(at="ReadInputs", settings=labelled("lable"), line="MissingColumnError: "),
    "no such slice": Bad(at="ReadInputs", settings=sliced("grupp"), line="MissingColumnError: "),
    "no such module of a model": Bad(at="ExtractPredictions", settings=model("no_such_module:f"), line="ConfigError: "),
    "no such function of a model": Bad(
        at="ExtractPredictions", settings=model(f"{BAD}:no_such_function"), line="ModelError: "
    ),
    "no such file of a model": Bad(at="ReadInputs", settings=model("/no/such/model", "keras"), line="ModelError: "),
    "a model with too few predictions": Bad(
        at="ExtractPredictions", settings=model(f"{BAD}:too_few"), line="ModelError: "
    ),
    "a model that asks for another column": Bad(
        at="ExtractPredictions", settings=model(f"{BAD}:unknown_column"), line="failed on 64 rows: KeyError: 'scores'"
    ),
    "predictions that are text": Bad(
        at="EvaluateMetricsAndPlots", settings=model(f"{BAD}:text"), line="ColumnTypeError: "
    ),
    "a label of 2": Bad(
        at="EvaluateMetricsAndPlots", data=label_of_two, line="BadRowError: {file}, row 17: label outside"
    ),
    "a missing label": Bad(
        at="EvaluateMetricsAndPlots", data=missing_label, line="BadRowError: {file}, row 17: missing label"
    ),
    "no such factory": Bad(at="ExtractSliceKeys", settings=stage("no_such_factory"), line="ConfigError: "),
    "a factory of something else": Bad(at="ExtractSliceKeys", settings=stage("not_a_stage"), line="ConfigError: "),
    "a stage whose output is none": Bad(at="ExtractSliceKeys", settings=stage("no_extracts"), line="PipelineError: "),
}


@pytest.mark.parametrize("name", CASES)
def test_bad_input_has_the_same_error_on_both_runners(name, portable, tmp_path):
    case = CASES[name]
    data = tmp_path / "data"
    write_data(data)
    if case.data is not None:
        case.data(data / "part-1.parquet")
    run = small_run(tmp_path, data=data, **case.settings)
    at = next(task.name for task in run.plan.tasks if case.at in task.stages)
    run.go_on(before=at)
    codes, lines = [], []
    for runner, options in (("here", ()), ("portable", portable)):
        run.options = options
        codes.append(run.run(at, runner))
        lines.append(run.last_line(at, runner))
        assert case.line.format(file=data / "part-1.parquet", folder=data) in lines[-1]
        assert [uri for uri in manifests(run.root) if f"/{at}/" in uri] == []
    assert codes == [64, 64]
    assert lines[0] == lines[1]
    assert lines[0].startswith("assay.errors.")


def test_an_error_of_a_users_own_stage_is_shown_and_may_be_tried_again_on_both_runners(portable, undisturbed, tmp_path):
    run = small_run(tmp_path, data=undisturbed.data, **stage("broken_extractor"))
    run.go_on(before="ExtractSliceKeys")
    for runner, options in (("here", ()), ("portable", portable)):
        run.options = options
        assert run.run("ExtractSliceKeys", runner) == 1
        assert "the user's own words" in run.printed("ExtractSliceKeys", runner)


def test_an_unknown_metric_in_a_plan_has_the_same_error_on_both_runners(portable, undisturbed, tmp_path):
    run = small_run(tmp_path, data=undisturbed.data)
    uri = tmp_path / "plan.json"
    uri.write_text(Path(run.plan_uri).read_text().replace('"AUC"', '"AUK"'))
    run.plan_uri = str(uri)
    lines = []
    for runner, options in (("here", ()), ("portable", portable)):
        run.options = options
        assert run.run("ReadInputs", runner) == 64
        lines.append(run.last_line("ReadInputs", runner))
    assert lines[0] == lines[1]
    assert "AUK" in lines[0]
    assert lines[0].startswith("assay.errors.EvalConfigError: ")


@pytest.mark.parametrize("name", TASKS[1:4])
def test_a_damaged_shard_is_transient_on_both_runners(name, portable, undisturbed, tmp_path):
    run = small_run(tmp_path, data=undisturbed.data)
    run.go_on(before=name)
    (source,) = run.task(name).after
    uri = shard_uri(run.root, source, run.manifest(source).shards[0])
    storage.write(uri, storage.read(uri)[:-1])
    lines = []
    for runner, options in (("here", ()), ("portable", portable)):
        run.options = options
        assert run.run(name, runner) == 75
        lines.append(run.last_line(name, runner))
    assert lines[0] == lines[1]
    assert f"run {source} again" in lines[0]
    assert lines[0].startswith("assay.errors.TransientError: ")


def test_a_run_on_worker_processes_gives_the_same_bits_and_counts(portable, undisturbed, tmp_path):
    run = small_run(tmp_path, data=undisturbed.data)
    run.options = portable
    run.go_on()
    undisturbed.assert_same(run)
    run.options = ()
    assert run.run("ExtractPredictions") == 0
    assert run.done["ExtractPredictions"].reused  # where it was made makes no other checkpoint of it


def test_bad_rows_that_are_left_out_are_counted_the_same_on_both_runners(portable, tmp_path):
    data = tmp_path / "data"
    write_data(data)
    label_of_two(data / "part-1.parquet")
    missing_label(data / "part-0.parquet")
    found = []
    for runner, options in (("here", ()), ("portable", portable)):
        run = small_run(tmp_path / runner, data=data, on_bad_rows="skip", max_bad_rows="1%")
        run.options = options
        run.go_on()
        found.append(parts_of(tmp_path / runner / "out"))
        assert json.loads((latest(tmp_path / runner / "out" / "results") / "results.json").read_text())["bad_rows"] == {
            "label outside [0, 1]": 1,
            "missing label": 1,
        }
    assert differing(found[1], found[0]) == {}


def test_two_attempts_on_both_runners_agree_on_one_checkpoint(portable, undisturbed, tmp_path):
    run = small_run(tmp_path, data=undisturbed.data)
    here = run.started("ReadInputs", "-here")
    run.options = portable
    there = run.started("ReadInputs", "-there")
    for process in (here, there):
        process.join(120)
        assert process.exitcode == 0
    results: list[Any] = [run.remember("ReadInputs", suffix) for suffix in ("-here", "-there")]
    assert results[0].manifest == results[1].manifest
