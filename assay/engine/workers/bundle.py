"""Bundles of Beam in a worker process: one for each run of parts of the input, whose output is sent when it ends.

So the states of a run, which have merged into one, are with the launcher before the next run is asked for.
"""

from __future__ import annotations

import traceback
from collections.abc import Iterator
from itertools import count
from typing import Any

from apache_beam.portability.api import beam_fn_api_pb2
from apache_beam.runners.portability.fn_api_runner import worker_handlers
from apache_beam.runners.worker import data_plane, sdk_worker
from apache_beam.runners.worker.statecache import StateCache

from assay.engine import memory
from assay.engine.recovery import of_custom_code, recover
from assay.engine.workers.link import Failed, Finished, Gone, Link, Next, Output, Parts
from assay.errors import AssayError

_CACHE_BYTES = 1 << 20


def run_bundles(link: Link, descriptor: bytes) -> Finished | Failed:
    """Runs bundles until there is no more input, and says how that was.

    Args:
        link: to the launcher, which gives the input and takes the output.
        descriptor: Beam's ProcessBundleDescriptor of all of them, serialised.
    """
    try:
        responses = _responses(link, beam_fn_api_pb2.ProcessBundleDescriptor.FromString(descriptor))
        return Finished(tuple(responses))
    except Gone:
        raise
    except BaseException as error:
        known = recover(error) or of_custom_code(error)
        return Failed(type(known).__name__, str(known), traceback.format_exc())


def _responses(link: Link, descriptor: Any) -> Iterator[bytes]:
    state = worker_handlers.StateServicer()
    handlers = worker_handlers.SingletonStateHandlerFactory(
        sdk_worker.GlobalCachingStateHandler(StateCache(_CACHE_BYTES), state)
    )
    channel = _Channel(link)
    bundles = sdk_worker.BundleProcessorCache(
        worker_handlers.FNAPI_RUNNER_CAPABILITIES,
        handlers,
        data_plane.InMemoryDataChannelFactory(channel),
        {descriptor.id: descriptor},
    )
    worker = sdk_worker.SdkWorker(bundles)
    try:
        for number in count():
            link.send(Next())
            channel.parts = link.receive()
            if not channel.parts.elements:
                return
            yield _response(worker, descriptor.id, f"bundle-{number}")
            memory.give_back()
    finally:
        bundles.shutdown()


def _response(worker: sdk_worker.SdkWorker, descriptor: str, name: str) -> bytes:
    request = beam_fn_api_pb2.ProcessBundleRequest(process_bundle_descriptor_id=descriptor)
    response = worker.do_instruction(beam_fn_api_pb2.InstructionRequest(instruction_id=name, process_bundle=request))
    if response.process_bundle.residual_roots:
        raise AssayError("a step put off a part of its input, which worker processes cannot; use --workers 1")
    encoded: bytes = response.SerializeToString()
    return encoded


class _Channel(data_plane.DataChannel):
    """The data of the bundle at hand: `parts` from the launcher, and what goes there."""

    def __init__(self, link: Link) -> None:
        self._link, self.parts = link, Parts(())

    def input_elements(self, instruction_id: str, expected_inputs: Any, abort_callback: Any = None) -> Iterator[Any]:
        for transform, data in self.parts.elements:
            yield beam_fn_api_pb2.Elements.Data(instruction_id=instruction_id, transform_id=transform, data=data)

    def output_stream(self, instruction_id: str, transform_id: str) -> Any:
        def send(elements: bytes) -> None:
            if elements:
                self._link.send(Output(transform_id, elements))

        return data_plane.ClosableOutputStream.create(send, send, 0)

    def output_timer_stream(self, instruction_id: str, transform_id: str, timer_family_id: str) -> Any:
        raise NotImplementedError("bundles with timers stay in the launcher")

    def close(self) -> None:
        """The link is closed by who opened it."""
