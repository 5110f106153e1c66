"""Beam's in-memory runner, which leaves the reading of large inputs, and all that is done row by row, to workers."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from typing import Any

from apache_beam.coders import coders
from apache_beam.portability.api import beam_fn_api_pb2
from apache_beam.runners.portability.fn_api_runner import FnApiRunner, fn_runner, translations
from apache_beam.runners.worker.bundle_processor import DATA_INPUT_URN

from assay.engine.workers import pool
from assay.engine.workers.arriving import Arriving
from assay.engine.workers.cores import available_cores
from assay.engine.workers.link import Output
from assay.engine.workers.pool import Pool

SPREAD = "Spread"
"""Name of the step behind which parts of the input can be worked on side by side."""


_LEAST_BYTES = 400 << 20
"""What a process holds at least once it works."""

PAYS_AFTER, PAYS_AFTER_IMPORTS = 1.5, 20.0
"""Seconds of work of one core that repay the start of workers, by a fork and as new processes with their imports."""


class LocalRunner(FnApiRunner):
    """Runs a pipeline in this process, or with worker processes where that pays.

    Args:
        most: most worker processes; None: as many as there are cores.
        memory: bytes that all processes together may hold; None for no limit.
    """

    def __init__(self, most: int | None = None, memory: int | None = None) -> None:
        super().__init__()
        self._cores = available_cores()
        self.most = self._cores if most is None else most
        self.memory = memory
        self._pool: Pool | None = None

    def shares(self, parts: int, seconds: float, *, by_fork: bool = False) -> bool:
        """Whether worker processes share the parts of an input; if so, these start at once.

        Args:
            parts: how many there are.
            seconds: that one core needs for all, about.
            by_fork: whether the input is in the memory of this process, which only forks of it have.
        """
        if self._pool is None:
            is_forkable = pool.is_forkable()
            count = min(parts, self.most, self._fitting())
            pays = seconds >= (PAYS_AFTER if is_forkable else PAYS_AFTER_IMPORTS)
            if count > 1 and pays and (is_forkable or not by_fork):
                self._pool = Pool(count, self._cores, self.memory)
        return self._pool is not None

    def _fitting(self) -> int:
        """Workers that fit into the memory beside the launcher, as far as one can tell before they work."""
        return sys.maxsize if self.memory is None else max(0, self.memory // _LEAST_BYTES - 1)

    def close(self) -> None:
        """Ends worker processes."""
        if self._pool is not None:
            self._pool.close()
            self._pool = None

    def _get_bundle_manager(self, bundle: Any) -> Any:
        """Beam asks who runs a bundle."""
        if self._pool is None or not _is_spread(bundle):
            return super()._get_bundle_manager(bundle)
        return _InWorkers(bundle, self._pool)


def _is_spread(bundle: Any) -> bool:
    """Whether a bundle begins behind a `SPREAD`, and needs nothing but its input."""
    transforms = bundle.process_bundle_descriptor.transforms.values()
    begins = any(t.spec.urn == DATA_INPUT_URN and f"/{SPREAD}/" in t.unique_name for t in transforms)
    return begins and not bundle.stage.is_stateful() and not any(bundle.stage.side_inputs())


class _InWorkers(fn_runner.BundleManager):
    """Has a bundle run by all workers at once."""

    def __init__(self, bundle: Any, pool: Pool) -> None:
        super().__init__(bundle)
        self._pool = pool

    def process_bundle(
        self,
        inputs: Mapping[str, Any],
        expected_outputs: Mapping[str, bytes],
        fired_timers: Any,
        expected_output_timers: Any,
        dry_run: bool = False,
    ) -> Any:
        bundle = self.bundle_context_manager
        responses, arriving = list[Any](), dict[str, Arriving]()
        parts = [((transform, data),) for transform, buffer in inputs.items() for data in _elements(buffer)]
        for message in self._pool.run(bundle.process_bundle_descriptor.SerializeToString(), parts):
            if isinstance(message, Output):
                output = message.transform
                if output not in arriving:
                    arriving[output] = _arriving(bundle, expected_outputs[output], output)
                arriving[output].append(message.elements)
            else:
                responses += map(beam_fn_api_pb2.InstructionResponse.FromString, message.responses)
        for of_output in arriving.values():
            of_output.close()
        infos = (info for response in responses for info in response.process_bundle.monitoring_infos)
        merged = beam_fn_api_pb2.ProcessBundleResponse(monitoring_infos=fn_runner.monitoring_infos.consolidate(infos))
        return beam_fn_api_pb2.InstructionResponse(process_bundle=merged), []


def _arriving(bundle: Any, buffer: bytes, transform: str) -> Arriving:
    """What takes the output of a transform, which goes to a buffer of Beam by its id."""
    kind, name = translations.split_buffer_id(buffer)
    coder: Any = None
    if kind == "group":
        context = bundle.execution_context
        (grouped,) = context.pipeline_components.transforms[name].inputs.values()
        coder = context.pipeline_context.coders[context.data_channel_coders[grouped]].value_coder()
    is_encoded = isinstance(coder, coders.LengthPrefixCoder)  # as values are whose coder is Python's own
    return Arriving(bundle.get_buffer(buffer, transform), coder.value_coder() if is_encoded else None)


def _elements(buffer: Any) -> Iterator[bytes]:
    """The elements of a buffer, one by one where Beam can tell them apart."""
    count = len(getattr(buffer, "_table", ())) or 1
    for part in buffer.partition(count):
        yield b"".join(part)
