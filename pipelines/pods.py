"""Settings of the pods of tasks on a cluster; in a compiled pipeline, the second document has them."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from kfp import compiler, dsl, kubernetes
from kfp.dsl.base_component import BaseComponent

from assay.errors import ConfigError, UsageError
from assay.text.near_miss import one_of

EVERY = "*"


@dataclass(frozen=True, kw_only=True)
class Pods:
    """Settings of the pods of a task; empty ones are left to the cluster.

    Attributes:
        cpu_request: such as "2".
        cpu_limit: such as "4".
        memory_request: such as "4Gi".
        memory_limit: such as "8Gi".
        accelerator: type, such as "nvidia.com/gpu".
        accelerators: how many.
        env: variables.
        secret_env: variable -> SECRET/KEY.
        secret_mounts: path -> secret.
        claims: path -> persistent volume claim.
        node_selector: label -> value.
        tolerations: taint -> value; "" for a taint without one.
        image_pull_policy: Always, IfNotPresent or Never.
    """

    cpu_request: str = ""
    cpu_limit: str = ""
    memory_request: str = ""
    memory_limit: str = ""
    accelerator: str = ""
    accelerators: int = 1
    env: Mapping[str, str] = field(default_factory=dict)
    secret_env: Mapping[str, str] = field(default_factory=dict)
    secret_mounts: Mapping[str, str] = field(default_factory=dict)
    claims: Mapping[str, str] = field(default_factory=dict)
    node_selector: Mapping[str, str] = field(default_factory=dict)
    tolerations: Mapping[str, str] = field(default_factory=dict)
    image_pull_policy: str = ""

    def give(self, task: dsl.PipelineTask) -> None:
        """Gives a task these settings."""
        self._give_resources(task)
        self._give_secrets(task)
        for name, value in self.env.items():
            task.set_env_variable(name, value)
        for path, claim in self.claims.items():
            kubernetes.mount_pvc(task, claim, mount_path=path)
        self._give_nodes(task)
        if self.image_pull_policy:
            kubernetes.set_image_pull_policy(task, self.image_pull_policy)

    def _give_resources(self, task: dsl.PipelineTask) -> None:
        for name in ("cpu_request", "cpu_limit", "memory_request", "memory_limit"):
            if getattr(self, name):
                getattr(task, f"set_{name}")(getattr(self, name))
        if self.accelerator:
            task.set_accelerator_type(self.accelerator).set_accelerator_limit(self.accelerators)

    def _give_nodes(self, task: dsl.PipelineTask) -> None:
        for label, value in self.node_selector.items():
            kubernetes.add_node_selector(task, label, value)
        for taint, value in self.tolerations.items():
            kubernetes.add_toleration(task, taint, "Equal" if value else "Exists", value or None)

    def _give_secrets(self, task: dsl.PipelineTask) -> None:
        for variable, source in self.secret_env.items():
            secret, _, key = source.partition("/")
            if not key:
                raise ConfigError(f"secret_env.{variable}: expected SECRET/KEY, found {source!r}")
            kubernetes.use_secret_as_env(task, secret, {key: variable})
        for path, secret in self.secret_mounts.items():
            kubernetes.use_secret_as_volume(task, secret, mount_path=path)


def pods_of(settings: Mapping[str, Any], tasks: Collection[str]) -> dict[str, Pods]:
    """Reads settings: task -> mapping, or "*" for all tasks, which those of a task replace.

    Args:
        settings: as a file has them.
        tasks: names that there are.

    Raises:
        ConfigError: an unknown task or setting.
    """
    known = [setting.name for setting in fields(Pods)]
    for task, own in settings.items():
        if task != EVERY and task not in tasks:
            raise ConfigError(f"pods.{task}: there is no such task{one_of(task, tasks)}")
        if not isinstance(own, Mapping):
            raise ConfigError(f"pods.{task}: expected a mapping, found {own!r}")
        for name in own:
            if name not in known:
                raise ConfigError(f"pods.{task}.{name}: there is no such setting{one_of(name, known)}")
    everywhere = settings.get(EVERY, {})
    return {task: Pods(**{**everywhere, **own}) for task, own in settings.items()}


def for_task(pods: Mapping[str, Pods]) -> Any:
    """What `assay.pipelines.build` calls with every task."""

    def give(task: dsl.PipelineTask, name: str) -> None:
        chosen = pods.get(name, pods.get(EVERY))
        if chosen is not None:
            chosen.give(task)

    return give


def compiled(pipeline: BaseComponent, file: str | os.PathLike[str]) -> Path:
    """Writes a pipeline as YAML; what only Kubernetes knows is its second document.

    Args:
        pipeline: what a function of this room makes.
        file: ends in .yaml.

    Raises:
        UsageError: it cannot be written.
    """
    try:
        compiler.Compiler().compile(pipeline, str(file))
    except OSError as error:
        raise UsageError(f"{file}: {error.strerror or error}; choose another file") from error
    return Path(file)
