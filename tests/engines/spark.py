"""Spark as a standalone cluster of processes on loopback, behind a job server of Beam."""

from __future__ import annotations

import contextlib
import json
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.engines.servers import HOST, JARS, Server, end, java, start, wait_for_port, wait_until
from tests.ports import free_port

_CORES = 2
"""Of a worker."""

_RUNNER_JAR = "beam-runners-spark-3-*.jar"


@dataclass
class Spark:
    """A running standalone cluster.

    Attributes:
        folder: for the logs of its processes.
        ports: what listens -> its port: `master`, `pages`, `jobs`.
        master: the process that hands out workers.
        job_server: the process that takes jobs on, and is the driver of each.
        workers: the processes that start executors, with two cores each.
        parallelism: cores of a job, as the job server was started.
    """

    folder: Path
    ports: dict[str, int] = field(default_factory=lambda: {name: free_port() for name in ("master", "pages", "jobs")})
    master: Server | None = None
    job_server: Server | None = None
    workers: list[Server] = field(default_factory=list)
    parallelism: int = 0

    @property
    def url(self) -> str:
        """Of the master."""
        return f"spark://{HOST}:{self.ports['master']}"

    @property
    def options(self) -> tuple[str, ...]:
        """Options of Beam pipelines that run here, by workers in the launching process.

        Executors have the jars already. Without `files_to_stage` each job would send them all.
        """
        (jar,) = (JARS / "spark").glob(_RUNNER_JAR)
        return (
            "--runner=PortableRunner",
            f"--job_endpoint={HOST}:{self.ports['jobs']}",
            "--environment_type=LOOPBACK",
            f"--files_to_stage={jar}",
        )

    def asked(self) -> Mapping[str, Any]:
        """What the master says of its workers and applications."""
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(f"http://{HOST}:{self.ports['pages']}/json/", timeout=10) as answer:
            found: Mapping[str, Any] = json.load(answer)
        return found

    def cores(self) -> int:
        """How many cores its workers have; none before it answers."""
        try:
            return int(self.asked()["cores"])
        except (urllib.error.URLError, TimeoutError, ConnectionError):
            return 0

    def start_master(self) -> None:
        """Starts it anew, with no workers."""
        ports = ("--port", str(self.ports["master"]), "--webui-port", str(self.ports["pages"]))
        self.master = self._java("master", "org.apache.spark.deploy.master.Master", "--host", HOST, *ports)
        wait_for_port(self.ports["pages"], self.master, self.folder / "master")

    def have_workers(self, count: int) -> None:
        """Starts workers until there are that many, and waits until the master knows them, and no others."""
        while len(self.workers) < count:
            given = ("--host", HOST, "--cores", str(_CORES), "--memory", "1500m", "--webui-port", str(free_port()))
            folder = ("--work-dir", str(self.folder / f"work-{free_port()}"))
            worker = self._java("worker", "org.apache.spark.deploy.worker.Worker", *given, *folder, self.url)
            self.workers.append(worker)
        wait_until(lambda: self.cores() == _CORES * count, self.workers[-1], self.folder / "worker")

    def with_parallelism(self, parallelism: int) -> tuple[str, ...]:
        """Options of pipelines whose jobs have that many cores, which is a setting of the job server."""
        if self.parallelism != parallelism:
            self.start_job_server(parallelism)
        return self.options

    def start_job_server(self, parallelism: int = 2) -> None:
        """Starts it anew, at the same endpoint; its jobs have that many cores."""
        if self.job_server is not None:
            end(self.job_server)
        self.parallelism = parallelism
        settings = {
            "cores.max": parallelism,
            # No more executors than it takes: those on one machine would mix up the workers of one pool.
            "executor.cores": min(parallelism, _CORES),
            "default.parallelism": parallelism,
            "executor.memory": "700m",
            "executor.extraClassPath": f"{JARS / 'spark'}/*",
            "executor.extraJavaOptions": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC",
            "driver.host": HOST,
            "ui.enabled": "false",
            "local.dir": self.folder,
        }
        self.job_server = self._java(
            "job_server",
            "org.apache.beam.runners.spark.SparkJobServerDriver",
            f"--spark-master-url={self.url}",
            f"--job-host={HOST}",
            f"--job-port={self.ports['jobs']}",
            "--artifact-port=0",
            "--expansion-port=0",
            f"--artifacts-dir={self.folder / 'artifacts'}",
            **settings,
        )
        wait_for_port(self.ports["jobs"], self.job_server, self.folder / "job_server")

    def _java(self, log: str, main: str, *arguments: str, **settings: object) -> Server:
        """Starts a process of Spark, which looks for the jars of executors in the folder `jars` of its home."""
        home = self.folder / "home"
        home.mkdir(exist_ok=True)
        if not (home / "jars").exists():
            (home / "jars").symlink_to(JARS / "spark")
        own = [f"-Dspark.{name}={value}" for name, value in settings.items()]
        program, *command = java(main, *arguments, jars="spark", megabytes=768)
        environment = {"SPARK_HOME": str(home), "SPARK_SCALA_VERSION": "2.12", "SPARK_LOCAL_IP": HOST}
        return start([program, *own, *command], self.folder / log, environment)


@contextlib.contextmanager
def running(folder: Path, *, workers: int = 1) -> Iterator[Spark]:
    """A master, workers and a job server, as long as the block lasts."""
    spark = Spark(folder)
    try:
        spark.start_master()
        spark.have_workers(workers)
        spark.start_job_server()
        yield spark
    finally:
        for server in (spark.job_server, spark.master, *spark.workers):
            if server is not None:
                end(server)
