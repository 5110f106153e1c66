"""What a launcher is. Standard library only."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol, runtime_checkable

from assay.engine.remote import RemoteJob

CREDENTIALS = "GOOGLE_APPLICATION_CREDENTIALS"
"""Environment variable with which Google's libraries find a file of credentials."""


@dataclass(frozen=True, kw_only=True)
class StageCall:
    """A stage command for a launcher to start.

    Attributes:
        arguments: arguments of the command `assay`.
        image: the image that the stage needs: "core", "tensorflow", or one of the user's own.
        name: name of this try, to be shown to people: letters, digits, - and .
        credentials: file on this machine with Google credentials for the stage, which only this user can read; "" for
            the credentials of the machine on which the stage runs. Launchers to other machines have their own accounts.
    """

    arguments: tuple[str, ...]
    image: str
    name: str
    credentials: str = ""


def call_digest(call: StageCall) -> str:
    """Digest of the work of a call: equal for each try of the same stage of the same run with the same arguments."""
    words = (call.name.rpartition(".")[0], call.image, *call.arguments)
    return hashlib.sha256(json.dumps(words).encode()).hexdigest()[:32]


class Running(Protocol):
    """A stage command that has been started."""

    def lines(self) -> Iterator[str]:
        """Yields its output, line by line, until it ends."""

    def wait(self) -> int:
        """Waits for its end. Returns its exit code, or minus the number of the signal that ended it."""

    def stop(self) -> None:
        """Ends it and all processes that it started. May be called from a signal handler, and more than once."""


class Launcher(Protocol):
    """Starts stage commands somewhere."""

    template_fields: ClassVar[tuple[str, ...]]
    """Names of the attributes in which Airflow's templates are filled in."""

    def start(self, call: StageCall) -> Running:
        """Starts a stage command and returns at once."""


@runtime_checkable
class Contained(Protocol):
    """A launcher whose stages see no folder of this machine but those that are mounted."""

    def mounted(self) -> Sequence[str] | None:
        """Folders that stages see at the same path; None if that cannot be known before they run."""


@runtime_checkable
class Detaching(Protocol):
    """A launcher whose stages can end before their jobs do, so that a triggerer can wait for the jobs."""

    def trigger(self, job: RemoteJob) -> Any:
        """The trigger that waits for a job."""
