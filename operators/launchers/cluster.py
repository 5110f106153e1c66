"""What launchers need of a Kubernetes cluster, as plain JSON, and the errors for its refusals."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from airflow.sdk.exceptions import AirflowException

from assay.errors import AssayError, ConfigError, TransientError
from assay.operators.launchers.pod_manifest import CONTAINER

if TYPE_CHECKING:
    from kubernetes.client import ApiException, CoreV1Api

_LOG_TIMEOUT = (10.0, 60.0)
"""Seconds to connect, and of silence: the stream of a log can hang for ever, so it is opened again."""

_GONE = 404
_TAKEN = 409
_REFUSED = {400, 403, 404, 405, 413, 422}


class Cluster:
    """Pods of one namespace."""

    def __init__(self, client: CoreV1Api, namespace: str) -> None:
        self.namespace = namespace
        self._client = client

    def pods(self, selector: str) -> list[dict[str, Any]]:
        """Pods with such labels."""
        pods: list[dict[str, Any]] = self._plain(
            self._client.list_namespaced_pod(self.namespace, label_selector=selector)
        )["items"]
        return pods

    def pod(self, name: str) -> dict[str, Any] | None:
        """A pod; None if there is none of that name."""
        from kubernetes.client import ApiException

        try:
            pod: dict[str, Any] = self._plain(self._client.read_namespaced_pod(name, self.namespace))
        except ApiException as error:
            if error.status == _GONE:
                return None
            raise
        return pod

    def created(self, manifest: Mapping[str, Any]) -> bool:
        """Creates a pod; False if the name is taken."""
        from kubernetes.client import ApiException

        try:
            self._client.create_namespaced_pod(self.namespace, manifest)
        except ApiException as error:
            if error.status == _TAKEN:
                return False
            raise
        return True

    def delete(self, name: str) -> None:
        """Ends a pod, within its grace period, and removes it, unless it is gone already."""
        from kubernetes.client import ApiException

        try:
            self._client.delete_namespaced_pod(name, self.namespace)
        except ApiException as error:
            if error.status != _GONE:
                raise

    def log(self, name: str, *, follow: bool) -> Iterator[tuple[str, str]]:
        """Yields time and text of each line of the stage's container."""
        response = self._client.read_namespaced_pod_log(
            name,
            self.namespace,
            container=CONTAINER,
            follow=follow,
            timestamps=True,
            _preload_content=False,
            _request_timeout=_LOG_TIMEOUT,
        )
        held = b""
        try:
            for chunk in response.stream():
                *whole, held = (held + chunk).split(b"\n")
                yield from map(_stamped, whole)
        finally:
            response.close()
        if held and not follow:  # a stream may be cut in the middle of a line, which comes again
            yield _stamped(held)

    def warning(self, name: str) -> str:
        """The last warning about a pod; "" if there is none. Only warnings mention volumes that cannot be mounted."""
        about = f"involvedObject.name={name},type=Warning"
        events = self._plain(self._client.list_namespaced_event(self.namespace, field_selector=about))["items"]
        return str(events[-1].get("message", "")) if events else ""

    def twin(self) -> Cluster:
        """The same cluster over other connections, which a signal handler can use whatever it interrupts."""
        api = self._client.api_client
        return Cluster(type(self._client)(type(api)(api.configuration)), self.namespace)

    def _plain(self, answer: Any) -> Any:
        return self._client.api_client.sanitize_for_serialization(answer)


@contextmanager
def cluster_errors(what: str) -> Iterator[None]:
    """Turns errors of client and hook into ours."""
    from kubernetes.client import ApiException
    from kubernetes.config import ConfigException
    from urllib3.exceptions import HTTPError

    try:
        yield
    except ApiException as error:
        raise _refusal(what, error) from error
    except HTTPError as error:
        raise TransientError(f"{what}: the cluster does not answer: {error}") from error
    except (ConfigException, AirflowException) as error:
        raise ConfigError(f"{what}: no connection to a cluster: {error}") from error


def _refusal(what: str, error: ApiException) -> AssayError:
    """The error for a refusal. An exceeded quota is transient."""
    message = _message(error)
    kind = ConfigError if error.status in _REFUSED and "exceeded quota" not in message else TransientError
    return kind(f"{what}: the cluster answers {error.status}: {message}")


def _message(error: ApiException) -> str:
    try:
        return str(json.loads(error.body)["message"])
    except (KeyError, TypeError, ValueError):
        return str(error.reason)


def _stamped(line: bytes) -> tuple[str, str]:
    stamp, _, text = line.decode(errors="replace").partition(" ")
    return stamp, text.rstrip()
