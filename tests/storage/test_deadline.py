"""A storage that never answers, drips or answers with something else: every call ends, with a named error."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest
import requests  # type: ignore[import-untyped]

import assay
from assay import storage
from assay.cli import main
from assay.errors import TransientError
from assay.run.call import Checkpoints, stage_arguments
from assay.storage import deadline, gcs
from assay.storage.patience import patience
from tests.odd_server import HEAD, Answer, dripping_body, dripping_head, endless_chunks, serving, silent
from tests.small_analysis import ANALYSIS

SECONDS = 0.6


@pytest.fixture
def server(monkeypatch) -> Iterator[Callable[[Answer], str]]:
    """Starts a server in the place of the storage, that answers every request like that; returns its address."""
    monkeypatch.setattr(gcs, "_clients", {})
    monkeypatch.setattr(gcs, "RETRY_SECONDS", SECONDS)
    with ExitStack() as servers:

        def start(answer: Answer) -> str:
            url = servers.enter_context(serving(answer))
            monkeypatch.setenv("STORAGE_EMULATOR_HOST", url)
            return url

        yield start


CALLS = [
    lambda: storage.read("gs://bucket/x"),
    lambda: storage.stat("gs://bucket/x"),
    lambda: [*storage.list("gs://bucket/x")],
    lambda: storage.match("gs://bucket/x*"),
    lambda: storage.write("gs://bucket/x", b"1"),
    lambda: storage.publish("gs://bucket/x", b"1"),
    lambda: storage.open_read("gs://bucket/x").read(),
    lambda: storage.delete("gs://bucket/x"),
    lambda: storage.rename("gs://bucket/x", "gs://bucket/y"),
]
NAMES = ["read", "stat", "list", "match", "write", "publish", "open_read", "delete", "rename"]


@pytest.mark.parametrize("answer", [silent, dripping_head, dripping_body, endless_chunks])
@pytest.mark.parametrize("call", CALLS, ids=NAMES)
def test_every_call_ends_in_its_time(server, answer, call):
    server(answer)
    started = time.monotonic()
    with pytest.raises(TransientError, match=r"gs://bucket/x.*does not answer") as failed:
        call()
    assert failed.value.exit_code == 75
    assert time.monotonic() - started < 20 * SECONDS  # two tries and pauses, on a busy machine


def test_who_waits_for_an_answer_may_have_less_patience(server, monkeypatch):
    server(silent)
    monkeypatch.setattr(gcs, "RETRY_SECONDS", 1000.0)
    started = time.monotonic()
    with pytest.raises(TransientError, match=r"gs://bucket/x.*does not answer"), patience(SECONDS):
        storage.read("gs://bucket/x")
    assert time.monotonic() - started < 20 * SECONDS


@pytest.mark.parametrize("answer", [silent, dripping_head, dripping_body, endless_chunks])
@pytest.mark.parametrize("call", [CALLS[0], CALLS[5]], ids=["read", "publish"])
def test_every_call_ends_in_its_time_behind_a_proxy(server, monkeypatch, answer, call):
    proxied(monkeypatch, "http", server(answer))
    started = time.monotonic()
    with pytest.raises(TransientError, match=r"gs://bucket/x.*does not answer"):
        call()
    assert time.monotonic() - started < 20 * SECONDS


@pytest.mark.parametrize("answer", [silent, dripping_head])
def test_a_proxy_that_never_opens_its_tunnel_is_not_waited_for(server, monkeypatch, answer):
    proxied(monkeypatch, "https", server(answer))
    started = time.monotonic()
    with pytest.raises(TransientError, match=r"gs://bucket/x.*does not answer"):
        storage.stat("gs://bucket/x")
    assert time.monotonic() - started < 20 * SECONDS


def test_what_a_proxy_passes_on_is_read(server, session):
    body = b'{"size": 3}'
    proxies = {"http": server(answering(body, b"application/json"))}
    assert session.get("http://storage.test/b/x", proxies=proxies).json() == {"size": 3}


def proxied(monkeypatch, scheme: str, proxy: str) -> None:
    """Everything goes through a proxy, to a name that only it could know."""
    for name in ("NO_PROXY", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", f"{scheme}://storage.test")
    monkeypatch.setenv(f"{scheme}_proxy", proxy)


PAGE = b"<html>Please log in</html>"


def answering(body: bytes, kind: bytes, status: bytes = b"200 OK") -> Answer:
    def answer(connection: socket.socket) -> None:
        head = b"HTTP/1.1 %b\r\nContent-Type: %b\r\nContent-Length: %d\r\nConnection: close\r\n\r\n"
        connection.sendall(head % (status, kind, len(body)) + body)

    return answer


@pytest.mark.parametrize("body", [b"", PAGE, b"[]", b"null", b"3"])
@pytest.mark.parametrize("kind", [b"application/json", b"text/html"])
@pytest.mark.parametrize("call", CALLS[:7], ids=NAMES[:7])
def test_what_is_no_answer_of_a_storage_is_named_whatever_its_status(server, body, kind, call):
    server(answering(body, kind))
    with pytest.raises(TransientError, match=r"gs://bucket/x") as failed:
        call()
    assert "\n" not in str(failed.value)


# Through every door ---------------------------------------------------------------------------------------------------


def run_with(*options: str, before: str = "", after: str = "") -> int:
    """The exit code of a run in the current folder, with something else in its analysis."""
    Path("a.yaml").write_text(ANALYSIS.replace(before, after))
    Path("d.csv").write_text("label,score\n1,0.5\n0,0.2\n")
    return main(["run", "a.yaml", "--quiet", *options])


def code_of(call: Callable[[], object]) -> int:
    """The exit code that would tell of the error of a call from Python."""
    with pytest.raises(TransientError) as failed:
        call()
    return failed.value.exit_code


ON_BUCKET = Checkpoints(root="gs://bucket/root")
CONFIG = {"metrics_specs": [{"metrics": [{"class_name": "ExampleCount"}]}]}
DOORS: dict[str, Callable[[], int]] = {
    "checkpoints of a run": lambda: run_with("--checkpoints", "gs://bucket/root"),
    "data of a run": lambda: run_with(before="d.csv", after="gs://bucket/d.csv"),
    "output of a run": lambda: run_with(before="output: out", after="output: gs://bucket/out"),
    "list of checkpoints": lambda: main(["checkpoints", "gs://bucket/root"]),
    "clearing": lambda: main(["checkpoints", "gs://bucket/root", "--gc"]),
    "show": lambda: main(["show", "gs://bucket/out"]),
    "stage": lambda: main([*stage_arguments("read-inputs", "gs://bucket/p.json", "ReadInputs", ON_BUCKET, "r.json")]),
    "Python": lambda: code_of(
        lambda: assay.run_model_analysis(CONFIG, data_location="gs://bucket/x.csv", file_format="csv")
    ),
    "results in Python": lambda: code_of(lambda: assay.load_verdict("gs://bucket/out")),
}


@pytest.mark.parametrize("door", DOORS)
def test_every_door_ends_in_its_time(server, tmp_path, monkeypatch, capsys, door):
    monkeypatch.chdir(tmp_path)
    server(dripping_body)
    started = time.monotonic()
    assert DOORS[door]() == 75
    assert time.monotonic() - started < 20 * SECONDS
    printed = capsys.readouterr().err
    assert not printed or ("gs://bucket/" in printed and "does not answer" in printed)


@pytest.mark.parametrize("answer", [silent, dripping_head, endless_chunks])
def test_a_run_ends_in_its_time_whatever_does_not_come(server, tmp_path, monkeypatch, capsys, answer):
    monkeypatch.chdir(tmp_path)
    server(answer)
    started = time.monotonic()
    assert DOORS["checkpoints of a run"]() == 75
    assert time.monotonic() - started < 20 * SECONDS
    assert "does not answer" in capsys.readouterr().err


# Large objects --------------------------------------------------------------------------------------------------------


@pytest.fixture
def session() -> requests.Session:
    session = requests.Session()
    deadline.mount(session, SECONDS)
    return session


def test_a_large_answer_may_take_as_long_as_it_goes_on(server, session):
    piece = b"x" * (deadline.LEAST_RATE // 2)

    def steady(connection: socket.socket) -> None:
        connection.sendall(HEAD + b"Content-Length: %d\r\n\r\n" % (12 * len(piece)))
        for _ in range(12):  # twice the least rate
            connection.sendall(piece)
            time.sleep(0.25)

    started = time.monotonic()
    assert session.get(server(steady)).content == 12 * piece
    assert time.monotonic() - started > 3 * SECONDS


def test_a_large_body_may_take_as_long_as_it_is_taken(server, session):
    body = b"x" * (8 << 20)
    taken = []

    def slow(connection: socket.socket) -> None:
        connection.settimeout(1)
        received = 0
        with suppress(TimeoutError):
            while received < len(body) - 65536:
                received += len(connection.recv(1 << 20))
                time.sleep(0.05)
        taken.append(received)
        connection.sendall(HEAD + b"Content-Length: 2\r\n\r\n{}")

    assert session.put(server(slow), data=body).json() == {}
    assert taken[0] >= len(body) - 65536


def test_a_body_that_nobody_takes_is_given_up(server, session):
    started = time.monotonic()
    with pytest.raises(requests.ConnectionError):
        session.put(server(silent), data=b"x" * (64 << 20))
    assert time.monotonic() - started < 20 * SECONDS


def test_connections_are_kept_for_the_next_call(server, session):
    connections = []

    def answer(connection: socket.socket) -> None:
        connections.append(connection)
        for _ in range(3):
            connection.sendall(HEAD + b"Content-Length: 2\r\n\r\n{}")
            connection.recv(65536)

    url = server(answer)
    assert [session.get(url).json() for _ in range(3)] == [{}] * 3
    assert len(connections) == 1
