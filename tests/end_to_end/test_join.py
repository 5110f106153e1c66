"""Labels that arrive later than predictions: a second source, joined by key, in whole runs."""

import json
import subprocess
import sys
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml

from assay import load_metrics
from assay.errors import BadRowError, ConfigError, MissingColumnError
from assay.plan.analysis_file import compile_analysis
from assay.plan.filled import with_params
from assay.run import local
from tests.end_to_end import test_runs
from tests.end_to_end.test_runs import CONFIG, ROWS, TABLE, WRITE, expected, records
from tests.latest_results import latest

__all__ = ["expected"]

IDS = pa.array([f"id-{i}" for i in range(ROWS)])
DAYS = pa.array(np.arange(ROWS) % 7)
SCORED = TABLE.drop_columns(["label", "group"]).append_column("id", IDS).append_column("day", DAYS)
ORDER = pa.array(np.random.default_rng(3).permutation(ROWS))
LABELLED = TABLE.select(["label", "group"]).append_column("id", IDS).append_column("day", DAYS).take(ORDER)


def run(folder, main, join, config=CONFIG, **changes):
    analysis = {
        "inputs": {"format": "parquet", "files": [str(file) for file in main], "join": {"on": ["id"], **join}},
        "eval_config": config,
        "output": str(folder / "results"),
        **changes,
    }
    return local.run(with_params(compile_analysis(analysis, folder), {}))


def written(folder, name, table):
    pq.write_table(table, folder / name)
    return str(folder / name)


@pytest.fixture
def main(tmp_path):
    return [written(tmp_path, "scored.parquet", SCORED)]


def sharded(monkeypatch, folder, form, table):
    (folder / form).mkdir()
    monkeypatch.setattr(test_runs, "TABLE", table)
    return [str(file) for file in WRITE[form](folder / form)]


@pytest.mark.parametrize(("form", "on"), [("csv", ["id"]), ("jsonl", ["day", "id"]), ("tfrecord", ["id", "day"])])
def test_a_join_gives_the_same_bits_as_one_table_whatever_the_format(form, on, tmp_path, monkeypatch, main, expected):
    labelled = LABELLED if len(on) > 1 else LABELLED.drop_columns(["day"])
    join = {"format": form, "files": sharded(monkeypatch, tmp_path, form, labelled), "on": on}
    result = run(tmp_path, main, join)
    assert result.counts.rows == ROWS
    assert result.counts.unmatched == {"rows": 0, "labels": 0}
    assert records(tmp_path) == expected


def test_tf_examples_can_be_the_main_source(tmp_path, monkeypatch, expected):
    scored = sharded(monkeypatch, tmp_path, "tfrecord", SCORED)
    join = {"format": "parquet", "files": written(tmp_path, "labels.parquet", LABELLED), "on": ["id"]}
    run(tmp_path, [], {}, inputs={"format": "tfrecord", "files": scored, "join": join})
    assert records(tmp_path) == expected


def test_what_did_not_match_is_in_results_and_verdict(tmp_path, main):
    labels = pa.concat_tables([LABELLED.slice(0, 400), LABELLED.slice(0, 5).set_column(2, "id", [[*"abcde"]])])
    result = run(tmp_path, main, {"files": written(tmp_path, "labels.parquet", labels)})
    assert result.counts.rows == 400
    assert [r.rows for r in load_metrics(str(tmp_path / "results")) if not r.slice_key.single_slice_keys] == [400]
    for file in ("results.json", "verdict.json"):
        assert json.loads((latest(tmp_path / "results") / file).read_text())["unmatched"] == {"rows": 200, "labels": 5}
    assert result.verdict.lines()[0] == "BLESSED: 400 rows, 200 rows without a match, 5 labels without a match"


@pytest.mark.parametrize(("share", "status"), [("33%", "NOT_EVALUATED"), ("34%", "BLESSED"), (None, "BLESSED")])
def test_too_many_rows_without_a_match_are_not_evaluated(share, status, tmp_path, main):
    labels = written(tmp_path, "labels.parquet", LABELLED.slice(0, 400))
    verdict = run(tmp_path, main, {"files": labels, "max_unmatched": share}).verdict
    assert verdict.status == status
    assert ["33.3333% of the rows matched nothing" in reason.message for reason in verdict.reasons] == (
        [True] if status == "NOT_EVALUATED" else []
    )


def test_no_match_at_all_is_not_evaluated(tmp_path, main):
    labels = LABELLED.set_column(2, "id", [pa.array([f"ID-{i}" for i in range(ROWS)])])
    verdict = run(tmp_path, main, {"files": written(tmp_path, "labels.parquet", labels)}).verdict
    assert verdict.status == "NOT_EVALUATED"
    assert "0 good rows, as 600 matched nothing in inputs.join" in verdict.reasons[0].message


@pytest.mark.parametrize("text", ["", "id,label,group\n"])
def test_labels_that_have_not_come_yet_are_not_evaluated(text, tmp_path, main):
    (tmp_path / "labels.csv").write_text(text)
    verdict = run(tmp_path, main, {"format": "csv", "files": f"{tmp_path}/labels.csv"}).verdict
    assert verdict.status == "NOT_EVALUATED"
    assert verdict.unmatched == {"rows": ROWS, "labels": 0}


def test_repeated_keys_stop_the_run_and_leave_nothing_that_looks_finished(tmp_path, main):
    labels = pa.concat_tables([LABELLED, LABELLED.slice(7, 1)])
    with pytest.raises(BadRowError, match=rf"labels.parquet: the key id='{labels['id'][7]}' is already in this file"):
        run(tmp_path, main, {"files": written(tmp_path, "labels.parquet", labels)})
    assert list((tmp_path / "results").rglob("*")) == []


def test_a_bad_label_names_the_row_of_the_main_source(tmp_path, main):
    labels = LABELLED.set_column(0, "label", pa.array(np.where(np.arange(ROWS) == 5, np.nan, LABELLED["label"])))
    row = int(labels["id"][5].as_py().removeprefix("id-"))
    with pytest.raises(BadRowError, match=rf"scored\.parquet, row {row}: missing label"):
        run(tmp_path, main, {"files": written(tmp_path, "labels.parquet", labels)})


def test_rows_of_labels_that_cannot_be_read_count_as_bad(tmp_path, main):
    (tmp_path / "labels.csv").write_text("id,label,group\nid-1,1,a\nid-2,0\nid-3,0,b\n")
    join = {"format": "csv", "files": f"{tmp_path}/labels.csv"}
    with pytest.raises(BadRowError, match=r"labels\.csv, row 1: 2 values; expected 3"):
        run(tmp_path, main, join)
    result = run(tmp_path, main, join, on_bad_rows="skip", max_bad_rows="50%")
    assert (result.counts.rows, result.counts.bad_rows) == (2, {"unreadable": 1})
    assert result.counts.unmatched == {"rows": ROWS - 2, "labels": 0}


def test_a_model_takes_columns_of_both_sources(tmp_path, main, expected):
    labels = LABELLED.append_column("prediction", TABLE["score"].take(ORDER))
    model = {"name": "m", "uri": "tests.model_of_columns:better", "type": "callable"}
    config = {**CONFIG, "model_specs": [{"label_key": "label", "example_weight_key": "weight"}]}
    run(
        tmp_path,
        main,
        {"files": written(tmp_path, "labels.parquet", labels.drop_columns(["day"]))},
        config,
        models=[model],
    )
    assert records(tmp_path) == expected


def test_columns_named_for_one_source_settle_where_a_column_comes_from(tmp_path, main):
    labels = written(tmp_path, "labels.parquet", LABELLED)
    with pytest.raises(ConfigError, match=r"column 'day' is in .*scored\.parquet and in .*labels\.parquet"):
        run(tmp_path, main, {"files": labels}, analysis_table=True)
    run(tmp_path, main, {"files": labels, "columns": ["label", "group"]}, analysis_table=True)
    (table,) = [pq.read_table(file) for file in latest(tmp_path / "results").glob("analysis-*.parquet")]
    assert table["features.day"].to_pylist() == DAYS.to_pylist()
    assert {"features.id", "features.label", "features.group"} <= set(table.column_names)


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "a missing key column": ({"on": ["key"]}, "labels.parquet has no column 'key', which inputs.join.on needs"),
    "a missing label file": ({"files": "gone/*.parquet"}, "of inputs.join.files"),
    "keys of two kinds": ({"on": ["weight"], "files": "texts.parquet"}, "column 'weight' holds text"),
    "no key": ({"on": []}, "inputs.join.on: expected at least one key column"),
    "an unknown option": (
        {"options": {"delimiter": ";"}},
        "inputs.join.options.delimiter: the format parquet has no such option; it has none: remove it",
    ),
}


@pytest.mark.parametrize(("name", "command"), [*((name, "check") for name in WRONG), ("a missing key column", "run")])
def test_wrong_joins_end_in_one_line_before_any_work(name, command, tmp_path, main):
    change, message = WRONG[name]
    written(tmp_path, "labels.parquet", LABELLED)
    written(tmp_path, "texts.parquet", pa.table({"weight": ["1"], "label": [1.0], "group": ["a"]}))
    written(tmp_path, "scored.parquet", SCORED.append_column("key", IDS))
    without_progress = ["--quiet"] if command == "run" else []  # on a slow machine, even the start has a line
    done = command_line(tmp_path, command, {"files": "labels.parquet", "on": ["id"], **change}, *without_progress)
    assert done.returncode == 64, done.stderr
    assert done.stderr.startswith("error: ")
    assert message in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_column_that_neither_source_has_is_named_with_both_files(tmp_path, main):
    labels = written(tmp_path, "labels.parquet", LABELLED.drop_columns(["group"]))
    with pytest.raises(
        MissingColumnError, match=r"scored\.parquet joined with .*labels\.parquet has no column 'group'"
    ):
        run(tmp_path, main, {"files": labels})


def test_the_command_line_tells_what_did_not_match(tmp_path, main):
    written(tmp_path, "labels.parquet", LABELLED.slice(0, 500))
    done = command_line(tmp_path, "run", {"files": "labels.parquet", "on": ["id"], "max_unmatched": "1%"})
    assert done.returncode == 0, done.stderr
    assert "NOT EVALUATED: 500 rows" in done.stdout
    assert "100 rows without a match" in done.stdout
    assert "16.6667% of the rows matched nothing" in done.stdout


def command_line(folder, command, join, *args):
    content = {
        "inputs": {"format": "parquet", "files": ["scored.parquet"], "join": join},
        "eval_config": CONFIG,
        "output": "results",
    }
    (folder / "analysis.yaml").write_text(yaml.safe_dump(content))
    return subprocess.run(
        [sys.executable, "-m", "assay", command, str(folder / "analysis.yaml"), *args],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
