"""The Kubernetes launcher against an API server on loopback whose node runs the containers: by Docker, or skipped."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
import time
import uuid
from datetime import timedelta

import pytest

from assay.errors import ConfigError, TransientError
from assay.operators import KubernetesLauncher
from assay.operators.launchers import kubernetes, stage_pod
from assay.operators.launchers.launcher import StageCall
from tests.airflow.conftest import GOOD_DAY, analysis
from tests.airflow.kubernetes_server import KubernetesServer
from tests.airflow.runs import returned, run_dag
from tests.airflow.waiting_analysis import wait_until_it_waits, write_waiting_analysis
from tests.latest_results import latest

DAG_FILE = """
import os
from airflow.sdk import DAG
from assay.operators import KubernetesLauncher, model_analysis_task_group

FOLDERS = {folders!r}
with DAG("in_kubernetes", schedule=None):
    launcher = KubernetesLauncher(
        kubernetes_conn_id="tests",
        volumes=[{{"name": f"folder-{{i}}", "hostPath": {{"path": folder}}}} for i, folder in enumerate(FOLDERS)],
        volume_mounts=[{{"name": f"folder-{{i}}", "mountPath": folder}} for i, folder in enumerate(FOLDERS)],
        security_context={{"runAsUser": os.getuid(), "runAsNonRoot": os.getuid() != 0}},
    )
    model_analysis_task_group({analysis!r}, root={root!r}, group_id="validate", launcher=launcher)()
"""


@pytest.fixture
def server(engine, monkeypatch):
    monkeypatch.setattr(stage_pod, "POLL_SECONDS", 0.2)
    monkeypatch.setattr(kubernetes, "POLL_SECONDS", 0.2)
    with KubernetesServer() as running:
        yield running


@pytest.fixture
def launcher(server, tmp_path):
    """Makes launchers for the server."""
    file = tmp_path / "kubeconfig.json"
    file.write_text(json.dumps(server.kubeconfig()))

    def made(**settings):
        return KubernetesLauncher(**{"config_file": str(file), "grace_seconds": 5, **settings})

    return made


@pytest.fixture(scope="session")
def shell(engine):
    """An image with the packages of assay's whose command is a shell script."""
    made = engine.create_container(KubernetesLauncher().image_of("core"))
    name = f"assay-tests-shell:{uuid.uuid4()}"
    engine.commit(made["Id"], *name.split(":"), changes=['ENTRYPOINT ["sh", "-c"]'])
    engine.remove_container(made["Id"])
    yield name
    engine.remove_image(name, force=True)


def call(*arguments, image="core", attempt=1, stage="Gate"):
    return StageCall(arguments=arguments, image=image, name=f"dag.manual__1.validate.{stage}.{attempt}")


def until(true, seconds=300.0):
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def phase(server):
    return server.only.resource["status"]["phase"]


def made(server):
    return [path for method, path in server.requests if method == "POST"]


COUNT = 'for i in 1 2 3 4 5 6 7 8; do echo "line $i"; sleep 0.2; done; echo last'
HEEDING = "echo on; exec python3 -c 'import time; time.sleep(300)'"
LINES = [*(f"line {i}" for i in range(1, 9)), "last"]


def test_a_dag_runs_each_stage_in_a_pod_that_is_gone_afterwards(server, dags, data, tmp_path, monkeypatch):
    extra = {"kube_config": json.dumps(server.kubeconfig()), "namespace": "models"}
    monkeypatch.setenv("AIRFLOW_CONN_TESTS", json.dumps({"conn_type": "kubernetes", "extra": extra}))
    file = tmp_path / "analysis.json"
    file.write_text(json.dumps(analysis(data, tmp_path)))
    dag = dags / "in_kubernetes.py"
    root = str(tmp_path / "checkpoints")
    dag.write_text(DAG_FILE.format(folders=[str(data), str(tmp_path)], analysis=str(file), root=root))
    run, states = run_dag(dag, "in_kubernetes")
    assert set(states.values()) == {"success"}
    assert returned(run, "validate.read_inputs")["rows"] == 400
    assert json.loads((latest(tmp_path / f"results/{GOOD_DAY}") / "verdict.json").read_text())["status"] == "BLESSED"
    assert set(made(server)) == {"/api/v1/namespaces/models/pods"}
    assert server.pods == {}


def test_exit_code_and_last_line_of_a_pod_come_through(server, launcher):
    running = launcher().start(call("stage", "gate", "--plan", "/p.json", "--stage", "G"))
    assert "there is no plan at /p.json" in list(running.lines())[-1]
    assert running.wait() == 64
    assert server.pods == {}


@pytest.mark.parametrize("code", [0, 1, 75, 137])
def test_any_exit_code_comes_through(code, server, launcher, shell):
    running = launcher().start(call(f"echo once; exit {code}", image=shell))
    assert list(running.lines()) == ["once"]
    assert running.wait() == code


def test_lines_come_while_the_stage_runs(server, launcher, shell):
    running = launcher().start(call(COUNT, image=shell))
    lines = running.lines()
    assert next(lines) == "line 1"
    assert phase(server) == "Running"
    assert list(lines) == LINES[1:]
    assert running.wait() == 0


@pytest.mark.parametrize("lines_in_a_stream", [1, 3])
def test_each_line_comes_once_though_streams_are_cut_in_the_middle(lines_in_a_stream, server, launcher, shell):
    server.cut_after = lines_in_a_stream
    running = launcher().start(call(COUNT, image=shell))
    assert list(running.lines()) == LINES
    assert running.wait() == 0


def test_an_api_that_is_away_for_a_while_disturbs_nothing(server, launcher, shell):
    running = launcher().start(call(COUNT, image=shell))
    lines = running.lines()
    first = next(lines)
    server.cut_after, server.unanswered = 2, 8
    assert [first, *lines] == LINES
    assert running.wait() == 0


def test_an_api_that_stays_away_is_a_transient_fault(server, launcher, shell, monkeypatch):
    monkeypatch.setattr(stage_pod, "_PATIENCE_SECONDS", 0.5)
    running = launcher().start(call("sleep 1", image=shell))
    server.unanswered = 1_000
    with pytest.raises(TransientError, match="the cluster answers 503: the server is currently unable"):
        running.wait()


def test_a_log_that_may_not_be_read_does_not_fail_the_stage(server, launcher, shell, caplog):
    server.forbidden = "/log"
    running = launcher().start(call("echo unheard; sleep 1", image=shell))
    assert list(running.lines()) == []
    assert running.wait() == 0
    assert caplog.text.count("its log cannot be read: 403") == 1


def test_stopping_ends_the_container_with_the_signal_that_it_heeds(server, launcher, tmp_path):
    folder = tmp_path / "waiting"
    write_waiting_analysis(folder)
    able = launcher(
        volumes=[{"name": "waiting", "hostPath": {"path": str(folder)}}],
        volume_mounts=[{"name": "waiting", "mountPath": "/waiting"}],
        env={"PYTHONPATH": "/waiting"},
    )
    running = able.start(call("run", "/waiting/analysis.json"))
    server.leaving.clear()

    def stop():
        wait_until_it_waits(folder)
        time.sleep(0.5)
        running.stop()
        running.stop()

    threading.Thread(target=stop).start()
    assert list(running.lines())[-1] == "error: interrupted"
    assert running.wait() == 130
    server.leaving.set()
    until(lambda: server.pods == {})


def test_stopping_ends_a_pod_that_waits_for_its_start(server, launcher, shell):
    server.creating.clear()
    running = launcher().start(call("exit 0", image=shell))
    running.stop()
    assert list(running.lines()) == []
    assert running.wait() == 130
    assert server.pods == {}


def test_a_retry_follows_the_pod_that_a_lost_worker_left_at_work(server, launcher, shell, tmp_path):
    script = tmp_path / "worker.py"
    script.write_text(
        "import sys\n"
        "from assay.operators import KubernetesLauncher\n"
        "from assay.operators.launchers.launcher import StageCall\n"
        "call = StageCall(arguments=(sys.argv[2],), image=sys.argv[3], name=sys.argv[4])\n"
        "for line in KubernetesLauncher(config_file=sys.argv[1]).start(call).lines():\n"
        "    print(line, flush=True)\n"
    )
    work = call(COUNT.replace("0.2", "0.5"), image=shell)
    config = launcher().config_file
    words = [sys.executable, str(script), config, *work.arguments, work.image, work.name]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as worker:
        assert worker.stdout is not None
        assert worker.stdout.readline() == "line 1\n"
        worker.send_signal(signal.SIGKILL)
    again = launcher().start(call(*work.arguments, image=shell, attempt=2))
    assert list(again.lines()) == LINES
    assert again.wait() == 0
    assert len(made(server)) == 1


def test_a_retry_reads_a_pod_that_is_done_and_removes_it(server, launcher, shell):
    launcher().start(call("echo done", image=shell))
    until(lambda: phase(server) == "Succeeded")
    again = launcher().start(call("echo done", image=shell, attempt=2))
    assert list(again.lines()) == ["done"]
    assert again.wait() == 0
    assert len(made(server)) == 1
    assert server.pods == {}


@pytest.mark.parametrize("attempt", [1, 2])
def test_a_retry_replaces_a_pod_that_failed(attempt, server, launcher, shell):
    launcher().start(call("exit 75", image=shell))
    until(lambda: phase(server) == "Failed")
    left = server.only.resource["metadata"]["uid"]
    again = launcher().start(call("exit 75", image=shell, attempt=attempt))
    until(lambda: len(server.pods) == 1)
    assert server.only.resource["metadata"]["uid"] != left
    assert again.wait() == 75


def test_a_pod_that_is_on_its_way_out_is_not_followed(server, launcher, shell):
    first = launcher().start(call(HEEDING, image=shell))
    until(lambda: phase(server) == "Running")
    server.leaving.clear()
    first.stop()
    threading.Timer(2.0, server.leaving.set).start()
    again = launcher().start(call(HEEDING, image=shell))  # of the same try, so that it has to wait for the name
    assert len(made(server)) >= 2
    assert phase(server) in {"Pending", "Running"}
    again.stop()


@pytest.mark.parametrize("other", [{"stage": "Other"}, {"image": "core"}, {"arguments": ("exit 0 ",)}], ids=str)
def test_pods_that_do_other_work_are_left_alone(other, server, launcher, shell):
    launcher().start(call("sleep 300", image=shell))
    given = {"arguments": ("sleep 300",), "image": shell, **other}
    launcher().start(call(*given.pop("arguments"), **given))
    assert len(server.pods) == 2


def test_secrets_reach_the_container_as_variables_and_files(server, launcher, shell):
    server.secrets["hub"] = {"token": "abc", "user": "me\n"}
    able = launcher(secret_env={"TOKEN": "hub/token"}, secret_mounts={"/secrets": "hub"}, env={"PLAIN": "x"})
    running = able.start(call("echo $TOKEN $PLAIN; cat /secrets/user; id -u", image=shell))
    assert list(running.lines()) == ["abc x", "me", "1000"]
    assert running.wait() == 0


def test_a_container_that_is_killed_tells_so_by_its_exit_code(server, launcher, shell):
    running = launcher().start(call("echo on; sleep 300", image=shell))
    assert next(running.lines()) == "on"
    server.only.kill()
    assert running.wait() == 137


def test_too_little_memory_is_told(server, launcher, shell):
    greedy = "python3 -c 'x = bytearray(200_000_000)'"
    running = launcher(limits={"memory": "32Mi"}).start(call(f"exec {greedy}", image=shell))
    with pytest.raises(TransientError, match="killed for want of memory: its limit is 32Mi"):
        running.wait()


def evicted(server):
    server.only.evict()


def vanished(server):
    server.only.vanish()


@pytest.mark.parametrize(
    ("end", "said"), [(evicted, "Evicted: The node was low on"), (vanished, "was deleted before its stage ended")]
)
def test_a_stage_that_the_cluster_ends_is_tried_again(end, said, server, launcher, shell):
    running = launcher().start(call(HEEDING, image=shell))
    lines = running.lines()
    assert next(lines) == "on"
    end(server)
    list(lines)
    with pytest.raises(TransientError, match=said):
        running.wait()


def test_a_pod_lives_no_longer_than_its_deadline(server, launcher, shell):
    running = launcher(active_deadline=timedelta(seconds=1)).start(call(HEEDING, image=shell))
    with pytest.raises(TransientError, match="DeadlineExceeded"):
        running.wait()


def test_a_deleted_pod_whose_node_is_lost_is_not_awaited_for_ever(server, launcher, shell, monkeypatch):
    monkeypatch.setattr(stage_pod, "_LOST_SECONDS", 0.0)
    running = launcher(grace_seconds=1).start(call("echo on; sleep 300", image=shell))
    assert next(running.lines()) == "on"
    server.only.resource["metadata"].update(deletionTimestamp="2026-11-01T00:00:00Z", deletionGracePeriodSeconds=1)
    with pytest.raises(TransientError, match="was deleted before its stage ended"):
        running.wait()


def refused(server, **_):
    server.forbidden = "/pods"


def without(server, **_):
    pass


NEVER = {
    "image": (without, {}, "nobody/has:this", "ErrImagePull: .*nobody/has:this: not found"),
    "secret": (without, {"secret_env": {"A": "none/key"}}, "core", 'secret "none" not found'),
    "root": (without, {"security_context": {"runAsUser": 0}}, "core", "image will run as root"),
    "schema": (without, {"pod_spec": {"prioritee": 1}}, "core", "the cluster answers 422: .*prioritee"),
    "quantity": (without, {"limits": {"memory": "4 gigs"}}, "core", "the cluster answers 422: .*4 gigs"),
    "right": (refused, {}, "core", "the cluster answers 403: pods is forbidden"),
    "config": (without, {"config_file": "/nowhere"}, "core", "/nowhere: no connection to a cluster"),
    "connection": (
        without,
        {"kubernetes_conn_id": "nobody"},
        "core",
        "nobody .*: no connection to a cluster",
    ),
}


@pytest.mark.parametrize(("prepare", "settings", "image", "said"), NEVER.values(), ids=NEVER)
def test_what_can_never_work_is_not_tried_again(prepare, settings, image, said, server, launcher, database):
    prepare(server)
    with pytest.raises(ConfigError, match=said):
        list(launcher(**settings).start(call("--version", image=image)).lines())


def test_a_pod_that_finds_no_node_in_time_says_what_it_waits_for(server, launcher):
    picky = launcher(node_selector={"pool": "gpu"}, startup_timeout=timedelta(seconds=1))
    running = picky.start(call("--version"))
    with pytest.raises(TransientError, match="did not start within 1 s: 0/1 nodes are available"):
        list(running.lines())


def test_a_cluster_that_does_not_answer_is_tried_again(server, launcher):
    server.unanswered = 1_000
    with pytest.raises(TransientError, match="the cluster answers 503"):
        launcher().start(call("--version"))
    server.__exit__()
    with pytest.raises(TransientError, match="the cluster does not answer"):
        launcher().start(call("--version"))


def test_what_a_start_without_an_answer_left_is_found_by_the_next(server, launcher, shell):
    able, work = launcher(), call("echo done", image=shell)
    able.start(work)  # created, and nobody heard of it
    assert list(able.start(work).lines()) == ["done"]
    assert len(made(server)) == 1
