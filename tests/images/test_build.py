"""How the images are made: pins in step with the project, a health check and a build that say why they fail."""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from assay.components.check_imports import PROMISED, failures, main, own_modules
from tests.docker import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
EXTRAS = PROJECT["optional-dependencies"]
PIN = re.compile(r"^([a-z0-9][a-z0-9-]*)==([0-9][\w.]*)", re.MULTILINE)
HASHED = r"[a-z0-9][a-z0-9-]*==[0-9][\w.]*( \\\n    --hash=sha256:[0-9a-f]{64})+"


def pins(name):
    return dict(PIN.findall((ROOT / f"constraints{name}.txt").read_text()))


def names(requirements):
    return {Requirement(text).name.lower().replace("_", "-") for text in requirements}


def test_images_hold_the_versions_that_the_tests_ran_with():
    tested = pins("")
    tested["tensorflow-cpu"] = tested["tensorflow"]
    held = pins("-tensorflow")
    assert held == {name: tested.get(name) for name in held}


@pytest.mark.parametrize("name", ["core", "tensorflow", "tensorflow-gpu", "tools", "sbom"])
def test_what_goes_into_images_is_pinned_by_hash_without_an_address(name):
    text = (ROOT / f"constraints-{name}.txt").read_text()
    kept = [part for part in re.split(r"\n(?! )", text.strip()) if not part.startswith("#")]
    assert len(kept) >= 2
    assert [part for part in kept if not re.fullmatch(HASHED, part)] == []


def test_images_install_nothing_that_is_not_hashed():
    dockerfile = (ROOT / "components" / "Dockerfile").read_text().replace("\\\n", " ")
    installs = re.findall(r"pip install [^&\n]*", dockerfile)
    assert len(installs) == 6
    (own,) = [line for line in installs if "--require-hashes" not in line]
    assert own.strip() == "pip install --quiet --no-index --no-deps /mnt/*.whl"  # our own wheel, built here


def test_the_program_that_starts_workers_comes_from_the_version_of_beam_in_the_images():
    (version,) = re.findall(
        r"^ARG BOOT_IMAGE=\S+:(\S+)$", (ROOT / "components" / "Dockerfile").read_text(), re.MULTILINE
    )
    assert version == pins("-core")["apache-beam"]


def test_the_image_with_tensorflow_has_all_that_the_small_one_has():
    assert pins("-core").items() <= pins("-tensorflow").items()
    assert not {name for name in pins("-core") if "tensorflow" in name or name == "keras"}


def test_the_image_for_gpus_has_the_same_and_nvidias_libraries():
    held, cpu = pins("-tensorflow-gpu"), pins("-tensorflow")
    cpu["tensorflow"] = cpu.pop("tensorflow-cpu")
    assert {name: held.get(name) for name in cpu} == cpu
    more = held.keys() - cpu.keys()
    assert {"nvidia-cudnn-cu12", "nvidia-cuda-runtime-cu12"} <= more
    assert [name for name in more if not name.startswith("nvidia-")] == []


def test_pins_cover_what_the_project_asks_for():
    core = names(PROJECT["dependencies"]) | names(EXTRAS["core"])
    assert core <= pins("-core").keys()
    assert names(EXTRAS["tensorflow"]) == {"tensorflow"}
    assert "tensorflow-cpu" in pins("-tensorflow")
    assert EXTRAS["gpu"] == [EXTRAS["tensorflow"][0].replace("tensorflow", "tensorflow[and-cuda]")]


def test_the_health_check_knows_all_images_and_every_room():
    assert set(PROMISED["core"]) < set(PROMISED["tensorflow"])
    assert {"assay.cli", "assay.readers.parquet", "assay.metrics.declare", "assay.models.tensorflow"} <= {
        *own_modules()
    }
    assert not [name for name in own_modules() if name.startswith(("assay.operators", "assay.pipelines"))]


def test_a_module_that_cannot_be_imported_is_named_whatever_it_raises(tmp_path, monkeypatch):
    (tmp_path / "broken_in_its_own_way.py").write_text("1 / 0")
    monkeypatch.syspath_prepend(str(tmp_path))
    assert failures(["json", "broken_in_its_own_way", "is_not_there"]) == [
        "cannot import broken_in_its_own_way: ZeroDivisionError: division by zero",
        "cannot import is_not_there: ModuleNotFoundError: No module named 'is_not_there'",
    ]


def test_an_unknown_image_is_refused():
    with pytest.raises(SystemExit, match="expected one of core, tensorflow, tensorflow-gpu, found 'small'"):
        main("small")


def test_a_machine_where_docker_cannot_be_had_is_told_so_loudly():
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        components = Path(folder, "components")
        components.mkdir()
        shutil.copy(ROOT / "components" / "build_images.sh", components)
        shutil.copy(ROOT / "pyproject.toml", folder)
        nobody = 65534 if os.geteuid() == 0 else None
        done = subprocess.run(
            ["bash", components / "build_images.sh"],
            env={"PATH": os.environ["PATH"], "DOCKER_HOST": "unix:///nowhere", "HOME": folder},
            capture_output=True,
            text=True,
            check=False,
            user=nobody,
            group=nobody,
        )
    assert done.returncode == 3
    assert "NO IMAGES: no Docker engine answers user" in done.stderr


@pytest.mark.parametrize(("ci", "outcome"), [("true", "failed"), ("", "skipped")])
def test_without_docker_tests_of_images_are_skipped_loudly_and_fail_in_ci(ci, outcome):
    test = "tests/images/test_images.py::test_the_command_is_assay"
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", test],
        cwd=ROOT,
        env={**os.environ, "CI": ci, "DOCKER_HOST": "unix:///nowhere"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert f"2 {'errors' if outcome == 'failed' else outcome}" in done.stdout
    assert "IMAGES NOT TESTED: no Docker engine answers" in done.stdout
