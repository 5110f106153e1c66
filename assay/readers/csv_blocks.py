"""A CSV file as blocks of columns, of which nothing is read once they are closed."""

from __future__ import annotations

import sys
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Event
from typing import Any

import pyarrow as pa
import pyarrow.csv as arrow_csv

from assay.readers.unpacking import Transcoded, Unpacked


class Blocks:
    """The blocks of a file, one after the other.

    Arrow reads up to 32 blocks ahead, in a thread of its own, and closing its reader does not end that. A thread that
    is still reading a Python file while the interpreter ends aborts the process. So `close` here drops the reader, and
    waits until Arrow has let go of the file.

    Args:
        text: the file; it is closed with the blocks.
        ending: a few bytes to read behind its end.
        options: `read_options`, `parse_options` and `convert_options` of Arrow; its errors are raised as they are.
    """

    def __init__(self, text: Unpacked | Transcoded, ending: bytes, **options: Any) -> None:
        self._text = text
        self._reader: Any = None
        self._let_go = Event()
        handle = _Handle(_WithEnding(text, ending).read)
        self._handle = weakref.ref(handle, lambda _: self._let_go.set())
        stream = pa.PythonFile(handle, mode="r")
        del handle
        try:
            with _quiet():
                self._reader = arrow_csv.open_csv(stream, **options)
        except BaseException:
            del stream  # or the traceback would hold it
            self.close()
            raise

    @property
    def names(self) -> list[str]:
        """Names of the columns."""
        return list(self._reader.schema.names)

    def __iter__(self) -> Iterator[pa.RecordBatch]:
        while True:
            with _quiet():
                block = next(self._reader, None)
            if block is None:
                return
            yield block

    def close(self) -> None:
        """Closes the file; no thread reads it after that."""
        self._reader = None
        self._let_go.wait()
        self._text.close()

    def __enter__(self) -> Blocks:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()


class _Handle:
    """What Arrow is given as a file.

    Nobody else holds it, not even the traceback of an error in `read`, so it is gone when Arrow is done with the file.
    """

    closed = False

    def __init__(self, read: Callable[[int], bytes]) -> None:
        self.read = read


class _WithEnding:
    """A readable file: a stream followed by a few more bytes, in the same block as the stream's last ones."""

    def __init__(self, stream: Unpacked | Transcoded, ending: bytes) -> None:
        self._stream = stream
        self._ending = ending

    def read(self, size: int) -> bytes:
        """At most `size` bytes, which must be more than the ending has; none at the end."""
        if not self._ending:
            return b""

        room = size - len(self._ending)
        block = self._stream.read(room)
        while len(block) < room and (more := self._stream.read(room - len(block))):
            block += more
        if len(block) == room:
            return block

        ended, self._ending = block + self._ending, b""
        return ended


@contextmanager
def _quiet() -> Iterator[None]:
    """Silences what Arrow prints about a malformed row that is not UTF-8; it also raises an error of that row."""
    hook = sys.unraisablehook
    sys.unraisablehook = lambda unraisable: None if unraisable.exc_type is UnicodeDecodeError else hook(unraisable)
    try:
        yield
    finally:
        sys.unraisablehook = hook
