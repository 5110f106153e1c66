"""Options of a run on this machine. They travel with those of Beam, through every command, operator and component."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Any

from apache_beam.options.pipeline_options import PipelineOptions, StandardOptions

from assay.engine.memory import bytes_of
from assay.engine.workers.cores import available_cores
from assay.errors import ConfigError


class MachineOptions(PipelineOptions):
    """How much of this machine a run may use."""

    @classmethod
    def _add_argparse_args(cls, parser: Any) -> None:
        parser.add_argument(
            "--workers",
            type=_at_least_one,
            default=None,
            help="Most processes that share a large input; by default, one for each core.",
        )
        parser.add_argument(
            "--memory",
            type=_size,
            default=None,
            help="Most memory of all processes together, such as 4GiB; by default, 90 % of the container's limit.",
        )


def _at_least_one(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"expected a whole number of processes, 1 or more, found {text!r}")
    return int(text)


def _size(text: str) -> int:
    try:
        return bytes_of(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def machine_flags(workers: int | None, options: PipelineOptions | None = None) -> tuple[str, ...]:
    """The flags that say how many processes there may be.

    Args:
        workers: most of them; None for no flag.
        options: of the pipeline, beside which there may be none.

    Raises:
        ConfigError: it is no such number, or there are options.
    """
    if workers is None:
        return ()
    if isinstance(workers, bool) or not isinstance(workers, int) or workers < 1:
        raise ConfigError(f"workers: expected a whole number of processes, 1 or more, found {workers!r}")
    if options is not None:
        raise ConfigError("workers: cannot be combined with pipeline_options; put --workers among these options")
    return (f"--workers={workers}",)


def shared_flags(flags: Sequence[str], runs: int) -> tuple[str, ...]:
    """The flags of each of several runs at once on this machine, which share its cores and memory."""
    options = PipelineOptions(list(flags))
    if options.view_as(StandardOptions).runner:
        return tuple(flags)
    machine = options.view_as(MachineOptions)
    workers = max(1, (machine.workers or available_cores()) // runs)
    memory = () if machine.memory is None else (f"--memory={machine.memory // runs}",)
    return (*flags, f"--workers={workers}", *memory)
