"""Jobs on a job server of Beam, which go on when the process that started them is gone: named, and ended."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

from apache_beam.options.pipeline_options import PipelineOptions

from assay.engine.job_server import endpoint_of

_SECONDS = 20.0
"""For the answer to a request to end a job."""


@dataclass(frozen=True)
class ServerJob:
    """A job.

    Attributes:
        endpoint: HOST:PORT of the job server.
        id: what that calls it.
    """

    endpoint: str
    id: str


def job_of(result: Any, options: PipelineOptions) -> ServerJob | None:
    """The job that Beam has just started; None if it runs in this process, or on a server that ends with it."""
    endpoint, job_id = endpoint_of(options), getattr(result, "_job_id", "")
    return ServerJob(endpoint, job_id) if endpoint and job_id else None


def end(job: ServerJob) -> bool:
    """Asks the job server to cancel a job; says whether it has one of that id."""
    import grpc
    from apache_beam.portability.api import beam_job_api_pb2, beam_job_api_pb2_grpc

    with grpc.insecure_channel(job.endpoint) as channel:
        stub = beam_job_api_pb2_grpc.JobServiceStub(channel)
        try:
            stub.Cancel(beam_job_api_pb2.CancelJobRequest(job_id=job.id), timeout=_SECONDS)
        except grpc.RpcError:
            return False
    return True


@contextmanager
def ended_if_interrupted(job: ServerJob | None) -> Iterator[None]:
    """Has a job end with the block that waits for it, if that is interrupted."""
    try:
        yield
    except Exception:  # of the job itself, which has ended then
        raise
    except BaseException:
        if job is not None:
            with suppress(Exception):
                end(job)
        raise
