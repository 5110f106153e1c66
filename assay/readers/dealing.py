"""The order in which parts of an input are handed to an engine, which deals them out, one to each worker in turn.

Workers that have neighbours merge their states before these travel: what crosses the network then grows with the
workers, not with the input.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate, chain, pairwise, zip_longest
from typing import TypeVar

import apache_beam as beam
from apache_beam.options.pipeline_options import FlinkRunnerOptions
from apache_beam.runners.portability.fn_api_runner import FnApiRunner

Part = TypeVar("Part")

_MISSING = object()


def dealt(parts: Sequence[Part], pipeline: beam.Pipeline) -> list[Part]:
    """Parts in the order in which a pipeline's runner should be given them; results do not depend on it."""
    if isinstance(pipeline.runner, FnApiRunner) or type(pipeline.runner).__name__ == "PrismRunner":
        return [*parts]  # one has a single worker, the other shares parts out itself
    workers = pipeline.options.view_as(FlinkRunnerOptions).parallelism
    return for_workers(parts, workers) if workers > 0 else for_any_workers(parts)


def for_workers(parts: Sequence[Part], workers: int) -> list[Part]:
    """So that each of as many workers has neighbours, in order."""
    size, larger = divmod(len(parts), workers)
    ends = [*accumulate(size + (worker < larger) for worker in range(workers))]
    return _in_turns([parts[start:end] for start, end in pairwise([0, *ends])])


def for_any_workers(parts: Sequence[Part]) -> list[Part]:
    """So that each worker has neighbours if there are 2, 4, 8, ... of them, though not in order."""
    if len(parts) < 3:
        return [*parts]
    half = (len(parts) + 1) // 2
    return _in_turns([for_any_workers(parts[:half]), for_any_workers(parts[half:])])


def _in_turns(shares: Sequence[Sequence[Part]]) -> list[Part]:
    rounds = zip_longest(*shares, fillvalue=_MISSING)
    return [part for part in chain.from_iterable(rounds) if part is not _MISSING]  # type: ignore[misc]
