"""The pod of a stage command, in Kubernetes' own words: plain JSON. Standard library only."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from assay.errors import ConfigError
from assay.operators.launchers.launcher import StageCall, call_digest

if TYPE_CHECKING:
    from assay.operators.launchers.kubernetes import KubernetesLauncher

CONTAINER = "stage"
"""Name of the container, which tells it from those that a cluster adds to pods."""

CALL = "assay/call"
"""Label with the digest of run, stage, image and arguments: pods with the same one do the same work."""

_LABEL_CHARACTERS = 63
_NAME_CHARACTERS = 40


def pod_manifest(launcher: KubernetesLauncher, call: StageCall) -> dict[str, Any]:
    """The pod for a call.

    Raises:
        ConfigError: a secret of the launcher is not named as `SECRET/KEY`.
    """
    run, stage, attempt = _parts(call.name)
    labels = {"assay/run": run, "assay/stage": stage, "assay/try": attempt, CALL: call_digest(call)}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": pod_name(call),
            "labels": {
                "app.kubernetes.io/name": "assay",
                **launcher.pod_labels,
                **{key: label_value(value) for key, value in labels.items()},
            },
            "annotations": {
                "cluster-autoscaler.kubernetes.io/safe-to-evict": "false",
                **launcher.pod_annotations,
                "assay/run": run,
                "assay/stage": stage,
            },
        },
        "spec": _merged(_spec(launcher, call), launcher.pod_spec),
    }


def pod_name(call: StageCall) -> str:
    """Name of the pod, the same for the same try of the same work: a DNS label of at most 63 characters."""
    _, stage, _ = _parts(call.name)
    slug = re.sub(r"[^a-z0-9]+", "-", re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", stage).lower())
    return f"assay-{slug[:_NAME_CHARACTERS].strip('-')}-{_digest(call.name, call_digest(call))[:12]}".replace("--", "-")


def label_value(text: str) -> str:
    """A text as labels may hold it; one that is too long ends in its digest."""
    value = re.sub(r"[^\w.-]+", "-", text, flags=re.ASCII)
    if len(value) > _LABEL_CHARACTERS:
        value = f"{value[: _LABEL_CHARACTERS - 9]}-{_digest(text)[:8]}"
    return value.strip("-_.")


def _parts(name: str) -> tuple[str, str, str]:
    """Run, stage and try of the name of a call."""
    work, _, attempt = name.rpartition(".")
    run, _, stage = work.rpartition(".")
    return run, stage, attempt


def _spec(launcher: KubernetesLauncher, call: StageCall) -> dict[str, Any]:
    deadline = launcher.active_deadline
    return _filled(
        {
            "restartPolicy": "Never",
            "containers": [_container(launcher, call)],
            "serviceAccountName": launcher.service_account,
            "automountServiceAccountToken": False,  # a stage asks nothing of the cluster
            "securityContext": {
                "runAsNonRoot": True,
                "seccompProfile": {"type": "RuntimeDefault"},
                **launcher.security_context,
            },
            "nodeSelector": dict(launcher.node_selector),
            "tolerations": list(launcher.tolerations),
            "imagePullSecrets": [{"name": name} for name in launcher.image_pull_secrets],
            "activeDeadlineSeconds": int(deadline.total_seconds()) if deadline else None,
            "terminationGracePeriodSeconds": launcher.grace_seconds,
            "volumes": [
                *launcher.volumes,
                *({"name": name, "secret": {"secretName": secret}} for name, secret, _ in _secret_mounts(launcher)),
            ],
        }
    )


def _container(launcher: KubernetesLauncher, call: StageCall) -> dict[str, Any]:
    return _filled(
        {
            "name": CONTAINER,
            "image": launcher.image_of(call.image),
            "imagePullPolicy": launcher.image_pull_policy,
            "args": list(call.arguments),
            "env": [
                *({"name": name, "value": value} for name, value in launcher.env.items()),
                *(_secret_variable(name, source) for name, source in launcher.secret_env.items()),
            ],
            "resources": _filled({"requests": dict(launcher.requests), "limits": dict(launcher.limits)}),
            "volumeMounts": [
                *launcher.volume_mounts,
                *({"name": name, "mountPath": path, "readOnly": True} for name, _, path in _secret_mounts(launcher)),
            ],
            "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
        }
    )


def _secret_mounts(launcher: KubernetesLauncher) -> list[tuple[str, str, str]]:
    """Volume, secret and path of each secret that is mounted."""
    return [(f"assay-secret-{i}", secret, path) for i, (path, secret) in enumerate(launcher.secret_mounts.items())]


def _secret_variable(name: str, source: str) -> dict[str, Any]:
    secret, slash, key = source.partition("/")
    if not (secret and slash and key):
        raise ConfigError(f"secret_env: expected SECRET/KEY for {name}, found {source!r}")
    return {"name": name, "valueFrom": {"secretKeyRef": {"name": secret, "key": key}}}


def _merged(spec: dict[str, Any], more: Mapping[str, Any]) -> dict[str, Any]:
    """A spec with more: lists are joined, anything else is replaced."""
    joined = {
        key: [*spec[key], *value] if isinstance(spec.get(key), list) and isinstance(value, list) else value
        for key, value in more.items()
    }
    return {**spec, **joined}


def _filled(fields: dict[str, Any]) -> dict[str, Any]:
    """The fields that are set."""
    return {key: value for key, value in fields.items() if value not in (None, "", {}, [])}


def _digest(*words: str) -> str:
    return hashlib.sha256(json.dumps(words).encode()).hexdigest()
