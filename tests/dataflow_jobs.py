"""Dataflow's jobs API on a loopback port, in whose place the tests' clients look. It really runs what is submitted.

A job's pipeline is read from where Beam has staged it, and run in a process of its own on Beam's in-memory runner;
state and messages are that process's. It is a test double: what it does not show is quotas, authorisation,
workers on several machines, and how long anything takes.

This module is standard library only as long as it serves, so that Airflow's environment has it too;
`python -m tests.dataflow_jobs SOCKET` needs Beam: it imports it once, and forks the process of each job.
"""

from __future__ import annotations

import atexit
import contextlib
import functools
import importlib
import json
import os
import re
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import traceback
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

ROOT = Path(__file__).parents[1]
RUNTIME = ROOT / ".venv" / "bin" / "python"
PROJECT, REGION = "tests", "europe-west1"

_JOBS = re.compile(rf"/v1b3/projects/{PROJECT}/locations/{REGION}/jobs(?:/(?P<id>[\w-]+)(?P<what>/\w+)?)?")
_NAME = re.compile(r"[a-z]([-a-z0-9]{0,1022}[a-z0-9])?")
_LABEL = re.compile(r"[a-z0-9_-]{0,63}")
_ENDED = {"JOB_STATE_DONE", "JOB_STATE_FAILED", "JOB_STATE_CANCELLED"}
_WITH_LABELS = {"2", "3", "JOB_VIEW_ALL", "JOB_VIEW_DESCRIPTION"}
_CANCEL = {"5", "JOB_STATE_CANCELLED"}
_PAGE = 2


@dataclass
class Job:
    """A job, with what was asked for."""

    id: str
    asked: dict[str, Any]
    state: str = "JOB_STATE_PENDING"
    created: str = field(default_factory=lambda: datetime.now(UTC).isoformat().replace("+00:00", "Z"))
    messages: list[dict[str, Any]] = field(default_factory=list)
    pid: int = 0

    @property
    def name(self) -> str:
        return str(self.asked["name"])

    @property
    def options(self) -> dict[str, Any]:
        """Beam's options, as they came."""
        options: dict[str, Any] = self.asked["environment"]["sdkPipelineOptions"]["options"]
        return options

    def described(self, *, labels: bool) -> dict[str, Any]:
        shown = {"id": self.id, "name": self.name, "projectId": PROJECT, "location": REGION}
        shown |= {"currentState": self.state, "createTime": self.created}
        return {**shown, "labels": self.asked.get("labels", {})} if labels else shown

    def say(self, text: str, importance: str = "JOB_MESSAGE_ERROR") -> None:
        message = {"id": str(len(self.messages)), "time": self.created, "messageText": text}
        self.messages.append({**message, "messageImportance": importance})


@dataclass
class Service:
    """The service.

    Attributes:
        url: where it listens.
        emulator: of the storage that has what is staged.
        jobs: all that were submitted, the oldest first.
        refusal: what becomes of a second active job of a name: "conflict" (409) or "existing" (the first is returned).
        failing: requests that are still to be answered with 503.
    """

    emulator: str
    url: str = ""
    jobs: list[Job] = field(default_factory=list)
    refusal: str = "conflict"
    failing: int = 0
    lost: int = 0
    """Jobs that are still to be created without an answer."""
    open: threading.Event = field(default_factory=threading.Event)
    lock: Any = field(default_factory=threading.RLock)

    @property
    def options(self) -> tuple[str, ...]:
        """Beam's options that lead here."""
        return (
            "--runner=DataflowRunner",
            f"--project={PROJECT}",
            f"--region={REGION}",
            f"--dataflow_endpoint={self.url}",
            "--no_auth",
        )

    def hold(self) -> None:
        """Lets jobs that are submitted from now on wait until `release`."""
        self.open.clear()

    def release(self) -> None:
        """Lets jobs run."""
        self.open.set()

    def create(self, asked: dict[str, Any]) -> tuple[int, Any]:
        with self.lock:
            assert _NAME.fullmatch(asked["name"]), asked["name"]
            assert all(_LABEL.fullmatch(text) for pair in asked.get("labels", {}).items() for text in pair), asked
            named = [job for job in self.jobs if job.name == asked["name"]]
            sent = next((job for job in named if job.asked["clientRequestId"] == asked["clientRequestId"]), None)
            if sent is not None:
                return 409, _error(409, f"{sent.name} was submitted by this request before")
            active = next((job for job in named if job.state not in _ENDED), None)
            if active is not None and self.refusal == "existing":
                return 200, {**active.described(labels=True), "clientRequestId": active.asked["clientRequestId"]}
            if active is not None:
                return 409, _error(409, f"There is already an active job named {active.name}")
            job = Job(f"2026-11-22_00_00_00-{len(self.jobs) + 1}", asked)
            self.jobs.append(job)
        threading.Thread(target=self._run, args=(job,), daemon=True).start()
        return 200, {**job.described(labels=True), "clientRequestId": asked["clientRequestId"]}

    def cancel(self, job: Job) -> None:
        with self.lock:
            if job.state not in _ENDED:
                job.state = "JOB_STATE_CANCELLED"
                if job.pid:
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(job.pid, signal.SIGKILL)

    def _run(self, job: Job) -> None:
        job.state = "JOB_STATE_RUNNING"
        job.say("Worker configuration: e2-tests in europe-west1-b.", "JOB_MESSAGE_BASIC")
        self.open.wait()
        environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("AIRFLOW")},
            "PYTHONPATH": str(ROOT),
            "STORAGE_EMULATOR_HOST": self.emulator,
        }
        with socket.socket(socket.AF_UNIX) as connection:
            with _starting:
                address = _forks_of_jobs()
            connection.connect(address)
            process = connection.makefile("rw")
            with self.lock:
                if job.state in _ENDED:
                    return
                asked = {"pipeline": job.options.get("pipelineUrl", ""), "environment": environment}
                process.write(f"{json.dumps(asked)}\n")
                process.flush()
                job.pid = int(process.readline())
            said = process.readline()
        with self.lock:
            if job.state not in _ENDED:
                self._finish(job, json.loads(said) if said else {"error": "the process of the job was killed"})

    def _finish(self, job: Job, report: dict[str, Any]) -> None:
        if report.get("error"):
            job.say(report["error"])
            job.state = "JOB_STATE_FAILED"
            return
        job.state = "JOB_STATE_DONE"

    def answer(self, method: str, path: str, query: dict[str, list[str]], body: Any) -> tuple[int, Any]:
        found = _JOBS.fullmatch(path)
        if found is None:
            return 404, _error(404, f"there is nothing at {path}")
        if found["id"] is None:
            return self.create(body) if method == "POST" else (200, self._page(query))
        job = next((job for job in self.jobs if job.id == found["id"]), None)
        if job is None:
            return 404, _error(404, f"there is no job {found['id']}")
        if method == "PUT":
            if str(body.get("requestedState")) in _CANCEL:
                self.cancel(job)
            return 200, job.described(labels=False)
        if found["what"] == "/messages":
            return 200, {"jobMessages": _at_least(job.messages, query.get("minimumImportance", ["0"])[0])}
        return 200, job.described(labels=query.get("view", [""])[0] in _WITH_LABELS)

    def _page(self, query: dict[str, list[str]]) -> dict[str, Any]:
        """A page of summaries, which have no labels."""
        name, start = query.get("name", [""])[0], int(query.get("pageToken", ["0"])[0] or 0)
        found = [job for job in reversed(self.jobs) if name in ("", job.name)]
        token = str(start + _PAGE) if len(found) > start + _PAGE else ""
        return {"jobs": [job.described(labels=False) for job in found[start : start + _PAGE]], "nextPageToken": token}


_RANK = {"JOB_MESSAGE_DEBUG": 1, "JOB_MESSAGE_DETAILED": 2, "JOB_MESSAGE_BASIC": 3, "JOB_MESSAGE_WARNING": 4}
_NUMBERS = {"1": 1, "2": 2, "5": 3, "3": 4, "4": 5}


def _at_least(messages: list[dict[str, Any]], least: str) -> list[dict[str, Any]]:
    bound = _RANK.get(least, _NUMBERS.get(least, 5 if least == "JOB_MESSAGE_ERROR" else 0))
    return [message for message in messages if _RANK.get(message["messageImportance"], 5) >= bound]


def _error(status: int, message: str) -> dict[str, Any]:
    return {"error": {"code": status, "message": message, "status": {409: "ALREADY_EXISTS"}.get(status, "UNKNOWN")}}


class _Handler(BaseHTTPRequestHandler):
    service: Service
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self._do()

    do_POST = do_PUT = do_GET

    def _do(self) -> None:
        content = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        url = urlsplit(self.path)
        is_creation = self.command == "POST" and not self.service.failing
        if self.service.failing:
            self.service.failing -= 1
            status, answer = 503, _error(503, "down for now")
        else:
            body = json.loads(content) if content else None
            status, answer = self.service.answer(self.command, url.path, parse_qs(url.query), body)
        if is_creation and self.service.lost:
            self.service.lost -= 1
            self.close_connection = True
            self.connection.close()
            return
        text = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, format: str, *args: Any) -> None:
        pass


@contextlib.contextmanager
def started(emulator: str) -> Iterator[Service]:
    """Serves in threads of this process; `emulator` is the URL of the storage."""
    service = Service(emulator)
    service.release()
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"service": service}))
    service.url = f"http://localhost:{server.server_address[1]}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield service
    finally:
        for job in service.jobs:
            service.cancel(job)
        service.release()
        server.shutdown()
        server.server_close()


# The processes of jobs ------------------------------------------------------------------------------------------------


_starting = threading.Lock()


@functools.cache
def _forks_of_jobs() -> str:
    """The socket of a process that forks those of jobs; it ends with this one."""
    folder = tempfile.mkdtemp(prefix="jobs-")
    address = f"{folder}/socket"
    command = (str(RUNTIME), "-m", "tests.dataflow_jobs", address)
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    forks = subprocess.Popen(
        command,
        env=environment,
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    atexit.register(forks.kill)
    assert forks.stdout is not None
    assert forks.stdout.readline() == b"ready\n"
    return address


def fork_jobs(address: str) -> None:
    """Forks a process for each connection, until nobody has the other end of the input any more."""
    importlib.import_module("tests.faults.loaded_by_stages")
    server = socket.socket(socket.AF_UNIX)
    server.bind(address)
    server.listen()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for them
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    while sys.stdin not in (ready := select.select([server, sys.stdin], [], [])[0]):
        assert ready == [server]
        connection, _ = server.accept()
        if os.fork() == 0:
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            server.close()
            run_job(connection)
            os._exit(0)
        connection.close()


def run_job(connection: socket.socket) -> None:
    """Runs the job that is asked for; answers with the id of the process, and with what came of it."""
    with connection.makefile("rw") as other:
        asked = json.loads(other.readline())
        other.write(f"{os.getpid()}\n")
        other.flush()
        os.environ.clear()
        os.environ.update(asked["environment"])
        content = {}
        try:
            execute(asked["pipeline"])
        except Exception:
            content = {"error": traceback.format_exc()}
        other.write(f"{json.dumps(content)}\n")


def execute(pipeline: str) -> None:
    """Runs a staged pipeline."""
    from apache_beam.options.pipeline_options import PipelineOptions
    from apache_beam.portability import python_urns
    from apache_beam.portability.api import beam_runner_api_pb2
    from apache_beam.runners.portability.fn_api_runner import FnApiRunner

    from assay import storage

    proto = beam_runner_api_pb2.Pipeline.FromString(storage.read(pipeline))
    for environment in proto.components.environments.values():  # containers there, this process here
        environment.urn, environment.payload = python_urns.EMBEDDED_PYTHON, b""
        del environment.dependencies[:]
    FnApiRunner().run_via_runner_api(proto, PipelineOptions()).wait_until_finish()


if __name__ == "__main__":
    fork_jobs(sys.argv[1])
