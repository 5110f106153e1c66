"""Pipelines on this machine: `kfp.local` with the real images, checkpoints on the emulator of Google Cloud Storage."""

import json
import os
import shutil
import sys
import uuid
import warnings
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest import mock

import docker
import docker.types
from kfp import local
from kfp.dsl.base_component import BaseComponent
from kfp.local import docker_task_handler

from tests.docker import ROOT
from tests.gcs_emulator import Emulator


@dataclass
class Run:
    """A run of a pipeline that has ended.

    Attributes:
        error: what Kubeflow says if it failed; "" if it did well.
        outputs: task -> what its container told.
    """

    error: str
    outputs: dict[str, dict[str, Any]]

    def reused(self) -> dict[str, bool]:
        """Task -> whether its checkpoint was there already."""
        found = {task: told["artifacts"].get("checkpoint") for task, told in self.outputs.items()}
        return {task: bool(made["artifacts"][0]["metadata"]["reused"]) for task, made in found.items() if made}


@dataclass
class Local:
    """Runs pipelines in containers that see a folder, the tests' code and the emulator.

    Attributes:
        folder: with data and results, under the same path inside.
        gcs: the emulator.
        root: of the checkpoints.
        seen: further folders that containers see.
    """

    folder: Path
    gcs: Emulator
    root: str = field(default="")
    seen: tuple[Path, ...] = ()

    def __post_init__(self) -> None:
        self.root = self.root or f"{self.gcs.root}/{uuid.uuid4().hex}"

    def run(self, pipeline: BaseComponent, **given: Any) -> Run:
        """Runs a pipeline to its end."""
        outputs = self.folder / "kfp"
        shutil.rmtree(outputs, ignore_errors=True)
        mounts = [
            *(docker.types.Mount(str(uri), str(uri), type="bind") for uri in (self.folder, *self.seen)),
            docker.types.Mount("/code/tests", str(ROOT / "tests"), type="bind", read_only=True),
        ]
        runner = local.DockerRunner(
            entrypoint=[""],  # the command of a component is a whole one, as on a cluster
            network_mode="host",
            mounts=mounts,
            working_dir="/code",
            environment={"ASSAY_KFP_LOCAL": "1", "STORAGE_EMULATOR_HOST": self.gcs.url, "HOME": "/tmp"},
            user=f"{os.getuid()}:{os.getgid()}",
        )
        local.init(runner, pipeline_root=str(outputs))
        error = ""
        try:
            with (
                warnings.catch_warnings(),
                mock.patch.object(docker_task_handler, "run_docker_container", exit_code_of),
            ):
                warnings.filterwarnings("ignore", ".*have no effect in the current local runner")
                pipeline(root=self.root, **given)
        except RuntimeError as ended:
            error = str(ended)
        return Run(error, {file.parent.name: json.loads(file.read_text()) for file in told_in(outputs)})


def exit_code_of(client: docker.DockerClient, image: str, command: list[str], **args: Any) -> int:
    """The exit code of a container that runs to its end.

    Stands in for KFP's own function, which lets Docker remove the container, and takes one that is gone before it asks
    for the code for one that did well: on a busy machine a stage that failed was shown as SUCCESS.
    """
    container = client.containers.run(image=image, command=command, detach=True, **args)
    try:
        for line in container.logs(stream=True):
            sys.stdout.write(line.decode())
        return int(container.wait()["StatusCode"])
    finally:
        container.remove(force=True)


def told_in(folder: Path) -> list[Path]:
    return sorted(folder.rglob("executor_output.json"))
