"""The pod of a stage, as it is written, checked as Kubernetes does; and what its status means."""

from __future__ import annotations

import copy
import subprocess
import sys
from datetime import timedelta
from types import SimpleNamespace

import pytest

from assay.errors import ConfigError, TransientError
from assay.operators import KubernetesLauncher
from assay.operators.launchers.launcher import StageCall, call_digest
from assay.operators.launchers.pod_manifest import label_value, pod_manifest, pod_name
from assay.operators.launchers.pod_status import exit_code, has_failed, is_over, is_started, progress, why_never
from assay.operators.launchers.stage_pod import Heard
from tests.airflow.kubernetes_server import refusal

CALL = StageCall(
    arguments=("stage", "gate", "--run", "dag.manual__2026-11-01T00-00-00.validate"),
    image="core",
    name="dag.manual__2026-11-01T00-00-00.validate.Gate.2",
)
FULL = KubernetesLauncher(
    namespace="models",
    images={"core": "registry.example/assay-core:1"},
    image_pull_policy="IfNotPresent",
    image_pull_secrets=["registry"],
    service_account="evaluation",
    requests={"cpu": "500m", "memory": "2Gi", "ephemeral-storage": "1Gi"},
    limits={"memory": "4Gi"},
    node_selector={"cloud.example/pool": "batch"},
    tolerations=[{"key": "batch", "operator": "Exists", "effect": "NoSchedule"}],
    env={"TF_CPP_MIN_LOG_LEVEL": "2"},
    secret_env={"TOKEN": "hub/token"},
    secret_mounts={"/secrets/hub": "hub"},
    volumes=[{"name": "data", "persistentVolumeClaim": {"claimName": "data"}}],
    volume_mounts=[{"name": "data", "mountPath": "/data", "subPath": "x"}],
    security_context={"fsGroup": 1000},
    pod_labels={"team": "ranking"},
    pod_annotations={"example/cost": "x"},
    pod_spec={"priorityClassName": "batch", "tolerations": [{"key": "spot", "operator": "Exists"}]},
    active_deadline=timedelta(hours=2),
)


def written(launcher, call=CALL):
    """The pod as it goes over the wire."""
    from kubernetes.client import ApiClient

    return ApiClient().sanitize_for_serialization(pod_manifest(launcher, call))


def test_a_stage_may_have_a_gpu_and_an_image_that_can_use_it():
    """Kubernetes takes accelerators as limits, and gives none to pods that do not tolerate the taint of their nodes."""
    launcher = KubernetesLauncher(
        images={"tensorflow": "registry.example/assay-tensorflow-gpu:1"},
        limits={"nvidia.com/gpu": "1", "memory": "16Gi"},
        node_selector={"cloud.google.com/gke-accelerator": "nvidia-l4"},
        tolerations=[{"key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoSchedule"}],
    )
    pod = written(launcher, StageCall(arguments=("stage", "extract"), image="tensorflow", name="dag.run.Extract.1"))
    (container,) = pod["spec"]["containers"]
    assert container["image"] == "registry.example/assay-tensorflow-gpu:1"
    assert container["resources"] == {"limits": {"nvidia.com/gpu": "1", "memory": "16Gi"}}
    assert pod["spec"]["nodeSelector"] == {"cloud.google.com/gke-accelerator": "nvidia-l4"}
    assert pod["spec"]["tolerations"] == launcher.tolerations
    assert refusal(pod) == ""


@pytest.mark.parametrize("launcher", [KubernetesLauncher(), FULL], ids=["plain", "full"])
def test_kubernetes_takes_the_pod(launcher):
    assert refusal(written(launcher)) == ""


def test_a_launcher_is_made_without_the_client_of_kubernetes():
    code = "import sys; from assay.operators import KubernetesLauncher; KubernetesLauncher(); print(*sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "assay.operators.launchers.kubernetes" in run.stdout.split()
    assert not {"kubernetes", "docker", "urllib3"} & set(run.stdout.split())


def test_all_settings_are_in_the_pod():
    pod = written(FULL)
    spec, (container,) = pod["spec"], pod["spec"]["containers"]
    assert container["image"] == "registry.example/assay-core:1"
    assert container["args"] == list(CALL.arguments)
    assert "command" not in container  # the image's own
    assert container["resources"]["limits"] == {"memory": "4Gi"}
    assert [variable["name"] for variable in container["env"]] == ["TF_CPP_MIN_LOG_LEVEL", "TOKEN"]
    assert container["env"][1]["valueFrom"] == {"secretKeyRef": {"name": "hub", "key": "token"}}
    assert {mount["mountPath"] for mount in container["volumeMounts"]} == {"/data", "/secrets/hub"}
    assert [toleration["key"] for toleration in spec["tolerations"]] == ["batch", "spot"]
    assert spec["restartPolicy"] == "Never"
    assert spec["activeDeadlineSeconds"] == 7200
    assert spec["serviceAccountName"] == "evaluation"
    assert spec["priorityClassName"] == "batch"
    assert spec["securityContext"]["fsGroup"] == 1000
    assert pod["metadata"]["labels"]["team"] == "ranking"


def test_a_stage_has_no_right_that_it_does_not_need():
    spec = written(KubernetesLauncher())["spec"]
    assert spec["securityContext"] == {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}}
    assert spec["containers"][0]["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
    }
    assert spec["automountServiceAccountToken"] is False


def test_objects_of_the_kubernetes_client_serve_as_well():
    from kubernetes.client import V1EmptyDirVolumeSource, V1Toleration, V1Volume, V1VolumeMount

    pod = written(
        KubernetesLauncher(
            volumes=[V1Volume(name="tmp", empty_dir=V1EmptyDirVolumeSource(size_limit="1Gi"))],
            volume_mounts=[V1VolumeMount(name="tmp", mount_path="/tmp")],
            tolerations=[V1Toleration(key="spot", operator="Exists")],
        )
    )
    assert refusal(pod) == ""
    assert pod["spec"]["volumes"] == [{"name": "tmp", "emptyDir": {"sizeLimit": "1Gi"}}]


def test_templates_are_filled_in_wherever_they_are():
    from airflow.sdk import BaseOperator

    from assay.operators.stage import rendered

    launcher = KubernetesLauncher(
        requests={"memory": "{{ gigabytes }}Gi"},
        volumes=[{"name": "data", "persistentVolumeClaim": {"claimName": "{{ claim }}"}}],
        pod_spec={"priorityClassName": "{{ claim }}"},
    )
    pod = written(rendered(launcher, BaseOperator(task_id="any"), {"gigabytes": 3, "claim": "day"}))
    assert pod["spec"]["containers"][0]["resources"]["requests"] == {"memory": "3Gi"}
    assert pod["spec"]["volumes"][0]["persistentVolumeClaim"] == {"claimName": "day"}
    assert pod["spec"]["priorityClassName"] == "day"


@pytest.mark.parametrize("source", ["hub", "/key", "hub/", ""])
def test_a_variable_of_a_secret_needs_secret_and_key(source):
    with pytest.raises(ConfigError, match="secret_env: expected SECRET/KEY for TOKEN"):
        pod_manifest(KubernetesLauncher(secret_env={"TOKEN": source}), CALL)


def test_the_name_is_of_the_try_and_the_digest_of_the_work():
    again = StageCall(arguments=CALL.arguments, image="core", name=CALL.name[:-1] + "3")
    other = StageCall(arguments=(*CALL.arguments, "--param", "date=x"), image="core", name=CALL.name)
    assert pod_name(CALL) == pod_name(copy.copy(CALL))
    assert len({pod_name(CALL), pod_name(again), pod_name(other)}) == 3
    assert call_digest(CALL) == call_digest(again) != call_digest(other)
    assert pod_name(CALL).startswith("assay-gate-")


NAMES = [
    "r.Gate.1",
    "dag_with_underscores.scheduled__2026-11-01.group.ExtractPredictions.12",
    f"{'d' * 200}.manual.{'LongStageName' * 20}.1",
    "-.-_.-.1",
    "run.stage_.1",
    "Ünï.c-o-d-e.Größe.1",
]


@pytest.mark.parametrize("name", NAMES)
def test_any_name_of_a_call_makes_names_and_labels_that_kubernetes_takes(name):
    call = StageCall(arguments=(), image="core", name=name)
    assert refusal(written(KubernetesLauncher(), call)) == ""


def test_labels_that_are_too_long_stay_apart():
    one, two = label_value("x" * 100 + "1"), label_value("x" * 100 + "2")
    assert one != two
    assert len(one) == len(two) == 63


WRONG = {
    "unknown field": (lambda pod: pod["spec"]["containers"][0].update(resorces={}), "resorces"),
    "wrong type": (lambda pod: pod["spec"].update(activeDeadlineSeconds="soon"), "soon"),
    "quantity": (lambda pod: pod["spec"]["containers"][0].update(resources={"limits": {"memory": "4 gigs"}}), "4 gigs"),
    "name": (lambda pod: pod["metadata"].update(name="Assay_1"), "Assay_1"),
    "label": (lambda pod: pod["metadata"]["labels"].update(a="b/c"), "b/c"),
    "mount": (lambda pod: pod["spec"].update(volumes=[]), "no volume 'data'"),
}


@pytest.mark.parametrize(("change", "said"), WRONG.values(), ids=WRONG)
def test_the_check_of_these_tests_refuses_what_is_wrong(change, said):
    pod = written(FULL)
    change(pod)
    assert said in refusal(pod)


def pod(phase="Running", *, metadata=None, **status):
    return {"metadata": {"name": "p", **(metadata or {})}, "status": {"phase": phase, **status}}


def stage(kind, **state):
    return {"containerStatuses": [{"name": "stage", "state": {kind: state}}]}


def ended(code, reason="Error", message=""):
    return stage("terminated", exitCode=code, reason=reason, message=message)


@pytest.mark.parametrize("code", [1, 64, 75, 130, 137])
def test_the_exit_code_is_that_of_the_container(code):
    assert exit_code(pod("Failed", **ended(code))) == code


def test_only_the_container_of_the_stage_counts():
    mesh = {"name": "mesh", "state": {"running": {"startedAt": "now"}}}
    status = {"containerStatuses": [mesh, *ended(0, "Completed")["containerStatuses"]]}
    assert is_over(pod("Running", **status))
    assert exit_code(pod("Running", **status)) == 0
    assert not has_failed(pod("Running", **status))


DISRUPTED = {"type": "DisruptionTarget", "status": "True", "reason": "PreemptionByScheduler", "message": "for another"}
LOST = {"deletionTimestamp": "now"}
ENDED_BY_KUBERNETES = {
    "evicted": (pod("Failed", reason="Evicted", message="low on memory", **ended(137)), "Evicted: low on memory"),
    "before it ran": (pod("Failed", reason="OutOfcpu", message="no room"), "OutOfcpu: no room"),
    "deadline": (pod("Failed", reason="DeadlineExceeded", **ended(130)), "DeadlineExceeded"),
    "preempted": (pod("Failed", conditions=[DISRUPTED], **ended(130)), "PreemptionByScheduler: for another"),
    "deleted": (pod(metadata=LOST, **ended(130)), "was deleted while its stage ran"),
    "memory": (pod("Failed", **ended(137, "OOMKilled")), r"limit is 4Gi; raise limits\['memory'\]"),
    "runtime": (pod("Failed", **ended(128, "StartError", "deadline of the runtime")), "deadline of the runtime"),
    "no word": (pod("Failed"), "Kubernetes does not say why"),
}


@pytest.mark.parametrize(("status", "said"), ENDED_BY_KUBERNETES.values(), ids=ENDED_BY_KUBERNETES)
def test_what_the_cluster_ended_is_tried_again_and_says_why(status, said):
    assert is_over(status)
    with pytest.raises(TransientError, match=said):
        exit_code(status, "4Gi")


def test_a_stage_that_was_done_when_its_node_went_is_done():
    assert exit_code(pod("Running", conditions=[DISRUPTED], metadata=LOST, **ended(0))) == 0


def test_a_command_that_the_image_does_not_have_is_not_tried_again():
    message = 'exec: "assay": executable file not found in $PATH'
    with pytest.raises(ConfigError, match="executable file not found"):
        exit_code(pod("Failed", **ended(128, "StartError", message)))


@pytest.mark.parametrize(
    ("reason", "message", "never"),
    [
        ("InvalidImageName", "couldn't parse image", True),
        ("ErrImageNeverPull", "is not present with pull policy of Never", True),
        ("ErrImagePull", "registry.example/a:1: not found", True),
        ("ImagePullBackOff", "Back-off pulling image: unexpected status: 403 Forbidden", True),
        ("ErrImagePull", "dial tcp: lookup registry.example: no such host", False),
        ("ErrImagePull", "dial tcp: connection refused", False),
        ("CreateContainerConfigError", 'secret "hub" not found', True),
        ("CreateContainerConfigError", "container has runAsNonRoot and image will run as root", True),
        ("CreateContainerConfigError", "failed to sync secret cache: timed out", False),
        ("ContainerCreating", "", False),
    ],
)
def test_it_is_told_whether_waiting_can_help(reason, message, never):
    waiting = pod("Pending", **stage("waiting", reason=reason, message=message))
    assert bool(why_never(waiting)) is never
    assert not is_started(waiting)
    assert progress(waiting).startswith(f"Pending: {reason}")


def test_what_a_pod_without_a_node_waits_for_is_told():
    refused = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/3 nodes"}
    assert progress(pod("Pending", conditions=[refused])) == "Pending: Unschedulable: 0/3 nodes"


def test_lines_of_a_log_that_is_read_again_are_heard_once():
    stamps = ["01", "02", "02", "03", "03", "03", "04"]
    for cut in range(len(stamps) + 1):
        heard = Heard()
        told = [n for n in range(cut) if heard.is_new(stamps[n])]
        heard.from_the_start()
        heard.from_the_start()
        assert told + [n for n in range(len(stamps)) if heard.is_new(stamps[n])] == list(range(len(stamps)))


def test_a_connection_names_the_namespace_where_the_launcher_does_not(monkeypatch):
    from airflow.providers.cncf.kubernetes.hooks.kubernetes import KubernetesHook

    client = SimpleNamespace()
    monkeypatch.setattr(KubernetesHook, "core_v1_client", client)
    monkeypatch.setenv("AIRFLOW_CONN_MODELS", '{"conn_type": "kubernetes", "extra": {"namespace": "models"}}')
    assert KubernetesLauncher(kubernetes_conn_id="models")._cluster().namespace == "models"
    assert KubernetesLauncher(kubernetes_conn_id="models", namespace="other")._cluster().namespace == "other"
    assert KubernetesLauncher(kubernetes_conn_id="")._cluster().namespace == "default"
