"""Options of a run on this machine. They travel with those of Beam, through every command, operator and component."""

from __future__ import annotations

import argparse
from typing import Any

from apache_beam.options.pipeline_options import PipelineOptions


class MachineOptions(PipelineOptions):
    """How much of this machine a run may use."""

    @classmethod
    def _add_argparse_args(cls, parser: Any) -> None:
        parser.add_argument(
            "--workers",
            type=at_least_one,
            default=None,
            help="Most processes that work on a large input side by side; by default, one for each core.",
        )


def at_least_one(text: str) -> int:
    """A number of processes; argparse.ArgumentTypeError for anything else."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"expected a whole number of processes, 1 or more, found {text!r}")
    return int(text)
