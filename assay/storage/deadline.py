"""Ends every exchange with a storage: a server that never answers, or drips, is not waited for.

The timeout of a socket bounds the wait for the next byte only. Here an exchange may take a set time, and longer only
while bytes come or go at a set rate: so small calls are bounded in all, and large objects by their progress.
"""

from __future__ import annotations

import http.client
import io
import socket
import time
from typing import Any

from requests import PreparedRequest, Response, Session  # type: ignore[import-untyped]
from requests.adapters import HTTPAdapter  # type: ignore[import-untyped]
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

LEAST_RATE = 64 << 10
"""Bytes a second, over the whole of an exchange, that let it take longer than its time."""

_PIECE_BYTES = 256 << 10


def mount(session: Session, seconds: float) -> None:
    """Bounds all exchanges of a session: each takes so many seconds, and one more for each `LEAST_RATE` bytes."""
    for scheme in ("http://", "https://"):
        session.mount(scheme, _Adapter(seconds))


class _Adapter(HTTPAdapter):
    def __init__(self, seconds: float) -> None:
        self._seconds, self._pools = seconds, _pools(seconds)
        super().__init__()

    def init_poolmanager(self, *args: Any, **settings: Any) -> None:
        super().init_poolmanager(*args, **settings)
        self.poolmanager.pool_classes_by_scheme = self._pools

    def proxy_manager_for(self, *args: Any, **settings: Any) -> Any:
        manager = super().proxy_manager_for(*args, **settings)
        manager.pool_classes_by_scheme = self._pools
        return manager

    def send(self, request: PreparedRequest, *args: Any, timeout: Any = None, **settings: Any) -> Response:
        del timeout  # that of the caller is for a single byte
        return super().send(request, *args, timeout=self._seconds, **settings)


def _pools(seconds: float) -> dict[str, type[HTTPConnectionPool]]:
    """Pools of connections whose answers and bodies are bounded."""

    class BoundedResponse(http.client.HTTPResponse):
        def __init__(self, sock: socket.socket, *args: Any, **settings: Any) -> None:
            super().__init__(sock, *args, **settings)
            self.fp.close()
            self.fp = io.BufferedReader(_Arriving(sock, seconds))

    class Plain(HTTPConnection):
        response_class = BoundedResponse

        def send(self, data: Any) -> None:
            _send(super().send, data)

    class Secure(HTTPSConnection):
        response_class = BoundedResponse

        def send(self, data: Any) -> None:
            _send(super().send, data)

    class PlainPool(HTTPConnectionPool):
        ConnectionCls = Plain

    class SecurePool(HTTPSConnectionPool):
        ConnectionCls = Secure

    return {"http": PlainPool, "https": SecurePool}


def _send(send: Any, data: Any) -> None:
    """Sends in pieces, each within the timeout of the socket, which would else hold for all of a large body."""
    if not isinstance(data, bytes | bytearray | memoryview):
        send(data)
        return
    view = memoryview(data)
    for start in range(0, max(len(view), 1), _PIECE_BYTES):
        send(view[start : start + _PIECE_BYTES])


class _Arriving(io.RawIOBase):
    """The bytes of an answer, as long as they come in time."""

    def __init__(self, sock: socket.socket, seconds: float) -> None:
        self._sock, self._raw = sock, sock.makefile("rb", buffering=0)
        self._seconds, self._started, self._bytes = seconds, time.monotonic(), 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        left = self._started + self._seconds + self._bytes / LEAST_RATE - time.monotonic()
        if left <= 0:
            raise TimeoutError(f"{self._bytes} bytes came in {self._seconds:.0f} s")
        self._sock.settimeout(min(left, self._seconds))
        count: int | None = self._raw.readinto(buffer)
        self._bytes += count or 0
        return count

    def close(self) -> None:
        self._raw.close()
        super().close()
