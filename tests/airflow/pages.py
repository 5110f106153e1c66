"""Pictures of Airflow's pages for the documentation: `python -m tests.airflow.pages FOLDER`, in Airflow's environment.

Airflow runs `dags/retraining.py` on made-up data, once with a gate that opens and once with one that closes.
"""

from __future__ import annotations

import io
import json
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from PIL import Image

from tests.airflow.browser import Browser, browser
from tests.airflow.conftest import BAD_DAY, GOOD_DAY, ROOT, analysis, columns_of, write_parquet
from tests.airflow.standalone import Airflow, put_pages, put_retraining, started

DAG_ID = "retraining"
ROWS = 300_000

COLOURS = 256
ALL_GROUPS = 'button[aria-label*="Expand all task groups"]'
GRAPH = 'button[aria-label*="Show Graph"]'
DETAILS = '[aria-label="Collapse Details Panel"]'
FIT = '[aria-label="Fit View"]'
NO_MAP = "document.querySelector('.react-flow__minimap').style.display = 'none'"


def main(folder: Path) -> None:
    """Writes the pictures to a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="assay-pages-") as home, _airflow(Path(home)) as airflow:
        closed, opened = (_run(airflow, day) for day in (BAD_DAY, GOOD_DAY))
        with browser() as window:
            for name, picture in pictures(window, airflow, opened, closed):
                _save(folder / f"airflow-{name}.png", picture)


def pictures(window: Browser, airflow: Airflow, opened: str, closed: str) -> Iterator[tuple[str, bytes]]:
    """Name and content of each picture, of a run whose gate opened and one whose gate closed."""
    runs = f"{airflow.url}/dags/{DAG_ID}/runs"
    yield "grid", _grid(window, f"{runs}/{closed}")
    yield "log", _log(window, f"{runs}/{opened}/tasks/validate.extract_predictions", "done in")
    yield "closed-gate", _log(window, f"{runs}/{closed}/tasks/validate.gate", "expected at least")
    yield "links", _task(window, f"{runs}/{closed}/tasks/validate.gate/details")
    yield "graph", _graph(window, f"{runs}/{opened}")
    yield "skipped", _graph(window, f"{runs}/{closed}")
    yield "verdict", _page(window, airflow.url + str(airflow.links(DAG_ID, closed, "validate.gate")["Verdict"]))


def _grid(window: Browser, page: str) -> bytes:
    window.resize(1400, 560)
    window.open(page)
    window.click(ALL_GROUPS)
    window.wait_for_text("Task Instances", "validate.bless", "write_results")
    return window.picture()


def _log(window: Browser, page: str, text: str) -> bytes:
    window.resize(1400, 560)
    window.open(page)
    window.wait_for_text(text)
    return window.picture()


def _graph(window: Browser, page: str) -> bytes:
    """The page of a run with all of its graph; once that was asked for, Airflow shows it for each run."""
    window.resize(1400, 380)
    window.open(page)
    window.click(GRAPH)
    window.click(ALL_GROUPS)
    window.wait_for_text("bless", "run_after")
    window.click(DETAILS)
    window.settle()
    window.click(FIT)
    window.run(NO_MAP)
    return window.picture()


def _task(window: Browser, page: str) -> bytes:
    window.resize(1400, 560)
    window.open(page)
    window.wait_for_text("Verdict", "Checkpoint")
    return window.picture()


def _page(window: Browser, page: str) -> bytes:
    window.resize(1000, 560)
    window.open(page)
    window.wait_for_text("NOT BLESSED")
    return window.picture()


@contextmanager
def _airflow(home: Path) -> Iterator[Airflow]:
    """Airflow with data of two days: on the second the predictions are the wrong way round."""
    put_retraining(home)
    put_pages(home)
    good = columns_of(ROWS)
    write_parquet(home / "data" / GOOD_DAY / "rows.parquet", good)
    write_parquet(home / "data" / BAD_DAY / "rows.parquet", {**good, "score": [1 - score for score in good["score"]]})
    (home / "analysis.json").write_text(json.dumps(_compared(analysis(home / "data", home))))
    settings = {
        "ASSAY_ANALYSIS": str(home / "analysis.json"),
        "ASSAY_ROOT": str(home / "checkpoints"),
        "ASSAY_TRAIN": "echo trained",
        "PYTHONPATH": str(ROOT),
    }
    with started(home, settings) as running:
        yield running


def _compared(content: dict[str, Any]) -> dict[str, Any]:
    """The same for a candidate, which is slow enough that a log shows how far it is, and a baseline."""
    versions = {"candidate": "slow", "baseline": "blunt"}
    models = [
        {"name": name, "type": "callable", "uri": f"tests.airflow.versions:{version}", "batch_rows": 16_384}
        for name, version in versions.items()
    ]
    specs = [{"name": name, "label_key": "label", "is_baseline": name == "baseline"} for name in versions]
    models[1]["baseline"] = True
    return {**content, "models": models, "eval_config": {**content["eval_config"], "model_specs": specs}}


def _run(airflow: Airflow, day: str) -> str:
    """A run on the data of a day, once it has ended."""
    airflow.parsed(DAG_ID)
    run = airflow.trigger(DAG_ID, date=day)
    state, _ = airflow.finished(DAG_ID, run)
    assert state == "success"
    return run


def _save(file: Path, picture: bytes) -> None:
    """Writes a picture in few colours."""
    Image.open(io.BytesIO(picture)).convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE).save(file, optimize=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
