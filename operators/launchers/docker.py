"""Stage commands in Docker containers, with the connection and client of Airflow's Docker provider."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

from airflow.sdk.exceptions import AirflowException

from assay.errors import ConfigError, TransientError
from assay.operators.launchers.launcher import CREDENTIALS, StageCall, call_digest
from assay.plan.tasks import image_named

if TYPE_CHECKING:
    from docker import APIClient

_STAGE = "assay.stage"
"""Label with run and stage, for people."""

_CALL = "assay.call"
"""Label with the digest of run, stage, image and arguments: containers with the same one do the same work."""

_GRACE_SECONDS = 10


@dataclass(frozen=True, kw_only=True)
class DockerLauncher:
    """Runs each stage in a container of the image that it needs.

    Attributes:
        images: "core" or "tensorflow" -> image to use instead of `assay-core:VERSION` or `assay-tensorflow:VERSION`.
            An image that your own stage names is used as named.
        mounts: folders that containers see at the same path: local data, models, checkpoints and results.
        env: environment variables of the containers.
        user: `UID:GID` as which they run; "" is Airflow's own user.
        network: the engine's network for the containers.
        memory: limit, such as "4g"; "" for none.
        base_url: address of the engine.
        docker_conn_id: Airflow connection with the credentials of a registry; "" for none.
    """

    template_fields: ClassVar[tuple[str, ...]] = ("images", "mounts", "env", "user", "network", "memory", "base_url")

    images: Mapping[str, str] = field(default_factory=dict)
    mounts: Sequence[str | os.PathLike[str]] = ()
    env: Mapping[str, str] = field(default_factory=dict)
    user: str = ""
    network: str = "bridge"
    memory: str = ""
    base_url: str = "unix://var/run/docker.sock"
    docker_conn_id: str = ""

    def start(self, call: StageCall) -> Container:
        """Starts a container. If an earlier try left one that still does the same work, that one is stopped first.

        Raises:
            ConfigError: the image does not exist.
            TransientError: the engine does not answer.
        """
        from airflow.providers.docker.hooks.docker import DockerHook

        with _docker_errors(self.image_of(call.image)):
            hook = DockerHook(docker_conn_id=self.docker_conn_id or None, base_url=self.base_url)
            client = hook.get_conn()
            labels = {_STAGE: call.name.rpartition(".")[0], _CALL: call_digest(call)}
            for earlier in client.containers(filters={"label": f"{_CALL}={labels[_CALL]}"}):
                Container(client, earlier["Id"]).stop()

            google = {CREDENTIALS: call.credentials} if call.credentials else {}
            secrets = {file: {"bind": file, "mode": "ro"} for file in google.values()}
            container = client.create_container(
                self.image_of(call.image),
                command=list(call.arguments),
                environment={**google, **self.env},
                user=self.user or f"{os.getuid()}:{os.getgid()}",
                labels=labels,
                host_config=client.create_host_config(
                    binds={folder: {"bind": folder, "mode": "rw"} for folder in self._mounted()} | secrets,
                    network_mode=self.network,
                    mem_limit=self.memory or None,
                ),
            )
            client.start(container["Id"])
        return Container(client, container["Id"])

    def mounted(self) -> list[str] | None:
        """The folders that containers see; None if one of them is a template."""
        folders = self._mounted()
        return None if any("{{" in folder for folder in folders) else folders

    def _mounted(self) -> list[str]:
        return [os.fspath(folder) for folder in self.mounts]

    def image_of(self, needed: str) -> str:
        """The image to run for the one that a plan names."""
        return image_named(needed, self.images)


class Container:
    """A stage command in a container, which is removed when it has ended."""

    def __init__(self, client: APIClient, name: str) -> None:
        self._client = client
        self._name = name

    def lines(self) -> Iterator[str]:
        """See `Running`."""
        held = b""
        for chunk in self._client.logs(self._name, stream=True, follow=True):
            *whole, held = (held + chunk).split(b"\n")
            yield from (line.decode(errors="replace").rstrip() for line in whole)
        if held:
            yield held.decode(errors="replace").rstrip()

    def wait(self) -> int:
        """See `Running`."""
        with _docker_errors(self._name):
            code = int(self._client.wait(self._name)["StatusCode"])
            self._client.remove_container(self._name, force=True)
        return code

    def stop(self) -> None:
        """See `Running`."""
        with suppress(ConfigError, TransientError), _docker_errors(self._name):
            self._client.stop(self._name, timeout=_GRACE_SECONDS)


@contextmanager
def _docker_errors(what: str) -> Iterator[None]:
    """Turns what the client raises into our errors."""
    from docker.errors import APIError, DockerException, NotFound

    try:
        yield
    except NotFound as error:
        raise ConfigError(f"{what}: the Docker engine does not have it; build or pull it there") from error
    except APIError as error:
        raise TransientError(f"{what}: the Docker engine answers {error.explanation or error}") from error
    except (DockerException, AirflowException) as error:
        raise TransientError(f"the Docker engine does not answer: {error}") from error
