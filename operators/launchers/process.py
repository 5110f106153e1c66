"""Stage commands in another Python interpreter on this machine, with the packages that Airflow's environment lacks."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import ClassVar

from assay.errors import ConfigError
from assay.operators.launchers.launcher import CREDENTIALS, StageCall

PYTHON = "ASSAY_PYTHON"
"""Environment variable that names the interpreter, unless the launcher names one."""

_GRACE_SECONDS = 10.0


@dataclass(frozen=True, kw_only=True)
class SubprocessLauncher:
    """Runs stages in another Python on this machine.

    Attributes:
        python: interpreter of an environment with `assay[core]`, or `assay[runtime]` for stages that run TensorFlow; ""
            is the one that `ASSAY_PYTHON` names.
        env: environment variables, in addition to those of Airflow that do not start with AIRFLOW.
        cwd: folder in which stages run, from which your own modules can be imported; "" is Airflow's.
    """

    template_fields: ClassVar[tuple[str, ...]] = ("python", "env", "cwd")

    python: str = ""
    env: Mapping[str, str] = field(default_factory=dict)
    cwd: str = ""

    def start(self, call: StageCall) -> Process:
        """Starts a stage in a new process group.

        Raises:
            ConfigError: the interpreter or the folder does not exist.
        """
        python = self.python or os.environ.get(PYTHON, "")
        if not python:
            raise ConfigError(f"expected an interpreter with assay[core] or more as python= or in {PYTHON}, found none")

        google = {CREDENTIALS: call.credentials} if call.credentials else {}
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("AIRFLOW")}
        try:
            return Process(
                subprocess.Popen(
                    (python, "-u", "-P", "-m", "assay", *call.arguments),
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.STDOUT,
                    env={**inherited, **google, **self.env},
                    cwd=self.cwd or None,
                    start_new_session=True,
                    text=True,
                    errors="replace",
                )
            )
        except OSError as error:
            raise ConfigError(f"cannot start {python} in {self.cwd or os.getcwd()}: {error.strerror}") from error


class Process:
    """A stage command in a process group of its own."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def lines(self) -> Iterator[str]:
        """See `Running`."""
        assert self._process.stdout is not None
        for line in self._process.stdout:
            yield line.rstrip()

    def wait(self) -> int:
        """See `Running`."""
        return self._process.wait()

    def stop(self) -> None:
        """Asks the whole group to end, and kills it if it has not ended in time."""
        if not self._signal(signal.SIGTERM):
            return

        deadline = time.monotonic() + _GRACE_SECONDS
        while time.monotonic() < deadline:
            self._process.poll()  # or it stays in the group as a zombie
            if not self._signal(0):
                return
            time.sleep(0.1)
        self._signal(signal.SIGKILL)

    def _signal(self, number: int) -> bool:
        """Sends a signal to the group; returns whether the group still exists."""
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, number)
            return True
        return False
