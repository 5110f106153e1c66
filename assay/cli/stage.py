"""`assay stage`: one task of a plan, as orchestrators run it."""

from __future__ import annotations

import sys

import click

from assay.cli import current_folder, own_process
from assay.cli.options import pairs, with_machine, with_params
from assay.cli.reporting import reports_errors, say
from assay.plan.plan import KINDS
from assay.run.outcome import ANALYSE


@click.command()
@click.argument("kind", type=click.Choice([*KINDS, ANALYSE]))
@click.option(
    "--plan", "plan_uri", required=True, metavar="URI", help="The plan, as `assay plan --format json` prints it."
)
@click.option("--stage", "task", required=True, metavar="TASK", help="Task of the plan, named after its last stage.")
@click.option("--root", metavar="URI", help="Folder or gs:// URI of all checkpoints.")
@click.option(
    "--input",
    "inputs",
    multiple=True,
    metavar="TASK=URI",
    callback=pairs,
    help="Manifest of a task that this one starts from. May be repeated.",
)
@with_params
@click.option("--run", "run_name", default="", metavar="NAME", help="Record under ROOT/runs what this run uses.")
@click.option("--result", type=click.Path(), metavar="FILE", help="Write the result to this file, as JSON.")
@with_machine
@click.option(
    "--detach", is_flag=True, help="On Dataflow: submit the job and end; the same call without this collects it."
)
@click.option("--job", default="", metavar="ID", help="On Dataflow: wait for this job and collect its results.")
@click.argument("options", nargs=-1, type=click.UNPROCESSED)
@reports_errors
def stage(
    kind: str,
    plan_uri: str,
    task: str,
    root: str | None,
    inputs: dict[str, str],
    params: dict[str, str],
    run_name: str,
    result: str | None,
    workers: tuple[str, ...],
    most_memory: tuple[str, ...],
    detach: bool,
    job: str,
    options: tuple[str, ...],
) -> None:
    """Run one task of a plan.

    OPTIONS, after --, are options of Beam pipelines.

    A checkpoint that exists already is used again. The last line of an error has its type; the exit code is 64 if a
    retry cannot help, and 75 if it may.
    """
    from assay.engine import memory

    memory.tune()
    from assay.engine.remote import Remote
    from assay.plan.filled import with_params
    from assay.plan.stored import plan_at, stored_digest
    from assay.run.call import Checkpoints

    plan = with_params(plan_at(plan_uri), params)
    checkpoints = None
    if root is not None:
        checkpoints = Checkpoints(root=root, inputs=inputs, run=run_name, stored_plan=stored_digest(plan_uri))
    own_process.fit_imports(plan, options)
    from assay.run.command import run_command

    current_folder.let_import()
    remote = Remote(detach=detach, job=job)
    options = (*workers, *most_memory, *options)
    text = run_command(plan, kind, task, checkpoints, options=options, progress=sys.stderr, remote=remote)
    if result:
        with open(result, "w", encoding="utf-8") as file:
            file.write(text)
    else:
        say(text.rstrip("\n"))
