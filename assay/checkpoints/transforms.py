"""Checkpoints as transforms: Extracts and outputs of evaluators, to shards and back. Workers may be on any machine."""

from __future__ import annotations

import dataclasses
import io
import json
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any

import apache_beam as beam
import google_crc32c
import pyarrow as pa
from apache_beam.transforms.window import GlobalWindow
from apache_beam.utils.windowed_value import WindowedValue

from assay import storage
from assay.checkpoints import elements
from assay.checkpoints.commit import mark_damaged, shard_uri
from assay.checkpoints.layout import SHARDS_FILE
from assay.checkpoints.manifest import Shard
from assay.engine import progress
from assay.engine.of_all import OfAll
from assay.engine.workers.runner import SPREAD
from assay.errors import CorruptFileError, MissingFileError
from assay.extracts.arrow_file import ExtractsFile, read_batches
from assay.extracts.columns import row_count
from assay.readers.dealing import dealt
from assay.readers.read_inputs import Spread
from assay.storage.framing import framed, unframed
from assay.text import json_text
from assay.types import READ_INPUTS_STAGE_NAME, SOURCE_KEY, Extracts

SHARD_BYTES = 64 << 20
_BYTES_PER_SECOND = 100e6
"""Bytes of shards that one core reads and works on in a second, about."""

Wanted = Callable[[tuple[str, ...]], bool]
"""Whether a column, by its key path, is needed."""


@dataclasses.dataclass(frozen=True)
class Folder:
    """Where the shards of an attempt go.

    Attributes:
        root: of all checkpoints.
        task: name of the task.
        prefix: `<content digest>/<attempt>`.
    """

    root: str
    task: str
    prefix: str

    @property
    def uri(self) -> str:
        """The folder itself."""
        return storage.join(self.root, self.task, *self.prefix.split("/"))

    def store(self, suffix: str, content: bytes, **facts: Any) -> Shard:
        """Writes a shard under a name that nobody else has."""
        name = f"{self.prefix}/{uuid.uuid4().hex}{suffix}"
        stat = storage.write(storage.join(self.root, self.task, *name.split("/")), content)
        crc: int = google_crc32c.value(content)
        return Shard(name=name, size=stat.size, generation=stat.generation, crc32c=crc, **facts)


# Writing --------------------------------------------------------------------------------------------------------------


class WriteExtracts(beam.PTransform):
    """PCollection[Extracts] -> shards, and the list of them in the attempt's folder."""

    def __init__(self, folder: Folder) -> None:
        super().__init__()
        self._folder = folder

    def expand(self, extracts: beam.PCollection[Extracts]) -> beam.PCollection[str]:
        return (
            extracts
            | "WriteShards" >> _to_shards(_WriteExtracts(self._folder))
            | "List" >> OfAll(_list_shards, folder=self._folder.uri)
        )


class _WriteExtracts(beam.DoFn):
    """Extracts -> the shards that hold them: a new one for each split, and whenever one is full."""

    def __init__(self, folder: Folder) -> None:
        self._folder = folder

    def start_bundle(self) -> None:
        self._file: ExtractsFile | None = None
        self._source: dict[str, Any] = {}
        self._count = 0

    def process(self, extracts: Extracts) -> Iterator[Shard]:
        source = _source_of(extracts)
        if self._file is not None and source["split"] != self._source["split"]:
            yield self._closed()
        if self._file is None:
            self._buffer = io.BytesIO()
            self._file, self._source = ExtractsFile(self._buffer), {"row": self._count, **source}
        self._file.write(extracts)
        if self._folder.task != READ_INPUTS_STAGE_NAME:  # whose reader counts
            progress.add(self._folder.task, row_count(extracts))
        if self._buffer.tell() >= SHARD_BYTES:
            yield self._closed()

    def finish_bundle(self) -> Iterator[WindowedValue]:
        if self._file is not None:
            yield _in_global_window(self._closed())

    def _closed(self) -> Shard:
        assert self._file is not None
        rows, _ = self._file.close()
        self._file = None
        self._count += 1
        progress.add_shard(self._folder.task)
        return self._folder.store(".arrow", self._buffer.getvalue(), rows=rows, **self._source)


def _source_of(extracts: Extracts) -> dict[str, Any]:
    source = extracts.get(SOURCE_KEY)
    if source is None or not len(source["split"]):
        return {"split": -1}
    return {
        "split": int(source["split"][0]),
        "file": source["file"][0].as_py(),
        "row": int(source["row"][0]),
    }


class WriteOutputs(beam.PTransform):
    """{output: PCollection} -> shards, and the list of them in the attempt's folder."""

    def __init__(self, folder: Folder, stage: str) -> None:
        super().__init__()
        self._folder, self._stage = folder, stage

    def expand(self, evaluation: Mapping[str, beam.PCollection[Any]]) -> beam.PCollection[str]:
        written = [
            output
            | f"Write({key})" >> beam.ParDo(_WriteOutput(self._folder, self._stage, key)).with_output_types(Shard)
            for key, output in evaluation.items()
        ]
        return written | "Flatten" >> beam.Flatten() | "List" >> OfAll(_list_shards, folder=self._folder.uri)


class _WriteOutput(beam.DoFn):
    """Elements of one output -> the shards that hold them."""

    def __init__(self, folder: Folder, stage: str, key: str) -> None:
        self._folder, self._stage, self._key = folder, stage, key

    def start_bundle(self) -> None:
        self._held: list[bytes] = []
        self._bytes = self._count = 0

    def process(self, element: Any) -> Iterator[Shard]:
        record = framed(elements.encode(element, self._stage, self._key))
        self._held.append(record)
        self._bytes += len(record)
        if self._bytes >= SHARD_BYTES:
            yield self._closed()

    def finish_bundle(self) -> Iterator[WindowedValue]:
        if self._held:
            yield _in_global_window(self._closed())

    def _closed(self) -> Shard:
        content, rows = b"".join(self._held), len(self._held)
        self._held, self._bytes, self._count = [], 0, self._count + 1
        progress.add_shard(self._folder.task)
        return self._folder.store(".tfrecord", content, rows=rows, output=self._key, row=self._count)


def _to_shards(write: beam.DoFn) -> beam.PTransform:
    return beam.ParDo(write).with_output_types(Shard)


def _in_global_window(shard: Shard) -> WindowedValue:
    window = GlobalWindow()
    return WindowedValue(shard, window.max_timestamp(), [window])


def _list_shards(shards: Iterable[Shard], folder: str) -> str:
    """Tells the launching process, by a file, what the pipeline has written."""
    facts = [dataclasses.asdict(shard) for shard in sorted(shards, key=lambda shard: shard.position)]
    file = storage.join(folder, SHARDS_FILE)
    storage.write(file, json.dumps(facts).encode())
    return file


def listed(folder: Folder) -> tuple[Shard, ...]:
    """The shards that a finished pipeline has listed."""
    content = storage.read(storage.join(folder.uri, SHARDS_FILE))
    return tuple(Shard(**facts) for facts in json_text.loads(content, most=1 << 30))


# Reading --------------------------------------------------------------------------------------------------------------


class ReadExtracts(beam.PTransform):
    """PBegin -> the Extracts of a checkpoint: the same batches, those of a split in their order.

    Args:
        root: of all checkpoints.
        task: who made them.
        shards: sorted by position.
        wanted: which columns; None for all.
    """

    def __init__(self, root: str, task: str, shards: Sequence[Shard], wanted: Wanted | None = None) -> None:
        super().__init__()
        self._splits = [tuple(group) for _, group in groupby(shards, key=_group)]
        self._bytes = sum(shard.size for shard in shards)
        self._read = _ReadExtracts(root, task, wanted)

    def expand(self, pbegin: Any) -> beam.PCollection[Extracts]:
        progress.expect({shard.name: shard.size for group in self._splits for shard in group})
        return (
            pbegin
            | beam.Impulse()
            | "Splits"
            >> beam.FlatMap(lambda _, splits: splits, splits=dealt(self._splits, pbegin.pipeline)).with_output_types(
                tuple[Shard, ...]
            )
            | SPREAD >> Spread(len(self._splits), self._bytes / _BYTES_PER_SECOND)
            | "Read" >> beam.ParDo(self._read).with_output_types(Extracts)
        )


class _Groups(beam.PTransform):
    """An element -> groups of shards, over as many workers as there are."""

    def __init__(self, groups: Sequence[tuple[Shard, ...]]) -> None:
        super().__init__()
        self._groups = groups

    def expand(self, start: beam.PCollection[bytes]) -> beam.PCollection[tuple[Shard, ...]]:
        groups = beam.FlatMap(lambda _, groups: groups, groups=self._groups).with_output_types(tuple[Shard, ...])
        return start | "List" >> groups | SPREAD >> Spread(len(self._groups), seconds=0.0)


def _group(shard: Shard) -> Any:
    return shard.split if shard.split >= 0 else shard.name


class _ReadExtracts(beam.DoFn):
    """Shards of a split -> its batches."""

    def __init__(self, root: str, task: str, wanted: Wanted | None) -> None:
        self._root, self._task, self._wanted = root, task, wanted

    def process(self, shards: tuple[Shard, ...]) -> Iterator[Extracts]:
        for shard in shards:
            content = read_shard(self._root, self._task, shard)
            try:
                yield from read_batches(pa.py_buffer(content), self._wanted)
            except CorruptFileError as error:
                raise mark_damaged(self._root, self._task, shard, f"is damaged ({error})") from error
            progress.reached(shard.name, 1.0)


def read_shard(root: str, task: str, shard: Shard) -> bytes:
    """The content of a shard, as it was committed.

    Raises:
        TransientError: it is missing or damaged; it is marked, and the message says which stage to run again.
    """
    try:
        content = storage.read(shard_uri(root, task, shard))
    except MissingFileError as error:
        raise mark_damaged(root, task, shard, "is missing") from error
    if len(content) != shard.size or google_crc32c.value(content) != shard.crc32c:
        raise mark_damaged(root, task, shard, f"is damaged: {len(content)} bytes, expected {shard.size} as committed")
    return content


def read_output(root: str, task: str, shards: Iterable[Shard], key: str) -> Iterator[Any]:
    """The elements of an output."""
    for shard in shards:
        if shard.output == key:
            content = read_shard(root, task, shard)
            try:
                yield from map(elements.decode, unframed(io.BytesIO(content), shard.name))
            except CorruptFileError as error:
                raise mark_damaged(root, task, shard, f"is damaged ({error})") from error


class ReadOutput(beam.PTransform):
    """PBegin -> the elements of one output of a checkpoint."""

    def __init__(self, root: str, task: str, shards: Sequence[Shard], key: str) -> None:
        super().__init__()
        self._args = root, task, [(shard,) for shard in shards if shard.output == key], key

    def expand(self, pbegin: Any) -> beam.PCollection[Any]:
        root, task, shards, key = self._args
        return (
            pbegin
            | beam.Impulse()
            | "Shards" >> _Groups(shards)
            | "Read" >> beam.FlatMap(lambda of, root, task, key: read_output(root, task, of, key), root, task, key)
        )
