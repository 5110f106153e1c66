"""A terminal: commands typed one after the other in a folder, and what each of them cost."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

_HIDDEN = ("PYTHONPATH", "VIRTUAL_ENV", "PYTHONHOME", "TF_CPP_MIN_LOG_LEVEL")
_SECONDS = "1500"
"""After which a command is ended."""


class Cost(NamedTuple):
    """What a command took: seconds of the processor, user and system, with all its children; seconds of the clock."""

    cpu_s: float = 0.0
    wall_s: float = 0.0

    def plus(self, other: Cost) -> Cost:
        """Both together."""
        return Cost(self.cpu_s + other.cpu_s, self.wall_s + other.wall_s)


class Done(NamedTuple):
    """A command that has ended: what it printed, errors included, and what it took."""

    output: str
    cost: Cost


@dataclass
class Shell:
    """A terminal in a folder; nothing of this repository is on its path. `typed.txt` beside the folder has all of it.

    Attributes:
        folder: where commands are typed.
        variables: the environment; what a command exports is in that of the next one.
    """

    folder: Path
    variables: dict[str, str]

    def type(self, line: str) -> Done:
        """Runs a line of bash to its end.

        Raises:
            AssertionError: it failed; has what it printed.
        """
        script = f'{line}\ncode=$?; env -0 > "$AFTERWARDS"; exit $code'
        exported = self.folder.parent / "exported"
        start = time.perf_counter()
        process = subprocess.Popen(
            ["timeout", "--kill-after=10", _SECONDS, "bash", "--norc", "-c", script],
            cwd=self.folder,
            env={**self.variables, "AFTERWARDS": str(exported)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        )
        output = process.stdout.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        cost = Cost(usage.ru_utime + usage.ru_stime, time.perf_counter() - start)
        with open(self.folder.parent / "typed.txt", "a") as typed:
            typed.write(f"$ {line}\n{output}\n")
        assert process.returncode == 0, f"{line}\nended with {process.returncode}:\n{output}"

        kept = (entry.partition("=") for entry in exported.read_text().split("\0") if entry)
        self.variables = {name: value for name, _, value in kept if name not in ("AFTERWARDS", "SHLVL", "_")}
        return Done(output, cost)


def shell_in(folder: Path) -> Shell:
    """A new terminal in a folder, in which `python` is an interpreter of the version that runs this."""
    folder.mkdir(parents=True)
    kept = {name: value for name, value in os.environ.items() if name not in _HIDDEN}
    ours = Path(sys.executable).parent
    path = [entry for entry in kept["PATH"].split(os.pathsep) if Path(entry) != ours]
    return Shell(folder, {**kept, "PATH": os.pathsep.join([f"{sys.base_prefix}/bin", *path])})
