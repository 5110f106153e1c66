"""Prism is not left waiting for workers that it does not recognize: such a run is refused."""

from __future__ import annotations

import apache_beam as beam
import pytest

from assay.engine.prism import check_workers
from assay.engine.runner import Options, run_pipeline
from assay.errors import ConfigError

FLAGS = (f"--prism_location={__file__}", "--environment_type=PROCESS")


@pytest.mark.parametrize("config", ['{"command": "/opt/apache/beam/boot"}', '{"env": {}, "command":"boot"}'])
def test_processes_by_boot_are_refused(config: str):
    flags = ["--runner=PrismRunner", *FLAGS, f"--environment_config={config}"]
    with pytest.raises(ConfigError, match="Prism does not recognize workers that Beam's boot program starts"):
        run_pipeline(beam.Create([1]), beam.Map(str), flags)


@pytest.mark.parametrize(
    ("runner", "config"),
    [
        ("PrismRunner", '{"command": "/opt/assay/bin/entrypoint"}'),
        ("PrismRunner", "/opt/apache/beam/boot"),  # Beam itself says that this is no JSON
        ("PrismRunner", '["boot"]'),
        ("FlinkRunner", '{"command": "/opt/apache/beam/boot"}'),
    ],
)
def test_others_are_not(runner: str, config: str):
    check_workers(Options([f"--runner={runner}", *FLAGS, f"--environment_config={config}"]))
