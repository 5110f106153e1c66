"""A storage in the memory of a process, under a scheme of its own: what a new storage takes, and no more."""

from __future__ import annotations

import io
import re
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, BinaryIO, cast

from assay.errors import MissingFileError, PublishLostError
from assay.storage.stat import Stat

SCHEME = "mem"


@dataclass
class MemoryStore:
    """Objects by URI. It keeps count of calls, for tests."""

    objects: dict[str, tuple[bytes, Stat]] = field(default_factory=dict)
    written: list[str] = field(default_factory=list)
    _generation: int = 0
    _lock: Any = field(default_factory=threading.RLock)

    def read(self, uri: str, most: int | None) -> bytes:
        del most  # all that is more is told by who asks
        if uri not in self.objects:
            raise MissingFileError(f"{uri}: there is no such object")
        return self.objects[uri][0]

    def open_read(self, uri: str) -> BinaryIO:
        return io.BytesIO(self.read(uri, None))

    def download(self, uri: str, target: BinaryIO) -> None:
        target.write(self.read(uri, None))

    def write(self, uri: str, content: bytes) -> Stat:
        with self._lock:
            self._generation += 1
            stat = Stat(len(content), str(self._generation), time.time())
            self.objects[uri] = bytes(content), stat
            self.written.append(uri)
            return stat

    def open_write(self, uri: str) -> BinaryIO:
        return cast(BinaryIO, _Upload(self, uri))

    def rename(self, old: str, new: str) -> None:
        with self._lock:
            self.write(new, self.read(old, None))
            self.delete(old, None)

    def publish(self, uri: str, content: bytes, replacing: str | None) -> Stat:
        with self._lock:
            there = self.stat(uri)
            if (there and there.generation) != replacing:
                raise PublishLostError(f"{uri}: another process published there first")
            return self.write(uri, content)

    def stat(self, uri: str) -> Stat | None:
        return self.objects[uri][1] if uri in self.objects else None

    def list_folder(self, folder: str) -> Iterator[tuple[str, Stat]]:
        start = folder.rstrip("/") + "/"
        yield from [(uri, self.objects[uri][1]) for uri in sorted(self.objects) if uri.startswith(start)]

    def names(self, folder: str) -> tuple[str, ...]:
        start = folder.rstrip("/") + "/"
        return tuple(sorted({uri[len(start) :].split("/")[0] for uri, _ in self.list_folder(folder)}))

    def match(self, pattern: str) -> Iterator[tuple[str, Stat]]:
        any_of = {"/**/": "/(.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
        parts = re.split(r"(/\*\*/|\*\*|\*|\?)", pattern)
        wanted = re.compile("".join(any_of.get(part, re.escape(part)) for part in parts))
        yield from [(uri, self.objects[uri][1]) for uri in sorted(self.objects) if wanted.fullmatch(uri)]

    def delete(self, uri: str, generation: str | None) -> None:
        with self._lock:
            there = self.stat(uri)
            if there and generation in (None, there.generation):
                del self.objects[uri]

    def page(self, folder: str) -> str:
        return f"https://memory.example/{folder.removeprefix(f'{SCHEME}://')}"


class _Upload(io.BytesIO):
    """What is written to it is there once it is closed, unless its block fails."""

    def __init__(self, store: MemoryStore, uri: str) -> None:
        super().__init__()
        self._store, self._place, self._failed = store, uri, False

    def __exit__(self, kind: Any, error: Any, trace: Any) -> None:
        self._failed = kind is not None
        super().__exit__(kind, error, trace)

    def close(self) -> None:
        if not self.closed and not self._failed:
            self._store.write(self._place, self.getvalue())
        super().close()
