"""A CSV file as blocks of columns, of which nothing is read once they are closed."""

from __future__ import annotations

import atexit
import sys
import time
import weakref
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TypeAlias, TypeVar

import pyarrow as pa
import pyarrow.csv as arrow_csv

from assay.readers.edges import PieceFile
from assay.readers.unpacking import Transcoded, Unpacked

T = TypeVar("T")
Text: TypeAlias = Unpacked | Transcoded | PieceFile

_POLL_SECONDS = 0.001


class Blocks:
    """The blocks of a file, one after the other.

    Arrow reads up to 32 blocks ahead, in a thread of its own, and closing its reader does not end that. A thread that
    still uses an object of Python while the interpreter ends aborts the process. So `close` here drops the reader, and
    waits until no thread of Arrow has such an object. What is open when the interpreter ends is closed before that.

    Args:
        text: the file; it is closed with the blocks.
        ending: a few bytes to read behind its end.
        on_malformed: what to do with a row of the wrong length, as Arrow's `invalid_row_handler`.
        parse: the other arguments of Arrow's `ParseOptions`.
        options: `read_options` and `convert_options` of Arrow.

    Raises:
        pyarrow.ArrowException: likewise where blocks are read; and errors of `text`.
    """

    def __init__(
        self,
        text: Text,
        ending: bytes,
        on_malformed: Callable[[Any], str],
        parse: Mapping[str, Any],
        **options: Any,
    ) -> None:
        self._text = text
        self._lent = lent = _Lent()
        self._reader: Any = None
        file = _WithEnding(text, ending)
        try:
            with _quiet():
                self._reader = arrow_csv.open_csv(
                    pa.PythonFile(lent(_File(lambda size: lent(memoryview(file.read(size))))), mode="r"),
                    parse_options=arrow_csv.ParseOptions(**parse, invalid_row_handler=lent(_Handler(on_malformed))),
                    **options,
                )
        except BaseException:
            self.close()
            raise
        _open.add(self)

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
        self._lent.wait()
        self._text.close()

    def __enter__(self) -> Blocks:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()


_open: weakref.WeakSet[Blocks] = weakref.WeakSet()


@atexit.register
def _close_all() -> None:
    for blocks in list(_open):
        blocks.close()


class _Lent:
    """Keeps count of objects that only Arrow holds."""

    def __init__(self) -> None:
        self._held: dict[int, weakref.ref[Any]] = {}

    def __call__(self, thing: T) -> T:
        """Counts an object, which the caller hands on and forgets."""
        held = weakref.ref(thing, self._returned)
        self._held[id(held)] = held
        return thing

    def _returned(self, held: weakref.ref[Any]) -> None:
        self._held.pop(id(held), None)

    def wait(self) -> None:
        """Waits until none is held."""
        while self._held:
            time.sleep(_POLL_SECONDS)


class _File:
    """What Arrow is given as a file. The traceback of an error in `read` does not hold it."""

    closed = False

    def __init__(self, read: Callable[[int], memoryview]) -> None:
        self.read = read


class _Handler:
    """What Arrow is given to ask about a malformed row."""

    def __init__(self, decide: Callable[[Any], str]) -> None:
        self._decide = decide

    def __call__(self, row: Any) -> str:
        return self._decide(row)


class _WithEnding:
    """A readable file: a stream followed by a few more bytes, in the same block as the stream's last ones."""

    def __init__(self, stream: Text, ending: bytes) -> None:
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
