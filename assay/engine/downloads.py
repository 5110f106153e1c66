"""Programs of engines that Beam would download in silence: they must be there, or be named."""

from __future__ import annotations

import os
from typing import NamedTuple

import apache_beam as beam
from apache_beam.options.pipeline_options import PipelineOptions, PortableOptions

from assay.engine.chosen_runner import chosen_runner
from assay.errors import ConfigError


class _Program(NamedTuple):
    """What a runner starts where no server is named.

    Attributes:
        option: that names the file.
        server: what runs where `--job_endpoint` names one.
        cure: how to get it.
    """

    option: str
    server: str
    cure: str


_PROGRAMS = {
    "prismrunner": _Program(
        "prism_location",
        "a running Prism",
        f"Build it with Go: go install github.com/apache/beam/sdks/v2/go/cmd/prism@v{beam.__version__}",
    ),
    "flinkrunner": _Program(
        "flink_job_server_jar",
        "a running Beam job server for Flink",
        "Start a job server beside Flink (docs/engines.md shows how), and set --job_endpoint=HOST:PORT to its job port",
    ),
    "sparkrunner": _Program(
        "spark_job_server_jar",
        "a running Beam job server for Spark",
        "Start a job server beside Spark (docs/engines.md shows how), and set --job_endpoint=HOST:PORT to its job port",
    ),
}


def check_program(options: PipelineOptions) -> None:
    """Checks that the runner's program is there: as a server, a file, or an address that the user gave.

    Raises:
        ConfigError: it is not; the message says how to get it.
    """
    runner = chosen_runner(options)
    program = _PROGRAMS.get(runner.lower())
    if program is None or options.view_as(PortableOptions).job_endpoint:
        return
    location = options.get_all_options().get(program.option) or ""
    if os.path.exists(location) or "://" in location:
        return
    flag = f"--{program.option}"
    found = f"{flag}={location}: there is no such file" if location else f"{flag} is not set"
    raise ConfigError(
        f"--runner={runner}: expected the program in {flag}, or {program.server} in --job_endpoint, and {found}. "
        f"{program.cure}"
    )
