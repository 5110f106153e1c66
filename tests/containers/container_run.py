"""A run, task by task, each in a container of the image that the plan names for it: what orchestrators do."""

from __future__ import annotations

import subprocess
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from assay.plan.plan import Plan, Task
from assay.plan.stored import publish_plan
from assay.plan.tasks import CUTS, image_of, is_checkpointed, kind_of, reshaped
from assay.run.call import Checkpoints, stage_arguments
from assay.run.outcome import StageResult
from tests.docker import ROOT, Docker, tag_of
from tests.gcs_emulator import Emulator

USER = "4321:4321"
"""Nobody that the image knows, and not root."""


@dataclass(frozen=True, kw_only=True)
class ContainerRun:
    """A run of a plan in containers that see an emulator of Google Cloud Storage.

    Attributes:
        docker: runs a docker command.
        gcs: the emulator.
        plan: a plan with checkpoints.
        root: of its checkpoints, on the emulator.
        folder: where result files go.
        params: values of the plan's parameters.
        options: more options of `docker run`.
        name: of the run.
        done: task -> its result.
    """

    docker: Docker
    gcs: Emulator
    plan: Plan
    root: str
    folder: Path
    params: Mapping[str, str] = field(default_factory=dict)
    options: tuple[str, ...] = ()
    name: str = "run"
    done: dict[str, StageResult] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.folder.chmod(0o777)

    def command(self, task: Task) -> tuple[str, ...]:
        """The arguments of `docker run`: the image and the stage command."""
        given = Checkpoints(root=self.root, inputs={n: self.done[n].manifest for n in task.after}, run=self.name)
        uri, result = publish_plan(self.plan, self.root), f"/results/{task.name}.json"
        command = stage_arguments(kind_of(self.plan, task), uri, task.name, given, result, self.params)
        return (tag_of(image_of(self.plan, task)), *command)

    def docker_run(self, *command: str, options: tuple[str, ...] = ("--rm",)) -> subprocess.CompletedProcess[str]:
        """Runs an image and a command as nobody, on a read-only disk; the emulator is on this machine's network."""
        return self.docker(
            *("run", *options, *self.options, "--network", "host", "--env", f"STORAGE_EMULATOR_HOST={self.gcs.url}"),
            *("--user", USER, "--read-only", "--tmpfs", "/tmp", "--volume", f"{self.folder}:/results", *command),
        )

    def run(self, task: Task) -> StageResult:
        """Runs a task, whose result is remembered."""
        ended = self.docker_run(*self.command(task))
        assert ended.returncode == 0, f"{task.name}: {ended.returncode}\n{ended.stderr}"
        self.done[task.name] = StageResult.from_json((self.folder / f"{task.name}.json").read_text())
        return self.done[task.name]

    def go_on(self) -> None:
        """Runs all tasks that are not done."""
        for task in self.plan.tasks:
            if task.name not in self.done:
                self.run(task)


def in_containers(plan: Plan, data: Path, folder: Path, gcs: Emulator, images: Docker) -> Path:
    """A back end of the parity suite: data, results and the suite's own stages are mounted, checkpoints are remote."""
    data.chmod(0o755)
    folder.chmod(0o777)
    mounted = {ROOT / "tests": "/code/tests:ro", data: "/data:ro", folder: "/out"}
    volumes = (word for uri, inside in mounted.items() for word in ("--volume", f"{uri}:{inside}"))
    results = folder / "stage-results"
    results.mkdir()
    ContainerRun(
        docker=images,
        gcs=gcs,
        plan=plan if is_checkpointed(plan) else reshaped(plan, CUTS),
        root=f"{gcs.root}/{uuid.uuid4().hex}",
        folder=results,
        params={"data": "/data", "out": "/out"},
        options=(*volumes, "--workdir", "/code"),
    ).go_on()
    return folder
