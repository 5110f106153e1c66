"""What a storage offers, as functions of a module. Standard library only.

Another storage is one module with these functions, and one row in `assay.storage.STORES`. Its URIs are
`scheme://bucket/name`. Its errors name the URI: MissingFileError where there is nothing, ConfigError where access is
denied, TransientError where another try may help.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO, Protocol

from assay.storage.stat import Stat


class Store(Protocol):
    """The functions of a storage. What is written is there whole or not at all."""

    def read(self, uri: str, most: int | None) -> bytes:
        """The content; where there are more than `most` bytes, at least one byte more than that."""

    def open_read(self, uri: str) -> BinaryIO:
        """The content as a stream that can seek, all of it of one generation."""

    def download(self, uri: str, target: BinaryIO) -> None:
        """Copies the content into a file that is open."""

    def write(self, uri: str, content: bytes) -> Stat:
        """Writes the content, over what is there."""

    def open_write(self, uri: str) -> BinaryIO:
        """A stream to what will be there once it is closed."""

    def rename(self, old: str, new: str) -> None:
        """Gives what is at `old` the name `new`, over what is there."""

    def publish(self, uri: str, content: bytes, replacing: str | None) -> Stat:
        """Creates an object, or replaces the generation that is given; PublishLostError if somebody else did so."""

    def stat(self, uri: str) -> Stat | None:
        """Size, generation and age; None for nothing, or a folder."""

    def list_folder(self, folder: str) -> Iterator[tuple[str, Stat]]:
        """Everything below a folder, sorted by URI; nothing where there is no such folder."""

    def names(self, folder: str) -> tuple[str, ...]:
        """The names of the files and folders right in a folder, sorted; none where there is no such folder."""

    def match(self, pattern: str) -> Iterator[tuple[str, Stat]]:
        """What matches a glob, in which `**` stands for any folders, or none."""

    def delete(self, uri: str, generation: str | None) -> None:
        """Deletes what may be gone already; with a generation, only that one."""

    def page(self, folder: str) -> str:
        """Where a browser shows a folder; "" where there is no such page."""
