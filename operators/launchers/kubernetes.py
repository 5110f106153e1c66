"""Stage commands in pods of a cluster, with the connection of Airflow's Kubernetes provider."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any, ClassVar

from assay.errors import TransientError
from assay.operators.launchers.cluster import Cluster, cluster_errors
from assay.operators.launchers.launcher import StageCall, call_digest
from assay.operators.launchers.pod_manifest import CALL, pod_manifest, pod_name
from assay.operators.launchers.pod_status import has_failed, is_leaving, name_of, progress
from assay.operators.launchers.stage_pod import POLL_SECONDS, StagePod
from assay.plan.tasks import image_named

_OWN_NAMESPACE = Path("/var/run/secrets/kubernetes.io/serviceaccount/namespace")

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class KubernetesLauncher:
    """Runs each stage in a pod with the image that it needs.

    If a worker died, the next try finds its pod by labels: a pod that still does the same work is followed, a pod that
    is done is read, and a pod that failed is replaced.

    Attributes:
        namespace: namespace of the pods; "" is that of the connection, or else the one in which Airflow itself runs.
        images: "core" or "tensorflow" -> image to use instead of `assay-core:VERSION` or `assay-tensorflow:VERSION`.
            An image that your own stage names is used as named.
        image_pull_policy: Always, IfNotPresent or Never; "" leaves it to the cluster.
        image_pull_secrets: names of secrets with the credentials of registries.
        service_account: account as which stages run, and read and write storage.
        requests: resource -> quantity that the node must have, such as {"cpu": "2", "memory": "4Gi"}.
        limits: resource -> quantity that the container may use.
        node_selector: label -> value of the nodes to run on.
        tolerations: taints of nodes to tolerate, as Kubernetes writes them.
        env: environment variables of the container.
        secret_env: variable -> "SECRET/KEY" that holds its value.
        secret_mounts: folder in the container -> secret whose keys are files there.
        volumes: volumes of the pod, as Kubernetes writes them.
        volume_mounts: mounts of the container, as Kubernetes writes them.
        security_context: of the pod, in addition to `runAsNonRoot` and the default seccomp profile.
        pod_labels: more labels.
        pod_annotations: more annotations.
        pod_spec: more of the pod's spec, as Kubernetes writes it: lists are joined, anything else is replaced.
        kubernetes_conn_id: Airflow connection.
        in_cluster: whether to reach the cluster as a pod in it does; None leaves it to the connection.
        config_file: kubeconfig; "" leaves it to the connection.
        cluster_context: context of the kubeconfig; "" is its current one.
        startup_timeout: how long a pod may wait for a node, its image and its volumes.
        active_deadline: how long a pod may exist; None for ever.
        grace_seconds: time between the signal to end and the kill.
    """

    template_fields: ClassVar[tuple[str, ...]] = (
        *("namespace", "images", "service_account", "requests", "limits", "node_selector", "tolerations", "env"),
        *("secret_env", "secret_mounts", "volumes", "volume_mounts", "pod_labels", "pod_annotations", "pod_spec"),
        *("image_pull_secrets", "kubernetes_conn_id", "config_file", "cluster_context"),
    )

    namespace: str = ""
    images: Mapping[str, str] = field(default_factory=dict)
    image_pull_policy: str = ""
    image_pull_secrets: Sequence[str] = ()
    service_account: str = ""
    requests: Mapping[str, str] = field(default_factory=dict)
    limits: Mapping[str, str] = field(default_factory=dict)
    node_selector: Mapping[str, str] = field(default_factory=dict)
    tolerations: Sequence[Any] = ()
    env: Mapping[str, str] = field(default_factory=dict)
    secret_env: Mapping[str, str] = field(default_factory=dict)
    secret_mounts: Mapping[str, str] = field(default_factory=dict)
    volumes: Sequence[Any] = ()
    volume_mounts: Sequence[Any] = ()
    security_context: Mapping[str, Any] = field(default_factory=dict)
    pod_labels: Mapping[str, str] = field(default_factory=dict)
    pod_annotations: Mapping[str, str] = field(default_factory=dict)
    pod_spec: Mapping[str, Any] = field(default_factory=dict)
    kubernetes_conn_id: str = "kubernetes_default"
    in_cluster: bool | None = None
    config_file: str = ""
    cluster_context: str = ""
    startup_timeout: timedelta = timedelta(minutes=10)
    active_deadline: timedelta | None = None
    grace_seconds: int = 30

    def start(self, call: StageCall) -> StagePod:
        """Starts a pod, or finds one that does this work already.

        Raises:
            ConfigError: the connection or the pod is wrong, or the cluster does not allow it.
            TransientError: the cluster does not answer.
        """
        with cluster_errors(" ".join(filter(None, (self.kubernetes_conn_id, self.config_file, self.cluster_context)))):
            cluster = self._cluster()
        with cluster_errors(f"pod {pod_name(call)}"):
            pod = self._found(cluster, call) or self._created(cluster, call)
        memory = str(self.limits.get("memory", ""))
        return StagePod(cluster, pod, startup_seconds=self.startup_timeout.total_seconds(), memory=memory)

    def mounted(self) -> list[str] | None:
        """The folders of mounted volumes; None if the rest of the pod's spec, or a template, may add others."""
        mounts = [mount.get("mountPath") for mount in self.volume_mounts if isinstance(mount, Mapping)]
        folders = [folder for folder in mounts if isinstance(folder, str)]
        is_known = not self.pod_spec and len(folders) == len(self.volume_mounts) and "{{" not in "".join(folders)
        return [*folders, *self.secret_mounts] if is_known else None

    def image_of(self, needed: str) -> str:
        """The image to run for the one that a plan names."""
        return image_named(needed, self.images)

    def _cluster(self) -> Cluster:
        from airflow.providers.cncf.kubernetes.hooks.kubernetes import KubernetesHook

        hook = KubernetesHook(
            conn_id=self.kubernetes_conn_id or None,
            in_cluster=self.in_cluster,
            config_file=self.config_file or None,
            cluster_context=self.cluster_context or None,
        )
        own = _OWN_NAMESPACE.read_text().strip() if _OWN_NAMESPACE.exists() else ""
        return Cluster(hook.core_v1_client, self.namespace or hook.get_namespace() or own or "default")

    def _found(self, cluster: Cluster, call: StageCall) -> str:
        """Name of a pod that does this work or has done it; "" if there is none. Failed ones are removed."""
        for pod in cluster.pods(f"{CALL}={call_digest(call)}"):
            name = name_of(pod)
            if is_leaving(pod):
                continue
            if not has_failed(pod):
                log.info("pod %s does this already: %s", name, progress(pod))
                return name
            log.info("pod %s of an earlier try failed and is replaced", name)
            cluster.delete(name)
        return ""

    def _created(self, cluster: Cluster, call: StageCall) -> str:
        """Name of a new pod. While one of the same try is being deleted, its name is taken, so this waits."""
        manifest = pod_manifest(self, call)
        deadline = time.monotonic() + self.grace_seconds + self.startup_timeout.total_seconds()
        while not cluster.created(manifest):
            pod = self._found(cluster, call)
            if pod:
                return pod
            if time.monotonic() > deadline:
                raise TransientError(f"pod {pod_name(call)} of an earlier try still exists and does not go away")
            time.sleep(POLL_SECONDS)
        log.info("pod %s in namespace %s: created", pod_name(call), cluster.namespace)
        return pod_name(call)
