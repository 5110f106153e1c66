"""Prism is never downloaded: without its program a run is refused, and the message says how to get it."""

import socket
from pathlib import Path

import apache_beam as beam
import pytest

from assay.engine.runner import run_pipeline
from assay.errors import ConfigError


@pytest.fixture(autouse=True)
def no_network(monkeypatch, tmp_path):
    """A download would be told by an error of ours that is not expected."""

    def refused(*args: object, **settings: object) -> None:
        raise AssertionError(f"something was looked up: {args}")

    monkeypatch.setattr(socket, "getaddrinfo", refused)
    monkeypatch.setenv("HOME", str(tmp_path))
    yield
    assert not list(Path(tmp_path).iterdir())


@pytest.mark.parametrize(
    "runner", ["PrismRunner", "prismrunner", "apache_beam.runners.portability.prism_runner.PrismRunner"]
)
def test_without_a_program_the_runner_is_refused_with_what_builds_one(runner):
    with pytest.raises(ConfigError) as error:
        run_pipeline(beam.Create([1]), beam.Map(str), [f"--runner={runner}"])
    assert "--prism_location is not set. Build it" in str(error.value)
    assert f"go install github.com/apache/beam/sdks/v2/go/cmd/prism@v{beam.__version__}" in str(error.value)


def test_a_program_that_is_not_there_is_named():
    with pytest.raises(ConfigError, match="--prism_location=bin/prism: there is no such file"):
        run_pipeline(beam.Create([1]), beam.Map(str), ["--runner=PrismRunner", "--prism_location=bin/prism"])
