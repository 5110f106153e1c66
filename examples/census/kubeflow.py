"""Runs the pipeline of daily.yaml here, in containers of the images, as Kubeflow would: `make demo-kfp`."""

from __future__ import annotations

import os
from pathlib import Path

import click
import docker.types
from kfp import local

from assay.pipelines import model_validation
from assay.plan.analysis_file import load_analysis
from assay.plan.tasks import CUTS, reshaped

HERE = Path(__file__).resolve().parent


@click.command()
@click.option("--date", default="2026-11-16", show_default=True)
def main(date: str) -> None:
    """Evaluates a day of the census data, task by task."""
    runner = local.DockerRunner(
        entrypoint=[""],  # the image's own would come before the component's command
        environment={"ASSAY_KFP_LOCAL": "1", "HOME": "/tmp"},  # of the container
        mounts=[docker.types.Mount(str(HERE), str(HERE), type="bind")],
        user=f"{os.getuid()}:{os.getgid()}",
    )
    local.init(runner, pipeline_root=str(HERE / "out" / "kfp"))
    plan = reshaped(load_analysis(HERE / "daily.yaml"), CUTS)
    pipeline = model_validation(plan, retries=0)
    pipeline(root=str(HERE / "out" / "checkpoints"), date=date)
    click.echo(f"results: {HERE / 'out' / 'results' / date}; artifacts as Kubeflow has them: {HERE / 'out' / 'kfp'}")


if __name__ == "__main__":
    main()
