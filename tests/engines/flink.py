"""Flink as a session cluster of processes on loopback, behind a job server of Beam."""

from __future__ import annotations

import contextlib
import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.engines.servers import HOST, Server, end, java, start, wait_for_port, wait_until
from tests.ports import free_port

_SLOTS = 4
_MEMORY = {
    "task.heap": "384m",
    "task.off-heap": "64m",
    "framework.heap": "128m",
    "framework.off-heap": "128m",
    "managed": "128m",
    "jvm-metaspace": "256m",
}
"""Of a task manager. Flink's own script computes it before the process starts; here it is told."""

_BOUNDS = {"network": "192m", "jvm-overhead": "192m"}


@dataclass
class Flink:
    """A running session cluster.

    Attributes:
        folder: for the logs of its processes.
        ports: what listens -> its port: `rest`, `rpc`, `jobs`.
        job_manager: the process that runs jobs.
        job_server: the process that takes jobs on.
        task_managers: the processes that do the work, with four slots each.
    """

    folder: Path
    ports: dict[str, int] = field(default_factory=lambda: {name: free_port() for name in ("rest", "rpc", "jobs")})
    job_manager: Server | None = None
    job_server: Server | None = None
    task_managers: list[Server] = field(default_factory=list)

    @property
    def endpoint(self) -> str:
        """Where jobs are taken on."""
        return f"{HOST}:{self.ports['jobs']}"

    def options(self, *, parallelism: int = 1) -> tuple[str, ...]:
        """Options of Beam pipelines that run here, by workers in the launching process."""
        return (
            "--runner=PortableRunner",
            f"--job_endpoint={self.endpoint}",
            "--environment_type=LOOPBACK",
            f"--parallelism={parallelism}",
        )

    def part_of_analysis(self, *, parallelism: int = 1) -> dict[str, str]:
        """The same as `options` of an analysis file."""
        return dict(flag.removeprefix("--").split("=") for flag in self.options(parallelism=parallelism))

    def jobs_done(self) -> int:
        """How many jobs ended well."""
        return sum(job["state"] == "FINISHED" for job in self.asked("jobs/overview")["jobs"])

    def asked(self, path: str) -> Any:
        """What the cluster answers to a question about itself."""
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(f"http://{HOST}:{self.ports['rest']}/{path}", timeout=10) as answer:
            return json.load(answer)

    def last_job(self) -> str:
        """The id of the job that began last."""
        jobs = self.asked("jobs/overview")["jobs"]
        return str(max(jobs, key=lambda job: job["start-time"])["jid"])

    def slots(self) -> int:
        """How many slots its task managers have; none before it answers."""
        try:
            return int(self.asked("overview")["slots-total"])
        except (urllib.error.URLError, TimeoutError, ConnectionError):
            return 0

    def start_job_manager(self) -> None:
        """Starts it anew, with no jobs."""
        self.job_manager = self._java(
            "job_manager",
            "org.apache.flink.runtime.entrypoint.StandaloneSessionClusterEntrypoint",
            **{
                "rest.address": HOST,
                "rest.bind-address": HOST,
                "rest.port": self.ports["rest"],
                "jobmanager.bind-host": HOST,
                "web.submit.enable": "false",
            },
        )
        wait_for_port(self.ports["rest"], self.job_manager, self.folder / "job_manager")

    def start_task_manager(self) -> Server:
        """Starts one more, and waits until its slots can be used."""
        slots = self.slots()
        server = self._java(
            "task_manager",
            "org.apache.flink.runtime.taskexecutor.TaskManagerRunner",
            **{
                "taskmanager.host": HOST,
                "taskmanager.bind-host": HOST,
                "taskmanager.numberOfTaskSlots": _SLOTS,
                "taskmanager.cpu.cores": float(_SLOTS),
                **{f"taskmanager.memory.{part}.size": size for part, size in _MEMORY.items()},
                **{f"taskmanager.memory.{p}.{bound}": size for p, size in _BOUNDS.items() for bound in ("min", "max")},
            },
        )
        self.task_managers.append(server)
        wait_until(lambda: self.slots() == slots + _SLOTS, server, self.folder / "task_manager")
        return server

    def have_task_managers(self, count: int = 1) -> None:
        """Waits until those that were killed are forgotten, and starts as many as are missing."""
        assert self.job_manager is not None
        kept = len(self.task_managers) * _SLOTS
        wait_until(lambda: self.slots() == kept, self.job_manager, self.folder / "job_manager")
        while len(self.task_managers) < count:
            self.start_task_manager()

    def start_job_server(self) -> None:
        """Starts it anew, at the same endpoint."""
        command = java(
            "org.apache.beam.runners.flink.FlinkJobServerDriver",
            f"--flink-master={HOST}:{self.ports['rest']}",
            f"--job-host={HOST}",
            f"--job-port={self.ports['jobs']}",
            "--artifact-port=0",
            "--expansion-port=0",
            f"--artifacts-dir={self.folder / 'artifacts'}",
            jars="flink",
        )
        self.job_server = start(command, self.folder / "job_server")
        wait_for_port(self.ports["jobs"], self.job_server, self.folder / "job_server")

    def _java(self, log: str, main: str, **settings: Any) -> Server:
        """Starts a process of Flink, which finds the job manager."""
        (self.folder / "conf").mkdir(exist_ok=True)
        (self.folder / "conf" / "flink-conf.yaml").touch()
        settings |= {
            "jobmanager.rpc.address": HOST,
            "jobmanager.rpc.port": self.ports["rpc"],
            "io.tmp.dirs": self.folder,
            "classloader.resolve-order": "parent-first",
            "taskmanager.network.sort-shuffle.min-buffers": 64,
            "slot.request.timeout": 20000,  # five minutes otherwise: for slots that were there
            "heartbeat.interval": 2000,
            "heartbeat.timeout": 10000,
        }
        flags = [word for name, value in settings.items() for word in ("-D", f"{name}={value}")]
        command = java(main, "--configDir", str(self.folder / "conf"), *flags, jars="flink", megabytes=1024)
        return start(command, self.folder / log)


@contextlib.contextmanager
def running(folder: Path, *, task_managers: int = 1) -> Iterator[Flink]:
    """A session cluster and its job server, as long as the block lasts."""
    flink = Flink(folder)
    try:
        flink.start_job_manager()
        for _ in range(task_managers):
            flink.start_task_manager()
        flink.start_job_server()
        yield flink
    finally:
        for server in (flink.job_server, flink.job_manager, *flink.task_managers):
            if server is not None:
                end(server)
