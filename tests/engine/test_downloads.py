"""Programs of engines are never downloaded: without them a run is refused, and the message says how to get them."""

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
def test_without_a_program_prism_is_refused_with_what_builds_one(runner):
    with pytest.raises(ConfigError) as error:
        run_pipeline(beam.Create([1]), beam.Map(str), [f"--runner={runner}"])
    assert "--prism_location is not set. Build it" in str(error.value)
    assert f"go install github.com/apache/beam/sdks/v2/go/cmd/prism@v{beam.__version__}" in str(error.value)


@pytest.mark.parametrize("engine", ["Flink", "Spark"])
@pytest.mark.parametrize("more", [[], ["--flink_master=localhost:8081", "--spark_master_url=spark://localhost:7077"]])
def test_without_a_job_server_flink_and_spark_are_refused_in_one_line_that_names_the_cure(engine, more):
    with pytest.raises(ConfigError) as error:
        run_pipeline(beam.Create([1]), beam.Map(str), [f"--runner={engine}Runner", *more])
    line = str(error.value)
    assert line.startswith(f"--runner={engine}Runner: expected the program in --{engine.lower()}_job_server_jar, or a ")
    assert line.endswith("(docs/engines.md shows how), and set --job_endpoint=HOST:PORT to its job port")
    assert "\n" not in line


@pytest.mark.parametrize(
    ("runner", "option"),
    [
        ("PrismRunner", "--prism_location"),
        ("FlinkRunner", "--flink_job_server_jar"),
        ("SparkRunner", "--spark_job_server_jar"),
    ],
)
def test_a_program_that_is_not_there_is_named(runner, option):
    with pytest.raises(ConfigError, match=f"{option}=bin/program: there is no such file"):
        run_pipeline(beam.Create([1]), beam.Map(str), [f"--runner={runner}", f"{option}=bin/program"])
