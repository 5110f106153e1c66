"""A plan run as a Kubeflow pipeline, by `kfp.local` in containers of the images."""

from __future__ import annotations

from pathlib import Path

from assay.pipelines import model_validation
from assay.plan.plan import Plan
from assay.plan.tasks import CUTS, is_checkpointed, reshaped
from tests.docker import Docker
from tests.gcs_emulator import Emulator
from tests.kfp.local_runs import Local


def in_kubeflow(plan: Plan, data: Path, folder: Path, gcs: Emulator, images: Docker) -> Path:
    """Runs the compiled pipeline with its parameters; checkpoints are on the emulator."""
    cut = plan if is_checkpointed(plan) else reshaped(plan, CUTS)
    run = Local(folder, gcs, seen=(data,)).run(model_validation(cut, retries=0), data=str(data), out=str(folder))
    assert run.error == ""
    return folder
