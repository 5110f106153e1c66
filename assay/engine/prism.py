"""Prism, Beam's runner in Go: its program must be there, since Beam would download one."""

from __future__ import annotations

import os

import apache_beam as beam
from apache_beam.options.pipeline_options import PipelineOptions, PortableOptions, PrismRunnerOptions, StandardOptions

from assay.errors import ConfigError

_MODULE = "github.com/apache/beam/sdks/v2/go/cmd/prism"


def check_program(options: PipelineOptions) -> None:
    """Checks that Prism is there if options choose it: as a server, a file, or an address that the user gave.

    Raises:
        ConfigError: it is not; the message says how to get it.
    """
    if str(options.view_as(StandardOptions).runner).rpartition(".")[2].lower() != "prismrunner":
        return
    location = options.view_as(PrismRunnerOptions).prism_location
    if options.view_as(PortableOptions).job_endpoint or os.path.exists(location or "") or "://" in (location or ""):
        return
    found = f"--prism_location={location}: there is no such file" if location else "--prism_location is not set"
    raise ConfigError(
        f"--runner=PrismRunner: expected the program in --prism_location, or a running Prism in --job_endpoint, and "
        f"{found}. Build it with Go: go install {_MODULE}@v{beam.__version__}"
    )
