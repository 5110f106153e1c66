"""The state of a pod, and how it ended, from the JSON that Kubernetes has for it. Pure functions.

Only the stage's container counts: a container that the cluster adds to the pod (of a service mesh, say) may never end.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from assay.errors import AssayError, ConfigError, TransientError
from assay.operators.launchers.pod_manifest import CONTAINER

Pod = Mapping[str, Any]

_NEVER = {"InvalidImageName", "ErrImageNeverPull"}
"""Reasons for which a container waits in vain."""

_MAYBE = {
    "CreateContainerConfigError",
    "CreateContainerError",
    "ErrImagePull",
    "ImagePullBackOff",
    "RunContainerError",
}
"""Reasons that may pass, unless their message is about a wrong setting."""

_WRONG = re.compile(
    r"not found|manifest unknown|does not exist|no such file|denied|unauthorized|forbidden|couldn't find key"
    r"|runAsNonRoot|non-numeric user|invalid",
    re.IGNORECASE,
)
_NOT_STARTED = {"ContainerCannotRun", "StartError"}


def name_of(pod: Pod) -> str:
    """Name of a pod."""
    return str(pod["metadata"]["name"])


def phase(pod: Pod) -> str:
    """Pending, Running, Succeeded, Failed or Unknown."""
    return str(_status(pod).get("phase") or "Pending")


def is_leaving(pod: Pod) -> bool:
    """Whether somebody deleted it."""
    return bool(pod["metadata"].get("deletionTimestamp"))


def is_started(pod: Pod) -> bool:
    """Whether its stage has started, or never will."""
    return is_over(pod) or bool(_state(pod, "running"))


def is_over(pod: Pod) -> bool:
    """Whether its stage has ended."""
    return phase(pod) in {"Succeeded", "Failed"} or bool(_state(pod, "terminated"))


def has_failed(pod: Pod) -> bool:
    """Whether its stage has ended with a failure."""
    return is_over(pod) and (phase(pod) == "Failed" or bool(_state(pod, "terminated").get("exitCode")))


def progress(pod: Pod) -> str:
    """One line about its progress: its phase, and what it waits for."""
    waits_for = _state(pod, "waiting") or _condition(pod, "PodScheduled", "False")
    return ": ".join(word for word in (phase(pod), waits_for.get("reason"), waits_for.get("message")) if word)


def why_never(pod: Pod) -> str:
    """Why its container can never start; "" if it may."""
    waits = _state(pod, "waiting")
    reason, message = waits.get("reason", ""), waits.get("message", "")
    if reason in _NEVER or (reason in _MAYBE and _WRONG.search(message)):
        return f"{reason}: {message}"
    return ""


def exit_code(pod: Pod, memory: str = "") -> int:
    """The exit code of the stage of a pod that is over.

    Args:
        pod: as Kubernetes describes it.
        memory: limit of the container, for the message.

    Raises:
        TransientError: the cluster ended the stage, not the stage itself.
        ConfigError: the container could not start.
    """
    ended = _state(pod, "terminated")
    code = int(ended["exitCode"]) if ended else int(phase(pod) != "Succeeded")
    if code == 0:
        return 0
    error = _error_of(pod, ended, memory)
    if error:
        raise error
    return code


def _error_of(pod: Pod, ended: Mapping[str, Any], memory: str) -> AssayError | None:
    """The error of a stage that did not end by itself; None if it did."""
    name, status, reason = name_of(pod), _status(pod), ended.get("reason", "")
    disrupted = _condition(pod, "DisruptionTarget", "True")
    if status.get("reason") or disrupted:
        condition = status if status.get("reason") else disrupted
        return TransientError(f"Kubernetes ended pod {name}: {_said(condition)}")
    if reason == "OOMKilled":
        limit = f"its limit is {memory}; raise limits['memory']" if memory else "its node had none left; set requests"
        return TransientError(f"pod {name} was killed for want of memory: {limit}")
    if reason in _NOT_STARTED:
        kind = ConfigError if _WRONG.search(ended.get("message", "")) else TransientError
        return kind(f"the container of pod {name} cannot start: {_said(ended)}")
    if is_leaving(pod):
        return TransientError(f"pod {name} was deleted while its stage ran")
    if not ended:
        return TransientError(f"pod {name} failed before its stage ran: {_said(status)}")
    return None


def _said(state: Mapping[str, Any]) -> str:
    words = (state.get("reason"), state.get("message"))
    return ": ".join(str(word) for word in words if word) or "Kubernetes does not say why"


def _status(pod: Pod) -> Mapping[str, Any]:
    return pod.get("status") or {}


def _state(pod: Pod, kind: str) -> Mapping[str, Any]:
    """The state of the stage's container if it is of this kind (waiting, running, terminated); else {}."""
    for container in _status(pod).get("containerStatuses") or ():
        if container["name"] == CONTAINER:
            return (container.get("state") or {}).get(kind) or {}
    return {}


def _condition(pod: Pod, kind: str, status: str) -> Mapping[str, Any]:
    """The condition of this kind if it has this status; else {}."""
    for condition in _status(pod).get("conditions") or ():
        if condition["type"] == kind and condition["status"] == status:
            return condition
    return {}
