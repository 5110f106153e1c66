"""Every command, Python block and YAML block of the documents runs, as they stand there, in one folder.

A block whose first line is a comment with a file name is saved under it. Other blocks of Python and all commands are
run; `make` is only asked whether it would. Tables in a block of text are what the commands before it have printed.
Blocks of sh need an environment of their own: tests/installs walks them.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.blocks import ROOT, Block, blocks_of

CENSUS = ROOT / "examples" / "census"
SHAPES = ("docs/classes.md", "docs/multi-label.md", "docs/ranking.md", "docs/outputs.md")
DOCUMENTS = (
    "docs/first-run.md",  # before others make an analysis.yaml
    "README.md",
    "docs/results.md",  # of the last run of README.md
    "docs/command-line.md",
    "docs/analysis-file.md",
    "docs/scheduled-validation.md",
    "docs/kubeflow-step.md",
    "docs/retraining.md",
    "docs/custom-models.md",
    "docs/coming-from-tfma.md",
    "docs/operations.md",
    "docs/custom-stages.md",
    "docs/own-metrics.md",
    "docs/find-slices.md",
    "docs/slices.md",
    "docs/labels.md",
    "docs/comparing-runs.md",
    "docs/confidence-intervals.md",
    "docs/gate.md",
    "docs/kubeflow.md",
    *SHAPES,
)
IN_AIRFLOW = ("docs/airflow.md",)
"""Run by tests/airflow/test_documents.py."""
IN_ENGINES = ("docs/engines.md",)
"""Run by tests/engines/test_documents.py."""
IN_END_TO_END = ("docs/detection.md",)
"""Run by tests/end_to_end/test_boxes.py."""
IGNORED = {"mermaid", "sh", "text"}


def run(block: Block, folder: Path) -> subprocess.CompletedProcess[str]:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    command = [sys.executable, "-c", block.text] if block.language == "python" else ["bash", "-eu", "-c", block.text]
    environment = {**os.environ, "PATH": path, "ASSAY_PYTHON": sys.executable}
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=1200
    )


@pytest.fixture
def folder(tmp_path):
    """What the documents suppose to be there: the demo's models, some of its data, a file with scores, examples."""
    assert (CENSUS / "models" / "trained").exists(), "the demo's models are missing; run: make end-to-end"
    day = tmp_path / "data" / "2026-11-01"
    day.mkdir(parents=True)
    rows = CENSUS / "out" / "data"
    for file, place in ((rows / "eval-00000-of-00004.tfrecord.gz", day), (rows / "eval.parquet", day.parent)):
        (place / file.name).symlink_to(file)
    (tmp_path / "models").symlink_to(CENSUS / "models")
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    rng = np.random.default_rng(0)
    score = rng.random(2000)
    scored = {
        "id": np.arange(2000),
        "score": score,
        "label": (rng.random(2000) < score).astype(int),
        "age": rng.integers(18, 80, 2000),
    }
    pd.DataFrame({**scored, "country": rng.choice(["fr", "de"], 2000)}).to_parquet(day.parent / "scored.parquet")
    (day / "scored.parquet").symlink_to(day.parent / "scored.parquet")
    outcomes = pd.DataFrame({"id": scored["id"][50:], "outcome": scored["label"][50:]})
    outcomes.to_csv(day.parent / "outcomes.csv", index=False)
    return tmp_path


def test_blocks_are_in_languages_that_this_test_knows():
    known = {"bash", "python", "yaml", *IGNORED}
    documents = ["README.md", "CONTRIBUTING.md", *(f"docs/{file.name}" for file in (ROOT / "docs").glob("*.md"))]
    strange = [block.where for document in documents for block in blocks_of(document) if block.language not in known]
    assert strange == []


def test_documents_with_blocks_to_run_are_all_run():
    documents = {f"docs/{file.name}" for file in (ROOT / "docs").glob("*.md")}
    others = documents.difference(DOCUMENTS, IN_AIRFLOW, IN_ENGINES, IN_END_TO_END)
    assert [block.where for document in others for block in blocks_of(document) if block.language not in IGNORED] == []


def test_make_would_run_the_commands_that_the_readme_names():
    targets = re.findall(r"^make ([a-z-]+)", (ROOT / "README.md").read_text(), re.MULTILINE)
    assert targets == ["demo", "test", "images"]
    for target in [*targets, "docs-site"]:
        asked = subprocess.run(["make", "-n", target], cwd=ROOT, capture_output=True, text=True, check=False)
        assert asked.returncode == 0, asked.stderr


_SHOWN = ("BLESSED:", "NOT BLESSED:", "NOT EVALUATED:", "status ", "slice ", "metric ", "class ")
"""How blocks of text begin that `assay show` prints."""


def is_table(block: Block) -> bool:
    return block.language == "text" and block.text.startswith(_SHOWN)


def in_lines(text: str) -> str:
    """A text without blanks at the ends of its lines, which editors remove."""
    return "\n".join(line.rstrip() for line in text.splitlines())


def test_documents_of_each_shape_of_problem_have_a_table_of_results():
    assert [document for document in SHAPES if not any(map(is_table, blocks_of(document)))] == []


def test_every_block_of_the_documents_runs_as_it_stands(folder, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    for document in DOCUMENTS:
        printed = ""
        for block in blocks_of(document):
            if is_table(block):
                assert in_lines(block.text) in in_lines(printed), f"{block.where} is not what was printed:\n{printed}"
            if block.file_name:
                (folder / block.file_name).write_text(block.text)
                continue
            if block.language in IGNORED or block.text.startswith("make "):
                continue
            assert block.language != "yaml", f"{block.where}: give the block a file name, and run it"
            done = run(block, folder)
            printed = done.stdout
            assert done.returncode == 0, f"{block.where} ended with {done.returncode}:\n{done.stdout}\n{done.stderr}"
