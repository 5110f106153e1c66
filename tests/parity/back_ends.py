"""Everything that can run a plan. A new back end is a function here and a line in `BACK_ENDS`.

A back end is given a compiled plan whose parameters are open, a folder of data and an empty folder. It runs the plan
with `data` and `out` as they are seen from where it runs, and returns the local folder that holds what came out under
`out` (a back end whose `out` is elsewhere downloads it).
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from assay.cli import main
from assay.plan.filled import with_params
from assay.plan.plan import Plan
from assay.plan.stored import publish_plan
from assay.plan.tasks import CUTS, is_checkpointed, kind_of, reshaped
from assay.run import local
from assay.run.call import Checkpoints, stage_arguments
from assay.run.outcome import StageResult
from tests.containers.container_run import in_containers
from tests.gcs_emulator import Emulator
from tests.parity.airflow_run import in_airflow
from tests.parity.in_bucket import download, upload
from tests.parity.kubeflow_run import in_kubeflow


@dataclass(frozen=True, kw_only=True)
class BackEnd:
    """A way to run a plan.

    Attributes:
        run: (plan, folder of data, empty folder, **fixtures) -> folder of what came out.
        fixtures: names of pytest fixtures that it needs, given to `run` by name.
        marks: pytest marks.
        quick: the cases of `make test`, the others are slow; none: all are quick.
        cannot: case -> why it cannot be done here. Strict: the suite fails if it can.
    """

    run: Callable[..., Path]
    fixtures: tuple[str, ...] = ()
    marks: tuple[Any, ...] = ()
    quick: tuple[str, ...] = ()
    cannot: Mapping[str, str] = field(default_factory=dict)


def fused(plan: Plan, data: Path, folder: Path) -> Path:
    """One Beam job."""
    local.run(with_params(plan, {"data": str(data), "out": str(folder)}))
    return folder


def on_a_folder(plan: Plan, data: Path, folder: Path) -> Path:
    """Stage by stage, in processes where several are ready, with checkpoints in a folder."""
    resolved = with_params(plan, {"data": str(data), "out": str(folder)})
    local.run(resolved, checkpoints=str(folder / "checkpoints"))
    return folder


def checkpoints_on_gcs(plan: Plan, data: Path, folder: Path, gcs: Emulator) -> Path:
    """By stage commands, with checkpoints on Google Cloud Storage."""
    by_stage_commands(plan, str(data), str(folder), f"{gcs.root}/{uuid.uuid4().hex}", folder)
    return folder


def all_on_gcs(plan: Plan, data: Path, folder: Path, gcs: Emulator) -> Path:
    """The same; data, models and results are there too."""
    uri = f"{gcs.root}/{uuid.uuid4().hex}"
    upload(data, f"{uri}/data")
    by_stage_commands(plan, f"{uri}/data", f"{uri}/out", f"{uri}/checkpoints", folder)
    download(f"{uri}/out", folder)
    return folder


def by_stage_commands(plan: Plan, data: str, out: str, root: str, folder: Path) -> None:
    """Runs each task by the command that containers run, with parameters and manifests handed over to it."""
    cut = plan if is_checkpointed(plan) else reshaped(plan, CUTS)
    uri = publish_plan(cut, root)
    done: dict[str, StageResult] = {}
    for task in cut.tasks:
        file = folder / "result.json"
        given = Checkpoints(root=root, inputs={name: done[name].manifest for name in task.after}, run="run")
        params = {"data": data, "out": out}
        assert main(stage_arguments(kind_of(cut, task), uri, task.name, given, str(file), params)) == 0
        done[task.name] = StageResult.from_json(file.read_text())


REFERENCE = BackEnd(run=fused)
"""What the others are held to."""

BACK_ENDS: Mapping[str, BackEnd] = {
    "a folder": BackEnd(
        run=on_a_folder,
        quick=(  # what is not quick on GCS
            "late labels",
            "ranked lists",
            "classes and averages",
            "JSON lines",
            "regression",
            "a stage by row",
            "checkpoint every stage",
            "found slices",
            "types that stages see",
            "no rows",
        ),
    ),
    "checkpoints on GCS": BackEnd(
        run=checkpoints_on_gcs,
        fixtures=("gcs",),
        quick=(
            "two models, intervals",
            "several splits",
            "tf.Examples, two outputs",
            "stages of one's own",
            "a reader of one's own",
            "bad rows",
        ),
    ),
    "all on GCS": BackEnd(run=all_on_gcs, fixtures=("gcs",), quick=("census",)),
    "containers": BackEnd(run=in_containers, fixtures=("gcs", "images"), quick=("a stage by row",)),
    "Airflow": BackEnd(run=in_airflow, fixtures=("airflow",), quick=("bad rows",)),
    "Kubeflow": BackEnd(run=in_kubeflow, fixtures=("gcs", "images"), quick=("a reader of one's own",)),
}
