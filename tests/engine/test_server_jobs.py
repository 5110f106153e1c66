"""Jobs on a job server end with the process that waits for them, and can be ended by another one."""

from __future__ import annotations

import grpc
import pytest
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.portability.api import beam_job_api_pb2, beam_job_api_pb2_grpc

from assay.engine.server_jobs import ServerJob, end, ended_if_interrupted, job_of
from tests.engine.test_job_server import serving

AT_ENGINE = ("--runner=PortableRunner", "--job_endpoint=engine:8099")


class OneJob(beam_job_api_pb2_grpc.JobServiceServicer):
    """It knows one job.

    Attributes:
        cancelled: ids of the jobs that it was asked to cancel.
    """

    def __init__(self) -> None:
        self.cancelled: list[str] = []

    def Cancel(self, request, context):
        self.cancelled.append(request.job_id)
        if request.job_id != "job-1":
            context.abort(grpc.StatusCode.NOT_FOUND, "no such job")
        return beam_job_api_pb2.CancelJobResponse()


class Result:
    _job_id = "job-1"


def test_a_job_is_cancelled_and_one_that_the_server_does_not_know_is_told():
    with serving(server := OneJob()) as at:
        assert end(ServerJob(at, "job-1"))
        assert not end(ServerJob(at, "job-2"))
    assert server.cancelled == ["job-1", "job-2"]


def test_a_server_that_is_gone_has_no_job():
    with serving() as at:
        pass
    assert not end(ServerJob(at, "job-1"))


@pytest.mark.parametrize(("raised", "cancelled"), [(KeyboardInterrupt, ["job-1"]), (ValueError, [])])
def test_an_interrupt_ends_the_job_and_a_job_that_failed_has_ended(raised, cancelled):
    with serving(server := OneJob()) as at:
        with pytest.raises(raised), ended_if_interrupted(ServerJob(at, "job-1")):
            raise raised
        assert server.cancelled == cancelled


def test_a_job_has_a_name_only_on_a_server_that_outlives_this_process():
    assert job_of(Result(), PipelineOptions([*AT_ENGINE])) == ServerJob("engine:8099", "job-1")
    assert job_of(Result(), PipelineOptions(["--runner=PrismRunner"])) is None
    assert job_of(object(), PipelineOptions(["--runner=FnApiRunner"])) is None
