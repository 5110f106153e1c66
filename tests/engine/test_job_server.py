"""A job server that is not there, or that refuses a job, is one clear line, soon."""

from __future__ import annotations

import contextlib
import socket
import time
from concurrent import futures

import apache_beam as beam
import grpc
import pytest
from apache_beam.options.pipeline_options import PipelineOptions, PortableOptions
from apache_beam.portability.api import beam_job_api_pb2, beam_job_api_pb2_grpc

from assay.engine import job_errors, job_server
from assay.engine.runner import run_pipeline
from assay.errors import AssayError, BusyError, ConfigError, TransientError
from tests.ports import free_port


def refused(endpoint, kind=AssayError):
    """The line that a pipeline for that endpoint ends with, within 20 s."""
    started = time.monotonic()
    options = ("--runner=PortableRunner", f"--job_endpoint={endpoint}", "--environment_type=LOOPBACK")
    with pytest.raises(kind) as error:
        run_pipeline(beam.Create([1]), beam.Map(str), options)
    assert time.monotonic() - started < 20
    line = str(error.value)
    assert "\n" not in line
    return line


@contextlib.contextmanager
def serving(*servicers):
    server = grpc.server(futures.ThreadPoolExecutor(4))
    port = server.add_insecure_port("127.0.0.1:0")
    for servicer in servicers:
        beam_job_api_pb2_grpc.add_JobServiceServicer_to_server(servicer, server)
    server.start()
    try:
        yield f"127.0.0.1:{port}"
    finally:
        server.stop(0)


class OfAnotherVersion(beam_job_api_pb2_grpc.JobServiceServicer):
    """It knows no such pipeline."""

    def DescribePipelineOptions(self, request, context):
        return beam_job_api_pb2.DescribePipelineOptionsResponse()

    def Prepare(self, request, context):
        context.abort(grpc.StatusCode.INVALID_ARGUMENT, "java.lang.IllegalArgumentException: Unknown Coder URN beam:x")


class Vanishing(OfAnotherVersion):
    """It is gone once it has been handed a job."""

    def Prepare(self, request, context):
        context.abort(grpc.StatusCode.UNAVAILABLE, "Socket closed")


def test_nothing_that_listens_is_transient_and_named():
    endpoint = f"127.0.0.1:{free_port()}"
    line = refused(endpoint, TransientError)
    assert line.startswith(
        f"--job_endpoint={endpoint}: no Beam job server answers there (Connection refused); start it"
    )


def test_something_that_does_not_speak_grpc_is_named_within_20_seconds():
    with socket.create_server(("127.0.0.1", 0)) as server:
        line = refused(f"127.0.0.1:{server.getsockname()[1]}", TransientError)
    assert "does not speak gRPC" in line


def test_another_server_of_grpc_is_no_job_server():
    with serving() as endpoint:
        assert "is not a Beam job server; expected the job port" in refused(endpoint, ConfigError)


def test_an_endpoint_without_a_port_is_refused():
    assert "expected HOST:PORT" in refused("localhost", ConfigError)


def test_a_portable_runner_without_an_endpoint_is_refused():
    with pytest.raises(ConfigError, match=r"expected --job_endpoint=HOST:PORT"):
        run_pipeline(beam.Create([1]), beam.Map(str), ("--runner=PortableRunner",))


def test_a_job_server_of_another_version_of_beam_is_told_with_its_words_and_our_version():
    with serving(OfAnotherVersion()) as at:
        line = refused(at)
    assert line.startswith(f"the job server at {at} refused the job: Unknown Coder URN beam:x; ")
    assert beam.__version__ in line


def test_a_job_server_that_goes_away_is_transient():
    with serving(Vanishing()) as at:
        assert "went away during the job (Socket closed)" in refused(at, TransientError)


class Gone(grpc.RpcError):
    """What a call of a server says that has ended."""

    def code(self):
        return grpc.StatusCode.UNAVAILABLE

    def details(self):
        return "Socket closed"


def test_a_server_that_beam_had_started_and_that_goes_away_is_transient():
    options = PipelineOptions(["--runner=PrismRunner", "--prism_location=./prism"])
    line = r"that Beam had started went away .*\(Socket closed\); run again"
    with pytest.raises(TransientError, match=line), job_server.errors_of(options):
        raise Gone


def test_a_server_that_no_longer_answers_is_transient():
    options = PipelineOptions(["--runner=PortableRunner", "--job_endpoint=localhost:1"])
    line = r"the job server at localhost:1 went away during the job \(it does not answer\)"
    with pytest.raises(TransientError, match=line), job_server.errors_of(options):
        raise grpc.FutureTimeoutError


@pytest.mark.parametrize(("flags", "seconds"), [([], 60), (["--job_server_timeout=7"], 7)])
def test_beam_waits_for_each_answer_for_a_minute_unless_the_user_says_how_long(flags, seconds):
    options = PipelineOptions(flags)
    job_server.limit_patience(options)
    assert options.view_as(PortableOptions).job_server_timeout == seconds


# What engines say of a failed job -------------------------------------------------------------------------------------

JOB = "Pipeline BeamApp-root-1_2 failed in state FAILED: "
WORKER = (
    JOB + "java.lang.RuntimeException: Error received from SDK harness for instruction 4: "
    "Traceback (most recent call last):\n"
    '  File "apache_beam/runners/common.py", line 1498, in process\n    return self.do_fn_invoker\n'
    '  File "/srv/own.py", line 12, in scored\n    return 1 / 0\n{error}\n'
)


@pytest.mark.parametrize(
    ("text", "kind", "line"),
    [
        (
            WORKER.format(error="ModuleNotFoundError: No module named 'own_stages'"),
            ConfigError,
            "the workers cannot import 'own_stages': install it where they run",
        ),
        (
            WORKER.format(error="ZeroDivisionError: division by zero [while running 'Analyse/Own/Map']"),
            AssayError,
            "in the step Analyse/Own/Map: ZeroDivisionError: division by zero (own.py, line 12)",
        ),
        (
            JOB + "org.apache.flink.runtime.JobException: Recovery is suppressed\n"
            "java.util.concurrent.TimeoutException: Heartbeat of TaskManager with id 127.0.0.1:1-ab timed out.\n",
            TransientError,
            "the engine lost a part of itself during the job (Heartbeat of TaskManager with id 127.0.0.1:1-ab timed",
        ),
        (
            JOB + "java.io.IOException: Insufficient number of network buffers: required 512, but only 496 available.",
            AssayError,
            "the job failed: Insufficient number of network buffers: required 512",
        ),
        (
            JOB + "prism worker[job-009_environment_1] didn't get control connection to localhost:1 after 1m0s",
            TransientError,
            "the engine lost a part of itself during the job (prism worker[job-009_environment_1] didn't get control",
        ),
        (
            JOB + "java.util.concurrent.TimeoutException: Waited 3 minutes (plus 116182 nanoseconds delay) for "
            "SettableFuture@11105413[status=PENDING]",
            TransientError,
            "the engine lost a part of itself during the job (Waited 3 minutes",
        ),
        (
            JOB + "java.lang.RuntimeException: org.apache.beam.vendor.grpc.v1p60p1.io.grpc.StatusRuntimeException: "
            "CANCELLED: client cancelled",
            TransientError,
            "the engine lost a part of itself during the job (CANCELLED: client cancelled)",
        ),
        (
            JOB + "java.util.concurrent.TimeoutException: Timeout has occurred: 20000 ms",
            TransientError,
            "the engine had too few free slots for the job, or lost those that it had; lower --parallelism",
        ),
        (
            JOB
            + "org.apache.spark.SparkException: Only one SparkContext should be running in this JVM (see SPARK-2243).",
            BusyError,
            "the job server for Spark runs one job at a time, and was busy with another",
        ),
        ("Pipeline failed.", AssayError, "the job failed: its engine does not say why"),
    ],
)
def test_what_an_engine_says_of_a_failed_job_is_one_line(text, kind, line):
    found = job_errors.of_job(RuntimeError(text))
    assert type(found) is kind
    assert str(found).startswith(line)


def test_an_error_that_no_engine_told_is_left_alone():
    assert job_errors.of_job(RuntimeError("Heartbeat of TaskManager")) is None
