"""Whole files of one element each."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import apache_beam as beam
from apache_beam.io.filesystem import BeamIOError, CompressionTypes
from apache_beam.io.filesystems import FileSystems

from assay.errors import ResultsError, TransientError

_PASSING = ("No space left", "File too large", "quota", "Input/output error")
"""What a system says of faults that another try may not meet; Beam hands on the text only."""

_TEMPORARY = re.compile(r"\.[0-9a-f]{32}\.tmp$")


def path_in(folder: str, name: str) -> str:
    """The path of a file in a folder of any file system that Beam knows."""
    path: str = FileSystems.join(folder, name)
    return path


def create_files(pipeline: beam.Pipeline, contents: dict[str, bytes]) -> beam.PCollection[str]:
    """Writes files whose content is known when the pipeline is built; path -> content."""
    return pipeline | beam.Impulse() | beam.FlatMap(_written, contents=contents).with_output_types(str)


def _written(_: bytes, contents: dict[str, bytes]) -> list[str]:
    return [write_file(path, content) for path, content in sorted(contents.items())]


def write_file(path: str, content: bytes) -> str:
    """Writes a file that is there whole or not at all; returns its path.

    Raises:
        ResultsError: it cannot be written.
        TransientError: there is no room for it.
    """
    temporary = temporary_name(path)
    with writing(path):
        try:
            with FileSystems.create(temporary, compression_type=CompressionTypes.UNCOMPRESSED) as file:
                file.write(content)
            FileSystems.rename([temporary], [path])
        except BaseException:
            remove(temporary)
            raise
    return path


def temporary_name(path: str) -> str:
    """A name beside `path`, unlike any other, for what will be renamed to it once it is whole."""
    return f"{path}.{uuid.uuid4().hex}.tmp"


def remove(path: str) -> None:
    """Removes a temporary file if it is there; never raises, as it is called when something else has failed."""
    with suppress(Exception):
        FileSystems.delete([path])


def remove_temporaries(folder: str) -> None:
    """Removes the temporary files of writers that did not come to their end; never raises either."""
    with suppress(Exception):
        found = FileSystems.match([path_in(folder, "*.tmp")])[0].metadata_list
        for file in found:
            if _TEMPORARY.search(file.path):
                remove(file.path)


@contextmanager
def writing(path: str) -> Iterator[None]:
    """Turns what file systems raise into our errors, which name the file."""
    try:
        yield
    except (BeamIOError, OSError, ValueError) as error:
        kind = TransientError if any(text in str(error) for text in _PASSING) else ResultsError
        raise kind(f"{path}: cannot be written: {error}") from error
