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
    """Objects by place. It keeps count of calls, for tests."""

    objects: dict[str, tuple[bytes, Stat]] = field(default_factory=dict)
    written: list[str] = field(default_factory=list)
    _generation: int = 0
    _lock: Any = field(default_factory=threading.RLock)

    def read(self, place: str, most: int | None) -> bytes:
        del most  # all that is more is told by who asks
        if place not in self.objects:
            raise MissingFileError(f"{place}: there is no such object")
        return self.objects[place][0]

    def open_read(self, place: str) -> BinaryIO:
        return io.BytesIO(self.read(place, None))

    def download(self, place: str, target: BinaryIO) -> None:
        target.write(self.read(place, None))

    def write(self, place: str, content: bytes) -> Stat:
        with self._lock:
            self._generation += 1
            stat = Stat(len(content), str(self._generation), time.time())
            self.objects[place] = bytes(content), stat
            self.written.append(place)
            return stat

    def open_write(self, place: str) -> BinaryIO:
        return cast(BinaryIO, _Upload(self, place))

    def rename(self, old: str, new: str) -> None:
        with self._lock:
            self.write(new, self.read(old, None))
            self.delete(old, None)

    def publish(self, place: str, content: bytes, replacing: str | None) -> Stat:
        with self._lock:
            there = self.stat(place)
            if (there and there.generation) != replacing:
                raise PublishLostError(f"{place}: somebody else published there first")
            return self.write(place, content)

    def stat(self, place: str) -> Stat | None:
        return self.objects[place][1] if place in self.objects else None

    def list_folder(self, folder: str) -> Iterator[tuple[str, Stat]]:
        start = folder.rstrip("/") + "/"
        yield from [(place, self.objects[place][1]) for place in sorted(self.objects) if place.startswith(start)]

    def names(self, folder: str) -> tuple[str, ...]:
        start = folder.rstrip("/") + "/"
        return tuple(sorted({place[len(start) :].split("/")[0] for place, _ in self.list_folder(folder)}))

    def match(self, pattern: str) -> Iterator[tuple[str, Stat]]:
        any_of = {"**": ".*", "*": "[^/]*", "?": "[^/]"}
        parts = re.split(r"(\*\*|\*|\?)", pattern)
        wanted = re.compile("".join(any_of.get(part, re.escape(part)) for part in parts))
        yield from [(place, self.objects[place][1]) for place in sorted(self.objects) if wanted.fullmatch(place)]

    def delete(self, place: str, generation: str | None) -> None:
        with self._lock:
            there = self.stat(place)
            if there and generation in (None, there.generation):
                del self.objects[place]

    def page(self, folder: str) -> str:
        return f"https://memory.example/{folder.removeprefix(f'{SCHEME}://')}"


class _Upload(io.BytesIO):
    """What is written to it is there once it is closed, unless its block fails."""

    def __init__(self, store: MemoryStore, place: str) -> None:
        super().__init__()
        self._store, self._place, self._failed = store, place, False

    def __exit__(self, kind: Any, error: Any, trace: Any) -> None:
        self._failed = kind is not None
        super().__exit__(kind, error, trace)

    def close(self) -> None:
        if not self.closed and not self._failed:
            self._store.write(self._place, self.getvalue())
        super().close()
