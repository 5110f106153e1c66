"""A stage command in a pod: its log, its exit code, and stopping it.

A cluster may not answer for a while, and the stream of a log may be cut; both are waited for.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any, TypeVar

from assay.errors import ConfigError, TransientError
from assay.operators.launchers.cluster import Cluster, cluster_errors
from assay.operators.launchers.pod_status import (
    exit_code,
    has_failed,
    is_leaving,
    is_over,
    is_started,
    progress,
    why_never,
)

T = TypeVar("T")

POLL_SECONDS = 2.0
_PATIENCE_SECONDS = 300.0
"""How long a cluster may not answer while a pod runs: upgrades of control planes take minutes."""

_STOP_SECONDS = 10.0
_LOST_SECONDS = 60.0
"""How long a deleted pod may still exist after its grace period; if it does longer, its node is lost."""

_INTERRUPTED = 130

log = logging.getLogger(__name__)


class StagePod:
    """A stage command in a pod, which is removed when it has ended.

    Args:
        cluster: the cluster that it is in.
        name: name of the pod.
        startup_seconds: how long it may wait for a node, its image and its volumes.
        memory: memory limit of its container, for messages.
    """

    def __init__(self, cluster: Cluster, name: str, *, startup_seconds: float, memory: str = "") -> None:
        self.name = name
        self._cluster = cluster
        self._twin = cluster.twin()
        self._startup_seconds = startup_seconds
        self._memory = memory
        self._stopped = False
        self._leaving_since: float | None = None
        self._told = ""

    def lines(self) -> Iterator[str]:
        """Yields the lines of its log, each once, however often the stream of them is cut.

        Raises:
            ConfigError: it can never start.
            TransientError: it does not start in time, or the cluster does not answer.
        """
        self._await_start()
        heard = Heard()
        over = False
        while not over:
            pod = self._pod()
            if pod is None:
                return
            over = is_over(pod)  # asked before the log is read, so that the last reading is complete
            yield from self._new_lines(heard, follow=not over)
            if not over:
                time.sleep(POLL_SECONDS)

    def wait(self) -> int:
        """Its exit code, once it has ended; 130 if it was stopped.

        Raises:
            ConfigError: its container could not start.
            TransientError: the cluster ended it, or does not answer.
        """
        self._await_start()
        code = self._awaited()
        with suppress(ConfigError, TransientError):  # what stays has ended, and is found by its labels
            self._patiently(lambda: self._cluster.delete(self.name), _STOP_SECONDS)
        return code

    def stop(self) -> None:
        """Lets the cluster end and remove it."""
        self._stopped = True
        with suppress(ConfigError, TransientError):
            self._patiently(lambda: self._twin.delete(self.name), _STOP_SECONDS)

    def _await_start(self) -> None:
        shown, deadline = "", time.monotonic() + self._startup_seconds
        while (pod := self._pod()) is not None and not is_started(pod):
            if never := why_never(pod):
                raise ConfigError(f"pod {self.name} cannot start: {never}")
            if progress(pod) != shown:
                shown = progress(pod)
                log.info("pod %s: %s", self.name, shown)
            if time.monotonic() > deadline:
                why = self._warning() or shown
                raise TransientError(f"pod {self.name} did not start within {self._startup_seconds:g} s: {why}")
            time.sleep(POLL_SECONDS)

    def _awaited(self) -> int:
        while (pod := self._pod()) is not None:
            if is_over(pod):
                return _INTERRUPTED if self._stopped and has_failed(pod) else exit_code(pod, self._memory)
            time.sleep(POLL_SECONDS)
        if self._stopped:
            return _INTERRUPTED
        raise TransientError(f"pod {self.name} was deleted before its stage ended")

    def _new_lines(self, heard: Heard, *, follow: bool) -> Iterator[str]:
        """The lines that have not been read before, until the container or the stream ends."""
        from kubernetes.client import ApiException
        from urllib3.exceptions import HTTPError

        heard.from_the_start()
        try:
            for stamp, line in self._cluster.log(self.name, follow=follow):
                if heard.is_new(stamp):
                    yield line
        except ApiException as error:
            self._tell(f"its log cannot be read: {error.status} {error.reason}")
        except HTTPError as error:
            log.debug("pod %s: its log is cut: %s", self.name, error)

    def _pod(self) -> dict[str, Any] | None:
        """The pod; None if it is gone, or if it was deleted and its node is lost."""
        pod = self._patiently(lambda: self._cluster.pod(self.name), _PATIENCE_SECONDS)
        if pod is None or not is_leaving(pod) or is_over(pod):
            return pod

        now = time.monotonic()
        self._leaving_since = self._leaving_since or now
        grace = float(pod["metadata"].get("deletionGracePeriodSeconds") or 0)
        return pod if now - self._leaving_since < grace + _LOST_SECONDS else None

    def _warning(self) -> str:
        with suppress(ConfigError, TransientError), cluster_errors(f"pod {self.name}"):
            return self._cluster.warning(self.name)
        return ""

    def _tell(self, trouble: str) -> None:
        """Logs a problem once, not every time that it occurs."""
        if trouble != self._told:
            log.warning("pod %s: %s", self.name, trouble)
            self._told = trouble

    def _patiently(self, ask: Callable[[], T], seconds: float) -> T:
        """An answer of the cluster. If it gives none, it is asked again for so many seconds."""
        deadline = time.monotonic() + seconds
        while True:
            try:
                with cluster_errors(f"pod {self.name}"):
                    return ask()
            except TransientError as error:
                if time.monotonic() > deadline:
                    raise
                self._tell(str(error))
            time.sleep(POLL_SECONDS)


class Heard:
    """How far a log has been read: up to a time, and how many lines of exactly that time."""

    def __init__(self) -> None:
        self._last = ""  # time of the last line that was read
        self._at_last = 0  # lines of that time that were read
        self._again = 0  # of these, how many come again in this reading

    def from_the_start(self) -> None:
        """To be called when the log is read from its start again."""
        self._again = self._at_last

    def is_new(self, stamp: str) -> bool:
        """Whether the next line, which has this time, has not been read before."""
        if stamp < self._last:
            return False
        if stamp == self._last and self._again:
            self._again -= 1
            return False
        self._at_last = self._at_last + 1 if stamp == self._last else 1
        self._last, self._again = stamp, 0
        return True
