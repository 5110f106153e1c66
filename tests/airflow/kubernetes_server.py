"""An API server for pods on loopback, and a node that really runs their containers: by Docker.

It refuses what Kubernetes refuses: `refusal` checks pods strictly against Kubernetes' own schema, and what that does
not tell: names, labels, quantities, mounts. Pods go through the states of Kubernetes, with its reasons and words. It
can be told to misbehave: not to answer, to cut streams of logs, to evict.
"""

from __future__ import annotations

import json
import re
import tempfile
import threading
import uuid
from contextlib import suppress
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

VERSION = "1.37"
TOKEN = "of-the-tests"  # it opens nothing
DNS_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
LABEL_KEY = re.compile(r"([a-z0-9]([-a-z0-9.]*[a-z0-9])?/)?[A-Za-z0-9]([-\w.]{0,61}[A-Za-z0-9])?")
LABEL_VALUE = re.compile(r"([A-Za-z0-9]([-\w.]{0,61}[A-Za-z0-9])?)?", re.ASCII)
PATH = re.compile(r"/api/v1/namespaces/(?P<namespace>[^/]+)/(?P<kind>pods|events)(/(?P<name>[^/]+)(?P<log>/log)?)?")


def refusal(pod: dict) -> str:
    """Why Kubernetes would not take a pod; "" if it would."""
    import kubernetes_validate
    from kubernetes.utils.quantity import parse_quantity

    try:
        kubernetes_validate.validate(pod, VERSION, strict=True)
        for container in pod["spec"]["containers"]:
            for quantity in [q for kind in container.get("resources", {}).values() for q in kind.values()]:
                parse_quantity(quantity)
    except (kubernetes_validate.ValidationError, ValueError) as error:
        return str(getattr(error, "message", error))
    return "; ".join(_wrong_names(pod) + _wrong_mounts(pod["spec"]))


def _wrong_names(pod: dict) -> list[str]:
    metadata, spec = pod["metadata"], pod["spec"]
    names = [metadata["name"], *(part["name"] for part in spec["containers"] + spec.get("volumes", []))]
    keys = [*metadata["labels"], *metadata.get("annotations", {}), *spec.get("nodeSelector", {})]
    values = [*metadata["labels"].values(), *spec.get("nodeSelector", {}).values()]
    return [
        *(f"name {name!r}" for name in names if not DNS_LABEL.fullmatch(name)),
        *(f"label key {key!r}" for key in keys if not LABEL_KEY.fullmatch(key)),
        *(f"label value {value!r}" for value in values if not LABEL_VALUE.fullmatch(value)),
    ]


def _wrong_mounts(spec: dict) -> list[str]:
    volumes = [volume["name"] for volume in spec.get("volumes", [])]
    twice = [f"volume {name!r} twice" for name in set(volumes) if volumes.count(name) > 1]
    for container in spec["containers"]:
        paths = [mount["mountPath"] for mount in container.get("volumeMounts", [])]
        twice += [f"mount path {path!r} twice" for path in set(paths) if paths.count(path) > 1]
        twice += [f"no volume {m['name']!r}" for m in container.get("volumeMounts", []) if m["name"] not in volumes]
    return twice


class NodePod:
    """A pod on the node: what the server tells about it, and its container."""

    def __init__(self, server: KubernetesServer, manifest: dict) -> None:
        self.server = server
        self.spec = manifest["spec"]
        self.container = ""
        self.reason = ""
        self.resource: dict[str, Any] = {
            **manifest,
            "metadata": {**manifest["metadata"], "uid": str(uuid.uuid4()), "creationTimestamp": now()},
            "status": {"phase": "Pending", "conditions": []},
        }
        threading.Thread(target=self._live, daemon=True).start()

    @property
    def stage(self) -> dict:
        container: dict = self.spec["containers"][0]
        return container

    @property
    def name(self) -> str:
        return str(self.resource["metadata"]["name"])

    def evict(self) -> None:
        """The node is short of something."""
        self._end_early("Evicted", "The node was low on resource: memory.")

    def kill(self) -> None:
        """The container dies of SIGKILL."""
        self.server.docker.kill(self.container)

    def vanish(self) -> None:
        """Somebody deletes the pod without grace."""
        self.server.pods.pop(self.name, None)
        with suppress(Exception):
            self.kill()

    def delete(self, grace: int) -> None:
        """What the API does: tells the container, and removes the pod when it has ended."""
        self.resource["metadata"].update(deletionTimestamp=now(), deletionGracePeriodSeconds=grace)
        threading.Thread(target=self._leave, args=(grace,), daemon=True).start()

    def _leave(self, grace: int) -> None:
        if self.container and self.resource["status"]["phase"] == "Running":
            self.server.docker.stop(self.container, timeout=grace)
            self.server.leaving.wait()  # a node may take its time to report
        self.server.pods.pop(self.name, None)

    def _end_early(self, reason: str, message: str) -> None:
        self.reason = reason
        self.resource["status"].update(reason=reason, message=message)
        self.server.docker.stop(self.container, timeout=5)

    def _live(self) -> None:
        wanted = self.spec.get("nodeSelector", {})
        if not wanted.items() <= self.server.node_labels.items():
            message = "0/1 nodes are available: 1 node(s) didn't match Pod's node affinity/selector."
            refused = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": message}
            self.resource["status"]["conditions"] = [refused]
            return
        self._state("waiting", reason="ContainerCreating")
        self.server.creating.wait()
        try:
            self.container = self._made()
            self.server.docker.start(self.container)
        except LookupError as error:
            reason, message = error.args
            self._state("waiting", reason=reason, message=message)
            return
        self._state("running", startedAt=now())
        self.resource["status"]["phase"] = "Running"
        deadline = self.spec.get("activeDeadlineSeconds")
        if deadline:
            late = ("DeadlineExceeded", "Pod was active on the node longer than the specified deadline")
            threading.Timer(deadline, self._end_early, late).start()
        code = self.server.docker.wait(self.container, timeout=600)["StatusCode"]
        self._ended(code)

    def _ended(self, code: int) -> None:
        out_of_memory = self.server.docker.inspect_container(self.container)["State"]["OOMKilled"]
        reason = "OOMKilled" if out_of_memory else "Error" if code else "Completed"
        self._state("terminated", exitCode=code, reason=reason, startedAt=now(), finishedAt=now())
        self.resource["status"]["phase"] = "Failed" if code or self.reason else "Succeeded"

    def _state(self, kind: str, **state: Any) -> None:
        known = {"name": self.stage["name"], "image": self.stage["image"], "imageID": "", "restartCount": 0}
        self.resource["status"]["containerStatuses"] = [{**known, "ready": kind == "running", "state": {kind: state}}]

    def _made(self) -> str:
        """The container; LookupError with reason and message if it cannot be had."""
        from docker.errors import ImageNotFound

        image = self.stage["image"]
        try:
            by_default = self.server.docker.inspect_image(image)["Config"]["User"]
        except ImageNotFound:
            message = (
                f'failed to pull and unpack image "{image}": failed to resolve reference "{image}": {image}: not found'
            )
            raise LookupError("ErrImagePull", message) from None
        context = self.spec["securityContext"]
        user = str(context.get("runAsUser", by_default))
        if context.get("runAsNonRoot") and user.partition(":")[0] in {"", "0", "root"}:
            message = "container has runAsNonRoot and image will run as root"
            raise LookupError("CreateContainerConfigError", message)
        docker = self.server.docker
        limits = self.stage.get("resources", {}).get("limits", {})
        made = docker.create_container(
            image,
            command=self.stage["args"],
            environment=self._environment(),
            user=user,
            labels={"assay.tests.server": self.server.label},
            host_config=docker.create_host_config(
                binds=self._binds(),
                network_mode="none",
                cap_drop=self.stage["securityContext"]["capabilities"]["drop"],
                security_opt=["no-new-privileges"],
                mem_limit=limits["memory"].lower().rstrip("i") if "memory" in limits else None,
            ),
        )
        return str(made["Id"])

    def _environment(self) -> dict[str, str]:
        found = {}
        for variable in self.stage.get("env", []):
            reference = variable.get("valueFrom", {}).get("secretKeyRef")
            found[variable["name"]] = (
                self._secret(reference["name"])[reference["key"]] if reference else variable["value"]
            )
        return found

    def _binds(self) -> dict[str, dict[str, str]]:
        volumes = {volume["name"]: volume for volume in self.spec.get("volumes", [])}
        binds = {}
        for mount in self.stage.get("volumeMounts", []):
            volume = volumes[mount["name"]]
            source = volume["hostPath"]["path"] if "hostPath" in volume else self._files(volume["secret"]["secretName"])
            binds[source] = {"bind": mount["mountPath"], "mode": "ro" if mount.get("readOnly") else "rw"}
        return binds

    def _files(self, secret: str) -> str:
        folder = Path(self.server.folder.name, secret)
        folder.mkdir(exist_ok=True)
        folder.parent.chmod(0o755)
        for key, value in self._secret(secret).items():
            (folder / key).write_text(value)
        return str(folder)

    def _secret(self, name: str) -> dict[str, str]:
        if name not in self.server.secrets:
            raise LookupError("CreateContainerConfigError", f'secret "{name}" not found')
        return self.server.secrets[name]


class KubernetesServer:
    """The server, in a thread; use it with `with`.

    Attributes:
        pods: name -> pod.
        secrets: name -> key -> value.
        node_labels: of its only node.
        unanswered: so many requests from now on get 503.
        cut_after: lines after which a stream of a log is cut, in the middle of the next one; None for never.
        forbidden: paths with this in it are refused.
        requests: method and path of each request that was answered.
        creating: cleared, it keeps new pods from starting.
        leaving: cleared, it keeps deleted pods that have ended from being removed.
    """

    def __init__(self) -> None:
        import docker

        self.docker = docker.APIClient("unix://var/run/docker.sock", version="auto", timeout=60)
        self.label = str(uuid.uuid4())
        self.pods: dict[str, NodePod] = {}
        self.secrets: dict[str, dict[str, str]] = {}
        self.node_labels = {"kubernetes.io/os": "linux"}
        self.unanswered = 0
        self.cut_after: int | None = None
        self.forbidden = ""
        self.requests: list[tuple[str, str]] = []
        self.creating, self.leaving = threading.Event(), threading.Event()
        self.creating.set()
        self.leaving.set()
        self.lock = threading.Lock()
        self.folder = tempfile.TemporaryDirectory(prefix="assay-kubernetes-")
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"cluster": self}))
        self._http.daemon_threads = True

    def __enter__(self) -> KubernetesServer:
        threading.Thread(target=self._http.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.creating.set()
        self.leaving.set()
        self._http.shutdown()
        self._http.server_close()
        for container in self.docker.containers(all=True, filters={"label": f"assay.tests.server={self.label}"}):
            self.docker.remove_container(container["Id"], force=True)
        self.folder.cleanup()

    @property
    def only(self) -> NodePod:
        """The only pod."""
        (pod,) = self.pods.values()
        return pod

    def kubeconfig(self) -> dict[str, Any]:
        """What a client needs to know."""
        address = f"http://127.0.0.1:{self._http.server_port}"
        return {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "tests", "cluster": {"server": address}}],
            "users": [{"name": "tests", "user": {"token": TOKEN}}],
            "contexts": [{"name": "tests", "context": {"cluster": "tests", "user": "tests"}}],
            "current-context": "tests",
        }


class _Handler(BaseHTTPRequestHandler):
    """What of the API stages need."""

    cluster: KubernetesServer
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        where, query = self._asked()
        if where and where["log"]:
            self._log(where["name"], query)
        elif where and where["kind"] == "events":
            self._answer(200, {"apiVersion": "v1", "kind": "EventList", "metadata": {}, "items": self._events(query)})
        elif where and where["name"]:
            pod = self._pod(where["name"])
            if pod:
                self._answer(200, pod.resource)
        elif where:
            key, _, value = query["labelSelector"].partition("=")
            pods = [pod.resource for pod in list(self.cluster.pods.values())]
            items = [pod for pod in pods if pod["metadata"]["labels"].get(key) == value]
            self._answer(200, {"apiVersion": "v1", "kind": "PodList", "metadata": {}, "items": items})

    def do_POST(self) -> None:
        manifest = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        where, _ = self._asked()
        if not where:
            return
        name = manifest["metadata"]["name"]
        wrong = refusal(manifest)
        if wrong:
            self._refuse(422, f'Pod "{name}" is invalid: {wrong}')
            return
        with self.cluster.lock:
            taken = name in self.cluster.pods
            if not taken:
                manifest["metadata"]["namespace"] = where["namespace"]
                self.cluster.pods[name] = NodePod(self.cluster, manifest)
        if taken:
            self._refuse(409, f'pods "{name}" already exists')
        else:
            self._answer(201, self.cluster.pods[name].resource)

    def do_DELETE(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        options = json.loads(self.rfile.read(length) or "{}") or {}
        where, query = self._asked()
        pod = self._pod(where["name"]) if where else None
        if pod:
            grace = options.get("gracePeriodSeconds") or query.get("gracePeriodSeconds")
            pod.delete(int(grace or pod.spec.get("terminationGracePeriodSeconds", 30)))
            self._answer(200, pod.resource)

    def _asked(self) -> tuple[re.Match | None, dict[str, str]]:
        """What the path asks for; None if that has been refused."""
        url = urlsplit(self.path)
        where = PATH.fullmatch(url.path)
        if self.cluster.unanswered:
            self.cluster.unanswered -= 1
            self._refuse(503, "the server is currently unable to handle the request")
        elif self.headers.get("Authorization") != f"Bearer {TOKEN}":
            self._refuse(401, "Unauthorized")
        elif not where:
            self._refuse(404, "the server could not find the requested resource")
        elif self.cluster.forbidden and self.cluster.forbidden in url.path:
            self._refuse(403, f'{where["kind"]} is forbidden: User "tests" cannot do that')
        else:
            self.cluster.requests.append((self.command, url.path))
            return where, {key: values[0] for key, values in parse_qs(url.query).items()}
        return None, {}

    def _pod(self, name: str) -> NodePod | None:
        pod = self.cluster.pods.get(name)
        if not pod:
            self._refuse(404, f'pods "{name}" not found')
        return pod

    def _events(self, query: dict[str, str]) -> list[dict]:
        about = dict(part.split("=") for part in query["fieldSelector"].split(","))
        pod = self.cluster.pods.get(about["involvedObject.name"])
        if not pod or about["type"] != "Warning":
            return []
        return [
            {"metadata": {"name": "event"}, "involvedObject": {"name": pod.name}, "type": "Warning", **condition}
            for condition in ({k: c[k] for k in ("reason", "message")} for c in pod.resource["status"]["conditions"])
        ]

    def _log(self, name: str, query: dict[str, str]) -> None:
        import docker

        pod = self._pod(name)
        if not pod:
            return
        if not pod.container or query["container"] != pod.stage["name"]:
            self._refuse(400, f'container "{query["container"]}" in pod "{name}" is waiting to start')
            return
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        follow = is_set(query, "follow")
        engine = docker.APIClient("unix://var/run/docker.sock", version="auto", timeout=60)
        said = engine.logs(pod.container, stream=True, follow=follow, timestamps=is_set(query, "timestamps"))
        with suppress(OSError):
            for count, line in enumerate(said):
                if follow and count == self.cluster.cut_after:
                    self._chunk(line[:-5])
                    self.close_connection = True
                    return
                self._chunk(line)
            self._chunk(b"")

    def _chunk(self, data: bytes) -> None:
        self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))

    def _refuse(self, code: int, message: str) -> None:
        self._answer(
            code, {"apiVersion": "v1", "kind": "Status", "status": "Failure", "message": message, "code": code}
        )

    def _answer(self, code: int, content: dict) -> None:
        body = json.dumps(content).encode()
        self.send_response(code)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # http.server names it so
        """Says nothing."""


def is_set(query: dict[str, str], name: str) -> bool:
    """What Kubernetes makes of a parameter that is yes or no: `True` counts, too."""
    return query.get(name, "false").lower() not in {"", "0", "false"}


def now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
