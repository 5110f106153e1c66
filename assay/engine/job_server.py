"""A job server of Beam, which hands pipelines to Flink, Spark or Prism: whether it answers, before and during a job."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import apache_beam as beam
from apache_beam.options.pipeline_options import PipelineOptions, PortableOptions

from assay.engine.chosen_runner import chosen_runner
from assay.engine.job_errors import GONE, first_line, rpc_code
from assay.errors import AssayError, ConfigError, TransientError

_PORTABLE = frozenset({"portablerunner", "flinkrunner", "sparkrunner", "prismrunner"})
_SECONDS = 6.0
"""For each of its three answers, so that a missing one is told within 20 s."""

_BEAMS_SECONDS, _LATER_SECONDS = 300, 60
"""That Beam waits for each answer before the job runs, and that it waits here, where the server has answered once."""


def check_answers(options: PipelineOptions) -> None:
    """Asks the job server that options name for its options, as Beam does later with more patience.

    Raises:
        TransientError: nothing answers.
        ConfigError: what answers is no job server, or none is named where one must be.
    """
    endpoint = endpoint_of(options)
    if not endpoint:
        return
    import grpc
    from apache_beam.portability.api import beam_job_api_pb2, beam_job_api_pb2_grpc

    _check_listens(endpoint)
    with grpc.insecure_channel(endpoint) as channel:
        try:
            grpc.channel_ready_future(channel).result(timeout=_SECONDS)
            stub = beam_job_api_pb2_grpc.JobServiceStub(channel)
            stub.DescribePipelineOptions(beam_job_api_pb2.DescribePipelineOptionsRequest(), timeout=_SECONDS)
        except grpc.FutureTimeoutError as error:
            raise _no_job_server(endpoint, "what listens there does not speak gRPC") from error
        except grpc.RpcError as error:
            if rpc_code(error) != "UNIMPLEMENTED":
                raise _no_job_server(endpoint, _details(error)) from error
            raise ConfigError(
                f"--job_endpoint={endpoint}: what answers there is not a Beam job server; expected the job port of "
                f"one, not its artifact port and not the port of a worker pool"
            ) from error


def limit_patience(options: PipelineOptions) -> None:
    """Has Beam wait less for a job server that ends right after it has answered, unless the user has said how long."""
    portable = options.view_as(PortableOptions)
    if portable.job_server_timeout == _BEAMS_SECONDS:
        portable.job_server_timeout = _LATER_SECONDS


def endpoint_of(options: PipelineOptions) -> str:
    """HOST:PORT of the job server that options name; "" where they name none, or one inside this process."""
    runner = chosen_runner(options).lower()
    endpoint = options.view_as(PortableOptions).job_endpoint or ""
    if runner == "portablerunner" and not endpoint:
        raise ConfigError("--runner=PortableRunner: expected --job_endpoint=HOST:PORT of a Beam job server as well")
    return endpoint if runner in _PORTABLE and endpoint != "embed" else ""


def _check_listens(endpoint: str) -> None:
    host, _, port = endpoint.rpartition(":")
    if not host or not port.isdigit():
        raise ConfigError(f"--job_endpoint={endpoint}: expected HOST:PORT of a Beam job server")
    try:
        socket.create_connection((host.strip("[]"), int(port)), _SECONDS).close()
    except OSError as error:
        raise _no_job_server(endpoint, error.strerror or str(error) or type(error).__name__) from error


def _no_job_server(endpoint: str, why: str) -> TransientError:
    return TransientError(
        f"--job_endpoint={endpoint}: no Beam job server answers there ({why}); start it, or set the host and job port "
        f"of the one that runs"
    )


@contextmanager
def errors_of(options: PipelineOptions) -> Iterator[None]:
    """Raises what a job server answers with, or its silence in mid-job, as one line of ours."""
    endpoint = endpoint_of(options)
    try:
        yield
    except Exception as error:
        code = rpc_code(error)
        if not code or chosen_runner(options).lower() not in _PORTABLE:
            raise
        server, start = f"the job server at {endpoint}", "start it again, then "
        if not endpoint:
            server, start = "the job server that Beam had started", ""
        if code in GONE:
            raise TransientError(
                f"{server} went away during the job ({_details(error)}); {start}run again: committed checkpoints are "
                f"used again"
            ) from error
        raise AssayError(
            f"{server} refused the job: {_details(error)}; it must be of a version of Beam that knows pipelines of "
            f"{beam.__version__}, which runs here"
        ) from error


def _details(error: Any) -> str:
    with suppress(Exception):
        return first_line(error.details())
    return first_line(str(error)) or "it does not answer"
