"""Google Cloud Storage on a loopback port: an emulator in pure Python that keeps preconditions and fails on demand.

It is a test double. What it does not show: quotas, real authorisation, sessions of resumable uploads that outlive a
server. `python -m tests.gcs_emulator PORT` runs it; `started` runs it as a process, for tests.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import re
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http import HTTPStatus
from http.server import ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

from tests.ports import free_port

CONTROL = "/-/faults"
_CONDITIONS = ("ifGenerationMatch", "ifGenerationNotMatch")


@dataclass(frozen=True)
class Emulator:
    """A running emulator.

    Attributes:
        url: where it listens, as `STORAGE_EMULATOR_HOST` wants it.
        bucket: name of a bucket that is there.
    """

    url: str
    bucket: str

    @property
    def root(self) -> str:
        """The bucket as a place."""
        return f"gs://{self.bucket}"

    def fail(self, kind: str, times: int, *, method: str = ".*", path: str = ".*") -> None:
        """Lets the next requests fail.

        Args:
            kind: "503", "429" or another status; "cut" (the connection goes in mid-upload); "lost" (the work is done,
                but the answer does not come through); "short" (the connection goes in mid-answer); "corrupt" (a bit of
                a download is flipped); "slow" (the answer takes a second).
            times: how many requests.
            method: regular expression of the HTTP method.
            path: regular expression found in the path and query.
        """
        fault = {"kind": kind, "times": times, "method": method, "path": path}
        _post(self.url + CONTROL, json.dumps(fault).encode())

    def pending(self) -> int:
        """Failures that have not happened yet."""
        with urllib.request.urlopen(self.url + CONTROL) as answer:
            return sum(fault["times"] for fault in json.loads(answer.read()))

    def heal(self) -> None:
        """Forgets the failures that have not happened yet."""
        _post(self.url + CONTROL, b"null")


def _post(url: str, content: bytes) -> None:
    request = urllib.request.Request(url, content, {"Content-Type": "application/octet-stream"}, method="POST")
    urllib.request.urlopen(request).close()


@contextlib.contextmanager
def started(bucket: str = "bucket", python: str = sys.executable) -> Iterator[Emulator]:
    """Runs an emulator in a process of its own, with one bucket; `python` is an interpreter that has it."""
    port = free_port()
    command = (python, "-m", "tests.gcs_emulator", str(port), bucket)
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        emulator = Emulator(f"http://127.0.0.1:{port}", bucket)
        _wait_for(emulator.url)
        yield emulator
    finally:
        process.kill()
        process.wait()


def _wait_for(url: str) -> None:
    deadline = time.monotonic() + 180
    while time.monotonic() < deadline:
        with contextlib.suppress(urllib.error.URLError, ConnectionError):
            urllib.request.urlopen(url + CONTROL).close()
            return
        time.sleep(0.05)
    raise TimeoutError(f"the emulator at {url} does not answer")


# The server -----------------------------------------------------------------------------------------------------------


def serve(port: int, bucket: str) -> None:
    """Serves until it is killed."""
    from gcp_storage_emulator import server as emulated
    from gcp_storage_emulator.handlers import buckets
    from gcp_storage_emulator.storage import Storage

    logging.disable(logging.CRITICAL)
    storage = Storage(use_memory_fs=True)
    storage._write_config_to_file = lambda: None  # an index of all there is, at every write, which nobody reads
    buckets.create_bucket(bucket, storage)
    emulated.HANDLERS = tuple(
        (route, {method: _strict(handler) for method, handler in handlers.items()})
        for route, handlers in emulated.HANDLERS
    )
    handler: Any = type("Handler", (_Failing, emulated.RequestHandler), {"storage_served": storage})
    ThreadingHTTPServer(("127.0.0.1", port), handler).serve_forever()


_uploads: dict[str, tuple[str, str, dict[str, str]]] = {}
"""Upload id -> bucket, name and conditions with which it began."""

_answers: dict[tuple[str, str], tuple[HTTPStatus, dict[str, str], str]] = {}
"""Upload id and range -> what was answered, and is again to a client that sends again what has been taken already."""


def _strict(handle: Callable[..., Any]) -> Callable[..., Any]:
    """A handler that keeps conditions and generations and takes no part twice, as the real storage does."""

    def kept(request: Any, response: Any, storage: Any, *rest: Any, **named: Any) -> Any:
        part = request.query.get("upload_id", [""])[0], request.get_header("Content-Range", "") or ""
        target = _target(request)
        if part in _answers:
            _ = request.data  # or the connection would be left with it
            response.status, response._headers, response._content = _answers[part]
        elif _is_gone(request, storage):
            _refuse(response, HTTPStatus.NOT_FOUND, "notFound")
        elif target is not None and _violated(storage, *target):
            _ = request.data
            _refuse(response, HTTPStatus.PRECONDITION_FAILED, "conditionNotMet")
        else:
            handle(request, response, storage, *rest, **named)
            if target is not None:
                _remember(request, response, target, part)

    return kept


def _refuse(response: Any, status: HTTPStatus, reason: str) -> None:
    response.status = status
    response.json({"error": {"code": int(status), "errors": [{"reason": reason}], "message": reason}})


def _remember(request: Any, response: Any, target: tuple[str, str, dict[str, str]], part: tuple[str, str]) -> None:
    if request.query.get("uploadType") == ["resumable"]:
        found = re.search(r"upload_id=([^&]+)", response._headers.get("Location", ""))
        if found:
            _uploads[urllib.parse.unquote_plus(found[1])] = target
    taken = response.status in (HTTPStatus.OK, HTTPStatus.PERMANENT_REDIRECT)
    if all(part) and taken and not part[1].startswith("bytes */"):  # which asks how far it is
        _answers[part] = response.status, response._headers, response._content


def _is_gone(request: Any, storage: Any) -> bool:
    """Whether a generation is asked for that has been replaced."""
    asked = request.query.get("generation", [""])[0]
    params = request.params or {}
    if request.method != "GET" or not asked or "object_id" not in params:
        return False
    return _violated(storage, params["bucket_name"], params["object_id"], {"ifGenerationMatch": asked})


def _target(request: Any) -> tuple[str, str, dict[str, str]] | None:
    """Bucket, name and conditions of what a request would change."""
    if request.method == "GET":
        return None
    upload = request.query.get("upload_id", [""])[0]
    if upload:
        return _uploads.get(upload)
    conditions = {key: request.query[key][0] for key in _CONDITIONS if key in request.query}
    params = request.params or {}
    name = params.get("dest_object_id") or params.get("object_id") or request.query.get("name", [""])[0]
    if not name and "uploadType" in request.query:
        described = request.data if isinstance(request.data, dict) else {}
        name = (described.get("meta") or described).get("name", "")
    bucket = params.get("dest_bucket_name") or params.get("bucket_name")
    return (bucket, name, conditions) if bucket and name else None


def _violated(storage: Any, bucket: str, name: str, conditions: dict[str, str]) -> bool:
    try:
        generation = str(storage.get_file_obj(bucket, name)["generation"])
    except Exception:
        generation = "0"
    wanted, unwanted = (conditions.get(key) for key in _CONDITIONS)
    return (wanted is not None and wanted != generation) or (unwanted is not None and unwanted == generation)


class _Failing:
    """What comes before the emulator's own handler of requests: failures, and requests one at a time."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # or every answer waits 40 ms for an acknowledgement
    storage_served: Any
    faults: ClassVar[list[dict[str, Any]]] = []
    lock = threading.Lock()

    def __init__(self, *args: Any) -> None:
        super().__init__(self.storage_served, *args)  # type: ignore[call-arg] # the emulator's handler comes behind

    def do_GET(self) -> None:
        self._handle("GET")

    def do_POST(self) -> None:
        self._handle("POST")

    def do_PUT(self) -> None:
        self._handle("PUT")

    def do_DELETE(self) -> None:
        self._handle("DELETE")

    def do_PATCH(self) -> None:
        self._handle("PATCH")

    def _handle(self: Any, method: str) -> None:
        if self.path.startswith(CONTROL):
            self._control(method)
            return
        with self.lock:
            fault = next((f for f in self.faults if f["times"] and _meets(f, method, self.path)), None)
            if fault is None:
                self._do(method)
            else:
                fault["times"] -= 1
                self._fail(fault["kind"], method)

    def _do(self, method: str) -> None:
        getattr(super(), f"do_{method}")()

    def _fail(self: Any, kind: str, method: str) -> None:
        if kind.isdigit():
            self.rfile.read(self._length())
            self._answer(int(kind), b"")
        elif kind == "cut":
            self.rfile.read(self._length() // 2)
            self._hang_up()
        elif kind == "slow":
            time.sleep(1)
            self._do(method)
        else:
            answer, self.wfile = self.wfile, _SPOILING[kind](self.wfile)
            self._do(method)
            self.wfile = answer
            if kind != "corrupt":
                self._hang_up()

    def _length(self: Any) -> int:
        return int(self.headers.get("Content-Length") or 0)

    def _hang_up(self: Any) -> None:
        self.close_connection = True
        with contextlib.suppress(OSError):
            self.connection.shutdown(socket.SHUT_RDWR)

    def _control(self: Any, method: str) -> None:
        if method == "POST":
            asked = json.loads(self.rfile.read(self._length()))
            self.faults[:] = [] if asked is None else [*self.faults, asked]
        self._answer(200, json.dumps(self.faults).encode())

    def _answer(self: Any, status: int, content: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


def _meets(fault: dict[str, Any], method: str, path: str) -> bool:
    return bool(re.fullmatch(fault["method"], method) and re.search(fault["path"], path))


class _Spoiled:
    """Spoils an answer; its headers and body are written in one go each.

    Args:
        file: where the answer goes.
        headers: what becomes of them.
        body: what becomes of it.
    """

    def __init__(self, file: Any, headers: Callable[[bytes], bytes], body: Callable[[bytes], bytes]) -> None:
        self._file, self._headers, self._body = file, headers, body

    def write(self, content: bytes) -> int:
        self._file.write((self._headers if content.startswith(b"HTTP/") else self._body)(content))
        return len(content)

    def flush(self) -> None:
        self._file.flush()


def _nothing(_: bytes) -> bytes:
    return b""


def _half(content: bytes) -> bytes:
    return content[: len(content) // 2]


def _flipped(content: bytes) -> bytes:
    changed = bytearray(content)
    changed[len(changed) // 2] ^= 1
    return bytes(changed)


_SPOILING: dict[str, Callable[[Any], _Spoiled]] = {
    "lost": lambda file: _Spoiled(file, _nothing, _nothing),
    "short": lambda file: _Spoiled(file, bytes, _half),
    "corrupt": lambda file: _Spoiled(file, bytes, _flipped),
}


if __name__ == "__main__":
    serve(int(sys.argv[1]), sys.argv[2])
