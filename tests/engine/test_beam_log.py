"""What workers in this process log of streams that have ended is kept back, after the run as well."""

import logging

import grpc
import pytest

from assay.engine.beam_log import LOGGER, quiet_beam

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
    with quiet_beam():
        pass
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
