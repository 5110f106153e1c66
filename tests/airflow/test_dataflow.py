"""Stages as jobs on Dataflow, from Airflow: a stand-in of the jobs API that runs them, on an emulator of storage."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import time
from dataclasses import asdict, dataclass, replace

import pytest

from assay import storage
from assay.engine.remote import RemoteJob
from assay.operators import DataflowLauncher, ReadInputsOperator, SubprocessLauncher
from assay.operators.launchers.launcher import Detaching, StageCall
from assay.operators.links import DataflowLink
from assay.operators.stage import rendered
from assay.operators.triggers import DataflowJobTrigger
from assay.plan.as_json import from_json, to_json
from assay.plan.stored import publish_plan
from assay.results.latest import results_folder
from assay.run.call import Checkpoints, stage_arguments
from tests import dataflow_jobs, gcs_emulator
from tests.airflow import standalone
from tests.airflow.conftest import BAD_DAY, GOOD_DAY, RUNTIME, SETTINGS, analysis, columns_of, write_parquet
from tests.airflow.runs import returned, run_dag

CONNECTION = "anonymous"
RESTING = ("deferred", "failed", "success")
DAG_FILE = """
from airflow.sdk import DAG
from assay.operators import DataflowLauncher, SubprocessLauncher, model_analysis_task_group

SERVICE, ROOT = {url!r}, {root!r}
launcher = DataflowLauncher(
    project="{{{{ 'te' + 'sts' }}}}",
    region="europe-west1",
    temp_location=ROOT + "/temp/{{{{ run_id | length }}}}",
    labels={{"team": "risk"}},
    options=["--no_auth"],
    inner=SubprocessLauncher(env={{"ASSAY_DATAFLOW_POLL_SECONDS": "0.2", "OF_TEST": "{{{{ run_id }}}}"}}),
    gcp_conn_id="anonymous",
    poll_interval=0.2,
    endpoint=SERVICE,
)
with DAG("on_dataflow", schedule=None) as dag:
    group = model_analysis_task_group(
        {analysis!r}, root=ROOT + "/checkpoints", launcher=launcher, default_args={{"deferrable": {deferrable}}}
    )
    group()
"""


@pytest.fixture(scope="module")
def emulator():
    with gcs_emulator.started(python=str(RUNTIME)) as emulator:
        yield emulator


@pytest.fixture
def service(emulator, monkeypatch):
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", emulator.url)
    connection = {"conn_type": "google_cloud_platform", "extra": {"is_anonymous": True}}
    monkeypatch.setenv("AIRFLOW_CONN_ANONYMOUS", json.dumps(connection))
    with dataflow_jobs.started(emulator.url) as service:
        yield service


@pytest.fixture
def uri(emulator, request):
    """A folder of the bucket for this test."""
    return f"{emulator.root}/{request.node.name.replace('[', '-').rstrip(']')}"


@pytest.fixture
def make(dags, data, uri, service, tmp_path):
    """Writes a DAG file whose stages run on Dataflow; returns it."""

    def made(*, deferrable=True, **changes):
        file = write_analysis(data, uri, tmp_path, **changes)
        text = DAG_FILE.format(url=service.url, root=uri, analysis=str(file), deferrable=deferrable)
        dag = dags / "on_dataflow.py"
        dag.write_text(text)
        return dag

    return made


def write_analysis(data, uri, folder, **changes):
    for file in data.glob("*/*.parquet"):
        storage.write(f"{uri}/data/{file.parent.name}/{file.name}", file.read_bytes())
    described = analysis(data, folder, **changes)
    described["inputs"]["files"] = [f"{uri}/data/${{date}}/*.parquet"]
    described["output"] = f"{uri}/results/${{date}}"
    file = folder / "analysis.json"
    file.write_text(json.dumps(described))
    return file


def stages_of(service):
    return [job.name.rsplit("-", 1)[0].removeprefix("assay-") for job in service.jobs]


@pytest.mark.slow
def test_each_stage_is_a_job_that_a_triggerer_waits_for(make, service, uri):
    run, states = run_dag(make(), "on_dataflow")
    assert set(states.values()) == {"success"}
    assert stages_of(service)[:2] == ["read-inputs", "extract-slice-keys"]
    assert sorted(stages_of(service)[2:-1]) == ["evaluate-extracts", "evaluate-metrics-and-plots"]
    assert stages_of(service)[-1] == "write-results"
    read = returned(run, "model_analysis.read_inputs")
    assert read["rows"] == 400
    assert read["job"]["id"] == service.jobs[0].id
    assert read["job"]["project"] == "tests", "templates of the launcher are filled in"
    assert service.jobs[0].asked["labels"]["team"] == "risk"
    page = run.get_task_instance("model_analysis.read_inputs").xcom_pull(
        task_ids="model_analysis.read_inputs", key=DataflowLink().xcom_key
    )
    assert page == RemoteJob(**read["job"]).page
    published = json.loads(storage.read(f"{results_folder(f'{uri}/results/{GOOD_DAY}')}/results.json"))
    assert (published["verdict"], published["rows"]) == ("BLESSED", 400)


def test_a_whole_plan_may_be_one_job_and_a_worker_may_wait_for_it(make, service, uri):
    run, states = run_dag(make(deferrable=False, checkpoint="none"), "on_dataflow", {"date": BAD_DAY})
    assert len(service.jobs) == 1
    assert returned(run, "model_analysis.analyse")["verdict"] == "NOT_BLESSED"
    assert states["model_analysis.bless"] == "skipped"
    verdict = json.loads(storage.read(f"{results_folder(f'{uri}/results/{BAD_DAY}')}/verdict.json"))
    assert verdict["status"] == "NOT_BLESSED"


def test_a_job_that_fails_by_bad_data_fails_the_task_without_another_job(make, service, uri, tmp_path, capfd):
    dag = make(checkpoint="none")
    columns = columns_of()
    write_parquet(tmp_path / "rows.parquet", {**columns, "score": [float("nan"), *columns["score"][1:]]})
    storage.write(f"{uri}/data/{GOOD_DAY}/rows.parquet", (tmp_path / "rows.parquet").read_bytes())
    _, states = run_dag(dag, "on_dataflow")
    assert states["model_analysis.analyse"] == "failed"
    assert [job.state for job in service.jobs] == ["JOB_STATE_FAILED"]
    assert "ended with exit code 64" in capfd.readouterr().out


@dataclass(frozen=True)
class Call:
    """A stage to be started by hand."""

    launcher: DataflowLauncher
    call: StageCall
    root: str


@pytest.fixture
def reading(data, uri, service, tmp_path):
    """The first stage of the plan."""
    from assay.plan.analysis_file import load_analysis

    plan = from_json(to_json(load_analysis(write_analysis(data, uri, tmp_path))))
    root = f"{uri}/checkpoints"
    checkpoints = Checkpoints(root=root, run="run")
    params = {"date": GOOD_DAY}
    arguments = stage_arguments("read-inputs", publish_plan(plan, root), "ReadInputs", checkpoints, os.devnull, params)
    launcher = DataflowLauncher(
        project="tests",
        region="europe-west1",
        temp_location=f"{uri}/temp",
        options=("--no_auth",),
        inner=SubprocessLauncher(env={"ASSAY_DATAFLOW_POLL_SECONDS": "0.2"}),
        gcp_conn_id=CONNECTION,
        endpoint=service.url,
    )
    return Call(launcher, StageCall(arguments=arguments, image="core", name="run.ReadInputs.1"), root)


def until_submitted(running):
    lines = running.lines()
    return next(line for line in lines if "taken on, https://console" in line)


def test_a_command_that_is_killed_leaves_the_job_to_the_next_try(reading, service):
    service.hold()
    running = reading.launcher.start(reading.call)
    until_submitted(running)
    os.killpg(running._command._process.pid, signal.SIGKILL)
    assert running.wait() == -signal.SIGKILL
    service.release()
    again = reading.launcher.start(reading.call)
    said = list(again.lines())
    assert again.wait() == 0, said
    assert len(service.jobs) == 1


def test_killing_a_task_cancels_its_job(reading, service):
    service.hold()
    running = reading.launcher.start(reading.call)
    until_submitted(running)
    running.stop()
    running.stop()
    assert running.wait() != 0
    assert service.jobs[0].state == "JOB_STATE_CANCELLED"


def test_a_job_may_be_told_to_outlive_its_task(reading, service):
    service.hold()
    running = replace(reading.launcher, cancel_on_kill=False).start(reading.call)
    until_submitted(running)
    running.stop()
    assert running.wait() != 0
    assert service.jobs[0].state == "JOB_STATE_RUNNING"


@pytest.fixture
def job(service):
    """A job that waits."""
    service.hold()
    asked = {"name": "assay-x", "clientRequestId": "1", "environment": {"sdkPipelineOptions": {"options": {}}}}
    _, made = service.create(asked)
    return RemoteJob(id=made["id"], name="assay-x", project="tests", region="europe-west1")


def trigger_of(job, service, **changes):
    settings = {"poll_interval": 0.05, "gcp_conn_id": CONNECTION, "endpoint": service.url, **changes}
    return DataflowJobTrigger(job=asdict(job), **settings)


async def fired(trigger):
    return (await anext(trigger.run())).payload


def test_the_trigger_fires_when_the_job_has_ended_and_bears_with_an_api_that_is_down(job, service):
    async def scenario():
        waiting = asyncio.ensure_future(fired(trigger_of(job, service)))
        await asyncio.sleep(0.3)
        assert not waiting.done()
        service.failing = 2
        await asyncio.sleep(0.3)
        assert not waiting.done()
        service.cancel(service.jobs[0])
        return await asyncio.wait_for(waiting, 120)

    assert asyncio.run(scenario()) == {**asdict(job), "state": "JOB_STATE_CANCELLED"}


def test_the_trigger_of_a_job_that_nobody_knows_fires_with_the_reason(job, service):
    lost = RemoteJob(**{**asdict(job), "id": "lost"})
    event = asyncio.run(asyncio.wait_for(fired(trigger_of(lost, service)), 120))
    assert event["id"] == "lost"
    assert "answers 404" in event["state"]


@pytest.mark.parametrize(("cancel", "state"), [(True, "JOB_STATE_CANCELLED"), (False, "JOB_STATE_RUNNING")])
def test_killing_a_deferred_task_cancels_the_job_if_it_shall(job, service, cancel, state):
    deadline = time.monotonic() + 120
    while service.jobs[0].state == "JOB_STATE_PENDING":
        assert time.monotonic() < deadline
    asyncio.run(trigger_of(job, service, cancel_on_kill=cancel).on_kill())
    assert service.jobs[0].state == state


def test_the_trigger_comes_back_from_the_database_as_it_was(job, service):
    trigger = trigger_of(job, service, cancel_on_kill=False, impersonation_chain=["a@b"])
    path, settings = trigger.serialize()
    assert path == "assay.operators.triggers.DataflowJobTrigger"
    again = DataflowJobTrigger(**json.loads(json.dumps(settings)))
    assert again.serialize() == trigger.serialize()


def test_settings_become_options_of_beam():
    launcher = DataflowLauncher(
        project="p",
        region="r",
        temp_location="gs://b/t",
        service_account="sa@p.iam",
        machine_type="n2-standard-4",
        max_num_workers=8,
        use_public_ips=False,
        labels={"team": "risk"},
        options=["--number_of_worker_harness_threads=2"],
    )
    assert launcher.flags() == (
        "--runner=DataflowRunner",
        "--project=p",
        "--region=r",
        "--temp_location=gs://b/t",
        "--service_account_email=sa@p.iam",
        "--machine_type=n2-standard-4",
        "--max_num_workers=8",
        "--no_use_public_ips",
        "--labels=team=risk",
        "--number_of_worker_harness_threads=2",
    )


def test_templates_are_filled_in_inside_the_inner_launcher_too_and_the_launcher_stays_as_it_was():
    inner = SubprocessLauncher(python="/opt/{{ version }}/bin/python")
    launcher = DataflowLauncher(project="{{ project }}", region="r", temp_location="gs://b", inner=inner)
    operator = ReadInputsOperator(task_id="read", plan="p", stage="s", root="/r")
    made = rendered(launcher, operator, {"version": "3", "project": "prod"})
    assert isinstance(made, DataflowLauncher)
    assert isinstance(made.inner, SubprocessLauncher)
    assert (made.project, made.inner.python) == ("prod", "/opt/3/bin/python")
    assert (launcher.project, inner.python) == ("{{ project }}", "/opt/{{ version }}/bin/python")


def test_only_launchers_that_leave_jobs_to_others_can_be_deferred():
    assert isinstance(DataflowLauncher(project="p", region="r", temp_location="gs://b"), Detaching)
    assert not isinstance(SubprocessLauncher(), Detaching)


@pytest.mark.slow
def test_on_the_real_scheduler_a_triggerer_waits_and_a_task_that_is_ended_while_deferred_cancels_its_job(
    make, service, uri, tmp_path
):
    (tmp_path / "dags").mkdir()
    make(checkpoint="none").rename(tmp_path / "dags" / "on_dataflow.py")
    service.hold()
    with standalone.started(tmp_path, SETTINGS) as airflow:
        airflow.parsed("on_dataflow")
        done, killed = (airflow.trigger("on_dataflow", date=date) for date in (GOOD_DAY, BAD_DAY))
        of_killed = f"/api/v2/dags/on_dataflow/dagRuns/{killed}/taskInstances/model_analysis.analyse"
        for run_id in (done, killed):
            task = of_killed.replace(killed, run_id)
            standalone.until(lambda at=task: state_of(airflow, at) in RESTING, 180, f"{run_id} to defer")
            log = airflow.logged("on_dataflow", run_id, "model_analysis.analyse")
            assert state_of(airflow, task) == "deferred", log
        page = airflow.call("GET", f"{of_killed}/links")["extra_links"]["Dataflow job"]
        doomed = next(job for job in service.jobs if job.id in page)
        airflow.call("PATCH", of_killed, {"new_state": "failed"})
        standalone.until(lambda: doomed.state == "JOB_STATE_CANCELLED", 60, "the job to be cancelled")
        service.release()
        state, tasks = airflow.finished("on_dataflow", done)
        assert state == "success", tasks
        assert airflow.returned("on_dataflow", done, "model_analysis.analyse")["verdict"] == "BLESSED"
    assert len(service.jobs) == 2


def state_of(airflow, task):
    return airflow.call("GET", task)["state"]
