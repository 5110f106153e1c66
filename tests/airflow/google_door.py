"""A door before the emulated storage, which lets in who has a token, and gives tokens to service accounts."""

from __future__ import annotations

import base64
import contextlib
import json
import threading
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

ACCOUNT = "reader@project.iam.gserviceaccount.com"


@dataclass
class Door:
    """A running door.

    Attributes:
        url: where it listens.
        key: of a service account that gets its tokens here, as Google's console gives it.
        accounts: those that have asked for a token.
    """

    url: str
    key: dict[str, str] = field(repr=False)
    accounts: list[str] = field(default_factory=list)


@contextlib.contextmanager
def door(storage: str) -> Iterator[Door]:
    """Opens a door before the storage at a URL."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    url = f"http://127.0.0.1:{server.server_port}"
    opened = Door(url, key_of(f"{url}/token"))
    server.storage, server.accounts = storage, opened.accounts  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield opened
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def key_of(token_uri: str) -> dict[str, str]:
    """The key of a service account that asks for its tokens at a URL."""
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import rsa

    text = rsa.generate_private_key(public_exponent=65537, key_size=2048).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return {
        "type": "service_account",
        "project_id": "project",
        "private_key_id": "1",
        "private_key": text.decode(),
        "client_email": ACCOUNT,
        "client_id": "1",
        "token_uri": token_uri,
    }


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Any

    def do_GET(self) -> None:
        self._handle()

    do_POST = do_PUT = do_DELETE = do_PATCH = do_GET

    def log_message(self, *_: Any) -> None:
        pass

    def _handle(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.path == "/token":
            self._answer(200, {"Content-Type": "application/json"}, self._token(body))
        elif self.headers.get("Authorization") != f"Bearer token-of-{ACCOUNT}":
            self._answer(401, {}, b"who is there?")
        else:
            self._answer(*self._passed_on(body))

    def _token(self, body: bytes) -> bytes:
        claims = urllib.parse.parse_qs(body.decode())["assertion"][0].split(".")[1]
        account = json.loads(base64.urlsafe_b64decode(claims + "=="))["iss"]
        self.server.accounts.append(account)
        return json.dumps({"access_token": f"token-of-{account}", "expires_in": 3600, "token_type": "Bearer"}).encode()

    def _passed_on(self, body: bytes) -> tuple[int, dict[str, str], bytes]:
        headers = {name: value for name, value in self.headers.items() if name not in ("Host", "Authorization")}
        request = urllib.request.Request(self.server.storage + self.path, body or None, headers, method=self.command)
        try:
            with urllib.request.urlopen(request) as answer:
                return answer.status, dict(answer.headers), answer.read()
        except urllib.error.HTTPError as error:
            return error.code, dict(error.headers), error.read()

    def _answer(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self.send_response(status)
        for name, value in headers.items():
            if name.lower() not in ("content-length", "connection", "transfer-encoding", "server", "date"):
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
