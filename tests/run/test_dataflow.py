"""Stages as jobs on Dataflow: a stand-in of its jobs API that runs what is submitted, on an emulator of storage."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
import threading
import time
from dataclasses import replace

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from assay import storage
from assay.checkpoints.commit import load, mark_damaged
from assay.engine.remote import Remote, RemoteJob, in_line
from assay.errors import AssayError, BadRowError, ConfigError, TransientError
from assay.plan.analysis_file import load_analysis
from assay.plan.filled import with_params
from assay.plan.plan import Plan
from assay.plan.stored import publish_plan
from assay.plan.tasks import kind_of, reshaped
from assay.results.files import load_metrics
from assay.results.latest import results_folder
from assay.run import dataflow, local
from assay.run.call import Checkpoints, stage_arguments
from assay.run.outcome import StageResult
from assay.run.stage import run_stage
from tests import dataflow_jobs
from tests.dataflow_jobs import Service
from tests.gcs_emulator import Emulator

ROWS = 300


@pytest.fixture
def service(gcs: Emulator, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(dataflow, "POLL_SECONDS", 0.1)
    monkeypatch.setattr(dataflow, "LAST_WORDS_SECONDS", 1.0)
    with dataflow_jobs.started(gcs.url) as service:
        yield service


@pytest.fixture
def path(gcs: Emulator, request: pytest.FixtureRequest) -> str:
    """A folder of the bucket for this test."""
    return f"{gcs.root}/{request.node.name.replace('[', '-').rstrip(']')}"


@pytest.fixture
def plan(path: str, tmp_path) -> Plan:
    """An analysis of a file in the bucket, cut into stages."""
    write_rows(path, bad=False)
    return planned(path, tmp_path)


def write_rows(path: str, *, bad: bool) -> None:
    labels = [index % 2 for index in range(ROWS)]
    scores = [0.3 + 0.4 * label + 0.001 * (index % 100) for index, label in enumerate(labels)]
    if bad:
        scores[7] = float("nan")
    table = pa.table({"label": labels, "score": scores, "sex": ["f" if index % 3 else "m" for index in range(ROWS)]})
    buffer = io.BytesIO()
    pq.write_table(table, buffer)
    storage.write(f"{path}/data/rows.parquet", buffer.getvalue())


def planned(path: str, folder) -> Plan:
    threshold = {"value_threshold": {"lower_bound": 0.5}}
    analysis = {
        "inputs": {"format": "parquet", "files": [f"{path}/data/*.parquet"]},
        "eval_config": {
            "model_specs": [{"label_key": "label", "prediction_key": "score"}],
            "slicing_specs": [{}, {"feature_keys": ["sex"]}],
            "metrics_specs": [
                {"metrics": [{"class_name": "ExampleCount"}, {"class_name": "AUC", "threshold": threshold}]}
            ],
        },
        "checkpoint": "cuts",
        "output": f"{path}/results",
    }
    file = folder / "analysis.json"
    file.write_text(json.dumps(analysis))
    return with_params(load_analysis(file), {})


def options_of(service: Service, path: str) -> tuple[str, ...]:
    return (*service.options, f"--temp_location={path}/temp")


def read(plan: Plan, service: Service, path: str, remote: Remote | None = None, run: str = "run"):
    """Runs the stage that reads."""
    return first_of(plan, service, path, remote, run)


def first_of(plan: Plan, service: Service, path: str, remote: Remote | None = None, run: str = "run"):
    """Runs the first task of a plan."""
    checkpoints = Checkpoints(root=f"{path}/checkpoints", run=run)
    options = options_of(service, path)
    return run_stage(plan, plan.tasks[0].name, checkpoints=checkpoints, options=options, remote=remote)


def run_all(plan: Plan, service: Service, path: str):
    done: dict[str, StageResult] = {}
    for task in plan.tasks:
        inputs = {name: done[name].manifest for name in task.after}
        checkpoints = Checkpoints(root=f"{path}/checkpoints", inputs=inputs, run="run")
        done[task.name] = run_stage(
            plan, task.name, checkpoints=checkpoints, options=options_of(service, path), remote=Remote()
        )
    return done


def metrics_in(output: str) -> list[bytes]:
    return sorted(record.SerializeToString(deterministic=True) for record in load_metrics(output))


def wait_for(what, seconds: float = 300) -> None:
    deadline = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_plan_stage_by_stage_on_dataflow_gives_what_it_gives_here(plan, service, path):
    done = run_all(plan, service, path)
    names = [job.name for job in service.jobs]
    assert [name.rsplit("-", 1)[0] for name in names] == [
        "assay-read-inputs",
        "assay-extract-slice-keys",
        "assay-evaluate-metrics-and-plots",
        "assay-write-results",
    ]
    assert {job.state for job in service.jobs} == {"JOB_STATE_DONE"}
    assert done["WriteResults"].verdict == "BLESSED"
    assert done["WriteResults"].counts["rows"] == ROWS
    assert done["ReadInputs"].job["id"] == service.jobs[0].id
    here = replace(plan, output=f"{path}/here")
    expected = local.run(reshaped(here, "none"))
    assert metrics_in(plan.output) == metrics_in(expected.output)
    folder = done["WriteResults"].output
    assert folder == results_folder(plan.output)
    listed = json.loads(storage.read(f"{folder}/results.json"))
    assert listed["rows"] == ROWS
    assert {name.rsplit("/", 1)[-1] for name, _ in storage.list(folder)} == {*listed["files"], "results.json"}


def test_a_whole_plan_is_one_job_that_may_be_collected_by_another_call(plan, service, path):
    fused = reshaped(plan, "none")
    service.hold()
    left = first_of(fused, service, path, Remote(detach=True))
    assert left.is_detached
    assert left.output == ""
    service.release()
    done = first_of(fused, service, path)
    assert (done.verdict, done.rows, done.job) == ("BLESSED", ROWS, left.job)
    assert len(service.jobs) == 1
    assert not [name for name, _ in storage.list(plan.output) if "submitted" in name]
    again = first_of(fused, service, path)
    assert again.verdict == "BLESSED"
    assert len(service.jobs) == 2, "results that were published are withdrawn and written anew, as everywhere"


def test_a_stage_that_is_left_is_collected_by_the_same_call(plan, service, path):
    service.hold()
    left = read(plan, service, path, Remote(detach=True))
    (job,) = service.jobs
    assert left.job == {"id": job.id, "name": job.name, "project": "tests", "region": "europe-west1"}
    assert (left.manifest, left.is_detached) == ("", True)
    still = read(plan, service, path, Remote(detach=True))
    assert still.job == left.job
    service.release()
    done = read(plan, service, path)
    assert done.rows == ROWS
    assert not done.reused
    assert load(done.manifest).counts.rows == ROWS
    assert len(service.jobs) == 1
    assert read(plan, service, path).reused


@pytest.mark.parametrize(
    ("refusal", "shape"), [("conflict", "none"), pytest.param("existing", "cuts", marks=pytest.mark.slow)]
)
def test_of_two_calls_at_once_one_submits_and_both_get_what_it_made(plan, service, path, refusal, shape, monkeypatch):
    cut = reshaped(plan, shape)
    service.refusal = refusal
    service.hold()
    both_have_asked, asked = threading.Barrier(2), dataflow._Jobs.usable

    def usable(jobs):
        found = asked(jobs)
        if found is None:
            both_have_asked.wait(30)
        return found

    monkeypatch.setattr(dataflow._Jobs, "usable", usable)
    done = []
    threads = [threading.Thread(target=lambda: done.append(first_of(cut, service, path))) for _ in range(2)]
    for thread in threads:
        thread.start()
    wait_for(lambda: service.jobs)
    time.sleep(1)
    service.release()
    for thread in threads:
        thread.join(300)
    assert len(service.jobs) == 1
    assert done
    assert {result.rows for result in done} == {ROWS}
    assert len({result.manifest for result in done}) == 1


def test_an_answer_that_is_lost_when_a_job_is_created_leads_to_no_second_job(plan, service, path):
    service.lost = 1
    assert read(plan, service, path).rows == ROWS
    assert len(service.jobs) == 1


def test_a_process_that_is_killed_while_it_waits_leaves_the_job_to_the_next(plan, service, path):
    service.hold()
    checkpoints = Checkpoints(root=f"{path}/checkpoints", run="run")
    uri = publish_plan(plan, checkpoints.root)
    arguments = stage_arguments(
        kind_of(plan, plan.tasks[0]), uri, "ReadInputs", checkpoints, os.devnull, options=options_of(service, path)
    )
    environment = {**os.environ, "ASSAY_DATAFLOW_POLL_SECONDS": "0.2"}
    command = (sys.executable, "-m", "assay", *arguments)
    process = subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    job = next(filter(None, (in_line(line) for line in process.stderr)))
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stderr.close()
    assert job.id == service.jobs[0].id
    service.release()
    wait_for(lambda: service.jobs[0].state == "JOB_STATE_DONE")
    assert read(plan, service, path).rows == ROWS
    assert len(service.jobs) == 1


def test_an_error_of_a_worker_comes_back_as_what_it_was(service, path, tmp_path):
    write_rows(path, bad=True)
    plan = planned(path, tmp_path)
    with pytest.raises(BadRowError, match=r"rows\.parquet"):
        run_all(plan, service, path)
    jobs = len(service.jobs)
    with pytest.raises(BadRowError):
        run_all(plan, service, path)
    assert len(service.jobs) == jobs + 1, "a job that failed is followed by another"
    assert service.jobs[-1].name == service.jobs[-2].name
    assert service.jobs[-1].asked["labels"] != service.jobs[-2].asked["labels"]


def test_a_job_that_the_caller_names_is_not_followed_by_another(plan, service, path):
    service.hold()
    left = read(plan, service, path, Remote(detach=True))
    service.cancel(service.jobs[0])
    with pytest.raises(AssayError, match=r"Dataflow job 2026.* ended as cancelled, https://console"):
        read(plan, service, path, Remote(job=left.job["id"]))
    assert len(service.jobs) == 1
    service.release()
    assert read(plan, service, path).rows == ROWS
    assert len(service.jobs) == 2


def test_a_job_that_makes_something_else_is_not_taken_for_ours(plan, service, path):
    left = read(plan, service, path, Remote(detach=True))
    write_rows(path, bad=False)
    with pytest.raises(TransientError, match="have data or models changed"):
        read(plan, service, path, Remote(job=left.job["id"]))


def test_an_active_job_of_the_name_that_somebody_chose_is_left_alone(plan, service, path):
    service.hold()
    flags = (*options_of(service, path), "--job_name=mine")
    checkpoints = Checkpoints(root=f"{path}/checkpoints")
    run_stage(plan, "ReadInputs", checkpoints=checkpoints, options=flags, remote=Remote(detach=True))
    assert service.jobs[0].name == "mine"
    write_rows(path, bad=False)
    with pytest.raises(TransientError, match="active under the name"):
        run_stage(plan, "ReadInputs", checkpoints=checkpoints, options=flags)
    assert len(service.jobs) == 1


@pytest.mark.slow
def test_a_checkpoint_that_was_damaged_is_made_by_a_new_job(plan, service, path):
    done = read(plan, service, path)
    manifest = load(done.manifest)
    mark_damaged(f"{path}/checkpoints", "ReadInputs", manifest.shards[0], "is damaged")
    again = read(plan, service, path)
    assert not again.reused
    assert len(service.jobs) == 2
    assert load(again.manifest).attempt != manifest.attempt


def test_an_api_that_is_down_for_a_moment_is_asked_again(plan, service, path):
    service.failing = 2
    assert read(plan, service, path).rows == ROWS
    assert len(service.jobs) == 1


def test_an_api_that_stays_down_is_a_matter_for_a_retry(plan, service, path, monkeypatch):
    monkeypatch.setattr(dataflow, "RETRY_SECONDS", 1.0)
    service.failing = 1000
    with pytest.raises(TransientError, match="Dataflow does not answer"):
        read(plan, service, path)
    service.failing = 0


def test_what_dataflow_refuses_is_not_retried(plan, service, path):
    flags = tuple(flag.replace("=europe-west1", "=nowhere") for flag in options_of(service, path))
    with pytest.raises(ConfigError, match="Dataflow refuses \\(404\\)"):
        run_stage(plan, "ReadInputs", checkpoints=Checkpoints(root=f"{path}/checkpoints"), options=flags)


@pytest.mark.parametrize("flag", ["project", "region", "temp_location"])
def test_an_option_that_is_missing_is_named(plan, service, path, flag):
    flags = tuple(option for option in options_of(service, path) if not option.startswith(f"--{flag}="))
    with pytest.raises(ConfigError, match=f"--{flag}"):
        run_stage(plan, "ReadInputs", checkpoints=Checkpoints(root=f"{path}/checkpoints"), options=flags)


def test_folders_of_this_machine_are_refused(plan, service, path, tmp_path):
    with pytest.raises(ConfigError, match="--root: expected a gs:// URI"):
        run_stage(plan, "ReadInputs", checkpoints=Checkpoints(root=str(tmp_path)), options=options_of(service, path))
    here = reshaped(replace(plan, output=str(tmp_path)), "none")
    with pytest.raises(ConfigError, match="output: expected a gs:// URI"):
        run_stage(here, here.tasks[0].name, options=options_of(service, path))
    assert service.jobs == []


@pytest.mark.parametrize("task", ["ReadInputs", "Extract_Ünïcode--", "X" * 500, "---", "My2ndStage"])
def test_names_of_jobs_are_names_that_dataflow_takes(task):
    name = dataflow.job_name(task, "0123456789abcdef" * 4)
    assert dataflow_jobs._NAME.fullmatch(name)
    assert len(name) <= 63
    assert name.endswith("-0123456789abcdef0123")


def test_a_line_of_a_log_tells_which_job_it_is_of():
    job = RemoteJob(id="2026-11-22_01", name="assay-x", project="domain.com:p", region="us-east1")
    assert in_line(f"10:00 INFO {job.announcement}") == job
    assert in_line(job.line("active under the name of another")) is None
    assert in_line("ReadInputs 5 rows") is None


def test_other_runners_have_no_jobs_to_leave(plan, path):
    from assay.run.command import run_command

    root = f"{path}/checkpoints"
    with pytest.raises(ConfigError, match="--detach and --job are for jobs on Dataflow"):
        run_command(
            plan,
            "read-inputs",
            "ReadInputs",
            Checkpoints(root=root),
            options=(),
            progress=io.StringIO(),
            remote=Remote(detach=True),
        )
