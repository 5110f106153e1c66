"""Prism, Beam's runner in Go, must recognize the workers that it starts."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import PurePath
from typing import Any

from apache_beam.options.pipeline_options import PipelineOptions, PortableOptions

from assay.engine.chosen_runner import chosen_runner
from assay.errors import ConfigError


def check_workers(options: PipelineOptions) -> None:
    """Checks that Prism would not wait without end for workers that Beam's `boot` starts as processes.

    It starts them under a name in quotes, and then knows no worker of that name (Beam 2.77, `processEnvironment`).

    Raises:
        ConfigError: it would.
    """
    runner = chosen_runner(options)
    portable = options.view_as(PortableOptions)
    if runner.lower() != "prismrunner" or portable.environment_type != "PROCESS":
        return
    if PurePath(_command(portable.environment_config)).name == "boot":
        raise ConfigError(
            "--environment_type=PROCESS: Prism does not recognize workers that Beam's boot program starts, and would "
            "wait for them without end; expected the entrypoint of assay's images as the command, or another type"
        )


def _command(config: Any) -> str:
    """The command in the configuration of an environment; "" if Beam is to say what is wrong with it."""
    with suppress(ValueError, TypeError, KeyError):
        return str(json.loads(config)["command"])
    return ""
