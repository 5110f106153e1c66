"""`assay compile`: pipelines of Kubeflow."""

from __future__ import annotations

from typing import Any

import click

from assay.cli.options import pairs, with_base
from assay.cli.reporting import reports_errors, say
from assay.errors import ConfigError, UsageError
from assay.plan.tasks import CHECKPOINTS, reshaped


@click.command("compile")
@click.argument("target", type=click.Choice(["kfp"]))
@click.argument("analysis", type=click.Path())
@click.option("-o", "--output", "file", type=click.Path(), required=True, help="The pipeline: FILE.yaml.")
@with_base
@click.option("--root", default="", metavar="ROOT", help="Default of the pipeline's parameter for checkpoints.")
@click.option("--checkpoint", "cuts", type=click.Choice(CHECKPOINTS), help="Cut the plan into tasks; as for plan.")
@click.option("--name", default="model-validation", show_default=True, help="Name of the pipeline.")
@click.option("--pods", metavar="FILE", type=click.Path(), help="YAML: task, or '*' for all -> resources, secrets, ...")
@click.option(
    "--image",
    "images",
    multiple=True,
    metavar="KIND=IMAGE",
    callback=pairs,
    help="Image for tasks that need core=... or tensorflow=...; may be repeated.",
)
@click.option("--retries", type=click.IntRange(min=0), default=2, show_default=True, help="Retries of each task.")
@click.argument("options", nargs=-1, type=click.UNPROCESSED)
@reports_errors
def compile_(
    target: str,
    analysis: str,
    file: str,
    base: str | None,
    root: str,
    cuts: str | None,
    name: str,
    pods: str | None,
    images: dict[str, str],
    retries: int,
    options: tuple[str, ...],
) -> None:
    """Compile an analysis file to a Kubeflow pipeline.

    The pipeline has one task for each task of the plan.

    OPTIONS, after --, are options of Beam pipelines.
    """
    from assay.plan.analysis_file import load_analysis

    if not file.endswith((".yaml", ".yml")):
        raise click.UsageError(f"--output: expected a file that ends in .yaml, found {file}")
    loaded = load_analysis(analysis, base=base)
    loaded = loaded if cuts is None else reshaped(loaded, cuts)
    settings = _pods(pods)
    from assay.pipelines import pods as pod
    from assay.pipelines.notes import notes
    from assay.pipelines.tasks import BLESS, FINISH
    from assay.pipelines.validate import model_validation

    give = pod.for_task(pod.pods_of(settings, [*(task.name for task in loaded.tasks), BLESS, FINISH]))
    pipeline = model_validation(
        loaded, root=root, name=name, images=images, retries=retries, options=options, for_task=give
    )
    say(str(pod.compiled(pipeline, file)))
    for note in notes(pipeline, loaded, root):
        say(f"note: {note}", err=True)


def _pods(file: str | None) -> dict[str, Any]:
    from assay.yaml_text import parse_yaml

    if file is None:
        return {}
    try:
        with open(file, encoding="utf-8") as stream:
            settings = parse_yaml(stream.read())
    except OSError as error:
        raise UsageError(f"--pods: {file}: {error.strerror or error}") from error
    if not isinstance(settings, dict):
        raise ConfigError(f"--pods: {file}: expected task: settings, found {settings!r}")
    return settings
