"""What workers in this process log of streams that have ended is kept back, after the run as well."""

import logging

import grpc
import pytest
from apache_beam.runners.worker import sdk_worker

from assay.engine.beam_log import LOGGER, keep_back_ended_streams, quiet_beam
from assay.errors import MissingFileError

WORKER = f"{LOGGER}.runners.worker"
ENDED = (
    "Error processing instruction inst004. Original traceback is\nTraceback (most recent call last):\n"
    "grpc._channel._InactiveRpcError: <_InactiveRpcError of RPC that terminated with:\n"
    "\tstatus = StatusCode.UNAVAILABLE\n"
)


class Ended(grpc.RpcError):
    def code(self):
        return grpc.StatusCode.UNAVAILABLE


def said(caplog, error):
    """What a worker's thread logs, after a run, of an error in the data plane and of an instruction that has failed."""
    keep_back_ended_streams()
    try:
        raise error
    except Exception:
        logging.getLogger(f"{WORKER}.data_plane").exception("Failed to read inputs in the data plane.")
        logging.getLogger("grpc._channel").exception("Exception iterating requests!")
    logging.getLogger(f"{WORKER}.sdk_worker").error(ENDED)
    return [record.name.rpartition(".")[2] for record in caplog.records]


def test_an_ended_stream_is_no_news(caplog):
    assert said(caplog, Ended()) == []


def test_other_errors_are_told(caplog):
    assert said(caplog, ValueError("bad")) == ["data_plane", "_channel"]


def test_all_is_told_where_beams_logger_has_a_level(caplog, monkeypatch):
    monkeypatch.setattr(logging.getLogger(LOGGER), "level", logging.WARNING)
    assert said(caplog, Ended()) == ["data_plane", "_channel", "sdk_worker"]


class Responses(list):
    put = list.append


def printed_of_a_bundle(error, capsys):
    """What Beam's worker prints of a bundle that fails, and that it hands on as the error of its response."""
    keep_back_ended_streams()

    def bundle():
        raise error

    worker = sdk_worker.SdkHarness.__new__(sdk_worker.SdkHarness)
    worker._responses = Responses()
    worker._execute(bundle, sdk_worker.beam_fn_api_pb2.InstructionRequest(instruction_id="inst004"))
    assert type(error).__name__ in worker._responses[0].error
    return capsys.readouterr().err


def test_a_bundle_whose_stream_ended_prints_no_trace(capsys, channel_gone):
    assert printed_of_a_bundle(channel_gone, capsys) == ""


def test_a_bundle_that_failed_by_an_error_of_ours_prints_and_logs_no_trace(capsys, caplog):
    """It is told in one line, or belongs to a job that has been given up."""
    gone = MissingFileError("a.tfrecord: no such file")
    assert printed_of_a_bundle(gone, capsys) == ""
    for error in (gone, ValueError("bad")):
        try:
            raise error
        except Exception as raised:
            logging.getLogger(f"{LOGGER}.runners.common").exception(raised)
    assert [record.getMessage() for record in caplog.records if record.name.endswith(".common")] == ["bad"]


def test_a_bundle_that_failed_prints_its_trace(capsys):
    error = ValueError("bad")
    error.__cause__ = MissingFileError("a.tfrecord: no such file")
    assert "ValueError: bad" in printed_of_a_bundle(error, capsys)


@pytest.mark.parametrize(
    ("level", "lines"), [(logging.NOTSET, ["failed"]), (logging.WARNING, ["destroying", "failed"])]
)
def test_a_server_that_ends_with_the_process_is_told_only_where_beams_logger_has_a_level(
    level, lines, caplog, monkeypatch
):
    monkeypatch.setattr(logging.getLogger(LOGGER), "level", level)
    with quiet_beam():
        pass
    log = logging.getLogger(f"{LOGGER}.utils.subprocess_server")
    log.warning("destroying")
    log.error("failed")
    assert caplog.messages == lines


@pytest.fixture(autouse=True)
def no_level(monkeypatch):
    monkeypatch.setattr(logging.getLogger(LOGGER), "level", logging.NOTSET)


@pytest.fixture
def channel_gone():
    """The error of gRPC itself, of a server that is not there."""
    with grpc.insecure_channel("127.0.0.1:1") as channel, pytest.raises(grpc.RpcError) as gone:
        channel.unary_unary("/none/None")(b"", timeout=20)
    return gone.value
