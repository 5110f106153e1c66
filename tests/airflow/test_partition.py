"""Waiting for the day's data: it is there, it comes, it does not come."""

from __future__ import annotations

import asyncio
import json
import shutil
import subprocess
import threading
import time
from datetime import timedelta

import pytest

from assay.errors import ConfigError, TransientError
from assay.operators import partition
from assay.operators.partition import DataTrigger, WaitForDataOperator, found_of, in_words, patterns_of
from assay.plan.as_json import from_json, to_json
from assay.plan.filled import with_params
from assay.readers.listing import find
from assay.storage import gcs
from tests.airflow.conftest import GOOD_DAY, ROOT, RUNTIME, analysis
from tests.airflow.google_door import key_of
from tests.airflow.runs import returned, run_dag
from tests.airflow.standalone import started, until
from tests.latest_results import latest
from tests.odd_server import dripping_body, dripping_head, serving, silent

DAG_FILE = """
from datetime import timedelta
from airflow.sdk import DAG, Asset
from airflow.providers.standard.operators.empty import EmptyOperator
from assay.operators import model_analysis_task_group

DAYS = {days!r}
def days():
    return [{{"date": day}} for day in DAYS]

ANALYSIS, ROOT, ASSET = {analysis!r}, {root!r}, Asset(name="waiting", uri="x://waiting")
with DAG("waiting", schedule=None) as dag:
    group = model_analysis_task_group(
        ANALYSIS, root=ROOT, outlets=[ASSET], poke_interval=timedelta(seconds=0.2), {settings}
    )
    {call} >> EmptyOperator(task_id="push")
"""
LATE_DAY = "2026-11-03"


@pytest.fixture
def make(dags, data, tmp_path):
    """Writes a DAG file whose group waits; returns it. The data lie in `tmp_path / "data"`."""
    shutil.copytree(data, tmp_path / "data")

    def made(settings="wait_for_data=timedelta(seconds=1)", call="group()", **changes):
        file = tmp_path / "analysis.json"
        file.write_text(json.dumps(analysis(tmp_path / "data", tmp_path, **changes)))
        dag = dags / "waiting.py"
        root = str(tmp_path / "checkpoints")
        dag.write_text(
            DAG_FILE.format(analysis=str(file), root=root, days=[GOOD_DAY, LATE_DAY], settings=settings, call=call)
        )
        return dag

    return made


def verdict_at(folder):
    return json.loads((latest(folder) / "verdict.json").read_text())


def test_data_that_is_there_is_not_waited_for(make):
    run, states = run_dag(make(checkpoint="none"), "waiting")
    assert set(states.values()) == {"success"}
    assert returned(run, "model_analysis.wait_for_data") == {"files": 1, "verdict": "", "output": ""}


def test_data_that_comes_later_is_waited_for_by_a_trigger(make, tmp_path):
    source, late = tmp_path / "data" / GOOD_DAY, tmp_path / "data" / LATE_DAY
    thread = threading.Timer(4, shutil.copytree, (source, late))
    file = make("wait_for_data=timedelta(minutes=5)", checkpoint="none")
    thread.start()
    run, states = run_dag(file, "waiting", conf={"date": LATE_DAY})
    assert set(states.values()) == {"success"}
    assert returned(run, "model_analysis.analyse")["output"].startswith(f"{tmp_path}/results/{LATE_DAY}/")


def test_data_that_does_not_come_is_a_verdict_and_all_behind_is_skipped(make, tmp_path):
    run, states = run_dag(make(), "waiting", conf={"date": LATE_DAY})
    assert run.state == "success"
    assert states.pop("model_analysis.wait_for_data") == "success"
    assert set(states.values()) == {"skipped"}
    assert {"model_analysis.read_inputs", "model_analysis.bless", "push"} <= set(states)
    verdict = verdict_at(tmp_path / "results" / LATE_DAY)
    assert verdict["status"] == "NOT_EVALUATED"
    assert [reason["message"] for reason in verdict["reasons"]] == [
        f"no data at {tmp_path}/data/{LATE_DAY}/*.parquet after 1 s"
    ]
    done = returned(run, "model_analysis.wait_for_data")
    folder = str(latest(tmp_path / "results" / LATE_DAY))
    assert done == {"files": 0, "verdict": "NOT_EVALUATED", "output": folder}


def test_what_comes_after_fails_where_that_is_asked_for(make):
    run, states = run_dag(
        make('wait_for_data=timedelta(seconds=0), on_not_blessed="fail"'), "waiting", {"date": LATE_DAY}
    )
    assert run.state == "failed"
    assert states["model_analysis.wait_for_data"] == "failed"
    assert states["model_analysis.read_inputs"] == states["push"] == "upstream_failed"


@pytest.mark.parametrize(
    "call",
    [
        pytest.param("group.expand(date=DAYS)", id="over values", marks=pytest.mark.slow),
        pytest.param("group.expand_kwargs(dag.task(days)())", id="over what a task returns"),
    ],
)
def test_in_a_mapped_group_only_the_day_without_data_is_skipped(make, call, tmp_path):
    run, states = run_dag(make(call=call, checkpoint="none"), "waiting")
    assert run.state == "success"
    for name in ("analyse", "gate", "bless"):
        assert states[f"model_analysis.{name}"] == ["success", "skipped"]
    assert verdict_at(tmp_path / "results" / GOOD_DAY)["status"] == "BLESSED"
    assert verdict_at(tmp_path / "results" / LATE_DAY)["status"] == "NOT_EVALUATED"


PUBLISH = """
import sys
from assay.plan.as_json import from_json
from assay.run.publishing import publish
from assay.verdict import Counts, Reason, Status, Verdict
plan = from_json(sys.stdin.read())
publish(plan, sys.argv[2], "WriteResults", Verdict(Status.NOT_EVALUATED, (Reason(sys.argv[1]),)), Counts(0), 0.0)
"""


@pytest.mark.slow
def test_what_is_published_is_what_a_run_publishes(make, tmp_path):
    run_dag(make(analysis_table=False), "waiting")
    plan = from_json(next((tmp_path / "checkpoints/plans").iterdir()).read_text())
    run_dag(make(analysis_table=False), "waiting", conf={"date": LATE_DAY})
    late = latest(tmp_path / "results" / LATE_DAY)
    ours = {file.name: json.loads(file.read_text()) for file in late.iterdir()}
    assert set(ours) == {"verdict.json", "results.json"}

    why = verdict_at(late)["reasons"][0]["message"]
    for name in ("verdict.json", "results.json"):
        (late / name).unlink()
    plan_json = to_json(with_params(plan, {"date": LATE_DAY}))
    subprocess.run([RUNTIME, "-c", PUBLISH, why, str(late)], input=plan_json, text=True, check=True, cwd=ROOT)

    theirs = {name: json.loads((late / name).read_text()) for name in ours}
    assert theirs["results.json"].pop("files") == ["page.html", "verdict.json"]
    assert ours["results.json"].pop("files") == ["verdict.json"]  # there is nothing to show on a page
    for results in (theirs["results.json"], ours["results.json"]):
        assert results.pop("finished").endswith("Z")
        results.pop("seconds")
    assert theirs == ours


def test_a_ready_file_is_looked_for_beside_every_file_or_at_its_place(tmp_path):
    for day in ("a", "b"):
        (tmp_path / day).mkdir()
        (tmp_path / day / "rows.csv").touch()
    patterns = [f"{tmp_path}/*/*.csv"]
    assert found_of(patterns, "") == (2, [])
    (tmp_path / "a" / "_SUCCESS").touch()
    assert found_of(patterns, "_SUCCESS") == (2, [f"{tmp_path}/b/_SUCCESS"])
    assert found_of(patterns, f"{tmp_path}/a/_SUCCESS") == (2, [])
    assert found_of(patterns, f"{tmp_path}/done") == (2, [f"{tmp_path}/done"])
    assert found_of([*patterns, f"{tmp_path}/*.json"], "") == (2, [f"{tmp_path}/*.json"])


def test_a_file_whose_name_looks_like_a_glob_is_found(tmp_path):
    (tmp_path / "rows[1].csv").touch()
    assert found_of([f"{tmp_path}/rows[1].csv"], "") == (1, [])


@pytest.mark.parametrize("end", ["", "/", "/*", "/part-*", "/*.csv"])
def test_of_a_folder_that_spark_wrote_only_the_data_counts(tmp_path, end):
    for name in ("part-0.csv", "part-1.csv", "_SUCCESS", "._SUCCESS.crc", ".part-0.csv.crc", "_committed_7"):
        (tmp_path / name).touch()
    assert found_of([f"{tmp_path}{end}"], "_SUCCESS") == (2, [])
    for part in tmp_path.glob("part-*"):
        part.unlink()
    assert found_of([f"{tmp_path}{end}"], "") == (0, [f"{tmp_path}{end}"])


@pytest.mark.parametrize(
    ("pattern", "count"),
    [("**/*.csv", 4), ("**", 4), ("*.csv", 2), ("day=*/*", 2), ("d**.csv", 2), ("", 4), ("day=1/**/x.csv", 1)],
)
def test_what_is_waited_for_is_what_a_run_reads(tmp_path, pattern, count):
    for name in (
        "x.csv",
        "y.csv",
        "day=1/x.csv",
        "day=1/hour=2/z.csv",
        "_SUCCESS",
        ".hidden/x.csv",
        "day=1/.x.csv.crc",
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "latest.csv").symlink_to("y.csv")
    asked = [f"{tmp_path}/{pattern}"]
    if pattern == "day=*/*":
        (tmp_path / "day=2").mkdir()
        (tmp_path / "day=2" / "x.csv").symlink_to("../day=1/x.csv")
        (tmp_path / "day=2" / "w.csv").touch()
    assert found_of(asked, "") == (count, [])
    assert len(find(asked)) == count


def test_both_sources_of_a_join_are_waited_for_and_a_reader_of_ones_own_cannot_be(make, tmp_path):
    make()
    plan = _plan(tmp_path)
    joined = {**plan.inputs, "join": {"files": ["/labels/*.csv"]}}
    assert patterns_of(_with(plan, joined)) == (*plan.inputs["files"], "/labels/*.csv")
    with pytest.raises(ConfigError, match="it cannot wait for it"):
        patterns_of(_with(plan, {"factory": "mine.read", "args": {}}))


def _plan(folder):
    from assay.plan.analysis_file import load_analysis

    return load_analysis(folder / "analysis.json")


def _with(plan, inputs):
    from dataclasses import replace

    return replace(plan, inputs=inputs)


def trigger(tmp_path, **changes):
    given = {"patterns": [f"{tmp_path}/*.csv"], "ready_file": "", "deadline": time.time() + 60, "seconds": 0.1}
    return DataTrigger(**{**given, **changes})


def test_a_trigger_can_be_made_again_from_what_it_says_of_itself(tmp_path):
    name, given = trigger(tmp_path, gcp_conn_id="mine", impersonation_chain=["a", "b"]).serialize()
    assert name == "assay.operators.partition.DataTrigger"
    assert DataTrigger(**json.loads(json.dumps(given))).serialize() == (name, given)


def test_a_trigger_does_not_hold_up_others_while_it_looks(tmp_path, monkeypatch):
    def slowly(*_):
        time.sleep(0.5)
        return 1, []

    monkeypatch.setattr(partition, "found_of", slowly)

    async def ticks():
        looking, count = asyncio.ensure_future(anext(trigger(tmp_path).run())), 0
        while not looking.done():
            await asyncio.sleep(0.02)
            count += 1
        return count

    assert asyncio.run(ticks()) > 5


def test_storage_that_is_out_of_order_is_waited_for_and_then_not_taken_for_missing_data(tmp_path, monkeypatch):
    def fails(*_):
        raise TransientError("storage does not answer")

    monkeypatch.setattr(partition, "found_of", fails)
    assert trigger(tmp_path).looked() is None
    told = trigger(tmp_path, deadline=0).looked()
    assert (told["error"], told["passing"], told["missing"]) == ("storage does not answer", True, [])


@pytest.mark.parametrize("answer", [silent, dripping_head, dripping_body])
def test_a_look_at_a_storage_that_drips_ends_in_its_time(tmp_path, monkeypatch, answer):
    monkeypatch.setattr(gcs, "_clients", {})
    monkeypatch.setattr(gcs, "RETRY_SECONDS", 0.6)
    with serving(answer) as url:
        monkeypatch.setenv("STORAGE_EMULATOR_HOST", url)
        started = time.monotonic()
        assert trigger(tmp_path, patterns=["gs://bucket/*.csv"]).looked() is None
        told = trigger(tmp_path, patterns=["gs://bucket/*.csv"], deadline=0).looked()
    assert time.monotonic() - started < 24
    assert told["passing"]
    assert "does not answer" in told["error"]


def test_a_wrong_place_fails_at_once(tmp_path):
    told = trigger(tmp_path, patterns=["s3://bucket/*.csv"]).looked()
    assert "expected a local folder or a gs:// URI" in told["error"]
    assert not told["passing"]


def test_an_unknown_parameter_in_the_ready_file_is_named(make, tmp_path):
    from airflow.sdk.exceptions import AirflowFailException

    make()
    (tmp_path / "plan.json").write_text(to_json(_plan(tmp_path)))
    wait = WaitForDataOperator(
        task_id="wait",
        plan=f"{tmp_path}/plan.json",
        plan_params={"date": GOOD_DAY},
        wait=timedelta(0),
        ready_file="/data/${dat}/_SUCCESS",
    )
    with pytest.raises(AirflowFailException, match="ready_file: unknown parameter 'dat'"):
        wait.execute({})


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(21_600, "6 h"), (5_400, "1 h 30 min"), (0, "0 s"), (0.5, "0.5 s"), (90_061, "1 d 1 h 1 min 1 s")],
)
def test_a_time_span_is_told_in_words(seconds, words):
    assert in_words(timedelta(seconds=seconds)) == words


REAL = """
from datetime import timedelta
from airflow.sdk import DAG
from assay.operators import model_analysis_task_group

with DAG("really", schedule=None):
    wait = timedelta(seconds=15)
    group = model_analysis_task_group(
        {analysis!r}, root={root!r}, wait_for_data=wait, poke_interval=timedelta(seconds=1), gcp_conn_id="mine"
    )
    group()
"""


@pytest.mark.slow
def test_a_real_triggerer_waits_and_looks_up_the_connection(data, tmp_path):
    (tmp_path / "analysis.json").write_text(json.dumps(analysis(data, tmp_path)))
    (tmp_path / "dags").mkdir()
    content = REAL.format(analysis=str(tmp_path / "analysis.json"), root=str(tmp_path / "checkpoints"))
    (tmp_path / "dags" / "really.py").write_text(content)
    with started(tmp_path, {}) as airflow:
        key = json.dumps({"keyfile_dict": key_of("http://127.0.0.1:9/token")})
        connection = {"connection_id": "mine", "conn_type": "google_cloud_platform", "extra": key}
        airflow.call("POST", "/api/v2/connections", connection)
        until(lambda: airflow.call("GET", "/api/v2/dags")["dags"], 120, "the DAG to be parsed")
        run_id = airflow.trigger("really", date=LATE_DAY)
        waiting = f"/api/v2/dags/really/dagRuns/{run_id}/taskInstances/model_analysis.wait_for_data"
        until(lambda: airflow.call("GET", waiting)["state"] == "deferred", 60, "the triggerer")
        state, instances = airflow.finished("really", run_id)
    assert state == "success"
    states = {task_id.removeprefix("model_analysis."): ti["state"] for task_id, ti in instances.items()}
    assert states.pop("wait_for_data") == "success"
    assert set(states.values()) == {"skipped"}
    assert verdict_at(tmp_path / "results" / LATE_DAY)["status"] == "NOT_EVALUATED"
