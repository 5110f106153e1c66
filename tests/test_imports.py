"""Which heavy packages each room may load, seen from a fresh interpreter."""

from __future__ import annotations

import fnmatch
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cpu import cpu_seconds, start_of_python

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "assay"

HEAVY = {"numpy", "pandas", "pyarrow", "apache_beam", "tensorflow", "keras", "sklearn", "rich", "airflow", "kfp"}
ARRAYS = {"numpy", "pyarrow"}
BEAM = {*ARRAYS, "apache_beam", "pandas"}  # Beam itself loads pandas if it is there

ALLOWED = {  # first match holds; nothing heavy where none does
    "assay.api": BEAM,
    "assay.verdict": {"numpy"},
    "assay.extracts.without_pandas": set(),
    "assay.extracts*": ARRAYS,
    "assay.slicing": set(),
    "assay.slicing.fanout": BEAM,
    "assay.slicing.*": ARRAYS,
    "assay.proposal*": ARRAYS,
    "assay.sample*": ARRAYS,
    "assay.readers.needed": ARRAYS,
    "assay.readers.join": ARRAYS,
    "assay.readers.source": ARRAYS,
    "assay.readers*": BEAM,
    "assay.extractors.named_columns": ARRAYS,
    "assay.extractors*": BEAM,
    "assay.models": set(),
    "assay.models.known": set(),
    "assay.models.*": ARRAYS,
    "assay.discovery*": ARRAYS,
    "assay.evaluators*": BEAM,
    "assay.metrics*": ARRAYS,
    "assay.privacy.*": {"numpy"},
    "assay.statistics.*": {"numpy"},
    "assay.gate.unchecked": set(),
    "assay.gate.*": {"numpy"},
    "assay.writers*": BEAM,
    "assay.results.latest": set(),
    "assay.results.published": set(),
    "assay.results.wire": {"numpy"},
    "assay.results.*": ARRAYS,
    "assay.notebook.*": {*ARRAYS, "rich"},
    "assay.report.graph": set(),
    "assay.report.terminal.verdict_lines": set(),
    "assay.report.page.verdict": set(),
    "assay.report*": {*ARRAYS, "rich"},
    "assay.engine.of_all": BEAM,
    "assay.engine.chosen_runner": BEAM,
    "assay.engine.job_server": BEAM,
    "assay.engine.downloads": BEAM,
    "assay.engine.prism": BEAM,
    "assay.engine.counting": BEAM,
    "assay.engine.dofn_specs": BEAM,
    "assay.engine.runner": BEAM,
    "assay.engine.server_jobs": BEAM,
    "assay.engine.workers.bundle": BEAM,
    "assay.engine.workers.options": BEAM,
    "assay.engine.workers.runner": BEAM,
    "assay.checkpoints.left_jobs": BEAM,
    "assay.checkpoints.transforms": BEAM,
    "assay.checkpoints*": ARRAYS,
    "assay.run.call": set(),
    "assay.run.outcome": set(),
    "assay.run.settings": {"numpy"},
    "assay.run.output": set(),
    "assay.run.context": ARRAYS,
    "assay.run.inputs": ARRAYS,
    "assay.run.check*": ARRAYS,
    "assay.run.*": BEAM,
    "assay.components.run": {*ARRAYS, "rich"},
    "assay.components.flex_template": BEAM,
    "assay.components.drawn": {*ARRAYS, "rich"},
    "assay.components.stage_components": {"kfp"},
    "assay.operators": set(),
    "assay.operators.provider_info": set(),
    "assay.pipelines.*": {"kfp"},
}


OF_AIRFLOW = "assay.operators.*"
"""Can be imported in the environment of tests/airflow only, which has the table for it."""


def modules() -> list[str]:
    """Every module of the package that is not for Airflow, those behind its symlinks too."""
    found = []
    for folder, _, files in os.walk(PACKAGE, followlinks=True):
        for file in files:
            path = Path(folder, file).relative_to(ROOT).with_suffix("")
            if file.endswith(".py"):
                found.append(".".join(path.parts).removesuffix(".__init__"))
    return sorted(name for name in found if name in ALLOWED or not fnmatch.fnmatchcase(name, OF_AIRFLOW))


def allowed(module: str) -> set[str]:
    return next((ALLOWED[p] for p in ALLOWED if fnmatch.fnmatchcase(module, p)), set())


def modules_by_allowance() -> dict[frozenset[str], list[str]]:
    groups: dict[frozenset[str], list[str]] = {}
    for module in modules():
        groups.setdefault(frozenset(allowed(module)), []).append(module)
    return groups


IMPORT_EACH = """
import importlib, sys
for module in sys.argv[1:]:
    importlib.import_module(module)
    print(module, *{name.partition(".")[0] for name in sys.modules})
"""


@pytest.mark.parametrize("allowance", modules_by_allowance(), ids=lambda packages: "+".join(sorted(packages)) or "none")
def test_a_module_loads_no_heavier_package_than_its_room_allows(allowance):
    # One interpreter for all modules of an allowance: the first that loads more is the one to blame.
    expected = modules_by_allowance()[allowance]
    command = [sys.executable, "-c", IMPORT_EACH, *expected]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    loaded = {module: HEAVY & set(packages) for module, *packages in map(str.split, run.stdout.splitlines())}
    assert list(loaded) == expected
    assert {module: packages - allowance for module, packages in loaded.items() if packages - allowance} == {}


def test_every_line_of_the_table_is_for_a_module_that_exists():
    there = modules()
    assert [pattern for pattern in ALLOWED if not fnmatch.filter(there, pattern)] == []


def test_import_takes_no_longer_than_five_starts_of_python():
    assert cpu_seconds(sys.executable, "-c", "import assay") < 5 * start_of_python()


def test_help_takes_no_longer_than_fourteen_starts_of_python():
    assert cpu_seconds(str(Path(sys.executable).with_name("assay")), "--help") < 14 * start_of_python()
