"""What a worker process and its launcher say to each other over a socket."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from typing import Any, NamedTuple

from assay.engine.progress import Done


class Work(NamedTuple):
    """To a worker: a bundle descriptor of Beam, serialised. Parts of the input follow as the worker asks for them."""

    descriptor: bytes


class Next(NamedTuple):
    """From a worker: it has done all parts so far, and sent what came of them."""


class Parts(NamedTuple):
    """To a worker: encoded elements by the transform that reads them; nothing once there are no more."""

    elements: tuple[tuple[str, bytes], ...]


class Output(NamedTuple):
    """From a worker: encoded elements that a transform writes."""

    transform: str
    elements: bytes


class Progress(NamedTuple):
    """From a worker, a few times a second: what it has done since it last said so, and its `memory.share`."""

    done: Done
    held: int


class Finished(NamedTuple):
    """From a worker: Beam's responses to its bundles, serialised, with all counters."""

    responses: tuple[bytes, ...]


class Failed(NamedTuple):
    """From a worker: the name of one of our errors, its message, and the traceback."""

    error: str
    message: str
    traceback: str


class Gone(Exception):
    """The other end of a link is gone."""


class Link:
    """One end of a socket, on which several threads may send."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self._lock = threading.Lock()

    def send(self, message: Any) -> None:
        """Sends a message.

        Raises:
            Gone: the other end is.
        """
        with self._lock, _gone():
            self.connection.send(message)

    def receive(self) -> Any:
        """Waits for a message.

        Raises:
            Gone: the other end is.
        """
        with _gone():
            return self.connection.recv()


@contextmanager
def _gone() -> Iterator[None]:
    try:
        yield
    except (EOFError, OSError) as error:
        raise Gone from error
