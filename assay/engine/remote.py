"""What callers know of a job on Dataflow. Standard library only: schedulers read it, too."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

DONE = "JOB_STATE_DONE"
ENDED = (DONE, "JOB_STATE_FAILED", "JOB_STATE_CANCELLED", "JOB_STATE_UPDATED", "JOB_STATE_DRAINED")
"""States in which a job stays."""

_SAID = re.compile(r"Dataflow job (?P<id>\S+) \((?P<name>\S+)\) of (?P<project>\S+) in (?P<region>[^\s:]+): taken on, ")


@dataclass(frozen=True, kw_only=True)
class RemoteJob:
    """A job on Dataflow.

    Attributes:
        id: what Dataflow calls it.
        name: what we call it.
        project: whose it is.
        region: where it runs.
    """

    id: str
    name: str
    project: str
    region: str

    @property
    def page(self) -> str:
        """Where a browser shows it."""
        return f"https://console.cloud.google.com/dataflow/jobs/{self.region}/{self.id}?project={self.project}"

    @property
    def announcement(self) -> str:
        """The line that tells whose job a stage is from now on, by which `in_line` knows it again."""
        return self.line(f"taken on, {self.page}")

    def line(self, what: str) -> str:
        """A line for a log."""
        return f"Dataflow job {self.id} ({self.name}) of {self.project} in {self.region}: {what}"


def in_line(text: str) -> RemoteJob | None:
    """The job that a line of a log announces, if it does."""
    job = _SAID.search(text)
    return RemoteJob(**job.groupdict()) if job else None


@dataclass
class Remote:
    """How a stage treats its job on Dataflow.

    Attributes:
        detach: leave as soon as the job is there, and let another call collect what it makes.
        job: id of the job that an earlier call has left, whose failure is then an error; "" finds or submits one.
        describe: only describe the job, for a template of Dataflow, which then starts it.
        used: the job that was found or submitted, noted for the caller; empty for none.
    """

    detach: bool = False
    job: str = ""
    describe: bool = False
    used: RemoteJob | None = None


def job_of(facts: Mapping[str, str]) -> RemoteJob | None:
    """The job in the result of a stage, if it had one."""
    return RemoteJob(**facts) if facts else None
