"""The five ways in: what a new user does after our guides, from an empty folder and a fresh environment to a verdict.

    python -m tests.installs.doors [--only NAME] [--folder FOLDER] [--write docs/doors.md]

Files and commands are the blocks of the guides. What a user has before is made here, and does not count.
"""

from __future__ import annotations

import html
import json
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import click

from bench.run import filled, this_machine
from tests import gcs_emulator
from tests.installs import api_server, brought, pods, wheels
from tests.installs.doors_page import report
from tests.installs.shell import shell_in
from tests.installs.walk import Seen, Walk
from tests.latest_results import latest

FIRST_RUN, TFX = "docs/first-run.md", "docs/coming-from-tfma.md"
SCHEDULED, KUBEFLOW, MODELS = "docs/scheduled-validation.md", "docs/kubeflow-step.md", "docs/custom-models.md"
DAY = "2026-11-01"
BLESSED = "✓ BLESSED"
"""What a page says."""


@dataclass(frozen=True)
class Door:
    """A way in.

    Attributes:
        name: who comes.
        has: what they have before, in words.
        guide: the page that they follow.
        go: walks to the verdict.
        is_slow: whether it is left to `make test-all`, as its packages take minutes and gigabytes, or are those of
            another door.
        environment_of: name of the door whose environment this one goes on with; "" for a fresh one.
    """

    name: str
    has: str
    guide: str
    go: Callable[[Walk], Seen]
    is_slow: bool = False
    environment_of: str = ""


def in_a_notebook(walk: Walk) -> Seen:
    """A frame in memory; the page is what a cell shows."""
    walk.follow(FIRST_RUN, "1. Install")
    walk.had_typed("pip install nbconvert ipykernel scikit-learn")
    walk.had(FIRST_RUN, "2. A file with labels and predictions")
    (shown,) = walk.run_cells(FIRST_RUN, "In a notebook")
    page = html.unescape("".join(shown["text/html"]))  # a frame in the notebook's own page
    return Seen("BLESSED" if BLESSED in page else "", page)


def of_predictions(walk: Walk) -> Seen:
    """What `predict_proba` gave, in a file that `assay init` looks at."""
    walk.follow(FIRST_RUN, "1. Install")
    walk.had_typed("pip install scikit-learn")
    walk.had(FIRST_RUN, "2. A file with labels and predictions")
    walk.follow(FIRST_RUN, "3. An analysis file")
    walk.follow(FIRST_RUN, "4. A verdict")
    return published(walk, "out/analysis")


def of_a_model(walk: Walk) -> Seen:
    """A trained model, which assay runs."""
    walk.follow(MODELS, "A scikit-learn model", theirs=("train_sklearn.py", "python train_sklearn.py"))
    return published(walk, "out/sklearn")


def of_tfx(walk: Walk) -> Seen:
    """The three artifacts of a pipeline."""
    brought.write_pipeline(
        walk.folder / "data" / DAY / "data_tfrecord-00000-of-00001.gz", walk.folder / "models" / "candidate"
    )
    walk.follow(TFX, "Your first verdict", theirs=("eval_config.pbtxt",))
    return published(walk, "out/tfx")


def of_airflow(walk: Walk) -> Seen:
    """A DAG of the user's own; the page is that behind the link beside the task."""
    brought.write_scores(walk.folder / "data" / DAY / "scored.parquet")
    walk.shell.variables |= api_server.settings(walk.folder)
    walk.had_typed("python -m venv ../airflow-environment")
    walk.had_typed("source ../airflow-environment/bin/activate")
    walk.follow(SCHEDULED, "1. Install")
    walk.had_typed("airflow db migrate")
    for heading in ("2. Write the analysis file", "3. Write the DAG", "4. Try the DAG"):
        walk.follow(SCHEDULED, heading)
    page = api_server.page_behind_the_link(walk.shell, "validate_daily", "model_analysis.gate")
    return Seen(published(walk, f"out/{DAY}").verdict, page)


def of_kubeflow(walk: Walk) -> Seen:
    """A step of the user's own pipeline, whose predictions are in a bucket."""
    with gcs_emulator.started() as gcs:
        walk.shell.variables["STORAGE_EMULATOR_HOST"] = gcs.url
        walk.had_typed("python -m venv .venv")
        walk.had_typed("source .venv/bin/activate")
        walk.follow(KUBEFLOW, "1. Install")
        brought.write_scores(walk.folder / "scored" / "scored.parquet")
        walk.had_typed(pods.upload("scored/scored.parquet", f"gs://bucket/scored/{DAY}/scored.parquet"))
        walk.follow(KUBEFLOW, "2. Write the analysis file")
        walk.follow(KUBEFLOW, "3. Add the step")
        params = {"scored": f"gs://bucket/scored/{DAY}", "version": "1"}
        given = {"root": "gs://bucket/checkpoints", "params": params}
        pod = pods.pod_of(walk.folder / "pipeline.yaml", "analyse", given)
        walk.service("the pod of `analyse`", pod.command)
        return Seen(pod.output("verdict"), pod.artifact("results_page"))


DOORS = (
    Door("notebook", "a frame of labels and predictions", FIRST_RUN, in_a_notebook, is_slow=True),
    Door("scikit-learn", "a Parquet file of labels and what `predict_proba` gave", FIRST_RUN, of_predictions),
    Door(
        "scikit-learn, the model itself", "a trained model and rows", MODELS, of_a_model, environment_of="scikit-learn"
    ),
    Door("TFX", "an eval config (pbtxt), tf.Examples (TFRecord), a SavedModel", TFX, of_tfx, is_slow=True),
    Door("Airflow", "Airflow, and a day's predictions in Parquet", SCHEDULED, of_airflow, is_slow=True),
    Door("Kubeflow", "a pipeline whose step writes predictions to a bucket", KUBEFLOW, of_kubeflow, is_slow=True),
)


def published(walk: Walk, output: str) -> Seen:
    """The verdict and the page of the latest run below an output."""
    folder = latest(walk.folder / output)
    return Seen(json.loads((folder / "verdict.json").read_text())["status"], (folder / "page.html").read_text())


class Walks:
    """Walks through doors, each at most once, in folders of their own below one."""

    def __init__(self, folder: Path, wheel: Path) -> None:
        self.folder = folder
        self.wheel = wheel
        self.made: dict[str, tuple[Walk, Seen]] = {}

    def through(self, door: Door) -> tuple[Walk, Seen]:
        """A walk and what was seen at its end."""
        if door.name not in self.made:
            place = self.folder / door.go.__name__
            walk = Walk(shell_in(place / "empty"), self._places(place))
            if door.environment_of:
                (before,) = [other for other in DOORS if other.name == door.environment_of]
                walk.shell.variables = dict(self.through(before)[0].shell.variables)
            self.made[door.name] = walk, door.go(walk)
        return self.made[door.name]

    def _places(self, place: Path) -> dict[str, str]:
        """What stands here for places that guides name, and for a release that there is not yet."""
        return {
            "'assay[": f"'{self.wheel}[",
            "/opt/assay": str(place / "opt" / "assay"),
            "/data/checkpoints": str(place / "checkpoints"),
        }


@click.command()
@click.option("--only", default="", help="Only doors whose name holds this text.")
@click.option("--folder", type=click.Path(path_type=Path), help="Walk below this folder, and leave what is there then.")
@click.option("--write", type=click.Path(path_type=Path), help="Put the tables between the markers of this page.")
def main(only: str, folder: Path | None, write: Path | None) -> None:
    """Walks through the doors and shows what it took."""
    machine = this_machine(())
    with tempfile.TemporaryDirectory(prefix="assay-doors-") as temporary:
        place = folder.resolve() if folder else Path(temporary)
        walks = Walks(place, wheels.build(place / "build"))
        found = []
        for door in DOORS:
            if only in door.name:
                walk, seen = walks.through(door)
                click.echo(f"{door.name}: {seen.verdict}, a page of {len(seen.page):,} characters", err=True)
                found.append((door, walk))
    text = report(machine, found)
    click.echo(text)
    if write:
        write.write_text(filled(write.read_text(), text))


if __name__ == "__main__":
    main()
