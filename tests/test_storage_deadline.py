"""A storage that never answers, drips or answers with something else: every call ends, with a named error."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress

import pytest
import requests  # type: ignore[import-untyped]

from assay import storage, storage_deadline, storage_gcs
from assay.errors import TransientError

SECONDS = 0.6
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
Answer = Callable[[socket.socket], None]


@pytest.fixture
def server(monkeypatch) -> Iterator[Callable[[Answer], str]]:
    """Starts a server that answers every request like that; returns its address."""
    listening = socket.create_server(("127.0.0.1", 0))

    def start(answer: Answer) -> str:
        def serve() -> None:
            with suppress(OSError):
                while True:
                    connection, _ = listening.accept()
                    threading.Thread(target=served, args=(connection,), daemon=True).start()

        def served(connection: socket.socket) -> None:
            with suppress(OSError), connection:
                connection.recv(65536)
                answer(connection)

        threading.Thread(target=serve, daemon=True).start()
        url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        monkeypatch.setenv("STORAGE_EMULATOR_HOST", url)
        return url

    monkeypatch.setattr(storage_gcs, "_clients", {})
    monkeypatch.setattr(storage_gcs, "RETRY_SECONDS", SECONDS)
    yield start
    listening.close()


def silent(connection: socket.socket) -> None:
    time.sleep(30)


def dripping_head(connection: socket.socket) -> None:
    for byte in HEAD * 100:
        connection.sendall(bytes([byte]))
        time.sleep(0.1)


def dripping_body(connection: socket.socket) -> None:
    connection.sendall(HEAD + b"Content-Length: 100000\r\n\r\n")
    while True:
        connection.sendall(b" ")
        time.sleep(0.1)


def endless_chunks(connection: socket.socket) -> None:
    connection.sendall(HEAD + b"Transfer-Encoding: chunked\r\n\r\n")
    while True:
        connection.sendall(b"1\r\n \r\n")
        time.sleep(0.1)


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


# Large objects --------------------------------------------------------------------------------------------------------


@pytest.fixture
def session() -> requests.Session:
    session = requests.Session()
    storage_deadline.mount(session, SECONDS)
    return session


def test_a_large_answer_may_take_as_long_as_it_goes_on(server, session):
    piece = b"x" * (storage_deadline.LEAST_RATE // 2)

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
