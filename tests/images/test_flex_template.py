"""The image of the Flex Template, with a stand-in for Dataflow's launcher, which no registry here has."""

from __future__ import annotations

import uuid
from pathlib import Path

import pytest

from tests.docker import ROOT, Docker, expect, tag_of

LAUNCHER = "/opt/google/dataflow/python_template_launcher"
STAND_IN = '#!/bin/sh\nexec python "$FLEX_TEMPLATE_PYTHON_PY_FILE" "$@"\n'


@pytest.fixture
def template(docker: Docker, tmp_path: Path):
    """The image, built upon `assay-core`."""
    expect("core")
    script = tmp_path / "python_template_launcher"
    script.write_text(STAND_IN)
    script.chmod(0o755)
    (tmp_path / "Dockerfile").write_text(f"FROM {tag_of('core')}\nCOPY python_template_launcher {LAUNCHER}\n")
    mark = uuid.uuid4().hex[:8]
    launcher, made = f"assay-launcher:{mark}", f"assay-template:{mark}"
    try:
        built = docker("build", "--quiet", "--tag", launcher, tmp_path)
        assert built.returncode == 0, built.stderr
        given = ("--build-arg", f"ASSAY_IMAGE={tag_of('core')}", "--build-arg", f"LAUNCHER_IMAGE={launcher}")
        built = docker(
            "build", "--quiet", "--tag", made, *given, "--file", ROOT / "components" / "flex_template.Dockerfile", ROOT
        )
        assert built.returncode == 0, built.stderr
        yield made
    finally:
        docker("image", "rm", "--force", made, launcher)


@pytest.mark.slow  # builds two images
def test_the_launcher_of_the_image_runs_the_program(docker: Docker, template: str):
    done = docker("run", "--rm", "--network", "none", template, "--plan=/nowhere/plan.json", "--runner=DataflowRunner")
    assert done.returncode == 64, done.stderr
    (line,) = done.stderr.strip().splitlines()
    assert line.endswith("--plan: there is no plan at /nowhere/plan.json")


def test_the_version_of_the_image_is_that_of_the_project():
    text = (ROOT / "components" / "flex_template.Dockerfile").read_text()
    assert f"ARG ASSAY_IMAGE={tag_of('core')}\n" in text
