"""A bundle of Beam in a worker process: its input is asked for part by part, its output sent as it comes."""

from __future__ import annotations

import traceback
from collections.abc import Iterator
from typing import Any

from apache_beam.portability.api import beam_fn_api_pb2
from apache_beam.runners.portability.fn_api_runner import worker_handlers
from apache_beam.runners.worker import data_plane, sdk_worker
from apache_beam.runners.worker.statecache import StateCache

from assay.engine.recovery import of_custom_code, recover
from assay.engine.workers.link import Failed, Finished, Gone, Link, Next, Output, Parts
from assay.errors import AssayError

_INSTRUCTION = "bundle"
_CACHE_BYTES = 1 << 20


def run_bundle(link: Link, descriptor: bytes) -> Finished | Failed:
    """Runs a bundle to its end, and says how that was.

    Args:
        link: to the launcher, which gives the input and takes the output.
        descriptor: Beam's ProcessBundleDescriptor, serialised.
    """
    try:
        response = _response(link, beam_fn_api_pb2.ProcessBundleDescriptor.FromString(descriptor))
        return Finished(response)
    except Gone:
        raise
    except BaseException as error:
        known = recover(error) or of_custom_code(error)
        return Failed(type(known).__name__, str(known), traceback.format_exc())


def _response(link: Link, descriptor: Any) -> bytes:
    state = worker_handlers.StateServicer()
    handlers = worker_handlers.SingletonStateHandlerFactory(
        sdk_worker.GlobalCachingStateHandler(StateCache(_CACHE_BYTES), state)
    )
    channels = data_plane.InMemoryDataChannelFactory(_Channel(link))
    bundles = sdk_worker.BundleProcessorCache(
        worker_handlers.FNAPI_RUNNER_CAPABILITIES, handlers, channels, {descriptor.id: descriptor}
    )
    try:
        request = beam_fn_api_pb2.ProcessBundleRequest(process_bundle_descriptor_id=descriptor.id)
        response = sdk_worker.SdkWorker(bundles).do_instruction(
            beam_fn_api_pb2.InstructionRequest(instruction_id=_INSTRUCTION, process_bundle=request)
        )
        if response.process_bundle.residual_roots:
            raise AssayError("a step put off a part of its input, which worker processes cannot; use --workers 1")
        encoded: bytes = response.SerializeToString()
        return encoded
    finally:
        bundles.shutdown()


class _Channel(data_plane.DataChannel):
    """The data of the bundle, to and from the launcher."""

    def __init__(self, link: Link) -> None:
        self._link = link

    def input_elements(self, instruction_id: str, expected_inputs: Any, abort_callback: Any = None) -> Iterator[Any]:
        while True:
            self._link.send(Next())
            parts: Parts = self._link.receive()
            if not parts.elements:
                return
            for transform, data in parts.elements:
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
